package soak

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/mackerel-notify/mackerel"
)

// kinds are the kinds of errors that a call may end with. After the first two it may have been done.
var kinds = []error{
	mackerel.ErrAmbiguous, mackerel.ErrUnavailable, mackerel.ErrRateLimited, mackerel.ErrInvalid,
	mackerel.ErrUnauthorized, mackerel.ErrNotFound, mackerel.ErrUnsupported,
}

// kind returns the kind of the error, nil for a success or if there is not exactly one.
func (c *chapter) kind() error {
	var found []error
	for _, kind := range kinds {
		if errors.Is(c.err, kind) {
			found = append(found, kind)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

func (c *chapter) skipped() bool { return c.err == nil && c.receipt.Skipped != "" }
func (c *chapter) done() bool    { return c.err == nil && c.receipt.Skipped == "" }

// undone reports whether the call says that nothing was done.
func (s *story) undone(c *chapter) bool {
	switch c.kind() {
	case nil:
		return c.skipped()
	case mackerel.ErrAmbiguous:
		return false
	case mackerel.ErrUnavailable:
		return !s.lane.incidents // what may be done twice has this error also after a lost answer
	}
	return true
}

// once reports whether the alert may not be sent again after a lost answer.
func (s *story) once() bool {
	return s.mode != mackerel.AtLeastOnce && !s.lane.incidents && !s.lane.drops
}

// problems says what is wrong with what was returned and what the service holds.
func (s *story) problems() []string {
	var all []string
	wrong := func(is bool, format string, args ...any) {
		if is {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	for i, c := range s.chapters {
		wrong(c.err != nil && c.kind() == nil, "the error of call %d has not exactly one kind", i+1)
		wrong(s.lane.gate != nil && c.receipt.Attempts != len(c.trips) && c.limit == 0,
			"call %d made %d attempts, and %d requests arrived", i+1, c.receipt.Attempts, len(c.trips))
		wrong(s.undone(c) && c.kind() != nil && c.uncertain(), "call %d claims that nothing was done", i+1)
		wrong(c.kind() == mackerel.ErrAmbiguous && s.lane.gate != nil && !c.uncertain() && c.limit == 0,
			"call %d is ambiguous without a reason", i+1)
		wrong(c.repeatedAfterSuccess(), "call %d sent the alert again after a success", i+1)
		wrong(s.once() && c.repeatedAfterLoss(), "call %d sent the alert again after a lost answer", i+1)
	}
	n, first := len(s.copies), s.chapters[0]
	wrong(first.done() && n == 0 && !s.unopened(), "it is lost: the service does not have it")
	wrong(s.undone(first) && n > 0, "the service has it, although the call says that nothing was done")
	wrong(n > 1 && (s.once() || s.lane.drops || s.lane.incidents), "the service has it %d times", n)
	wrong(n > 1+s.lost(), "the service has it %d times, and %d answers were lost", n, s.lost())
	wrong(n > s.attempts(), "the service has it %d times after %d attempts", n, s.attempts())
	if len(s.chapters) > 1 && n == 1 {
		last := s.chapters[1]
		wrong(last.done() && !s.copies[0].closed, "the incident is open, although the call that closes it succeeded")
		wrong(s.undone(last) && s.copies[0].closed, "the incident is closed, although the call says that nothing was done")
	}
	return all
}

// unopened reports whether the alert is a recovery of an incident that was never opened, which the service drops.
func (s *story) unopened() bool { return s.lane.incidents && s.chapters[0].alert.Closed() }

// uncertain reports whether a request may have been handled without a definite answer.
func (c *chapter) uncertain() bool {
	for _, t := range c.trips {
		if !t.told && !t.definite() {
			return true
		}
	}
	return false
}

func (c *chapter) repeatedAfterSuccess() bool {
	for i, t := range c.trips {
		if t.handled && t.told && i < len(c.trips)-1 {
			return true
		}
	}
	return false
}

func (c *chapter) repeatedAfterLoss() bool {
	for i, t := range c.trips {
		if !t.definite() && i < len(c.trips)-1 {
			return true
		}
	}
	return false
}

// lost returns how many requests were handled without that the answer was told: so many copies have a reason.
func (s *story) lost() int {
	n := 0
	for _, c := range s.chapters {
		for _, t := range c.trips {
			if t.handled && !t.told {
				n++
			}
		}
		for _, i := range c.faults {
			if s.lane.mail != nil && i >= 0 && mailFaults[i].Handled {
				n++
			}
		}
	}
	return n
}

// attempts returns how many requests the calls made, as they say.
func (s *story) attempts() int {
	n := 0
	for _, c := range s.chapters {
		n += c.receipt.Attempts
	}
	return n
}

// String describes the story for a failed test.
func (s *story) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %v, %d copies\n", s.lane.name, s.mode, len(s.copies))
	for i, c := range s.chapters {
		a := c.alert
		fmt.Fprintf(&b, "call %d: event %q, status %q, ID %q, deadline %v\n", i+1, a.Event, a.Status, a.ID, c.limit)
		for _, f := range c.faults {
			switch {
			case f < 0:
				b.WriteString("  planned: no fault\n")
			case s.lane.mail != nil:
				fmt.Fprintf(&b, "  planned: %+v\n", mailFaults[f])
			default:
				fmt.Fprintf(&b, "  planned: %+v\n", faults[f])
			}
		}
		for _, t := range c.trips {
			fmt.Fprintf(&b, "  arrived: %+v\n", t)
		}
		fmt.Fprintf(&b, "  returned: %+v, %v\n", c.receipt, c.err)
	}
	return b.String()
}

// A table counts calls and alerts by service.
type table struct {
	names []string
	rows  map[string]*counts
}

type counts struct {
	calls, requests, delivered, doubled, ambiguous, unavailable, refused, skipped int
}

func (t *table) add(stories []*story) {
	if t.rows == nil {
		t.rows = map[string]*counts{}
	}
	for _, s := range stories {
		row, ok := t.rows[s.lane.name]
		if !ok {
			row = new(counts)
			t.rows[s.lane.name], t.names = row, append(t.names, s.lane.name)
		}
		row.add(s)
	}
}

func (n *counts) add(s *story) {
	if len(s.copies) > 1 {
		n.doubled++
	}
	for _, c := range s.chapters {
		n.calls++
		n.requests += c.receipt.Attempts
		switch kind := c.kind(); {
		case c.skipped():
			n.skipped++
		case c.done():
			n.delivered++
		case kind == mackerel.ErrAmbiguous:
			n.ambiguous++
		case kind == mackerel.ErrUnavailable:
			n.unavailable++
		default:
			n.refused++
		}
	}
}

func (t *table) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "service\tcalls\trequests\tdelivered\tdoubled with a reason\tambiguous\tunavailable\trefused\tskipped\t")
	for _, name := range t.names {
		n := t.rows[name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name,
			n.calls, n.requests, n.delivered, n.doubled, n.ambiguous, n.unavailable, n.refused, n.skipped)
	}
	w.Flush()
	return b.String()
}
