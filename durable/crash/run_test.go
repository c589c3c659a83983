package crash

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/durable"
)

// A plan says what happens in a run.
type plan struct {
	alerts, keys, fan int
	cluster           bool // else there is a server in the process that does all the rest
	part              float64
	lose              bool
	pace              time.Duration // of the states of a key, on average
	kills             time.Duration // the time between two kills, on average; 0 kills nothing
	ackWait           time.Duration
	promptly          bool // each alert is delivered within ackWait
}

// A kill is the end of a process.
type kill struct {
	name string // of its life
	at   time.Time
}

// A run is a run of a plan.
type run struct {
	*testing.T
	plan
	gates      map[string]*gate
	cluster    *cluster
	publishers []*process
	workers    []*process

	mu        sync.Mutex
	random    *rand.Rand
	events    []event
	accepted  map[int]time.Time // by number of the alert
	again     map[int]bool      // alerts whose first Notify failed or was cut off
	overtaken map[string]map[int]bool
	failures  map[int][]string // of the mail's workers, by number of the alert
	killed    []kill
	letters   []report
	most      map[string][]int // MB of the processes, by role
}

func newRun(t *testing.T, p plan, seed uint64) *run {
	t.Helper()
	r := &run{
		T: t, plan: p, gates: make(map[string]*gate), random: rand.New(rand.NewPCG(seed, 1)),
		overtaken: make(map[string]map[int]bool), most: make(map[string][]int),
	}
	addresses := make(map[string]string)
	for i, s := range services() {
		r.gates[s.name] = newGate(s, p.part, p.lose, seed+uint64(i))
		addresses[s.name] = r.gates[s.name].open(t)
		r.overtaken[s.name] = make(map[int]bool)
	}
	work := role{Gates: addresses, Fan: p.fan, AckWait: p.ackWait}
	if !p.cluster {
		work.Name, work.Dir = "station", t.TempDir()
		r.workers = []*process{newProcess(t, work, r.hear)}
		r.publishers = r.workers
	} else {
		r.cluster = newCluster(t)
		work.URLs, work.Copies = r.cluster.urls, nodes
		for i := range 3 {
			work.Name = fmt.Sprint("worker", i)
			r.workers = append(r.workers, newProcess(t, work, r.hear))
		}
		for i := range 2 {
			r.publishers = append(r.publishers, newProcess(t, role{
				Name: fmt.Sprint("receiver", i), URLs: work.URLs, Copies: work.Copies,
			}, r.hear))
		}
	}
	for _, q := range append(r.publishers, r.workers...) {
		if err := q.awake(time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// hear notes what a process reports.
func (r *run) hear(is report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch is.Is {
	case "overtaken":
		r.overtaken[is.Queue][is.N] = true
	case "repeated":
		r.failures[is.N] = append(r.failures[is.N], is.Err)
	case "letter":
		r.letters = append(r.letters, is)
	}
}

// float returns a random number below 1.
func (r *run) float() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.random.Float64()
}

// around returns a random time from 0 to 2d.
func (r *run) around(d time.Duration) time.Duration { return time.Duration(2 * r.float() * float64(d)) }

// round stores the alerts from first to last while processes are killed, waits until nothing is left to deliver, and
// checks what arrived.
func (r *run) round(first, last int) {
	r.accepted, r.again, r.failures = make(map[int]time.Time), make(map[int]bool), make(map[int][]string)
	r.events, r.killed, r.letters = nil, nil, nil
	begun := time.Now()
	stop, all := make(chan struct{}), sync.WaitGroup{}
	all.Go(func() { r.sample(stop) })
	if r.kills > 0 {
		all.Go(func() { r.assault(stop) })
	}
	r.publish(first, last)
	stored := time.Since(begun)
	close(stop)
	all.Wait()
	if r.Failed() {
		return
	}
	stop = make(chan struct{})
	all.Go(func() { r.sample(stop) })
	r.drain(first)
	close(stop)
	all.Wait()
	took := time.Since(begun)
	r.check()
	r.Logf("alerts %d to %d: stored within %.1f s, delivered within %.1f s (%.0f deliveries a second), %d kills",
		first, last, stored.Seconds(), took.Seconds(), float64(len(r.events)*r.fan)/took.Seconds(), len(r.killed))
	for _, g := range r.gates {
		g.clear()
	}
}

// publish stores alerts: the states of each key one after the other, and the keys at the same time.
func (r *run) publish(first, last int) {
	byKey := make([][]event, r.keys)
	for n := first; n < last; n++ {
		e := event{n, n % r.keys, n / r.keys}
		byKey[e.Key] = append(byKey[e.Key], e)
	}
	for n := first; n < last; n++ {
		r.events = append(r.events, event{n, n % r.keys, n / r.keys})
	}
	var all sync.WaitGroup
	for _, states := range byKey {
		all.Go(func() {
			for _, e := range states {
				time.Sleep(r.around(r.pace))
				r.store(e)
			}
		})
	}
	all.Wait()
}

// store stores an alert through one receiver, or the same delivery through two at once, until it is accepted.
func (r *run) store(e event) {
	var all sync.WaitGroup
	times := 1
	if e.Key%4 == 0 {
		times = 2
	}
	for i := range times {
		p := r.publishers[(e.Key+i)%len(r.publishers)]
		all.Go(func() {
			for !r.Failed() {
				_, err := p.ask(command{Do: "notify", Event: e}, fmt.Sprint("notified", e.N))
				if err == nil {
					break
				}
				r.mu.Lock()
				r.again[e.N] = true
				r.mu.Unlock()
				time.Sleep(20 * time.Millisecond) // as Mackerel does, and others that get no answer
			}
		})
	}
	all.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accepted[e.N] = time.Now()
}

// assault kills processes until it is told to stop.
func (r *run) assault(stop <-chan struct{}) {
	var restart sync.WaitGroup
	defer restart.Wait()
	node := make(chan struct{}, 1) // has a value while a server is away
	for {
		select {
		case <-stop:
			return
		case <-time.After(r.around(r.kills)):
		}
		victim := r.victim()
		if victim.role.Node == nil {
			r.kill(victim)
			victim.start()
			continue
		}
		select {
		case node <- struct{}{}:
		default:
			continue
		}
		r.kill(victim)
		restart.Go(func() {
			defer func() { <-node }()
			time.Sleep(r.around(time.Second))
			victim.start()
			ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
			defer cancel()
			if err := r.cluster.current(ctx); err != nil {
				r.Error(err)
			}
		})
	}
}

func (r *run) kill(p *process) {
	name := p.kill()
	at := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.killed = append(r.killed, kill{name, at})
}

// victim returns the process that is killed next.
func (r *run) victim() *process {
	among := r.workers
	if r.cluster != nil {
		switch dice := r.float(); {
		case dice < 0.25:
			among = r.publishers
		case dice < 0.5:
			among = r.cluster.nodes
		}
	}
	return among[int(r.float()*float64(len(among)))]
}

// sample notes how much memory the processes need.
func (r *run) sample(stop <-chan struct{}) {
	for {
		all := append([]*process(nil), r.workers...)
		if r.cluster != nil {
			all = append(append(all, r.publishers...), r.cluster.nodes...)
		}
		for _, p := range all {
			if mb := p.memory(); mb > 0 {
				kind := p.role.Name[:4]
				r.mu.Lock()
				r.most[kind] = append(r.most[kind], mb)
				r.mu.Unlock()
			}
		}
		select {
		case <-stop:
			return
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// patience is how long no queue may get shorter while alerts wait.
const patience = 2 * time.Minute

// drain waits until nothing is left in the queues, and reads the dead letters.
func (r *run) drain(first int) {
	deadline, least := time.Now().Add(patience), uint64(math.MaxUint64)
	for {
		got, err := r.publishers[0].ask(command{Do: "stats"}, "stats")
		if err != nil {
			r.Logf("stats: %v", err)
		}
		left := waiting(got.Stats)
		if err == nil && left == 0 && got.Stats.Bytes == 0 {
			break
		}
		if err == nil && left < least {
			deadline, least = time.Now().Add(patience), left
		}
		if time.Now().After(deadline) {
			r.Fatalf("alerts are still in the queues: %+v", got.Stats)
		}
		time.Sleep(200 * time.Millisecond)
	}
	if _, err := r.publishers[0].ask(command{Do: "letters"}, "letters"); err != nil {
		r.Fatal(err)
	}
	var own []report
	for _, l := range r.letters {
		if l.N >= first {
			own = append(own, l)
		}
	}
	r.letters = own
}

func waiting(s durable.Stats) (n uint64) {
	for _, q := range s.Queues {
		n += q.Waiting
	}
	return n
}

// end stops all processes in order, and checks that they leave nothing.
func (r *run) end() {
	all := r.workers
	if r.cluster != nil {
		all = append(all, r.publishers...)
	}
	for _, p := range all {
		if last := p.stop(); last.Is != "ended" || last.Left > last.Goroutines {
			r.Errorf("%s ended with %d goroutines, and began with %d:\n%s", p.role.Name, last.Left, last.Goroutines, p.errors.String())
		}
	}
}
