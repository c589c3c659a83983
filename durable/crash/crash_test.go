// Package crash kills the processes of durable delivery at random, and looks at what reaches the services. It has tests
// only.
//
// The processes are this package's test program, started again: servers, receivers and workers. The services are the
// fakes of the thirteen services, on the loopback interface, which spoil some of the requests. What was accepted must
// arrive, in the order of each key. What arrives twice must have a reason: the worker was killed, or the fake gave no
// answer.
//
// The seed of a run is printed. With it the random choices are the same; which request meets which of them depends on
// the machine.
//
//	go test ./crash -v -run Embedded -alerts 100000 -timeout 2h
//	go test ./crash -v -run Cluster -alerts 20000 -fan 13 -seed 7 -timeout 2h
package crash

import (
	"cmp"
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var (
	alerts = flag.Int("alerts", 0, "how many alerts are stored; 0 is few enough for a quick test")
	fan    = flag.Int("fan", 0, "how many services an alert goes to, at most 13; 0 is few enough for a quick test")
	seed   = flag.Uint64("seed", 0, "of the random choices; 0 is another seed each time")
)

// perRound is how many alerts are stored before all is checked. The fakes keep all requests, so each round has new fakes.
const perRound = 5000

// try runs a plan in rounds.
func try(t *testing.T, p plan) {
	t.Helper()
	from := cmp.Or(*seed, rand.Uint64())
	p.alerts, p.fan = cmp.Or(*alerts, p.alerts), cmp.Or(*fan, p.fan)
	if testing.Short() && *alerts == 0 {
		p.alerts /= 10
	}
	t.Logf("-alerts %d -fan %d -seed %d", p.alerts, p.fan, from)
	r := newRun(t, p, from)
	for first := 0; first < p.alerts && !t.Failed(); first += perRound {
		r.round(first, min(first+perRound, p.alerts))
	}
	if t.Failed() {
		return
	}
	r.end()
	for _, kind := range slices.Sorted(maps.Keys(r.most)) {
		all := r.most[kind]
		half := len(all) / 2
		t.Logf("memory of %s: at most %d MB in the first half, %d MB in the second", kind, slices.Max(all[:half]), slices.Max(all[half:]))
	}
}

// The server is in the process of the receiver, the router and the workers. The process is killed again and again.
func TestEmbedded(t *testing.T) {
	try(t, plan{
		alerts: 5000, keys: 100, fan: 13, part: 0.05, lose: true,
		pace: 300 * time.Millisecond, kills: 2 * time.Second, ackWait: 2 * time.Second,
	})
}

// A cluster of three servers, two receivers and three workers. All are killed, the servers one at a time.
func TestCluster(t *testing.T) {
	try(t, plan{
		alerts: 5000, keys: 100, fan: 3, part: 0.05, lose: true, cluster: true,
		pace: 500 * time.Millisecond, kills: 2 * time.Second, ackWait: 15 * time.Second,
	})
}

// Nothing is killed, and all failures say that nothing was delivered. So nothing is lost and nothing comes twice.
func TestNothingIsKilled(t *testing.T) {
	try(t, plan{
		alerts: 3000, keys: 100, fan: 3, part: 0.05, cluster: true, ackWait: 3 * time.Minute, promptly: true,
	})
}
