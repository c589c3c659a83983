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

// Links are the addresses of a page and its neighbours, "" for a page that does not exist.
type Links struct {
	Self string `json:"self"`
	Prev string `json:"prev,omitzero"`
	Next string `json:"next,omitzero"`
}

// pages yields the items of a page and of those after it. Each page is requested when it is needed. An error is the
// last element.
func pages[T any](c *Client, op operation, start int, get func(start int) (Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for at, more := start, true; more; more = at > 0 {
			page, err := get(at)
			if err == nil {
				at, err = c.nextPage(op, page.Links.Next, at)
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

// nextPage returns where the page after a page that began at start begins, 0 if there is no such page. Only the
// start-index of the address is used: following the address could send the token to another host.
func (c *Client) nextPage(op operation, address string, start int) (int, error) {
	if address == "" {
		return 0, nil
	}
	if u, err := url.Parse(address); err == nil {
		at, err := strconv.Atoi(u.Query().Get("start-index"))
		if err == nil && at > start { // a page that leads back would never end
			return at, nil
		}
	}
	return 0, c.service.Error(op.name, transport.Result{Class: transport.Unavailable, Err: errNextPage})
}

var errNextPage = errors.New("the answer does not say where the next page begins")
