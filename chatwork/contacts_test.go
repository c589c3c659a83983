package chatwork_test

import (
	"errors"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

func TestAnApprovedRequestBecomesAContact(t *testing.T) {
	s, c := newClient(t)
	populate(s)
	contact, err := c.ApproveIncomingRequest(t.Context(), ask)
	if err != nil || contact.AccountID != 363 || contact.OrganizationID != 102 {
		t.Fatalf("got %+v, %v", contact, err)
	}
	contacts, err := c.ListContacts(t.Context())
	if err != nil || len(contacts) != 2 || contacts[1] != contact {
		t.Errorf("the contacts are %+v, %v", contacts, err)
	}
	if r, err := c.GetRoom(t.Context(), contact.RoomID); err != nil || r.Type != "direct" || r.Name != "Jiro" {
		t.Errorf("the direct chat is %+v, %v", r, err)
	}
	for name, again := range map[string]func() error{
		"approve": func() error { _, err := c.ApproveIncomingRequest(t.Context(), ask); return err },
		"decline": func() error { return c.DeclineIncomingRequest(t.Context(), ask) },
	} {
		if err := again(); !errors.Is(err, mackerel.ErrNotFound) {
			t.Errorf("%s again: %v", name, err)
		}
	}
}

func TestADeclinedRequestIsGone(t *testing.T) {
	s, c := newClient(t)
	populate(s)
	if err := c.DeclineIncomingRequest(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	if list, err := c.ListIncomingRequests(t.Context()); err != nil || list == nil || len(list) != 0 {
		t.Errorf("there are %+v, %v", list, err)
	}
	if list, err := c.ListContacts(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("the contacts are %+v, %v", list, err)
	}
}
