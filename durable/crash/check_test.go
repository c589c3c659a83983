package crash

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// A verdict is what became of the alerts at a service.
type verdict struct {
	*run
	*gate
	first      map[int]arrival     // of those that the service accepted, by number of the alert
	requests   map[int][]arrival   // all, by number of the alert
	dead       map[int]string      // the reasons of the dead letters
	deaths     map[string]kill     // by the name of the process's life
	perKill    map[string][]string // repeats
	doubts     map[doubt]int       // of the mails
	waits      []time.Duration     // from accepted to delivered
	wanted     int                 // alerts
	overtook   int                 // of them
	lost       int                 // of them
	disorder   int
	overlap    int
	cutOff     int // dead letters of deliveries that a kill has cut off
	byLoss     int // repeats after an answer that was lost
	byKill     int // after a worker was killed
	byStore    int // of alerts that were stored twice, because the receiver was cut off
	bySurprise int // without a reason
	examples   []string
}

const maxExamples = 5

// check checks what arrived at all services.
func (r *run) check() {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "service\talerts\trequests\tdead\tovertaken\tlost\tdisorder\toverlap\trepeats: killed\tlost answer\tstored twice\tunexplained\twait p50\tp99\tmax\t")
	for _, name := range slices.Sorted(maps.Keys(r.gates)) {
		v := r.judge(r.gates[name])
		slices.Sort(v.waits)
		if longest := v.waits[len(v.waits)-1]; r.promptly && longest > r.ackWait {
			v.wrong("an alert waited %v, so a worker or the server forgot it until AckWait", longest)
		}
		at := func(part float64) time.Duration {
			if len(v.waits) == 0 {
				return 0
			}
			return v.waits[int(part*float64(len(v.waits)-1))].Round(time.Millisecond)
		}
		requests := 0
		for _, all := range v.requests {
			requests += len(all)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%v\t%v\t%v\t\n", name, v.wanted, requests, len(v.dead), v.overtook,
			v.lost, v.disorder, v.overlap, v.byKill, v.byLoss, v.byStore, v.bySurprise, at(.5), at(.99), at(1))
		if len(v.examples) > 0 {
			r.Errorf("%s:\n%s", name, strings.Join(v.examples, "\n"))
		}
	}
	w.Flush()
	r.Log("\n" + b.String())
}

func (r *run) judge(g *gate) *verdict {
	v := &verdict{
		run: r, gate: g, first: make(map[int]arrival), requests: make(map[int][]arrival), dead: make(map[int]string),
		deaths: make(map[string]kill), perKill: make(map[string][]string),
		doubts: make(map[doubt]int),
	}
	for _, k := range r.killed {
		v.deaths[k.name] = k
	}
	for _, l := range r.letters {
		if l.Queue == g.name {
			v.dead[l.N] = l.Reason
		}
	}
	all := g.all()
	v.order(all)
	v.repeats()
	v.losses()
	v.overlaps(all)
	v.drops()
	return v
}

// wrong notes an example of what is wrong.
func (v *verdict) wrong(format string, args ...any) {
	if len(v.examples) < maxExamples {
		v.examples = append(v.examples, fmt.Sprintf(format, args...))
	}
}

// order checks that the states of each key came in their order. A repeat comes before the next state.
func (v *verdict) order(all []arrival) {
	last := make(map[int]int) // the latest state of each key
	for _, a := range all {
		v.requests[a.n] = append(v.requests[a.n], a)
		if !a.handled {
			continue
		}
		key := a.n % v.keys
		if a.n < last[key] {
			if v.storedTwice(a) {
				continue
			}
			v.disorder++
			v.wrong("alert %d of key %d came after alert %d: %v", a.n, key, last[key], v.story(a.n))
		}
		last[key] = max(last[key], a.n)
		if _, ok := v.first[a.n]; !ok {
			v.first[a.n] = a
			v.waits = append(v.waits, max(a.ended.Sub(v.accepted[a.n]), 0))
		}
	}
}

// storedTwice reports whether a request is about another delivery than the first of its alert, and that has a reason.
func (v *verdict) storedTwice(a arrival) bool {
	first, ok := v.first[a.n]
	return ok && first.delivery != a.delivery && v.again[a.n]
}

// repeats looks for the reason of each repeat.
func (v *verdict) repeats() {
	if v.post != nil {
		v.doubtMails()
	}
	for n, all := range v.requests {
		var before *arrival
		for _, a := range all {
			if !a.handled {
				continue
			}
			if before != nil {
				v.repeat(n, *before, a)
			}
			before = &a
		}
	}
	if v.once && v.byKill > 0 {
		v.wrong("%d alerts came again after a kill, and must not: %v", v.byKill, v.perKill)
		for n := range v.requests {
			if len(v.requests[n]) > 1 {
				v.wrong("alert %d: %v", n, v.story(n))
			}
		}
	}
	for life, all := range v.perKill {
		// The process has a worker of the service and a router. What the router had passed on may be stored again.
		if len(all) > 2*concurrency {
			v.wrong("%s was killed with %d deliveries, and has %d places: %v", life, len(all), 2*concurrency, all)
		}
	}
}

