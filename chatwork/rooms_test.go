package chatwork_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestTheLinkOfANewRoom(t *testing.T) {
	fake, c := connect(t)
	yes, no := true, false
	for _, tt := range []struct {
		name   string
		accept *bool
		link   bool
		sent   string // "" if the parameter is not sent
		want   chatwork.Link
	}{
		{"an admin must accept unless it is said", nil, true, "", chatwork.Link{Public: true, NeedAcceptance: true}},
		{"an admin must accept if it is said", &yes, true, "link_need_acceptance=1", chatwork.Link{Public: true, NeedAcceptance: true}},
		{"nobody must accept if it is denied", &no, true, "link_need_acceptance=0", chatwork.Link{Public: true}},
		{"a room may have no link", nil, false, "", chatwork.Link{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id, err := c.CreateRoom(t.Context(), chatwork.CreateRoomParams{
				Name: strings.Repeat("鯖", 255), MembersAdminIDs: []int64{chatworktest.AccountID}, Link: tt.link, LinkNeedAcceptance: tt.accept,
			})
			if err != nil {
				t.Fatal(err)
			}
			form := string(lastRequest(t, fake).Body)
			if !strings.Contains(form, tt.sent) || tt.sent == "" && strings.Contains(form, "need_acceptance") {
				t.Errorf("sent %s", form)
			}
			l, err := c.GetLink(t.Context(), id)
			if l.URL = ""; err != nil || l != tt.want {
				t.Errorf("the link is %+v, %v", l, err)
			}
		})
	}
}

func TestAnUpdateOfALinkWithNothingInItSendsNothing(t *testing.T) {
	fake, c := prepared(t)
	if _, err := c.UpdateLink(t.Context(), room, chatwork.LinkParams{}); err != nil || len(lastRequest(t, fake).Body) != 0 {
		t.Errorf("%v after %q", err, lastRequest(t, fake).Body)
	}
}

func TestTheDeletionForAllIsNotLeaving(t *testing.T) {
	fake, c := connect(t)
	if err := c.DeleteRoom(t.Context(), room, chatwork.DeleteForAll); err != nil || string(lastRequest(t, fake).Body) != "action_type=delete" {
		t.Errorf("%v after %s", err, lastRequest(t, fake).Body)
	}
	if err := c.DeleteRoom(t.Context(), room, chatwork.DeleteForAll); !errors.Is(err, mackerel.ErrUnauthorized) &&
		!errors.Is(err, mackerel.ErrNotFound) {
		t.Errorf("a second time: %v", err)
	}
}
