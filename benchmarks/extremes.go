package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// kinds are the services whose notifiers are measured by themselves, not against raw posts.
var kinds = []struct {
	name string
	open func(base string, number int, call mackerel.CallOptions) (mackerel.Notifier, error)
}{
	{chatworkNotify, as(newChatwork)},
	{hipchatNotify, as(newHipChat)},
	{slackNotify, as(newSlack)},
	{pagerdutyNotify, as(newPagerDuty)},
	{webhookNotify, as(newWebhook)},
}

func as[N mackerel.Notifier](
	open func(string, int, mackerel.CallOptions) (N, error),
) func(string, int, mackerel.CallOptions) (mackerel.Notifier, error) {
	return func(base string, number int, call mackerel.CallOptions) (mackerel.Notifier, error) {
		return open(base, number, call)
	}
}

// Lane is what a message of a service allocates at the default pace, when it does not have to wait.
type Lane struct {
	Subject     string
	Allocations float64
}

// laneMessages are how many messages a destination gets: the least that a service takes at once. The first one makes
// the connection's and the lane's own memory, and is not counted.
const laneMessages = 3

// lanes measures messages at the default pace. There are so many destinations that no message has to wait.
func lanes(s *server, destinations int) (all []Lane, err error) {
	a := alert()
	for _, kind := range kinds {
		notifiers := make([]mackerel.Notifier, destinations)
		for i := range notifiers {
			if notifiers[i], err = kind.open(s.Plain, 1_000_000+i, mackerel.CallOptions{}); err != nil {
				return nil, err
			}
		}
		if err := notifyEach(notifiers, a); err != nil {
			return nil, err
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range laneMessages - 1 {
			if err := notifyEach(notifiers, a); err != nil {
				return nil, err
			}
		}
		runtime.ReadMemStats(&after)
		messages := float64(destinations * (laneMessages - 1))
		all = append(all, Lane{kind.name, float64(after.Mallocs-before.Mallocs) / messages})
	}
	return all, nil
}

func notifyEach(notifiers []mackerel.Notifier, a mackerel.Alert) error {
	for _, n := range notifiers {
		if err := n.Notify(context.Background(), a); err != nil {
			return err
		}
	}
	return nil
}

// Memory is what an idle notifier holds, in bytes.
type Memory struct {
	Subject string
	New     float64 // after New
	Used    float64 // after a message at the default pace
}

// memory measures notifiers with a destination each.
func memory(s *server, count int) (all []Memory, err error) {
	a := alert()
	for _, kind := range kinds {
		notifiers := make([]mackerel.Notifier, count)
		before := heap()
		for i := range notifiers {
			if notifiers[i], err = kind.open(s.Plain, 2_000_000+i, mackerel.CallOptions{}); err != nil {
				return nil, err
			}
		}
		made := heap()
		if err := notifyEach(notifiers, a); err != nil {
			return nil, err
		}
		used := heap()
		runtime.KeepAlive(notifiers)
		all = append(all, Memory{kind.name, (made - before) / float64(count), (used - before) / float64(count)})
	}
	return all, nil
}

// heap returns how many bytes are reachable. The second collection frees what finalizers have let go.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// longTexts are repeated to any length.
var longTexts = []struct{ name, unit string }{
	{"words", "disk full "},
	{"Japanese", "ディスクの空き容量が足りません。"},
	{"markup", "[<&*_`~|"},
	{"control characters", "\x00\x1b[31m"},
	{"bytes that are no UTF-8", "\xff\xfe"},
	{"one endless character", "\u0301"}, // a combining accent
	{"emoji of seven code points", "👩\u200d👩\u200d👧\u200d👦"},
	{"addresses", "https://example.com/?a=1&b=2 "},
}

// A Long is how long it takes to deliver an alert with a long text.
type Long struct {
	Subject, Text string
	Size          int     // of the text, in bytes
	Milliseconds  float64 // the shortest of several
	Megabytes     float64 // that were allocated meanwhile
}

// long delivers alerts whose message is long, sequentially.
func long(s *server, sizes []int) (all []Long, err error) {
	for _, kind := range kinds {
		n, err := kind.open(s.Plain, 3_000_000, fast)
		if err != nil {
			return nil, err
		}
		for _, text := range longTexts {
			for _, size := range sizes {
				l, err := oneLong(n, strings.Repeat(text.unit, size/len(text.unit)))
				if err != nil {
					return nil, fmt.Errorf("%s, %s, %d bytes: %w", kind.name, text.name, size, err)
				}
				l.Subject, l.Text, l.Size = kind.name, text.name, size
				all = append(all, l)
			}
		}
	}
	return all, nil
}

// oneLong delivers a text up to five times, as long as that takes less than a tenth of a second.
func oneLong(n mackerel.Notifier, text string) (l Long, err error) {
	a := mackerel.Alert{
		ID: "long", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "CPU %"}, Message: text,
		OpenedAt: time.Unix(1_767_225_600, 0),
	}
	begin := time.Now()
	for i := 0; i < 5 && (i == 0 || time.Since(begin) < 100*time.Millisecond); i++ {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		if err := n.Notify(context.Background(), a); err != nil {
			return l, err
		}
		took := microseconds(time.Since(start)) / 1000
		runtime.ReadMemStats(&after)
		if i == 0 || took < l.Milliseconds {
			l.Milliseconds = took
			l.Megabytes = float64(after.TotalAlloc-before.TotalAlloc) / 1e6
		}
	}
	return l, nil
}