// A doubt is an answer about a mail that was lost.
type doubt struct {
	n      int // of the alert
	worker string
}

// doubtMails counts the mails whose answer was lost, as the workers report it: the gate does not see which mails they are.
func (v *verdict) doubtMails() {
	total := 0
	for n, all := range v.failures {
		for _, f := range all {
			if strings.Contains(f, mackerel.ErrAmbiguous.Error()) {
				worker, _, _ := strings.Cut(f, ":")
				v.doubts[doubt{n, worker}]++
				total++
			}
		}
	}
	if total > v.lostAnswers {
		v.wrong("the workers report %d lost answers, and there were %d", total, v.lostAnswers)
	}
}

func (v *verdict) repeat(n int, before, a arrival) {
	death, killed := v.deaths[before.worker]
	switch {
	case !before.told:
		v.byLoss++
	case v.doubts[doubt{n, before.worker}] > 0:
		v.doubts[doubt{n, before.worker}]--
		v.byLoss++
	case killed && before.worker != a.worker: // its last requests may be read after its death
		v.byKill++
		v.perKill[before.worker] = append(v.perKill[before.worker], fmt.Sprintf("\n  alert %d: sent again %v after %v, of %v before the kill",
			n, a.begun.Sub(before.ended).Round(time.Millisecond), before.ended.Sub(before.begun).Round(time.Millisecond),
			death.at.Sub(before.ended).Round(time.Millisecond)))
	case before.delivery != a.delivery && v.again[n]:
		v.byStore++
	default:
		v.bySurprise++
		v.wrong("alert %d came twice without a reason: %v", n, v.story(n))
	}
}

// story says what was requested for an alert.
func (v *verdict) story(n int) (all []string) {
	for _, a := range v.requests[n] {
		all = append(all, fmt.Sprintf("\n  %s to %s by %s, delivery %s: handled %t, told %t",
			a.begun.Format("05.000"), a.ended.Format("05.000"), a.worker, a.delivery, a.handled, a.told))
	}
	if v.post != nil {
		for _, f := range v.failures[n] {
			all = append(all, "\n  "+f)
		}
	}
	for _, k := range v.killed {
		all = append(all, "\n  "+k.name+" killed at "+k.at.Format("05.000"))
	}
	return all
}

// losses checks that each alert arrived, was overtaken by one that arrived, or is a dead letter with a reason.
func (v *verdict) losses() {
	for _, e := range v.events {
		if !slices.Contains(routes(e.Key, v.fan), v.name) {
			continue
		}
		v.wanted++
		_, arrived := v.first[e.N]
		reason, dead := v.dead[e.N]
		switch {
		case dead:
			switch {
			case v.once && strings.Contains(reason, "the delivery had begun before"):
				v.cutOff++
			case !v.once || !v.isAmbiguous(e.N):
				v.wrong("alert %d is a dead letter: %s: %v", e.N, reason, v.story(e.N))
			}
		case arrived:
		case v.overtaken[v.name][e.N]:
			v.overtook++
			if v.isLast(e) {
				v.wrong("alert %d was overtaken, and there is no later state", e.N)
			}
		default:
			v.lost++
			v.wrong("alert %d of key %d is lost: %v", e.N, e.Key, v.story(e.N))
		}
	}
	if v.cutOff > concurrency*len(v.killed) {
		v.wrong("%d deliveries were cut off by %d kills", v.cutOff, len(v.killed))
	}
}

// isAmbiguous reports whether an answer left open whether the service has the alert.
func (v *verdict) isAmbiguous(n int) bool {
	return slices.ContainsFunc(v.requests[n], func(a arrival) bool { return !a.told && !a.definite })
}

func (v *verdict) isLast(e event) bool { return e.N+v.keys > v.events[len(v.events)-1].N }

// overlaps checks that there are never two requests of a key at a time, except those of processes that were killed.
func (v *verdict) overlaps(all []arrival) {
	byKey := make(map[int][]arrival)
	for _, a := range all {
		byKey[a.n%v.keys] = append(byKey[a.n%v.keys], a)
	}
	for _, list := range byKey {
		slices.SortFunc(list, func(a, b arrival) int { return cmp.Compare(a.begun.UnixNano(), b.begun.UnixNano()) })
		for i := 1; i < len(list); i++ {
			a, b := list[i-1], list[i]
			death, killed := v.deaths[a.worker]
			// A process is dead some moments after its kill. Its gate sees that the connection ends.
			if a.ended.After(b.begun) && (!killed || death.at.After(b.begun)) {
				v.overlap++
				v.wrong("alerts %d and %d of a key were under way together: %v %v", a.n, b.n, v.story(a.n), v.story(b.n))
			}
		}
	}
}

// drops checks that a service that drops repeats has each alert once.
func (v *verdict) drops() {
	if !v.gate.drops {
		return
	}
	fake := v.fake.(interface{ Accepted() int })
	if got := fake.Accepted(); got > len(v.first)+v.byStore {
		v.wrong("the service drops repeats, and has %d messages of %d alerts, of which %d were stored twice", got, len(v.first), v.byStore)
	}
}
