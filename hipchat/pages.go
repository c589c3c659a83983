package hipchat

import (
	"context"
	"iter"
	"net/url"
	"strconv"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Page is one page of a list. While Links.Next is set there is another, which begins where the start-index of that
// address says. The iterators, [Client.Rooms] and [Client.RoomMessages], go through all of them.
type Page[T any] struct {
	Items      []T   `json:"items"`
	StartIndex int   `json:"startIndex"`
	MaxResults int   `json:"maxResults"`
	Links      Links `json:"links"`
}

// Links are the addresses of a page and its neighbours, "" where there is none.
type Links struct {
	Self string `json:"self"`
	Prev string `json:"prev,omitzero"`
	Next string `json:"next,omitzero"`
}

// next is where the page after the one that began at this index begins, and whether there is one. The address of the next
// page is never called: whoever follows it takes the token wherever it leads.
func (l Links) next(at int) (start int, more bool, err error) {
	if l.Next == "" {
		return at, false, nil
	}
	u, err := url.Parse(l.Next)
	if err != nil {
		return at, false, errNextPage
	}
	start, err = strconv.Atoi(u.Query().Get("start-index"))
	if err != nil || start <= at { // from here it would go round in circles
		return at, false, errNextPage
	}
	return start, true, nil
}

type constError string

func (e constError) Error() string { return string(e) }

const errNextPage = constError("the answer does not say where the next page begins")

// list gets one page of a list. An answer without items is not the documented one, and no empty list either.
func list[T any](ctx context.Context, c *Client, op operation, params any, path ...string) (Page[T], error) {
	var page Page[T]
	r, err := c.request(op, params, path...)
	if err != nil {
		return page, err
	}
	decode := provider.JSON(&page)
	r.Judge = func(r *transport.Result) {
		if decode(r); r.Class == transport.Done && page.Items == nil {
			provider.Undocumented(r)
		}
	}
	if _, err = c.service.Do(ctx, r); err != nil {
		return Page[T]{}, err
	}
	return page, nil
}

// pages yields the items of a page and of those after it. Each page is got when it is needed, and an error is the last
// that is yielded.
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

// nextPage is Links.next with the module's error.
func (c *Client) nextPage(op operation, l Links, at int) (start int, more bool, err error) {
	if start, more, err = l.next(at); err != nil {
		err = c.service.Error(op.name, transport.Result{Class: transport.Unavailable, Err: err})
	}
	return start, more, err
}
