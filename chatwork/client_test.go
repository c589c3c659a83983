package chatwork_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// FuzzTheFormByHand compares the form of a message with the form that package net/url makes.
func FuzzTheFormByHand(f *testing.F) {
	f.Add("障害 a&b=c +%\n[info]", true)
	f.Add("\xff\x00~", false)
	f.Fuzz(func(t *testing.T, body string, unread bool) {
		fake, c := connect(t)
		_, err := c.PostMessage(t.Context(), room, chatwork.PostMessageParams{Body: body, SelfUnread: unread})
		if body == "" {
			if !errors.Is(err, mackerel.ErrInvalid) {
				t.Error(err)
			}
			return
		}
		want := url.Values{"body": {body}}
		if unread {
			want.Set("self_unread", "1")
		}
		if got := string(lastRequest(t, fake).Body); got != want.Encode() {
			t.Errorf("%q is sent as %s, want %s", body, got, want.Encode())
		}
	})
}

func TestNewMessagesIsNeverRepeatedAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t)
		say(fake, "one")
		fake.Inject(fakehttp.Fault{Handled: true, Break: fakehttp.ResetConnection})
		_, err := c.NewMessages(t.Context(), room)
		if !errors.Is(err, mackerel.ErrAmbiguous) || !strings.Contains(err.Error(), "reset") || !strings.Contains(err.Error(), "LatestMessages") {
			t.Errorf("%v", err)
		}
		if n := len(fake.Requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
		if list, err := c.NewMessages(t.Context(), room); err != nil || len(list.Messages) != 0 {
			t.Errorf("the lost messages came again: %+v, %v", list, err)
		}
		if list, err := c.LatestMessages(t.Context(), room); err != nil || bodies(list) != "one" {
			t.Errorf("LatestMessages: %+v, %v", list, err)
		}
		fake.Inject(fakehttp.Fault{Status: 500})
		if _, err := c.NewMessages(t.Context(), room); !errors.Is(err, mackerel.ErrAmbiguous) || !strings.Contains(err.Error(), "LatestMessages") {
			t.Errorf("after a 500: %v", err)
		}
	})
}

func TestAFailureHasNoList(t *testing.T) {
	fake, c := connect(t, once)
	fake.Inject(fakehttp.Fault{Status: 500})
	if rooms, err := c.ListRooms(t.Context()); err == nil || rooms != nil {
		t.Errorf("%v, %v", rooms, err)
	}
}

const day = 24 * time.Hour

// aged adds two messages of 41 and 39 days to a room whose plan shows 40 days.
func aged(fake *chatworktest.Server) {
	for id, age := range map[string]time.Duration{"11": 41 * day, "12": 39 * day} {
		fake.AddMessage(room, chatworktest.Message{MessageID: id, Body: id, SendTime: fake.Now().Add(-age)})
	}
	fake.HideOlderThan(40 * day)
}

func TestWhatThePlanHidesIsNeverTakenForAnEmptyRoom(t *testing.T) {
	for name, method := range map[string]func(*chatwork.Client, context.Context, int64) (chatwork.MessageList, error){
		"LatestMessages": (*chatwork.Client).LatestMessages, "NewMessages": (*chatwork.Client).NewMessages,
	} {
		t.Run(name, func(t *testing.T) {
			fake, c := connect(t)
			aged(fake)
			list, err := method(c, t.Context(), room)
			if err != nil || bodies(list) != "12" || !list.Limited || !strings.Contains(list.Summary, "40 days") {
				t.Errorf("partly hidden: %+v, %v", list, err)
			}
			fake.HideOlderThan(time.Hour)
			fake.AddToken("second", chatworktest.AccountID) // whose place is at the first message
			c = servicetest.Make(t, chatwork.NewClient, chatwork.ClientConfig{
				Token: mackerel.NewSecret("second"), BaseURL: fake.MemoryClientConfig().BaseURL, Call: mackerel.CallOptions{Client: fake.Client()},
			})
			list, err = method(c, t.Context(), room)
			var hidden *chatwork.LimitationError
			if !errors.Is(err, mackerel.ErrUnauthorized) || !errors.As(err, &hidden) || !strings.Contains(hidden.Summary, "40 days") {
				t.Errorf("all hidden: %v", err)
			}
			if _, again := mackerel.Retry(err); again || !list.Limited || list.Messages == nil || len(list.Messages) != 0 || len(fake.Requests()) != 2 {
				t.Errorf("all hidden: %+v, %d requests, worth a retry: %t", list, len(fake.Requests()), again)
			}
		})
	}
}

