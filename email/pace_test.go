package email_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// paced runs a test in a bubble, with a notifier that keeps the limit.
func paced(t *testing.T, test func(*testing.T, *emailtest.Server, email.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := emailtest.New()
		t.Cleanup(f.Close)
		c := f.MemoryConfig()
		c.Call.Pace = mackerel.Pace{}
		test(t, f, c)
	})
}

// The mails of one alert are paced one by one, and their turns share one MaxTurn.
func TestTheMailsOfOneAlertArePaced(t *testing.T) {
	paced(t, func(t *testing.T, f *emailtest.Server, c email.Config) {
		c.To = nil
		for i := range 70 {
			c.To = append(c.To, "user"+string(rune('a'+i%26))+string(rune('a'+i/26))+"@example.com")
		}
		c.Call.MaxTurn = 90 * time.Second
		n := servicetest.Make(t, email.New, c)
		start := time.Now()
		receipt, err := n.Deliver(t.Context(), alert())
		failures := mackerel.Failures(err)
		if len(failures) != 10 || f.Accepted() != 60 || time.Since(start) != time.Minute || receipt.Waited != time.Minute {
			t.Fatalf("%d failures, %d mails, %+v", len(failures), f.Accepted(), receipt)
		}
		for _, failure := range failures {
			var e *mackerel.Error
			if !errors.As(failure, &e) || !errors.Is(e, mackerel.ErrRateLimited) || e.Attempts != 0 || e.RetryAfter != time.Minute {
				t.Errorf("%v: %+v", failure, e)
			}
		}
		if f.Connections() != 1 {
			t.Errorf("%d connections", f.Connections())
		}
	})
}

func TestOneConnectionAtATime(t *testing.T) {
	paced(t, func(t *testing.T, f *emailtest.Server, c email.Config) {
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			time.Sleep(2 * time.Second)
			return f.Dial(ctx, network, address)
		}
		n := servicetest.Make(t, email.New, c)
		var wg sync.WaitGroup
		var ends []time.Duration
		var mu sync.Mutex
		start := time.Now()
		for range 3 {
			wg.Go(func() {
				if err := n.Notify(t.Context(), alert()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				ends = append(ends, time.Since(start))
			})
		}
		wg.Wait()
		slices.Sort(ends)
		if want := []time.Duration{2 * time.Second, 4 * time.Second, 6 * time.Second}; !slices.Equal(ends, want) {
			t.Errorf("the mails were sent after %v", ends)
		}
	})
}

// throttleTests are refusals, and whether they stop all mails of the account.
var throttleTests = []struct {
	at    emailtest.Step
	reply string
	stops bool
}{
	{emailtest.AtConnect, "421 4.7.0 too many connections", true},
	{emailtest.AtHello, "451 4.3.0 not now", false},
	{emailtest.AtAuth, "432 4.3.2 concurrent connections limit exceeded", true},
	{emailtest.AtAuth, "454 4.7.0 temporary authentication failure", false},
	{emailtest.AtMail, "450 4.2.1 peak SMTP relay limit exceeded", true},
	{emailtest.AtMail, "454 4.7.0 not now", true},
	{emailtest.AtMail, "550 5.4.5 daily user sending limit exceeded", false},
	{emailtest.AtRcpt, "451 4.7.1 greylisted", false},
	{emailtest.AtRcpt, "432 4.3.2 too fast", true},
	{emailtest.AtData, "451 4.3.0 not now", false},
	{emailtest.AtContent, "454 Throttling failure: maximum sending rate exceeded", true},
	{emailtest.AtContent, "452 4.3.1 no room", false},
}

func TestWhatStopsAllMails(t *testing.T) {
	for _, tt := range throttleTests {
		t.Run(string(tt.at)+" "+tt.reply, func(t *testing.T) {
			paced(t, func(t *testing.T, f *emailtest.Server, c email.Config) {
				c.Call.MaxAttempts = 1
				n := servicetest.Make(t, email.New, c)
				f.Inject(emailtest.Fault{At: tt.at, Reply: tt.reply})
				err := n.Notify(t.Context(), alert())
				var e *mackerel.Error
				want := time.Duration(0)
				if tt.stops {
					want = time.Minute
				}
				if !errors.As(err, &e) || e.RetryAfter != want {
					t.Errorf("%v, want a wait of %v", err, want)
				}
				start := time.Now()
				if err := n.Notify(t.Context(), alert()); err != nil || time.Since(start) != want {
					t.Errorf("the next mail was sent after %v: %v", time.Since(start), err)
				}
			})
		})
	}
}

// Notifiers of the same account share its limits.
func TestAnAccountHasOnePace(t *testing.T) {
	c := servicetest.Start(t, emailtest.New()).Config()
	c.Call.Pace, c.Call.MaxTurn = mackerel.Pace{N: 1, Per: time.Hour}, time.Nanosecond
	if err := servicetest.Make(t, email.New, c).Notify(t.Context(), alert()); err != nil {
		t.Fatal(err)
	}
	_ = servicetest.AsError(t, servicetest.Make(t, email.New, c).Notify(t.Context(), alert()), mackerel.ErrRateLimited)
}

