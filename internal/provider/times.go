package provider

import (
	"strconv"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// Mackerel evaluates by the minute, so times are written to the minute. They have their offset from UTC, because the
// reader may be in another time zone than the process.
const (
	clock    = "15:04"
	day      = "2006-01-02"
	offset   = "-07:00"
	fullTime = day + " " + clock + " " + offset
)

// time writes a time, "" for none. The first time of a message is full: "2026-01-01 10:00 +09:00". The following times
// have only what differs from it: "11:05".
func (w *writer) time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if w.first.IsZero() {
		w.first = t
		return t.In(w.loc).Format(fullTime)
	}
	return w.since(w.first, t)
}

// since writes what is different in a time from a time before it in the message.
func (w *writer) since(first, t time.Time) string {
	before, at := first.In(w.loc), t.In(w.loc)
	switch {
	case before.Format(offset) != at.Format(offset):
		return at.Format(fullTime)
	case before.Format(day) != at.Format(day):
		return at.Format(day + " " + clock)
	}
	return at.Format(clock)
}

// lasted writes how long an alert was open, "" if that is not known.
func (w *writer) lasted(a mackerel.Alert) string { return w.between(a.OpenedAt, a.ClosedAt) }

// between writes the time from one time to another, "" if one of them is not known.
func (w *writer) between(from, to time.Time) string {
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return ""
	}
	return w.labels.duration(to.Sub(from))
}

// duration writes the two largest units, and seconds only below ten minutes: "1d 2h", "1h 5m", "15m", "5m 10s".
func (l *labels) duration(d time.Duration) string {
	s := int64(d / time.Second)
	if s >= 600 {
		s -= s % 60
	}
	parts := []struct {
		n    int64
		unit string
	}{{s / 86400, l.day}, {s / 3600 % 24, l.hour}, {s / 60 % 60, l.minute}, {s % 60, l.second}}
	first := 0
	for first < len(parts)-1 && parts[first].n == 0 {
		first++
	}
	words := strconv.FormatInt(parts[first].n, 10) + parts[first].unit
	if first+1 < len(parts) && parts[first+1].n > 0 {
		words += l.gap + strconv.FormatInt(parts[first+1].n, 10) + parts[first+1].unit
	}
	return words
}

func minutes(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }
