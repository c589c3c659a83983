package chatwork_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A counter is the least of Chatwork that a hundred thousand messages need, without a connection: both limits, and who
// got what. Its windows are fixed ones, as the headers of the real ones suggest.
type counter struct {
	calls, posts *fakehttp.Window

	mu      sync.Mutex
	got     map[string]int // by body
	refused map[string]int // in a row, by body
	worst   int            // the most refusals in a row of one message
	limits  int            // all refusals
	number  int
	lose    func(number int) bool // whether this answer gets lost
}

func newCounter() *counter {
	return &counter{
		calls: fakehttp.NewWindow(chatwork.CallLimit, chatwork.CallWindow), posts: fakehttp.NewWindow(chatwork.RoomLimit, chatwork.RoomWindow),
		got: make(map[string]int), refused: make(map[string]int), lose: func(int) bool { return false },
	}
}

func (s *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	body := string(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	now := time.Now()
	remaining, reset, ok := s.calls.Take("", now.Truncate(time.Second))
	text := "Rate limit exceeded"
	if ok {
		text = "Rate limit for message posting per room exceeded."
		_, _, ok = s.posts.Take(r.URL.Path, now)
	}
	h := http.Header{
		"Date":                  {now.UTC().Format(http.TimeFormat)},
		"X-Ratelimit-Limit":     {"300"},
		"X-Ratelimit-Remaining": {strconv.Itoa(remaining)},
		"X-Ratelimit-Reset":     {strconv.FormatInt(reset.Unix(), 10)},
	}
	if !ok {
		s.limits++
		s.refused[body]++
		s.worst = max(s.worst, s.refused[body])
		return answer(http.StatusTooManyRequests, h, `{"errors":["`+text+`"]}`), nil
	}
	delete(s.refused, body)
	s.got[body]++
	if s.lose(s.number) {
		return nil, errors.New("connection reset by peer")
	}
	return answer(http.StatusOK, h, `{"message_id":"`+strconv.Itoa(s.number)+`"}`), nil
}

func answer(status int, h http.Header, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: h, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}
}

