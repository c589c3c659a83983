package notifytest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// paceRows are about notifiers that let calls wait for their turn. A notifier without a pace passes them, too.
func paceRows() []row {
	return []row{
		{"thirty calls at the notifier's own pace are thirty messages", overHTTP, keepPace, checkPace},
		{"a call that waits for its turn ends with its context", overHTTP, endWithContext, checkImpatient},
	}
}

// patient is how long thirty calls may take. A service that takes 10 messages in 30 seconds needs one minute.
const patient = 10 * time.Minute

func checkPace(s *stage) {
	sc := s.scene()
	sc.env.Pace = mackerel.Pace{}
	done, accepted := sc.burst(patient)
	for i, d := range done {
		if d.err != nil {
			sc.errorf("call %d after %v: %v", i+1, d.took, d.err)
		}
	}
	if accepted != len(done) {
		sc.errorf("the service accepted %d of %d messages", accepted, len(done))
	}
}

func checkImpatient(s *stage) {
	sc := s.scene()
	sc.env.Pace = mackerel.Pace{}
	done, accepted := sc.burst(time.Second)
	delivered := 0
	for i, d := range done {
		if d.err == nil {
			delivered++
		}
		if d.took > time.Second {
			sc.errorf("call %d ended after %v, and its context after a second", i+1, d.took)
		}
	}
	if accepted != delivered {
		sc.errorf("the service accepted %d messages, and %d calls returned nil", accepted, delivered)
	}
}

// A called is the end of one call of a burst.
type called struct {
	err  error
	took time.Duration
}

// burst makes thirty calls at once, whose contexts end after this time. It returns how they ended, and how many
// messages the service has accepted.
func (sc *scene) burst(timeout time.Duration) (done []called, accepted int) {
	n, before := sc.notifier(), sc.count()
	done = make([]called, 30)
	ctx, cancel := context.WithTimeout(sc.tb.Context(), timeout)
	defer cancel()
	var all sync.WaitGroup
	for i := range done {
		a, start := sc.alert(), time.Now()
		all.Go(func() {
			problem := catch(func() { done[i].err = n.Notify(ctx, a) })
			if done[i].took = time.Since(start); problem != "" {
				done[i].err = errors.New(problem)
			}
		})
	}
	all.Wait()
	return done, sc.count() - before
}
