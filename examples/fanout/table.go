package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// row is the layout of a line: service, status, id, attempts, time and remarks.
const row = "   %-12s %-10s %-*s %8v %11s   %s"

// idWidth is the number of characters of an id that are shown.
const idWidth = 19

// table prints the outcome of each notifier.
func (f *fanout) table(results []mackerel.Result) {
	f.row("SERVICE", "STATUS", "ID", "ATTEMPTS", "TIME", "REMARKS")
	have := 0
	for _, r := range results {
		if r.Err == nil {
			have++
		}
		ms := float64(r.Receipt.Duration) / float64(time.Millisecond)
		f.row(r.Receipt.Provider, status(r), shorten(cmp.Or(r.Receipt.ID, "-")), r.Receipt.Attempts, fmt.Sprintf("%.1f ms", ms), remarks(r))
	}
	f.printf("\n   %d of %d have it. A queued message was accepted; the service does not say whether people got it.\n", have, len(results))
}

func (f *fanout) row(service, status, id string, attempts any, took, remarks string) {
	line := fmt.Sprintf(row, service, status, idWidth, id, attempts, took, remarks)
	f.printf("%s\n", strings.TrimRight(line, " "))
}

// status returns the outcome in one word.
func status(r mackerel.Result) string {
	switch {
	case r.Err != nil:
		return "FAILED"
	case r.Receipt.Skipped != "":
		return "skipped"
	case r.Receipt.Queued:
		return "queued"
	}
	return "delivered"
}

// remarks returns the kind of failure, why the alert was skipped, or what was cut.
func remarks(r mackerel.Result) string {
	if e := (*mackerel.Error)(nil); errors.As(r.Err, &e) {
		return e.Kind.Error()
	}
	if r.Receipt.Skipped != "" {
		return r.Receipt.Skipped
	}
	return cuts(r.Receipt.Cuts)
}

// cuts returns what was cut, with one sum for each unit: "facts and memo cut from 29224 to 9475 runes".
func cuts(all []mackerel.Cut) string {
	var words []string
	for len(all) > 0 {
		unit, from, to := all[0].Unit, 0, 0
		var fields []string
		for len(all) > 0 && all[0].Unit == unit {
			fields = append(fields, all[0].Field)
			from, to, all = from+all[0].From, to+all[0].To, all[1:]
		}
		words = append(words, fmt.Sprintf("%s cut from %d to %d %s", strings.Join(fields, " and "), from, to, unit))
	}
	return strings.Join(words, ", ")
}

// shorten returns the beginning of a long id.
func shorten(id string) string {
	if r := []rune(id); len(r) > idWidth {
		return string(r[:idWidth-1]) + "…"
	}
	return id
}

// count reports every fake that does not have exactly one message.
func (f *fanout) count() error {
	var errs []error
	for _, s := range f.services {
		if n := s.fake.Accepted(); n != 1 {
			errs = append(errs, fmt.Errorf("%v: %d messages; want 1", s.notifier, n))
		}
	}
	if len(errs) == 0 {
		f.printf("   Each has one message.\n")
	}
	return errors.Join(errs...)
}