func (s *counter) client(t *testing.T, c chatwork.ClientConfig) *chatwork.Client {
	t.Helper()
	c.Token, c.Call.Client = mackerel.NewSecret(chatworktest.Token), &http.Client{Transport: s}
	client, err := chatwork.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// postAll posts so many messages, each with a text of its own, from many notifiers of one client, each of which posts
// one after the other.
func postAll(t *testing.T, c *chatwork.Client, messages, notifiers, rooms int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range notifiers {
		n, err := chatwork.New(chatwork.Config{Client: c, RoomID: int64(1 + i%rooms)})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for j := i; j < messages; j += notifiers {
				if _, err := n.Send(t.Context(), chatwork.Message{Text: strconv.Itoa(j)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestAHundredThousandMessagesKeepThePace(t *testing.T) {
	messages := 100_000
	if testing.Short() {
		messages = 3_000
	}
	synctest.Test(t, func(t *testing.T) {
		s := newCounter()
		start := time.Now()
		postAll(t, s.client(t, chatwork.ClientConfig{Pace: chatwork.NewPace()}), messages, 60, 40)
		if s.limits != 0 || len(s.got) != messages || s.number != messages {
			t.Errorf("%d requests, %d messages arrived, %d answers were 429", s.number, len(s.got), s.limits)
		}
		windows := time.Duration((messages-1)/chatwork.CallLimit) * chatwork.CallWindow
		if took := time.Since(start); took < windows || took > windows+windows/50 {
			t.Errorf("took %v, the limit alone takes %v", took, windows)
		}
	})
}

func TestThePaceOfOneRoomIsItsOwnLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCounter()
		start := time.Now()
		postAll(t, s.client(t, chatwork.ClientConfig{Pace: chatwork.NewPace()}), 200, 100, 1)
		if s.limits != 0 || len(s.got) != 200 {
			t.Errorf("%d messages arrived, %d answers were 429", len(s.got), s.limits)
		}
		if took := time.Since(start); took != 190*time.Second {
			t.Errorf("200 messages to one room took %v", took)
		}
	})
}

func TestThePaceGivesWayToOthersAndToLostAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCounter()
		s.lose = func(number int) bool { return number%17 == 0 }
		const messages = 3000
		ctx, stop := context.WithCancel(t.Context())
		go func() { // another program calls with the same account, and now and then takes all that is left
			for n := 1; ctx.Err() == nil; n++ {
				for i, ok := 0, true; ok && (i < 2 || n%29 == 0); i++ {
					_, _, ok = s.calls.Take("", time.Now().Truncate(time.Second))
				}
				sleep(ctx, 3*time.Second)
			}
		}()
		postAll(t, s.client(t, chatwork.ClientConfig{Pace: chatwork.NewPace(), Call: mackerel.CallOptions{MaxAttempts: 10}}), messages, 30, 10)
		stop()
		if len(s.got) != messages {
			t.Errorf("%d of %d messages arrived", len(s.got), messages)
		}
		if s.worst > 1 {
			t.Errorf("a message was refused %d times in a row", s.worst)
		}
		if s.limits == 0 || s.limits > messages/50 {
			t.Errorf("%d refusals", s.limits)
		}
		synctest.Wait()
	})
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func TestATurnThatComesTooLateIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubbleWith(t, chatwork.ClientConfig{Pace: chatwork.NewPace()})
		for range chatwork.RoomLimit {
			post(t, c, "x")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.PostMessage(ctx, room, chatwork.PostMessageParams{Body: "late"})
		after, again := mackerel.Retry(err)
		if !errors.Is(err, mackerel.ErrRateLimited) || !again || after != chatwork.RoomWindow || time.Since(start) != 0 {
			t.Errorf("after %v: %v; again after %v", time.Since(start), err, after)
		}
		time.Sleep(after)
		post(t, c, "in time")
		if n := len(s.Requests()); n != chatwork.RoomLimit+1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestTheEstimateOfATurnCountsTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubbleWith(t, chatwork.ClientConfig{Pace: chatwork.NewPace()})
		var wg sync.WaitGroup
		for range 35 {
			wg.Go(func() { post(t, c, "x") })
		}
		synctest.Wait() // 10 are posted, 25 wait for 10, 20 and 30 seconds
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		if _, err := c.PostMessage(ctx, room, chatwork.PostMessageParams{Body: "x"}); !errors.Is(err, mackerel.ErrRateLimited) {
			t.Errorf("got %v", err)
		}
		if after, _ := mackerel.Retry(errOf(c.PostMessage(ctx, room, chatwork.PostMessageParams{Body: "x"}))); after != 30*time.Second {
			t.Errorf("again after %v", after)
		}
		wg.Wait()
		if n := len(s.Messages(room)); n != 35 {
			t.Errorf("%d messages", n)
		}
	})
}

func errOf(_ string, err error) error { return err }

func TestACancelledTurnCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubbleWith(t, chatwork.ClientConfig{Pace: chatwork.NewPace()})
		for range chatwork.RoomLimit {
			post(t, c, "x")
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := c.PostMessage(ctx, room, chatwork.PostMessageParams{Body: "x"})
				if !errors.Is(err, context.Canceled) || !errors.Is(err, mackerel.ErrUnavailable) || !strings.Contains(err.Error(), "lunch") {
					t.Errorf("got %v", err)
				}
			})
		}
		time.Sleep(time.Second)
		cancel(errors.New("lunch"))
		wg.Wait()
		start := time.Now()
		for range chatwork.RoomLimit {
			post(t, c, "x")
		}
		if took := time.Since(start); took != 9*time.Second {
			t.Errorf("the next messages took %v", took)
		}
		if n := len(s.Requests()); n != 2*chatwork.RoomLimit {
			t.Errorf("%d requests", n)
		}
	})
}

func TestARoomThatIsFullHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubbleWith(t, chatwork.ClientConfig{Pace: chatwork.NewPace()})
		other := s.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{chatworktest.AccountID: chatworktest.RoleMember}})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { post(t, c, "x") })
		}
		synctest.Wait()
		start := time.Now()
		if _, err := c.PostMessage(t.Context(), other, chatwork.PostMessageParams{Body: "x"}); err != nil {
			t.Error(err)
		}
		if _, err := c.LatestMessages(t.Context(), room); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("they took %v", took)
		}
		wg.Wait()
	})
}

func TestARefusalStopsAllCalls(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  fakehttp.Fault
		closed time.Duration // for reads, which no room's limit concerns
	}{
		{"by Retry-After", fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"120"}}}, 2 * time.Minute},
		{"by the room's text", fakehttp.Fault{Status: 429, Body: `{"errors":["Rate limit for message posting per room exceeded."]}`}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := inBubbleWith(t, chatwork.ClientConfig{Pace: chatwork.NewPace()})
				s.Inject(tt.fault)
				start := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() { post(t, c, "first") })
				synctest.Wait()
				wg.Go(func() {
					post(t, c, "second")
					if took := time.Since(start); took < chatwork.RoomWindow {
						t.Errorf("a second message went out after %v", took)
					}
				})
				if _, err := c.LatestMessages(t.Context(), room); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took < tt.closed || took > tt.closed+time.Second {
					t.Errorf("a reading went out after %v, want %v", took, tt.closed)
				}
				wg.Wait()
				if n := len(s.Requests()); n != 4 {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

func TestTheNextAttemptGoesBeforeTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubbleWith(t, chatwork.ClientConfig{Pace: chatwork.NewPace()})
		s.Inject(fakehttp.Fault{Handled: true, Break: fakehttp.ResetConnection})
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() { post(t, c, "x") })
			synctest.Wait()
		}
		// Nine others were posted at once. The first message takes a second place, the tenth, before those that wait.
		time.Sleep(time.Second)
		if n := len(s.Messages(room)); n != 10+1-1 {
			t.Errorf("%d messages stand in the room", n)
		}
		wg.Wait()
		if n := len(s.Messages(room)); n != 13 {
			t.Errorf("%d messages stand in the room at the end", n)
		}
		for _, r := range s.Requests() {
			if form, err := url.ParseQuery(string(r.Body)); err != nil || form.Get("body") != "x" {
				t.Errorf("%v, %v", form, err)
			}
		}
	})
}

func TestClientsOfOneAccountShareAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := chatwork.NewPace()
		s, a := inBubbleWith(t, chatwork.ClientConfig{Pace: pace})
		b, err := chatwork.NewClient(chatwork.ClientConfig{
			Pace: pace, Source: chatwork.StaticToken(chatwork.APIToken(mackerel.NewSecret(chatworktest.Token))),
			BaseURL: chatworktest.MemoryBaseURL, Call: mackerel.CallOptions{Client: s.Client()},
		})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for range 10 {
			post(t, a, "a")
			post(t, b, "b")
		}
		if took := time.Since(start); took != chatwork.RoomWindow {
			t.Errorf("20 messages took %v", took)
		}
		for _, r := range s.Requests() {
			if !r.Handled {
				t.Error("a request was not handled")
			}
		}
	})
}

func TestThePaceLeavesTheCallersHookInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts []mackerel.Attempt
		s, c := inBubbleWith(t, chatwork.ClientConfig{
			Pace: chatwork.NewPace(),
			Call: mackerel.CallOptions{MaxWait: 20 * time.Second, OnAttempt: func(_ context.Context, a mackerel.Attempt) { attempts = append(attempts, a) }},
		})
		s.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"21"}}})
		if _, err := c.PostMessage(t.Context(), room, chatwork.PostMessageParams{Body: "x"}); !errors.Is(err, mackerel.ErrRateLimited) {
			t.Errorf("a MaxWait of the caller's is not kept: %v", err)
		}
		start := time.Now()
		post(t, c, "x")
		if took := time.Since(start); took != 22*time.Second || len(attempts) != 2 {
			t.Errorf("the next call took %v, %d attempts were reported", took, len(attempts))
		}
	})
}
