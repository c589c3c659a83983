package chatwork_test

import (
	"cmp"
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
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// connectPaced returns a fake with the documented limits and a client with a Pace.
func connectPaced(t *testing.T, configure ...func(*chatwork.ClientConfig)) (*chatworktest.Server, *chatwork.Client) {
	t.Helper()
	fake, c := connect(t, append(configure, func(c *chatwork.ClientConfig) { c.Pace = cmp.Or(c.Pace, chatwork.NewPace()) })...)
	fake.Documented()
	return fake, c
}

// A counter is a service for a hundred thousand messages. It has no connection, and only counts messages by its limits.
type counter struct {
	limits *fakehttp.Server

	mu      sync.Mutex
	got     map[string]int // by body
	refused map[string]int // in a row, by body
	worst   int            // the most refusals in a row of one message
	refuses int            // all refusals
	number  int
	lose    func(number int) bool // whether this answer gets lost
}

func newCounter() *counter {
	s := &counter{got: make(map[string]int), refused: make(map[string]int), lose: func(int) bool { return false }}
	s.limits = fakehttp.NewFake(nil, nil, fakehttp.Limit{Lane: "calls", N: 300, Per: 5 * time.Minute},
		fakehttp.Limit{Lane: "room", N: 10, Per: 10 * time.Second})
	s.limits.Documented()
	return s
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
	calls := s.limits.Take("calls", "")
	ok, text := calls.OK, "Rate limit exceeded"
	if ok {
		ok, text = s.limits.Take("room", r.URL.Path).OK, "Rate limit for message posting per room exceeded."
	}
	h := http.Header{
		"Date":                  {time.Now().UTC().Format(http.TimeFormat)},
		"X-Ratelimit-Limit":     {"300"},
		"X-Ratelimit-Remaining": {strconv.Itoa(calls.Remaining)},
		"X-Ratelimit-Reset":     {strconv.FormatInt(calls.Reset.Add(time.Second-1).Unix(), 10)},
	}
	if !ok {
		s.refuses++
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

func (s *counter) client(t *testing.T, attempts int) *chatwork.Client {
	t.Helper()
	return servicetest.Make(t, chatwork.NewClient, chatwork.ClientConfig{
		Token: mackerel.NewSecret(chatworktest.Token), Pace: chatwork.NewPace(),
		Call: mackerel.CallOptions{Client: &http.Client{Transport: s}, MaxAttempts: attempts},
	})
}

// postAll posts so many messages, each with a text of its own, from many notifiers of one client, each of which posts
// one after the other.
func postAll(t *testing.T, c *chatwork.Client, messages, notifiers, rooms int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range notifiers {
		n := servicetest.Make(t, chatwork.New, chatwork.Config{Client: c, RoomID: int64(1 + i%rooms)})
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
		postAll(t, s.client(t, 0), messages, 60, 40)
		if s.refuses != 0 || len(s.got) != messages || s.number != messages {
			t.Errorf("%d requests, %d messages arrived, %d answers were 429", s.number, len(s.got), s.refuses)
		}
		windows := time.Duration((messages-1)/300) * 5 * time.Minute
		if took := time.Since(start); took < windows || took > windows+windows/50 {
			t.Errorf("took %v, the limit alone takes %v", took, windows)
		}
	})
}

func TestThePaceOfOneRoomIsItsOwnLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCounter()
		start := time.Now()
		postAll(t, s.client(t, 0), 200, 100, 1)
		if s.refuses != 0 || len(s.got) != 200 {
			t.Errorf("%d messages arrived, %d answers were 429", len(s.got), s.refuses)
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
					ok = s.limits.Take("calls", "").OK
				}
				select {
				case <-time.After(3 * time.Second):
				case <-ctx.Done():
				}
			}
		}()
		postAll(t, s.client(t, 10), messages, 30, 10)
		stop()
		if len(s.got) != messages {
			t.Errorf("%d of %d messages arrived", len(s.got), messages)
		}
		if s.worst > 1 {
			t.Errorf("a message was refused %d times in a row", s.worst)
		}
		if s.refuses == 0 || s.refuses > messages/50 {
			t.Errorf("%d refusals", s.refuses)
		}
		synctest.Wait()
	})
}

func TestATurnThatComesTooLateIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connectPaced(t)
		for range 10 {
			post(t, c, "x")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.PostMessage(ctx, room, chatwork.PostMessageParams{Body: "late"})
		after, again := mackerel.Retry(err)
		if !errors.Is(err, mackerel.ErrRateLimited) || !again || after != 10*time.Second || time.Since(start) != 0 {
			t.Errorf("after %v: %v; again after %v", time.Since(start), err, after)
		}
		time.Sleep(after)
		post(t, c, "in time")
		if n := len(fake.Requests()); n != 10+1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestTheEstimateOfATurnCountsTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connectPaced(t)
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
		if n := len(fake.Messages(room)); n != 35 {
			t.Errorf("%d messages", n)
		}
	})
}

func errOf(_ string, err error) error { return err }

func TestACancelledTurnCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connectPaced(t)
		for range 10 {
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
		for range 10 {
			post(t, c, "x")
		}
		if took := time.Since(start); took != 9*time.Second {
			t.Errorf("the next messages took %v", took)
		}
		if n := len(fake.Requests()); n != 2*10 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestARoomThatIsFullHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connectPaced(t)
		other := fake.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{chatworktest.AccountID: chatworktest.RoleMember}})
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
				fake, c := connectPaced(t)
				fake.Inject(tt.fault)
				start := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() { post(t, c, "first") })
				synctest.Wait()
				wg.Go(func() {
					post(t, c, "second")
					if took := time.Since(start); took < 10*time.Second {
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
				if n := len(fake.Requests()); n != 4 {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

func TestTheNextAttemptGoesBeforeTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connectPaced(t)
		fake.Inject(fakehttp.Fault{Handled: true, Break: fakehttp.ResetConnection})
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() { post(t, c, "x") })
			synctest.Wait()
		}
		// Nine others were posted at once. The first message takes a second place, the tenth, before those that wait.
		time.Sleep(time.Second)
		if n := len(fake.Messages(room)); n != 10+1-1 {
			t.Errorf("%d messages stand in the room", n)
		}
		wg.Wait()
		if n := len(fake.Messages(room)); n != 13 {
			t.Errorf("%d messages stand in the room at the end", n)
		}
		for _, r := range fake.Requests() {
			if form, err := url.ParseQuery(string(r.Body)); err != nil || form.Get("body") != "x" {
				t.Errorf("%v, %v", form, err)
			}
		}
	})
}

func TestClientsOfOneAccountShareAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := chatwork.NewPace()
		fake, a := connectPaced(t, func(c *chatwork.ClientConfig) { c.Pace = pace })
		config := fake.MemoryClientConfig()
		config.Pace = pace
		from(chatwork.StaticToken(apiToken(chatworktest.Token)))(&config)
		b := servicetest.Make(t, chatwork.NewClient, config)
		start := time.Now()
		for range 10 {
			post(t, a, "a")
			post(t, b, "b")
		}
		if took := time.Since(start); took != 10*time.Second || len(fake.Requests()) != 20 {
			t.Errorf("20 messages took %v and %d requests", took, len(fake.Requests()))
		}
	})
}

func TestThePaceLeavesTheCallersHookInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts []mackerel.Attempt
		fake, c := connectPaced(t, func(c *chatwork.ClientConfig) {
			c.Call.MaxWait, c.Call.OnAttempt = 20*time.Second, servicetest.Record(&attempts)
		})
		fake.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"21"}}})
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
