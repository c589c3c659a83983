package hipchat

import (
	"errors"
	"iter"
	"net/url"
	"strconv"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Page is a page of a list. If Links.Next is set there is another page, which begins at the start-index in that
// address. The iterators [Client.Rooms] and [Client.RoomMessages] go through all pages.
type Page[T any] struct {
	Items      []T   `json:"items"`
	StartIndex int   `json:"startIndex"`
	MaxResults int   `json:"maxResults"`
	Links      Links `json:"links"`
}

func (p Page[T]) documented() bool { return p.Items != nil }

// Links are the addresses of a page and its neighbours, "" if there is none.
type Links struct {
	Self string `json:"self"`
	Prev string `json:"prev,omitzero"`
	Next string `json:"next,omitzero"`
}

// next returns where the next page begins after a page that began at start, and whether there is a next page. Only the
// start-index of the address is used: following the address could send the token to another host.
func (l Links) next(start int) (at int, more bool, err error) {
	if l.Next == "" {
		return start, false, nil
	}
	u, err := url.Parse(l.Next)
	if err != nil {
		return start, false, errNextPage
	}
	at, err = strconv.Atoi(u.Query().Get("start-index"))
	if err != nil || at <= start { // a page that leads back would never end
		return start, false, errNextPage
	}
	return at, true, nil
}

var errNextPage = errors.New("the answer does not say where the next page begins")

// pages yields the items of a page and of those after it. Each page is requested when it is needed. An error is the
// last element.
func pages[T any](c *Client, op operation, start int, get func(start int) (Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for at, more := start, true; more; {
			page, err := get(at)
			if err == nil {
				at, more, err = c.nextPage(op, page.Links, at)
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if err != nil {
				yield(*new(T), err)
				return
			}
		}
	}
}

// nextPage is Links.next with an error of the module's.
func (c *Client) nextPage(op operation, l Links, start int) (at int, more bool, err error) {
	if at, more, err = l.next(start); err != nil {
		err = c.service.Error(op.name, transport.Result{Class: transport.Unavailable, Err: err})
	}
	return at, more, err
}
