package crash

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/durable/embedded"
)

// A role is what a process does. The processes of a run are this test's program, started again with a role.
type role struct {
	Name    string            // of the process
	Node    *node             // it is a server of a cluster
	Dir     string            // it has a server of its own, in this directory
	URLs    []string          // it uses these servers
	Copies  int               // of each alert, with URLs
	Gates   map[string]string // it runs a worker for each of these services and the router
	Fan     int               // of the router: to how many services an alert goes
	AckWait time.Duration
}

// A node is a server of a cluster.
type node struct {
	Name, Dir    string
	Port, Routes int   // its ports
	Others       []int // the ports for routes of all
}

func (n node) options() *server.Options {
	o := &server.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: n.Dir, SyncAlways: true,
		Cluster: server.ClusterOpts{Name: "crash", Host: "127.0.0.1", Port: n.Routes},
	}
	for _, port := range n.Others {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprint("127.0.0.1:", port)})
	}
	return o
}

const roleVariable = "MACKEREL_CRASH_ROLE"

// A command is what the test tells a process. One is written on a line of its standard input.
type command struct {
	Do    string // "notify", "stats", "letters"
	Event event
}

// A report is what a process tells the test, on a line of its standard output.
type report struct {
	Is         string // "ready", "notified", "stats", "letter", "letters", "overtaken", "repeated", "ended"
	Err        string
	N          int // of the alert
	Queue      string
	Reason     string
	Stats      durable.Stats
	Goroutines int // before and after
	Left       int
}

func TestMain(m *testing.M) {
	text := os.Getenv(roleVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	var r role
	err := json.Unmarshal([]byte(text), &r)
	if err == nil {
		err = r.play()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, r.Name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// concurrency is that of the workers.
const concurrency = 8

// play does what the role says until the standard input ends.
func (r role) play() error {
	before := runtime.NumGoroutine()
	p := &player{role: r, out: json.NewEncoder(os.Stdout), hangUp: func() {}}
	if r.Node != nil {
		return p.serve()
	}
	closeStore, err := p.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if r.Gates != nil {
		if err := p.work(ctx); err != nil {
			return err
		}
	}
	p.tell(report{Is: "ready"})
	if err := p.listen(p.obey); err != nil {
		return err
	}
	cancel()
	p.all.Wait()
	closeStore()
	p.hangUp()
	left := 0
	for range 20 { // those of the connections end soon
		if left = runtime.NumGoroutine(); left <= before {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if left > before {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1) // for the log of the test
	}
	p.tell(report{Is: "ended", Goroutines: before, Left: left})
	return nil
}

// A player is a process with a role.
type player struct {
	role
	store *durable.Store
	in    *durable.Queue
	all   sync.WaitGroup

	hangUp func() // closes the connections to the services

	mu  sync.Mutex
	out *json.Encoder
}

func (p *player) tell(r report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.out.Encode(r); err != nil {
		os.Exit(1) // the test has gone
	}
}

// listen does the commands that come, until the input ends.
func (p *player) listen(do func(command)) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		p.all.Go(func() { do(c) })
	}
	return lines.Err()
}

// serve runs a server of a cluster.
func (p *player) serve() error {
	s, err := server.NewServer(p.Node.options())
	if err != nil {
		return err
	}
	s.Start()
	p.tell(report{Is: "ready"})
	err = p.listen(func(command) {})
	s.Shutdown()
	s.WaitForShutdown()
	p.tell(report{Is: "ended"})
	return err
}

// open opens the store.
func (p *player) open() (closeStore func(), err error) {
	if p.Dir != "" {
		s, err := embedded.Start(context.Background(), embedded.Config{Dir: p.Dir})
		if err != nil {
			return nil, err
		}
		p.store = s.Store()
		closeStore = func() { _ = s.Close() } // what was left is reported
	} else {
		conn, err := nats.Connect(strings.Join(p.URLs, ","), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
		for tries := 0; err != nil && tries < 100; tries++ {
			time.Sleep(100 * time.Millisecond)
			conn, err = nats.Connect(strings.Join(p.URLs, ","), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
		}
		if err != nil {
			return nil, err
		}
		if p.store, err = durable.Open(context.Background(), conn, durable.Config{Replicas: p.Copies}); err != nil {
			return nil, err
		}
		closeStore = conn.Close
	}
	p.in, err = p.store.Queue("in")
	return closeStore, err
}

// obey does a command.
func (p *player) obey(c command) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	switch c.Do {
	case "notify":
		p.tell(report{Is: "notified", N: c.Event.N, Err: words(p.notify(ctx, c.Event))})
	case "stats":
		stats, err := p.store.Stats(ctx)
		p.tell(report{Is: "stats", Stats: stats, Err: words(err)})
	case "letters":
		for d, err := range p.store.DeadLetters(ctx, "") {
			if err != nil {
				p.tell(report{Is: "letters", Err: words(err)})
				return
			}
			p.tell(report{Is: "letter", N: numberIn(d.Alert.Message), Queue: d.Queue, Reason: d.Reason})
		}
		p.tell(report{Is: "letters"})
	}
}

func (p *player) notify(ctx context.Context, e event) error {
	if e.byHand() {
		ctx = mackerel.WithDeliveryID(ctx, fmt.Sprint("by hand ", e.N))
	}
	return p.in.Notify(ctx, e.alert())
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf("%v (%v)", err, errors.Unwrap(err))
}

// work starts the workers.
func (p *player) work(ctx context.Context) error {
	all, hangUp := notifiers(p.Gates, p.Name)
	p.hangUp = hangUp
	queues := make(map[string]mackerel.Notifier)
	for _, s := range services() {
		q, err := p.store.Queue(s.name)
		if err != nil {
			return err
		}
		queues[s.name] = q
		err = p.start(ctx, durable.WorkerConfig{
			Queue: s.name, Notifier: all[s.name], Overtake: s.overtake, AtMostOnce: s.once,
		})
		if err != nil {
			return err
		}
	}
	return p.start(ctx, durable.WorkerConfig{Queue: "in", Notifier: router{queues, p.Fan}})
}

func (p *player) start(ctx context.Context, c durable.WorkerConfig) error {
	c.Concurrency, c.AckWait = concurrency, p.AckWait
	c.OnResult = func(_ context.Context, r durable.Result) {
		if r.Outcome == durable.Overtaken {
			p.tell(report{Is: "overtaken", Queue: r.Queue, N: numberIn(r.Alert.Message)})
		}
		if r.Outcome == durable.Repeated && r.Queue == mail {
			p.tell(report{Is: "repeated", Queue: r.Queue, N: numberIn(r.Alert.Message), Err: p.Name + ": " + words(r.Err)})
		}
	}
	w, err := p.store.NewWorker(c)
	if err != nil {
		return err
	}
	p.all.Go(func() {
		if err := w.Run(ctx); err != nil {
			fmt.Fprintln(os.Stderr, p.Name, w, err)
			os.Exit(1)
		}
	})
	return nil
}

// A router passes an alert on to the queues of the services that its key is routed to.
type router struct {
	queues map[string]mackerel.Notifier
	fan    int
}

func (r router) Notify(ctx context.Context, a mackerel.Alert) error {
	var key int
	if _, err := fmt.Sscanf(a.ID, "5Key%d", &key); err != nil {
		return err
	}
	var to []mackerel.Notifier
	for _, name := range routes(key, r.fan) {
		to = append(to, r.queues[name])
	}
	return mackerel.Multi(to...).Notify(ctx, a)
}
