package services

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/mackerel-notify/mackerel"
)

// A subject is a service, or a further form of its messages.
type subject struct {
	name  string
	bytes int     // of the texts of the test, several times the service's limit
	times float64 // how many times the size of an alert a preview may allocate
}

// short is for services whose limit is a few kilobytes.
func short(name string) subject { return subject{name, 2_000_000, 8} }

var subjects = []subject{
	short("chatwork"), short("slack"), short("teams"), short("line"), short("line text"), short("hipchat"),
	short("hipchat text"), short("typetalk"), short("twilio"), short("twilio call"), {"pagerduty", 5_000_000, 8},
	short("opsgenie"), short("jsm"), {"eventbridge", 10_000_000, 8}, {"email", 5_000_000, 8},
	// A preview copies the body once more. The body has six bytes for each control character.
	{"webhook", 500_000, 16},
}

// endless are texts that are repeated to any length.
var endless = []struct{ name, unit string }{
	{"ASCII", "disk full "},
	{"Japanese", "ディスクの空き容量が足りません。"},
	{"square brackets", "["},
	{"ampersands", "&"},
	{"angle brackets", "<"},
	{"ANSI colours", "\x1b[31mERROR\x1b[0m "},
	{"control characters", "\x00\x01\x1b"},
}

// A field puts a text into one field of an alert.
type field struct {
	name string
	set  func(a *mackerel.Alert, text string)
}

var fields = []field{
	{"memo", func(a *mackerel.Alert, text string) { a.Monitor.Memo = text }},
	{"message", func(a *mackerel.Alert, text string) { a.Message = text }},
	{"host", func(a *mackerel.Alert, text string) { a.Host.Name = text }},
	{"monitor", func(a *mackerel.Alert, text string) { a.Monitor.Name = text }},
	{"fact", func(a *mackerel.Alert, text string) {
		a.Facts = append(a.Facts, mackerel.Fact{Label: "output", Value: text})
	}},
	{"facts", func(a *mackerel.Alert, text string) {
		const n = 100_000
		runes := []rune(text)
		for i := range n {
			part := string(runes[i*len(runes)/n : (i+1)*len(runes)/n])
			a.Facts = append(a.Facts, mackerel.Fact{Label: "fact " + strconv.Itoa(i), Value: part})
		}
	}},
}

// ordinary returns an alert whose texts are short.
func ordinary() mackerel.Alert {
	return mackerel.Alert{
		ID: "5A", Status: mackerel.StatusCritical, Message: "CPU % 96.5 > 90", Monitor: mackerel.Monitor{Name: "CPU %"},
		Host: &mackerel.Host{Name: "app01"}, URL: "https://mackerel.io/orgs/example/alerts/5A",
	}
}

// size returns the bytes that an alert takes in memory, as far as they depend on its texts.
func size(a mackerel.Alert) int {
	n := len(a.Monitor.Memo) + len(a.Message) + len(a.Host.Name) + len(a.Monitor.Name)
	for _, f := range a.Facts {
		n += int(unsafe.Sizeof(f)) + len(f.Label) + len(f.Value)
	}
	return n
}

// TestEndlessTextsTakeLittleMemory sets no bound to the time, which depends on the machine. A step that copies or
// renders whole texts shows in the memory; BenchmarkEndlessTexts shows the time. Each field has another text, so that
// the test stays short.
func TestEndlessTextsTakeLittleMemory(t *testing.T) {
	if raceDetector {
		t.Skip("with the race detector a program allocates more")
	}
	for i, s := range subjects {
		for j, f := range fields {
			text := endless[(i+j)%len(endless)]
			t.Run(s.name+"/"+f.name+"/"+text.name, func(t *testing.T) {
				n, _ := services[s.name](t)
				a := ordinary()
				f.set(&a, strings.Repeat(text.unit, s.bytes/len(text.unit)))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				if _, err := n.Preview(a); err != nil {
					t.Fatal(err)
				}
				runtime.ReadMemStats(&after)
				times := float64(after.TotalAlloc-before.TotalAlloc) / float64(size(a))
				if times > s.times {
					t.Errorf("it allocates %.1f times the alert, want at most %.0f", times, s.times)
				}
			})
		}
	}
}

// BenchmarkEndlessTexts delivers each alert of 10 MB to a fake in memory, which takes part of the time and memory: only
// webhooks and mails are so long that this matters. Run it with -benchtime 1x for a table.
func BenchmarkEndlessTexts(b *testing.B) {
	for _, s := range subjects {
		for _, f := range fields {
			for _, text := range endless {
				b.Run(s.name+"/"+f.name+"/"+text.name, func(b *testing.B) {
					n, _ := services[s.name](b)
					a := ordinary()
					f.set(&a, strings.Repeat(text.unit, 10_000_000/len(text.unit)))
					b.ReportAllocs()
					for b.Loop() {
						// A fake refuses a body of more than 32 MB, after it was sent.
						if _, err := n.Deliver(b.Context(), a); err != nil && !errors.Is(err, mackerel.ErrInvalid) {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
