package chatwork_test

import (
	"context"
	"errors"
	"fmt"
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

// pacedClient returns a client that keeps the limits, and its fake.
func pacedClient(t *testing.T) (*chatwork.Client, *chatworktest.Server) {
	t.Helper()
	f := chatworktest.New()
	t.Cleanup(f.Close)
	c := f.MemoryClientConfig()
	c.Call.Pace = mackerel.Pace{}
	client, err := chatwork.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	return client, f
}

// together runs functions in goroutines that begin one after the other, and waits for them.
func together(fs ...func()) {
	var all sync.WaitGroup
	for _, f := range fs {
		all.Go(f)
		synctest.Wait()
	}
	all.Wait()
}

// Reads leave 30 calls of an account to what is written. Alerts go before all other calls that wait.
func TestAlertsGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, f := pacedClient(t)
		n, err := chatwork.New(chatwork.Config{Client: client, RoomID: chatworktest.RoomID})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		must := func(err error) {
			if err != nil {
				t.Error(err)
			}
		}
		for range 270 {
			_, err := client.GetMe(t.Context())
			must(err)
			time.Sleep(time.Second)
		}
		read := func() { _, err := client.GetMe(t.Context()); must(err) }
		write := func() {
			must(client.UpdateRoom(t.Context(), chatworktest.RoomID, chatwork.UpdateRoomParams{Name: "new"}))
		}
		notify := func() { must(n.Notify(t.Context(), mackerel.Alert{Status: mackerel.StatusCritical, Message: "full"})) }
		writes := make([]func(), 29)
		for i := range writes {
			writes[i] = write
		}
		together(append(append([]func(){read}, writes...), notify, write, notify)...)
		var order []string
		for _, r := range f.RequestsSince(299) {
			order = append(order, fmt.Sprint(r.Method, " ", strings.SplitN(r.Path[1:], "/", 3)[1], " ", r.Time.Sub(start)))
		}
		want := "[POST rooms 4m30s POST rooms 5m0s PUT rooms 5m1s GET me 5m32s]"
		if got := fmt.Sprint(order); got != want {
			t.Errorf("the last calls were %s, want %s", got, want)
		}
	})
}

// Messages and tasks of a room share its limit, over all clients and notifiers of the account.
func TestMessagesAndTasksShareTheLimitOfARoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, f := pacedClient(t)
		f.Documented()
		var fs []func()
		for i := range 24 {
			fs = append(fs, func() {
				var err error
				if i%2 == 0 {
					_, err = client.PostMessage(t.Context(), chatworktest.RoomID, chatwork.PostMessageParams{Body: "a"})
				} else {
					task := chatwork.CreateTaskParams{Body: "a", ToIDs: []int64{chatworktest.AccountID}}
					_, err = client.CreateTask(t.Context(), chatworktest.RoomID, task)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		start := time.Now()
		together(fs...)
		if took := time.Since(start); took != 20*time.Second || len(f.Requests()) != 24 {
			t.Errorf("%d requests in %v", len(f.Requests()), took)
		}
	})
}

func TestOtherCallsDoNotCountForARoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := pacedClient(t)
		start := time.Now()
		for range 11 {
			upload(t, client, chatwork.Upload{Filename: "a", Content: strings.NewReader("x")})
			if _, err := client.LatestMessages(t.Context(), room); err != nil {
				t.Fatal(err)
			}
			if _, err := client.ListTasks(t.Context(), room, chatwork.TasksParams{}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("they took %v", took)
		}
	})
}

// After a refusal for a room, only that room waits. After a refusal for the account, all calls wait.
func TestARefusalHoldsUpWhatItIsFor(t *testing.T) {
	for text, held := range map[string]bool{"Rate limit for message posting per room exceeded.": false, "Rate limit exceeded": true} {
		synctest.Test(t, func(t *testing.T) {
			client, f := pacedClient(t)
			members := map[int64]chatworktest.Role{chatworktest.AccountID: chatworktest.RoleMember}
			other := f.AddRoom(chatworktest.Room{Members: members})
			f.Inject(fakehttp.Fault{Status: 429, Body: `{"errors":["` + text + `"]}`})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			for _, c := range []struct {
				room    int64
				refused bool
			}{{room, true}, {room, true}, {other, held}} {
				_, err := client.PostMessage(ctx, c.room, chatwork.PostMessageParams{Body: "x"})
				if errors.Is(err, mackerel.ErrRateLimited) != c.refused {
					t.Errorf("after %q, room %d: %v", text, c.room, err)
				}
			}
		})
	}
}

func TestClientsOfATokenShareTheLimitOfARoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := servicetest.Start(t, chatworktest.New())
		c := f.MemoryClientConfig()
		c.Call.Pace = mackerel.Pace{N: 1, Per: time.Minute}
		start := time.Now()
		for i := range 2 {
			if post(t, servicetest.Make(t, chatwork.NewClient, c), "a"); time.Since(start) != time.Duration(i)*time.Minute {
				t.Errorf("message %d was posted after %v", i+1, time.Since(start))
			}
		}
	})
}

// The words of a refusal for the limit of a room count only in a refusal for a limit.
func TestAnotherFailureInTheWordsOfALimitIsRepeatedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t)
		fake.Inject(fakehttp.Fault{Status: 503, Body: `{"errors":["Rate limit for message posting per room exceeded."]}`})
		began := time.Now()
		if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err != nil || time.Since(began) > 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// A token of a Source may change; its client keeps the limits all the same.
func TestTheClientOfASourceIsOneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := chatworktest.New()
		t.Cleanup(f.Close)
		c := f.MemoryClientConfig()
		c.Source, c.Token, c.Call.Pace = chatwork.StaticToken(chatwork.APIToken(c.Token)), mackerel.Secret{}, mackerel.Pace{N: 1, Per: time.Minute}
		start := time.Now()
		for range 2 { // clients, which have accounts of their own
			client, err := chatwork.NewClient(c)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.PostMessage(t.Context(), chatworktest.RoomID, chatwork.PostMessageParams{Body: "a"}); err != nil {
				t.Fatal(err)
			}
			if time.Since(start) != 0 {
				t.Errorf("the first message waited for %v", time.Since(start))
			}
		}
	})
}
