package transport

import (
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// A stub answers every request at once.
type stub struct{ status int }

func (a stub) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: http.NoBody}, nil
}

func through(c *http.Client) *Transport {
	return New("test", Options[Delivery, Attempt, Pace]{Client: c, MaxAttempts: 1})
}

func TestIdleLanesGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := through(&http.Client{Transport: stub{200}})
		u, _ := ParseURL("https://api.test")
		visit := func(room string) {
			lanes := []Lane{tp.Lane(Limit{N: 10, Per: 10 * time.Second}, room), tp.Lane(Limit{Gap: time.Second}, room)}
			tp.Do(t.Context(), Request{Method: http.MethodPost, URL: u, Lanes: lanes, Serial: room})
		}
		for i := range 1000 {
			visit(strconv.Itoa(i))
		}
		if got := len(tp.pacer.lanes); got != 3000 {
			t.Fatalf("%d lanes, want two for each room and one for each subject", got)
		}
		time.Sleep(sweepEvery + time.Second)
		visit("another")
		if got := len(tp.pacer.lanes); got != 3 {
			t.Errorf("%d lanes are left", got)
		}
	})
}

// A lane that the service has stopped stays until it opens.
func TestStoppedLanesStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := through(&http.Client{Transport: stub{429}})
		u, _ := ParseURL("https://api.test")
		lane := tp.Lane(Limit{Gate: 3 * time.Minute}, "room")
		r := Request{Method: http.MethodPost, URL: u, Lanes: []Lane{lane}}
		tp.Do(t.Context(), r)
		time.Sleep(2 * time.Minute)
		other := tp.Lane(Limit{}, "other")
		tp.Do(t.Context(), Request{Method: http.MethodPost, URL: u, Lanes: []Lane{other}})
		if got := len(tp.pacer.lanes); got != 2 {
			t.Errorf("%d lanes, want the stopped lane and the other", got)
		}
	})
}

// A lane stays as long as it has something to remember.
func TestBusyLanesStay(t *testing.T) {
	tests := []struct {
		name string
		l    *limiter
		idle bool
	}{
		{"nothing", &limiter{}, true},
		{"a call", &limiter{users: 1}, false},
		{"a waiter", &limiter{queue: []*waiter{{}}}, false},
		{"a place that comes back", &limiter{taken: []time.Duration{2 * time.Second}}, false},
		{"a place that has come back", &limiter{taken: []time.Duration{time.Second}}, true},
		{"a refusal", &limiter{shut: 2 * time.Second}, false},
		{"a refusal that is over", &limiter{shut: time.Second}, true},
		{"a gap that is over", &limiter{Limit: Limit{Gap: time.Second}}, true},
		{"a gap", &limiter{Limit: Limit{Gap: time.Second}, begun: time.Second / 2}, false},
	}
	for _, tt := range tests {
		if got := tt.l.idle(time.Second); got != tt.idle {
			t.Errorf("%s: idle is %v", tt.name, got)
		}
	}
	gap := newLimiter(Limit{Gap: time.Second})
	if gap.grant(0); !gap.idle(time.Second) {
		t.Error("a request took a place, and there are no places")
	}
}

// A refusal costs a quarter of the places. As many successes as there are places bring one back.
func TestPlacesComeBack(t *testing.T) {
	l := newLimiter(Limit{N: 8, Per: time.Second})
	l.refused(0, 0, time.Second)
	var places []int
	for range 20 {
		places = append(places, l.places)
		l.took()
	}
	want := []int{6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8, 8}
	if !slices.Equal(places, want) {
		t.Errorf("places %v, want %v", places, want)
	}
	for per, want := range map[time.Duration]int{longWindow: 6, longWindow + 1: 8} {
		l := newLimiter(Limit{N: 8, Per: per})
		l.refused(0, 0, time.Second)
		if l.places != want {
			t.Errorf("%d places of 8 per %v", l.places, per)
		}
	}
	one := newLimiter(Limit{N: 1, Per: time.Second})
	one.refused(0, 0, time.Second)
	if one.places != 1 {
		t.Errorf("the only place is gone")
	}
}

func TestAPacerGoesWithItsClient(t *testing.T) {
	count := func() int {
		pacers.Lock()
		defer pacers.Unlock()
		return len(pacers.of)
	}
	before := count()
	through(&http.Client{Transport: stub{200}})
	through(&http.Client{Transport: new(http.Transport)})
	for range 1000 {
		if count() <= before {
			return
		}
		runtime.GC()
		runtime.Gosched() // cleanups run in a goroutine of the runtime's
	}
	t.Errorf("%d pacers are left, and there were %d", count(), before)
}

func TestClientsOfOneTransportShareAPacer(t *testing.T) {
	rt := new(http.Transport)
	if p := pacerOf(&http.Client{Transport: rt}); p == nil || p != pacerOf(&http.Client{Transport: rt, Timeout: 1}) {
		t.Error("two pacers for one http.Transport, or none")
	}
	if pacerOf(nil) != pacerOf(new(http.Client)) {
		t.Error("two pacers without an http.Transport")
	}
	runtime.KeepAlive(rt)
}

func TestAlone(t *testing.T) {
	tp := through(nil)
	tp.Alone()
	if tp.pacer == nil || tp.pacer == sharedPacer() {
		t.Error("it has no pacer of its own")
	}
	unpaced := New("test", Options[Delivery, Attempt, Pace]{Pace: Unpaced})
	if unpaced.Alone(); unpaced.pacer != nil {
		t.Error("it has a pacer, though its calls wait for no turn")
	}
}

func TestAFreeLaneCostsNoAllocation(t *testing.T) {
	tp := through(&http.Client{Transport: stub{200}})
	u, _ := ParseURL("https://api.test")
	allocations := func(lanes ...Lane) float64 {
		r := Request{Method: http.MethodPost, URL: u, Lanes: lanes}
		return testing.AllocsPerRun(200, func() {
			if got := tp.Do(t.Context(), r).Waited; got != 0 {
				t.Errorf("it waited for %v", got)
			}
		})
	}
	without := allocations()
	with := allocations(tp.Lane(Limit{N: 10000, Per: time.Second}, "room"), tp.WideLane(Limit{N: 10000, Per: time.Second}, "account"))
	if with > without {
		t.Errorf("%v allocations in free lanes, %v without lanes", with, without)
	}
}
