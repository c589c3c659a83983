package chatwork_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// say adds messages to the room as somebody else would.
func say(fake *chatworktest.Server, texts ...string) (lastID string) {
	for _, text := range texts {
		lastID = fake.AddMessage(room, chatworktest.Message{Body: text})
	}
	return lastID
}

// follow collects what Follow gives until the context's time is up, errors by their kind.
func follow(t *testing.T, c *chatwork.Client, o chatwork.FollowOptions, d time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var all []string
	last := error(nil)
	for m, err := range c.Follow(ctx, room, o) {
		last = err
		switch {
		case errors.Is(err, context.DeadlineExceeded):
		case errors.Is(err, chatwork.ErrMissed):
			all = append(all, "missed")
		case err != nil:
			all = append(all, fmt.Sprint("error ", err.(*mackerel.Error).Status))
		default:
			all = append(all, m.Body)
		}
	}
	if ctx.Err() != nil && !errors.Is(last, context.DeadlineExceeded) {
		t.Errorf("the last pair has the error %v", last)
	}
	return strings.Join(all, "|")
}

func TestFollowGivesEachNewMessageOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t)
		say(fake, "old")
		go func() {
			time.Sleep(time.Second)
			say(fake, "one")
			time.Sleep(6 * time.Second)
			say(fake, "two", "three")
			time.Sleep(20 * time.Second)
			say(fake, "four")
		}()
		if got := follow(t, c, chatwork.FollowOptions{}, 58*time.Second); got != "one|two|three|four" {
			t.Errorf("got %s", got)
		}
		if n := len(fake.Requests()); n != 12 {
			t.Errorf("%d readings in a minute", n)
		}
		if list, err := c.NewMessages(t.Context(), room); err != nil || len(list.Messages) != 5 {
			t.Errorf("following has consumed messages: %s, %v", bodies(list), err)
		}
	})
}

func TestFollowBeginsWhereItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t)
		say(fake, "one")
		at := say(fake, "two")
		say(fake, "three", "four")
		if got := follow(t, c, chatwork.FollowOptions{After: at}, time.Second); got != "three|four" {
			t.Errorf("got %s", got)
		}
		if got := follow(t, c, chatwork.FollowOptions{After: "1"}, 12*time.Second); got != "missed|one|two|three|four" {
			t.Errorf("after a message that is not there: %s", got)
		}
	})
}

func TestFollowOfAnEmptyRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t)
		time.AfterFunc(time.Second, func() { say(fake, "first") })
		if got := follow(t, c, chatwork.FollowOptions{}, 30*time.Second); got != "first" {
			t.Errorf("got %s", got)
		}
	})
}

func TestFollowSaysWhatItMayHaveMissed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		count int
		want  string
	}{
		{"as many as a reading has, less one", 99, "new 0"},
		{"as many as a reading has", 100, "missed|new 0"},
		{"more than a reading has", 150, "missed|new 50"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, c := connect(t)
				say(fake, "old")
				time.AfterFunc(time.Second, func() {
					for i := range tt.count {
						say(fake, fmt.Sprint("new ", i))
					}
				})
				got := follow(t, c, chatwork.FollowOptions{}, 30*time.Second)
				if !strings.HasPrefix(got, tt.want+"|") || strings.Count(got, "missed") != strings.Count(tt.want, "missed") ||
					strings.Count(got, "new") != min(tt.count, 100) || !strings.HasSuffix(got, fmt.Sprint("new ", tt.count-1)) {
					t.Errorf("got %s", got)
				}
			})
		})
	}
}

func TestAMessageThatIsGoneBringsNoOldOneBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := func(ids ...int) fakehttp.Fault {
			var list []string
			for _, id := range ids {
				list = append(list, fmt.Sprintf(`{"message_id":"%d","account":{"account_id":1,"name":"a","avatar_image_url":""},"body":"m%d","send_time":1,"update_time":0}`, id, id))
			}
			return fakehttp.Fault{Status: http.StatusOK, Body: "[" + strings.Join(list, ",") + "]"}
		}
		fake, c := connect(t)
		fake.Inject(page(2, 3, 4), page(1, 2, 3), fakehttp.Fault{Status: http.StatusNoContent}, page(1, 3, 5), page(6, 7))
		if got := follow(t, c, chatwork.FollowOptions{}, 21*time.Second); got != "m5|m6|m7" {
			t.Errorf("got %s", got)
		}
	})
}

func TestALostAnswerCostsFollowNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t, once)
		time.AfterFunc(time.Second, func() {
			say(fake, "one")
			fake.Inject(
				fakehttp.Fault{Handled: true, Break: fakehttp.HalfBody}, fakehttp.Fault{Status: 503},
				fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}},
			)
		})
		start := time.Now()
		got := follow(t, c, chatwork.FollowOptions{}, 80*time.Second)
		if got != "error 200|error 503|error 429|one" {
			t.Errorf("got %s", got)
		}
		requests := fake.Requests()
		if wait := requests[4].Time.Sub(start); wait != 75*time.Second {
			t.Errorf("it went on %v after the start, the service had asked for a minute after 15 s", wait)
		}
	})
}

// The first reading that succeeds says what is old.
func TestFollowOfARoomThatCannotBeReadAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t, once)
		say(fake, "old")
		fake.Inject(fakehttp.Fault{Status: 503})
		time.AfterFunc(8*time.Second, func() { say(fake, "one") })
		if got := follow(t, c, chatwork.FollowOptions{}, 20*time.Second); got != "error 503|one" {
			t.Errorf("got %s", got)
		}
	})
}

func TestFollowEndsWithWhatWillNotHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t)
		fake.Inject(fakehttp.Fault{Status: 403, Times: -1})
		if got := follow(t, c, chatwork.FollowOptions{}, time.Minute); got != "error 403" {
			t.Errorf("got %s", got)
		}
	})
}

func TestFollowStopsWhenTheLoopDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t)
		at := say(fake, "one")
		say(fake, "two", "three")
		messages := c.Follow(t.Context(), room, chatwork.FollowOptions{After: at})
		for range 2 { // the second loop begins anew
			for m, err := range messages {
				if err != nil || m.Body != "two" {
					t.Errorf("got %s, %v", m.Body, err)
				}
				break
			}
		}
		for _, err := range c.Follow(t.Context(), room, chatwork.FollowOptions{After: "1"}) {
			if !errors.Is(err, chatwork.ErrMissed) || err.Error() != "chatwork: follow room: messages may have been missed (not found)" {
				t.Errorf("got %v", err)
			}
			break
		}
		if n := len(fake.Requests()); n != 3 {
			t.Errorf("%d readings", n)
		}
	})
}

func TestFollowLooksOnceASecondAtTheMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t)
		follow(t, c, chatwork.FollowOptions{Interval: time.Millisecond}, 10*time.Second+time.Millisecond)
		if n := len(fake.Requests()); n != 11 {
			t.Errorf("%d readings in ten seconds", n)
		}
	})
}

func TestFollowGoesOnWhileThePlanHidesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t)
		fake.AddMessage(room, chatworktest.Message{Body: "old", SendTime: fake.Now().Add(-41 * day)})
		fake.HideOlderThan(40 * day)
		time.AfterFunc(time.Second, func() { say(fake, "new") })
		if got := follow(t, c, chatwork.FollowOptions{}, 12*time.Second); got != "new" {
			t.Errorf("got %s", got)
		}
	})
}