// The plan hides messages from every answer, also from one that is a failure.
func TestAFailureIsNotTakenForHiddenMessages(t *testing.T) {
	fake, c := connect(t, once)
	fake.Inject(fakehttp.Fault{Status: 503, Header: http.Header{"Chatwork-Message-Limitation": {"true"}}, Times: 2})
	var hidden *chatwork.LimitationError
	list, err := c.LatestMessages(t.Context(), room)
	if !errors.Is(err, mackerel.ErrUnavailable) || errors.As(err, &hidden) || list.Limited {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := c.GetMessage(t.Context(), room, "5"); !errors.Is(err, mackerel.ErrUnavailable) || errors.As(err, &hidden) {
		t.Error(err)
	}
}

func TestAFailureMayConsumeNewMessages(t *testing.T) {
	for _, fault := range []fakehttp.Fault{{Status: 500}, {Status: 200, Body: "{"}} {
		fake, c := connect(t)
		fake.Inject(fault)
		_, err := c.NewMessages(t.Context(), room)
		if !errors.Is(err, mackerel.ErrAmbiguous) || !strings.Contains(err.Error(), "LatestMessages returns them") ||
			strings.Contains(err.Error(), "%!") {
			t.Errorf("after %+v: %v", fault, err)
		}
	}
}

func TestAHiddenMessageIsToldFromAnUnknownMessage(t *testing.T) {
	fake, c := connect(t)
	aged(fake)
	var hidden *chatwork.LimitationError
	_, err := c.GetMessage(t.Context(), room, "11")
	if !errors.Is(err, mackerel.ErrNotFound) || !errors.As(err, &hidden) || !strings.Contains(err.Error(), "the plan hides messages") {
		t.Errorf("hidden: %v", err)
	}
	if _, err := c.GetMessage(t.Context(), room, "13"); !errors.Is(err, mackerel.ErrNotFound) || errors.As(err, &hidden) {
		t.Errorf("unknown: %v", err)
	}
	if m, err := c.GetMessage(t.Context(), room, "12"); err != nil || m.Body != "12" {
		t.Errorf("shown: %+v, %v", m, err)
	}
}

func TestAnswersOnWhichSourcesDiffer(t *testing.T) {
	fake, c := connect(t)
	fake.Inject(fakehttp.Fault{Status: 204})
	if err := c.DeleteMessage(t.Context(), room, "5"); err != nil {
		t.Errorf("a deletion without content: %v", err)
	}
	fake.Inject(fakehttp.Fault{Status: 200, Body: `{"task_id":5,"account":{"account_id":1},"status":"done"}`})
	if err := c.UpdateTaskStatus(t.Context(), room, 5, chatwork.TaskDone); err != nil {
		t.Errorf("a status with the whole task: %v", err)
	}
}

func TestIDsStayInTheirPlaceInThePath(t *testing.T) {
	fake, c := connect(t)
	for _, id := range []string{"1/../2", "1?x=y", "1#", "%2e%2e"} {
		_, err := c.GetMessage(t.Context(), room, id)
		if got, want := lastRequest(t, fake).Path, "/v2/rooms/567890123/messages/"+url.PathEscape(id); err == nil || got != want {
			t.Errorf("%q: %v for %s, want %s", id, err, got, want)
		}
	}
}

func TestWhatCanOnlyBeWrongIsNotSent(t *testing.T) {
	fake, c := connect(t)
	ctx := t.Context()
	x := strings.NewReader("x")
	for name, call := range map[string]func() error{
		"a room without a name": func() error {
			_, err := c.CreateRoom(ctx, chatwork.CreateRoomParams{MembersAdminIDs: []int64{1}})
			return err
		},
		"a room without an admin":      func() error { _, err := c.CreateRoom(ctx, chatwork.CreateRoomParams{Name: "x"}); return err },
		"an update of nothing":         func() error { return c.UpdateRoom(ctx, room, chatwork.UpdateRoomParams{}) },
		"a deletion without an action": func() error { return c.DeleteRoom(ctx, room, "") },
		"no admins": func() error {
			_, err := c.UpdateMembers(ctx, room, chatwork.UpdateMembersParams{MembersMemberIDs: []int64{1}})
			return err
		},
		"a task without a body": func() error {
			_, err := c.CreateTask(ctx, room, chatwork.CreateTaskParams{ToIDs: []int64{1}})
			return err
		},
		"a task for nobody":       func() error { _, err := c.CreateTask(ctx, room, chatwork.CreateTaskParams{Body: "x"}); return err },
		"a task without a status": func() error { return c.UpdateTaskStatus(ctx, room, 1, "") },
		"a message without a body": func() error {
			_, err := c.PostMessage(ctx, room, chatwork.PostMessageParams{})
			return err
		},
		"an edit without a body":  func() error { return c.UpdateMessage(ctx, room, "5", "") },
		"unread without an id":    func() error { _, err := c.MarkUnread(ctx, room, ""); return err },
		"a room without an id":    func() error { _, err := c.GetRoom(ctx, 0); return err },
		"a room with a minus":     func() error { _, err := c.LatestMessages(ctx, -1); return err },
		"a task without an id":    func() error { _, err := c.GetTask(ctx, room, 0); return err },
		"a message without an id": func() error { return c.DeleteMessage(ctx, room, "") },
		"a message of a dot":      func() error { _, err := c.GetMessage(ctx, room, "."); return err },
		"a message of two dots":   func() error { _, err := c.GetMessage(ctx, room, ".."); return err },
		"a request without an id": func() error { return c.DeclineIncomingRequest(ctx, 0) },
		"a post to no room": func() error {
			_, err := c.PostMessage(ctx, 0, chatwork.PostMessageParams{Body: "x"})
			return err
		},
		"an upload to no room":        func() error { _, err := c.UploadFile(ctx, 0, chatwork.Upload{Filename: "x", Content: x}); return err },
		"an upload without a content": func() error { _, err := c.UploadFile(ctx, room, chatwork.Upload{Filename: "x"}); return err },
		"an upload of a negative size": func() error {
			_, err := c.UploadFile(ctx, room, chatwork.Upload{Filename: "x", Content: x, Size: -1})
			return err
		},
		"an upload with a header in its type": func() error {
			_, err := c.UploadFile(ctx, room, chatwork.Upload{Filename: "x", Content: x, ContentType: "text/plain\r\nX: 1"})
			return err
		},
	} {
		if err := call(); !errors.Is(err, mackerel.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(fake.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestARedirectIsRefused(t *testing.T) {
	fake, c := connect(t)
	fake.Inject(fakehttp.Fault{Status: 302, Header: http.Header{"Location": {"https://evil.example.com/steal?x=1"}}})
	_, err := c.GetMe(t.Context())
	if want := "chatwork: get profile: 302: Found: redirect to evil.example.com refused (invalid request)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestTheLastRateLimitCanBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t, once)
		fake.Documented()
		if got, known := c.RateLimit(); known {
			t.Errorf("before the first call it is %+v", got)
		}
		start := time.Now()
		check := func(what string, remaining int, seen time.Time) {
			t.Helper()
			got, known := c.RateLimit()
			if !known || got.Limit != 300 || got.Remaining != remaining || !got.Reset.Equal(start.Add(5*time.Minute)) || !got.Seen.Equal(seen) {
				t.Errorf("%s: %+v, want %d at %v", what, got, remaining, seen)
			}
		}
		post(t, c, "x")
		check("after a message", 299, start)
		time.Sleep(time.Second)
		if _, err := c.GetMe(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("after a reading", 298, start.Add(time.Second))
		if _, err := c.GetTask(t.Context(), room, 1); !errors.Is(err, mackerel.ErrNotFound) {
			t.Fatal(err)
		}
		check("after an error", 297, start.Add(time.Second))
		time.Sleep(time.Second)
		for _, h := range []http.Header{
			nil, limits("300", "many", "1"), limits("", "7", "1"), limits("all", "7", "1"), limits("300", "7", "soon"), limits("300", "7", ""),
		} {
			fake.Inject(fakehttp.Fault{Status: 503, Header: h})
			if _, err := c.GetMe(t.Context()); err == nil {
				t.Fatal("no error")
			}
			check("after an answer that does not say it", 297, start.Add(time.Second))
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := c.GetMe(t.Context()); err != nil {
					t.Error(err)
				}
				c.RateLimit()
			})
		}
		all.Wait()
		if got, _ := c.RateLimit(); got.Remaining < 289 || got.Remaining > 296 {
			t.Errorf("after calls at the same time: %+v", got)
		}
	})
}

func limits(limit, remaining, reset string) http.Header {
	return http.Header{"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}}
}

func TestTheTwoLimitsAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t)
		fake.Documented()
		task := func(ctx context.Context) error {
			_, err := c.CreateTask(ctx, room, chatwork.CreateTaskParams{Body: "x", ToIDs: []int64{123}})
			return err
		}
		start := time.Now()
		for range 5 {
			post(t, c, "x")
			if err := task(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.PostMessage(short, room, chatwork.PostMessageParams{Body: "x"})
		for _, err := range []error{err, task(short)} {
			if after, _ := mackerel.Retry(err); !errors.Is(err, mackerel.ErrRateLimited) || !chatwork.IsRoomLimit(err) || after != 10*time.Second {
				t.Errorf("the room's limit is %v, again after %v", err, after)
			}
		}
		if err := task(t.Context()); err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("with time to wait: %v after %v", err, time.Since(start))
		}
		for err == nil || chatwork.IsRoomLimit(err) {
			_, err = c.GetMe(t.Context())
		}
		after, again := mackerel.Retry(err)
		if got, _ := c.RateLimit(); !errors.Is(err, mackerel.ErrRateLimited) || !again || after != 290*time.Second || got.Remaining != 0 {
			t.Errorf("the general limit is %v, again after %v, %+v", err, after, got)
		}
		if time.Since(start) != 10*time.Second {
			t.Error("it was waited for")
		}
		time.Sleep(after)
		if _, err := c.GetMe(t.Context()); err != nil {
			t.Errorf("after the wait: %v", err)
		}
		text := "Rate limit for message posting per room exceeded."
		for _, err := range []error{
			nil, mackerel.ErrRateLimited, &mackerel.Error{Provider: "other", Status: 429, Message: text},
			&mackerel.Error{Provider: "chatwork", Status: 503, Message: text},
		} {
			if chatwork.IsRoomLimit(err) {
				t.Errorf("%v is a room's limit", err)
			}
		}
	})
}

