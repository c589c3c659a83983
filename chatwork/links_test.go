package chatwork_test

import (
	"errors"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
)

func TestALinkComesAndGoes(t *testing.T) {
	s, c := newClient(t)
	ctx := t.Context()
	get := func() chatwork.Link {
		t.Helper()
		l, err := c.GetLink(ctx, room)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	none := chatwork.Link{}
	if got := get(); got != none {
		t.Errorf("at first it is %+v", got)
	}
	for name, call := range map[string]func() (chatwork.Link, error){
		"an update": func() (chatwork.Link, error) { return c.UpdateLink(ctx, room, chatwork.LinkParams{Code: "x"}) },
		"a delete":  func() (chatwork.Link, error) { return c.DeleteLink(ctx, room) },
	} {
		if got, err := call(); !errors.Is(err, mackerel.ErrInvalid) || got != none {
			t.Errorf("%s of none: %+v, %v", name, got, err)
		}
	}
	created, err := c.CreateLink(ctx, room, chatwork.LinkParams{NeedAcceptance: &no, Description: "d"})
	if err != nil || !created.Public || created.NeedAcceptance || created.Description != "d" || get() != created {
		t.Errorf("created %+v, %v", created, err)
	}
	if _, err := c.CreateLink(ctx, room, chatwork.LinkParams{}); !errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("a second one: %v", err)
	}
	updated, err := c.UpdateLink(ctx, room, chatwork.LinkParams{})
	if err != nil || updated.URL == created.URL || !updated.NeedAcceptance || get() != updated {
		t.Errorf("replaced by %+v, %v", updated, err)
	}
	requests := s.Requests()
	if form := string(requests[len(requests)-2].Body); form != "" {
		t.Errorf("an update with nothing in it sends %q", form)
	}
	if deleted, err := c.DeleteLink(ctx, room); err != nil || deleted != none || get() != none {
		t.Errorf("deleted %+v, %v", deleted, err)
	}
}

func TestACodeHasItsLetters(t *testing.T) {
	_, c := newClient(t)
	for code, ok := range map[string]bool{"a b": false, "日本": false, "A_z-09": true} {
		if _, err := c.CreateLink(t.Context(), room, chatwork.LinkParams{Code: code}); (err == nil) != ok {
			t.Errorf("%q: %v", code, err)
		}
	}
}
