package route_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/route"
)

// FuzzHours reads any texts as quiet hours. What is refused is an error of the configuration. What is taken means the
// same when it is printed and read again.
func FuzzHours(f *testing.F) {
	for _, s := range []string{
		"22:00", "07:00", "7:00", "0:00", "00:00", "23:59", "24:00", "12:60", "-1:00", "+1:00", "1:5", "22", "22:00:00", "22:00 ",
		"10:00PM", "２２:00", "", "\x00", "\xff", "22:00.5", "022:00",
	} {
		f.Add(s, "07:00", uint(0))
		f.Add("22:00", s, uint(7*60))
		f.Add(s, s, uint(23*60))
	}
	f.Fuzz(func(t *testing.T, from, to string, minutes uint) {
		n, err := route.Quiet(new(bell), route.Hours{From: from, To: to, Location: time.UTC})
		begin, ok1 := minuteOf(from)
		end, ok2 := minuteOf(to)
		if !ok1 || !ok2 || begin == end {
			if !errors.Is(err, mackerel.ErrConfig) {
				t.Errorf("%q to %q: %v", from, to, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q to %q: %v", from, to, err)
		}
		printed := must(t)(route.Quiet(new(bell), route.Hours{From: printMinute(begin), To: printMinute(end), Location: time.UTC}))
		const day = 24 * 60
		now := int(minutes % day)
		var want time.Duration // until the hours end; 0 if they are not now
		if length, gone := (end-begin+day)%day, (now-begin+day)%day; gone < length {
			want = time.Duration(length-gone) * time.Minute
		}
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Duration(now) * time.Minute) // a bubble begins at midnight
			for _, n := range []*route.Notifier{n, printed} {
				if after, _ := mackerel.Retry(n.Notify(t.Context(), incident("1", "warning"))); after != want {
					t.Errorf("%q to %q at %s: quiet for %v, want %v", from, to, printMinute(now), after, want)
				}
			}
		})
	})
}

// minuteOf returns the minute of the day that a text such as "7:05" or "07:05" is.
func minuteOf(text string) (minute int, ok bool) {
	h, m, ok := strings.Cut(text, ":")
	hour, err1 := strconv.ParseUint(h, 10, 0)
	minutes, err2 := strconv.ParseUint(m, 10, 0)
	ok = ok && err1 == nil && err2 == nil && len(h) <= 2 && len(m) == 2 && hour < 24 && minutes < 60
	return int(hour*60 + minutes), ok
}

func printMinute(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
