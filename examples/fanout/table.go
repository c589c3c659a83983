package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// row is one line of the table: service, status, id, attempts, time, and what there is to say besides.
const row = "   %-12s %-10s %-*s %8v %11s   %s"

// idWidth is as much of an id as is shown, in characters.
const idWidth = 20

// table shows what became of each notifier.
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
	f.printf("\n   %d of %d have it. What is queued was taken; what became of it the service does not say.\n", have, len(results))
}

func (f *fanout) row(service, status, id string, attempts any, took, remarks string) {
	line := fmt.Sprintf(row, service, status, idWidth, id, attempts, took, remarks)
	f.printf("%s\n", strings.TrimRight(line, " "))
}

// status says in a word what a result means.
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

// remarks say what kind of failure it is, why it was skipped, or what did not fit.
func remarks(r mackerel.Result) string {
	if e := (*mackerel.Error)(nil); errors.As(r.Err, &e) {
		return e.Kind.Error()
	}
	if r.Receipt.Skipped != "" {
		return r.Receipt.Skipped
	}
	var words []string
	for _, c := range r.Receipt.Cuts {
		words = append(words, fmt.Sprintf("%s cut from %d to %d %s", c.Field, c.From, c.To, c.Unit))
	}
	return strings.Join(words, ", ")
}

// shorten keeps the beginning of an id.
func shorten(id string) string {
	if r := []rune(id); len(r) > idWidth {
		return string(r[:idWidth-1]) + "…"
	}
	return id
}

// count looks into the fakes. One that has not exactly one message is an error.
func (f *fanout) count() error {
	var errs []error
	for _, s := range f.services {
		if n := s.fake.Accepted(); n != 1 {
			errs = append(errs, fmt.Errorf("%v: %d messages, and there should be one", s.notifier, n))
		}
	}
	if len(errs) == 0 {
		f.printf("   One message each: nobody has it twice.\n")
	}
	return errors.Join(errs...)
}
