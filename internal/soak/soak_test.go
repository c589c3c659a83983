// Package soak sends many different alerts through all services at the same time while random faults happen, and
// compares what the services hold with what the notifiers returned: nothing may be lost, and nothing may be sent twice
// without a reason.
//
// The seed of a run is printed. With it, the same alerts meet the same faults again:
//
//	go test ./internal/soak -alerts 100000 -seed 7
package soak

import (
	"context"
	"flag"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
)

var (
	alerts = flag.Int("alerts", 2000, "how many alerts are sent")
	seed   = flag.Uint64("seed", 0, "of all random choices; 0 is another seed each time")
)

const (
	workers   = 16
	perRound  = 1000 // alerts; the fakes keep every request, so each round has new ones
	maxFailed = 10   // stories of a round that are printed
)

func TestSoak(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("-alerts %d -seed %d", *alerts, *seed)
	var all table
	for first := 0; first < *alerts && !t.Failed(); first += perRound {
		synctest.Test(t, func(t *testing.T) { all.add(round(t, first, min(first+perRound, *alerts))) })
	}
	t.Log("\n" + all.String())
}

// round sends the alerts from first to last through new fakes, checks them, and returns them. Every second round is paced.
func round(t *testing.T, first, last int) []*story {
	if pace = mackerel.Unpaced; first/perRound%2 == 1 {
		pace = mackerel.Pace{}
	}
	lanes := lanes(t)
	stories := make([]*story, 0, last-first)
	for n := first; n < last; {
		s := newStory(n, lanes)
		stories, n = append(stories, s), n+len(s.chapters)
	}
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < len(stories); i += workers {
				stories[i].tell(t.Context(), w)
			}
		})
	}
	all.Wait()
	copies, failed := copiesOf(lanes), 0
	for _, s := range stories {
		s.copies = copies[s.marker]
		problems := s.problems()
		if len(problems) == 0 {
			continue
		}
		if failed++; failed <= maxFailed {
			t.Errorf("%s:\n- %s\n%s", s.marker, strings.Join(problems, "\n- "), s)
		}
	}
	if failed > maxFailed {
		t.Errorf("and %d more", failed-maxFailed)
	}
	return stories
}

// A story is what one alert goes through at one service: it opens and, at a service of incidents, may close.
type story struct {
	marker   string // in every text of the alert
	lane     *lane
	mode     mackerel.Delivery
	chapters []*chapter
	copies   []held // of the alert, at the service
}

// A chapter is one call of Deliver.
type chapter struct {
	alert  mackerel.Alert
	faults plan
	limit  time.Duration // of the context; 0 is none

	receipt mackerel.Receipt
	err     error
	trips   []trip // the requests, as they arrived
}

// newStory returns the story of an alert. It depends on the seed and the number only.
func newStory(n int, lanes []*lane) *story {
	r := rand.New(rand.NewPCG(*seed, uint64(n)))
	s := &story{marker: markerOf(n), lane: lanes[r.IntN(len(lanes))]}
	s.mode = s.lane.modes[r.IntN(len(s.lane.modes))]
	alert := anyAlert(r, s.marker)
	if s.lane.nameless && (alert.Event == mackerel.EventSample || alert.Event == mackerel.EventDigest) {
		alert = monitored(s.marker, mackerel.StatusCritical) // the marker has to be in what the service holds
	}
	s.chapters = append(s.chapters, newChapter(r, s.lane, alert))
	if s.lane.incidents && alert.Event.ChannelEvent() == mackerel.ChannelEventAlert && r.IntN(2) == 0 {
		s.chapters = append(s.chapters, newChapter(r, s.lane, closed(alert)))
	}
	return s
}

func newChapter(r *rand.Rand, l *lane, a mackerel.Alert) *chapter {
	c := &chapter{alert: a, faults: l.newPlan(r)}
	if r.IntN(10) == 0 {
		c.limit = time.Duration(r.Int64N(int64(20 * time.Second)))
	}
	return c
}

// tell makes the calls one after the other. After each call it lets time pass, so that the service has seen the end of
// what the call had begun.
func (s *story) tell(ctx context.Context, worker int) {
	for _, c := range s.chapters {
		before := s.lane.begin(s.marker, worker, c.faults)
		c.call(ctx, s.lane.notifier(worker, s.mode))
		time.Sleep(time.Millisecond)
		c.trips = s.lane.end(s.marker, worker, before)
	}
}

func (c *chapter) call(ctx context.Context, d mackerel.Deliverer) {
	if c.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.limit)
		defer cancel()
	}
	c.receipt, c.err = d.Deliver(ctx, c.alert)
}