func TestAnOwnDialHasAnOwnPace(t *testing.T) {
	paced(t, func(t *testing.T, _ *emailtest.Server, c email.Config) {
		c.Call.Pace = mackerel.Pace{N: 1, Per: time.Minute}
		start := time.Now()
		for range 2 {
			n := servicetest.Make(t, email.New, c)
			if err := n.Notify(t.Context(), alert()); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(start) != 0 {
			t.Errorf("the second waited for %v", time.Since(start))
		}
	})
}

// A mail that is repeated waits for another turn. If that comes too late, what the first attempt has proved stays.
func TestARepeatedMailWithoutATurn(t *testing.T) {
	paced(t, func(t *testing.T, f *emailtest.Server, c email.Config) {
		c.Call.Pace, c.Call.MaxTurn = mackerel.Pace{N: 1, Per: 10 * time.Second}, 5*time.Second
		n := servicetest.Make(t, email.New, c)
		f.Inject(emailtest.Fault{At: emailtest.AtRcpt, Reply: "451 4.7.1 greylisted"})
		start := time.Now()
		err := n.Notify(t.Context(), alert())
		var e *mackerel.Error
		if !errors.As(err, &e) || !errors.Is(e, mackerel.ErrUnavailable) || e.Attempts != 1 || e.Code != "451" {
			t.Fatalf("%v", err)
		}
		if passed := time.Since(start); passed > time.Second || (passed+e.RetryAfter).Round(time.Second) != 10*time.Second {
			t.Errorf("%v after %v", err, passed)
		}
	})
}

// A delivery that waits before its next attempt leaves the connection to others.
func TestTheConnectionIsFreeBetweenAttempts(t *testing.T) {
	paced(t, func(t *testing.T, f *emailtest.Server, c email.Config) {
		n := servicetest.Make(t, email.New, c)
		f.Inject(emailtest.Fault{At: emailtest.AtRcpt, Reply: "451 4.7.1 greylisted"})
		start := time.Now()
		var all sync.WaitGroup
		all.Go(func() {
			if err := n.Notify(t.Context(), alert()); err != nil || time.Since(start) == 0 {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
		synctest.Wait()
		if err := n.Notify(t.Context(), alert()); err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		all.Wait()
	})
}

// A success ends a row of refusals, whose waits double.
func TestWaitsDoubleUntilASuccess(t *testing.T) {
	paced(t, func(t *testing.T, f *emailtest.Server, c email.Config) {
		c.Call.MaxAttempts = 1
		n := servicetest.Make(t, email.New, c)
		for _, want := range []time.Duration{time.Minute, 2 * time.Minute, 0, time.Minute} {
			if want > 0 {
				f.Inject(emailtest.Fault{At: emailtest.AtMail, Reply: "450 4.2.1 too many mails"})
			}
			if after, _ := mackerel.Retry(n.Notify(t.Context(), alert())); after != want {
				t.Errorf("a wait of %v, want %v", after, want)
			}
		}
	})
}

// costTests are outcomes of a mail, and how long after its start the next mail may be sent if a mail is allowed each 10 s.
// A mail without an answer is counted 2 s later than the server may count it.
var costTests = map[string]struct {
	fault emailtest.Fault
	wait  time.Duration
}{
	"no session":           {emailtest.Fault{At: emailtest.AtConnect, Break: fakehttp.CloseConnection}, 0},
	"a refused session":    {emailtest.Fault{At: emailtest.AtAuth, Reply: "535 5.7.8 wrong"}, 10 * time.Second},
	"a refused mail":       {emailtest.Fault{At: emailtest.AtRcpt, Reply: "550 5.1.1 no such user"}, 10 * time.Second},
	"a mail without reply": {emailtest.Fault{At: emailtest.AtRcpt, Break: fakehttp.CloseConnection}, 12 * time.Second},
}

func TestWhatCountsAsAMail(t *testing.T) {
	for name, test := range costTests {
		t.Run(name, func(t *testing.T) {
			paced(t, func(t *testing.T, f *emailtest.Server, c email.Config) {
				c.Call.MaxAttempts, c.Call.MaxTurn = 1, time.Minute
				c.Call.Pace = mackerel.Pace{N: 1, Per: 10 * time.Second}
				n := servicetest.Make(t, email.New, c)
				f.Inject(test.fault)
				if err := n.Notify(t.Context(), alert()); err == nil {
					t.Error("the fault is no error")
				}
				start := time.Now()
				if err := n.Notify(t.Context(), alert()); err != nil || time.Since(start) != test.wait {
					t.Errorf("%v after %v, want %v", err, time.Since(start), test.wait)
				}
			})
		})
	}
}