func TestWhatIsDoneAlreadyIsToldFromOtherRefusals(t *testing.T) {
	fake, c := connect(t)
	id := fake.AddMessage(room, chatworktest.Message{AccountID: chatworktest.AccountID, Body: "x"}) // read by its author
	read := func() error { _, err := c.MarkRead(t.Context(), room, id); return err }
	unread := func() error { _, err := c.MarkUnread(t.Context(), room, id); return err }
	unlink := func() error { _, err := c.DeleteLink(t.Context(), room); return err }
	relink := func() error { _, err := c.UpdateLink(t.Context(), room, chatwork.LinkParams{}); return err }
	for _, tt := range []struct {
		name   string
		call   func() error
		answer fakehttp.Fault // the fake's own unless set
		want   bool
	}{
		{"read already", read, fakehttp.Fault{}, true},
		{"unread for the first time", unread, fakehttp.Fault{}, false},
		{"unread already", unread, fakehttp.Fault{}, true},
		{"no link to remove", unlink, fakehttp.Fault{}, true},
		{"no link to replace", relink, fakehttp.Fault{}, false},
		{"in other words", read, fakehttp.Fault{Status: 400, Body: `{"errors":["既読です"]}`}, true},
		{"without words", read, fakehttp.Fault{Status: 400}, true},
		{"a parameter", read, fakehttp.Fault{Status: 400, Body: `{"errors":["Parameter 'message_id' must be an id"]}`}, false},
		{"an address", read, fakehttp.Fault{Status: 400, Body: `{"errors":["Invalid Endpoint or HTTP method"]}`}, false},
		{"no message", read, fakehttp.Fault{Status: 404, Body: `{"errors":["The messages are already read"]}`}, false},
		{"nothing at all", func() error { return nil }, fakehttp.Fault{}, false},
		{"an error of others", func() error { return &mackerel.Error{Provider: "other", Op: "mark read", Status: 400} }, fakehttp.Fault{}, false},
	} {
		if tt.answer.Status != 0 {
			fake.Inject(tt.answer)
		}
		if err := tt.call(); chatwork.IsAlreadyDone(err) != tt.want || tt.want && !errors.Is(err, mackerel.ErrInvalid) {
			t.Errorf("%s: %v: IsAlreadyDone is %v", tt.name, err, !tt.want)
		}
	}
}
