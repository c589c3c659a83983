package transport

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// A reset in more than an hour is not believed.
func TestAResetInAnHour(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"3600": time.Hour, "3601": 0, "0": 0,
		strconv.FormatInt(now.Unix()+3600, 10): time.Hour, strconv.FormatInt(now.Unix()+3601, 10): 0,
	} {
		h := http.Header{"Date": {now.Format(http.TimeFormat)}, "X-Ratelimit-Reset": {value}}
		if got := headerWait(h, true); got != want {
			t.Errorf("%s: %v, want %v", value, got, want)
		}
	}
}

// FuzzHeaderWait reads any headers about waiting.
func FuzzHeaderWait(f *testing.F) {
	f.Add("5", "", "", "", "")
	f.Add("Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "0", "1700000000", "60")
	f.Add("-1", "", "-1", "2026-01-02T03:04Z", "18446744073709551615")
	f.Add("18446744073709551616", "x", "0", "-9223372036854775808", "")
	f.Add("", "", "0", "-9223372036", "")
	f.Fuzz(func(t *testing.T, after, date, remaining, at, period string) {
		h := http.Header{
			"Retry-After": {after}, "Date": {date}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {at},
			"X-Ratelimit-Period-In-Sec": {period},
		}
		limited, other, up := headerWait(h, true), headerWait(h, false), usedUp(h)
		if limited < 0 || other < 0 || up < 0 || up > maxReset || other > 0 && other != limited {
			t.Errorf("the waits are %v, %v and %v", limited, other, up)
		}
		if n, err := strconv.ParseInt(at, 10, 64); err == nil && n <= 0 && reset(h, "X-Ratelimit-Remaining", "X-Ratelimit-Reset", time.Now()) != 0 {
			t.Errorf("a limit that was reset before 1970 asks to wait")
		}
	})
}
