package chatwork_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestARoomIsCreatedAsAsked(t *testing.T) {
	s, c := newClient(t)
	populate(s)
	yes := true
	for _, tt := range []struct {
		name   string
		accept *bool
		sent   string
		want   bool
		linked bool
	}{
		{"who comes by the link must be accepted unless it is said", nil, "", true, true},
		{"it is said", &yes, "link_need_acceptance=1", true, true},
		{"it is denied, as 0", &no, "link_need_acceptance=0", false, true},
		{"without a link", nil, "", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id, err := c.CreateRoom(t.Context(), chatwork.CreateRoomParams{
				Name: strings.Repeat("鯖", 255), MembersAdminIDs: []int64{chatworktest.AccountID}, MembersMemberIDs: []int64{bob},
				Link: tt.linked, LinkNeedAcceptance: tt.accept,
			})
			if err != nil {
				t.Fatal(err)
			}
			requests := s.Requests()
			if form := string(requests[len(requests)-1].Body); !strings.Contains(form, tt.sent) || tt.sent == "" && strings.Contains(form, "need_acceptance") {
				t.Errorf("sent %s", form)
			}
			l, err := c.GetLink(t.Context(), id)
			if err != nil || l.Public != tt.linked || l.NeedAcceptance != tt.want || (l.URL != "") != tt.linked {
				t.Errorf("the link is %+v, %v", l, err)
			}
			if got := s.Members(id); len(got) != 2 || got[bob] != chatworktest.RoleMember {
				t.Errorf("the members are %v", got)
			}
		})
	}
}

func TestEveryIconPresetIsKnownToTheService(t *testing.T) {
	_, c := newClient(t)
	for _, icon := range []chatwork.IconPreset{
		chatwork.IconGroup, chatwork.IconCheck, chatwork.IconDocument, chatwork.IconMeeting, chatwork.IconEvent, chatwork.IconProject,
		chatwork.IconBusiness, chatwork.IconStudy, chatwork.IconSecurity, chatwork.IconStar, chatwork.IconIdea, chatwork.IconHeart,
		chatwork.IconMagcup, chatwork.IconBeer, chatwork.IconMusic, chatwork.IconSports, chatwork.IconTravel,
	} {
		if err := c.UpdateRoom(t.Context(), room, chatwork.UpdateRoomParams{IconPreset: icon}); err != nil {
			t.Errorf("%s: %v", icon, err)
		}
	}
	if err := c.UpdateRoom(t.Context(), room, chatwork.UpdateRoomParams{IconPreset: "mug"}); !errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("an unknown one: %v", err)
	}
}

func TestAnUpdateChangesNothingElse(t *testing.T) {
	s, c := newClient(t)
	populate(s)
	if err := c.UpdateRoom(t.Context(), full, chatwork.UpdateRoomParams{Name: "new"}); err != nil {
		t.Fatal(err)
	}
	if r, err := c.GetRoom(t.Context(), full); err != nil || r.Name != "new" || r.Description != "room description text" {
		t.Errorf("got %+v, %v", r, err)
	}
	if err := c.UpdateRoom(t.Context(), full, chatwork.UpdateRoomParams{Description: new(string)}); err != nil {
		t.Fatal(err)
	}
	if r, err := c.GetRoom(t.Context(), full); err != nil || r.Name != "new" || r.Description != "" {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestLeavingARoomIsNotDeletingIt(t *testing.T) {
	s, c := newClient(t)
	populate(s)
	if err := c.DeleteRoom(t.Context(), full, chatwork.LeaveRoom); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetRoom(t.Context(), full); !errors.Is(err, mackerel.ErrUnauthorized) {
		t.Errorf("after leaving: %v", err)
	}
	if got := s.Members(full); len(got) != 2 {
		t.Errorf("there are still %v", got)
	}
	if err := c.DeleteRoom(t.Context(), room, chatwork.DeleteForAll); err != nil {
		t.Fatal(err)
	}
	if rooms, err := c.ListRooms(t.Context()); err != nil || len(rooms) != 2 {
		t.Errorf("the rooms left are %+v, %v", rooms, err)
	}
}

func TestWhatCanOnlyBeWrongIsNotSent(t *testing.T) {
	s, c := newClient(t)
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"a room without a name": func() error {
			_, err := c.CreateRoom(ctx, chatwork.CreateRoomParams{MembersAdminIDs: []int64{1}})
			return err
		},
		"a room without an admin": func() error { _, err := c.CreateRoom(ctx, chatwork.CreateRoomParams{Name: "x"}); return err },
		"an update of nothing":    func() error { return c.UpdateRoom(ctx, room, chatwork.UpdateRoomParams{}) },
		"a deletion without a word": func() error {
			return c.DeleteRoom(ctx, room, "")
		},
		"no admins": func() error {
			_, err := c.UpdateMembers(ctx, room, chatwork.UpdateMembersParams{MembersMemberIDs: []int64{1}})
			return err
		},
		"a task without a body": func() error {
			_, err := c.CreateTask(ctx, room, chatwork.CreateTaskParams{ToIDs: []int64{1}})
			return err
		},
		"a task for nobody":      func() error { _, err := c.CreateTask(ctx, room, chatwork.CreateTaskParams{Body: "x"}); return err },
		"a status that is none":  func() error { return c.UpdateTaskStatus(ctx, room, 1, "") },
		"an edit to nothing":     func() error { return c.UpdateMessage(ctx, room, "5", "") },
		"a room without an id":   func() error { _, err := c.GetRoom(ctx, 0); return err },
		"a room with a minus":    func() error { _, err := c.LatestMessages(ctx, -1); return err },
		"a task without an id":   func() error { _, err := c.GetTask(ctx, room, 0); return err },
		"a message without a id": func() error { return c.DeleteMessage(ctx, room, "") },
		"a post to no room": func() error {
			_, err := c.PostMessage(ctx, 0, chatwork.PostMessageParams{Body: "x"})
			return err
		},
		"an upload to no room": func() error {
			_, err := c.UploadFile(ctx, 0, chatwork.Upload{Filename: "x", Content: strings.NewReader("x")})
			return err
		},
		"a request without an id": func() error { return c.DeclineIncomingRequest(ctx, 0) },
	} {
		if err := call(); !errors.Is(err, mackerel.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}
