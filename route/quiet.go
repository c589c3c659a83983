package route

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// Hours are the hours of a day in which nothing is told: from 22:00 to 07:00 of the next day, for example.
type Hours struct {
	From     string         // "22:00"
	To       string         // "07:00"; the next day unless it is later than From
	Location *time.Location // time.Local unless set
	Days     []time.Weekday // on which the hours begin; every day unless set
	Critical bool           // alerts that are critical or unknown are told all the same
}

// Quiet returns a notifier that tells nothing within the hours. It keeps nothing: within the hours it returns
// [mackerel.ErrRateLimited] with RetryAfter, the time until they end. [Persist] around it, or a queue, holds the alert
// until then.
//
// Services that keep incidents (PagerDuty, Opsgenie, Jira Service Management) are refused with [mackerel.ErrConfig]: a
// close that waits would leave the incident open, and their own schedules know the hours of people.
func Quiet(n mackerel.Notifier, h Hours) (*Notifier, error) {
	problems := keyed(n)
	from, to := clock(h.From), clock(h.To)
	for field, at := range map[string]time.Duration{"From": from, "To": to} {
		if at < 0 {
			problems = append(problems, field+`: must be a time such as "22:00"`)
		}
	}
	if from == to && from >= 0 {
		problems = append(problems, "To: must not be From")
	}
	slices.Sort(problems)
	if h.Location == nil {
		h.Location = time.Local
	}
	rule := func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) (mackerel.Receipt, error) {
		end, quiet := h.end(time.Now())
		if !quiet || h.Critical && severeNow(a) {
			return deliver(ctx, a, n)
		}
		return mackerel.Receipt{}, &mackerel.Error{
			Provider: "route", Op: "quiet", Kind: mackerel.ErrRateLimited, RetryAfter: time.Until(end),
			Message: "quiet until " + end.Format("15:04 -07:00"),
		}
	}
	return wrap(Notifier{inner: n, rule: rule}, "quiet", problems...)
}

func severeNow(a mackerel.Alert) bool {
	s := a.Status.Fold()
	return a.StatusLabel() != "" && s != mackerel.StatusOK && s != mackerel.StatusWarning
}

// clock returns the time since midnight, -1 if the text is no time.
func clock(text string) time.Duration {
	at, err := time.Parse("15:04", text)
	if err != nil {
		return -1
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
}

// end reports whether a time is within the hours, and when they end. Hours that began yesterday may still last.
func (h Hours) end(now time.Time) (end time.Time, quiet bool) {
	now = now.In(h.Location)
	for _, days := range []int{-1, 0} {
		day := time.Date(now.Year(), now.Month(), now.Day()+days, 12, 0, 0, 0, h.Location) // noon exists on each day
		from, to := at(day, h.From), at(day, h.To)
		if clock(h.To) <= clock(h.From) {
			to = at(day.AddDate(0, 0, 1), h.To)
		}
		applies := len(h.Days) == 0 || slices.Contains(h.Days, day.Weekday())
		if applies && !now.Before(from) && now.Before(to) {
			return to, true
		}
	}
	return time.Time{}, false
}

// at returns when a clock shows a time on a day. If the clock skips the time, it is the end of the skipped time. If the
// clock shows the time twice, it is the first.
func at(day time.Time, text string) time.Time {
	c := clock(text)
	hour, minute := int(c/time.Hour), int(c%time.Hour/time.Minute)
	t := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, day.Location())
	start, end := t.ZoneBounds() // time.Date may have used the offset before or after the change
	_, after := t.Zone()
	shown := t.Add(time.Duration(after) * time.Second).UTC() // what the clock shows at t, as if it were UTC
	wanted := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, time.UTC)
	switch {
	case shown.Before(wanted):
		return end
	case shown.After(wanted):
		return start
	}
	_, before := start.Add(-1).Zone()
	if first := t.Add(time.Duration(after-before) * time.Second); first.Before(start) {
		return first
	}
	return t
}

// keyed lists the notifiers inside that need each alert by itself, because they open and close incidents by a key.
func keyed(n mackerel.Notifier) (problems []string) {
	if mackerel.IsNil(n) {
		return nil
	}
	if k, ok := n.(interface{ Keyed() bool }); ok && k.Keyed() {
		return []string{fmt.Sprintf("n: %s keeps incidents, which have to open and close at once", name(n))}
	}
	inside := mackerel.Unwrap(n)
	if r, ok := n.(*Notifier); ok {
		inside = append(inside, r.inner)
	}
	if f, ok := n.(*fallback); ok {
		inside = append(inside, f.all...)
	}
	for _, one := range inside {
		problems = append(problems, keyed(one)...)
	}
	return problems
}
