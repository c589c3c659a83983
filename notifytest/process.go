package notifytest

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// processRows are about what a call does to the program around it.
func processRows() []row {
	return []row{
		{name: "nothing is written to standard output, standard error or the log", check: checkQuiet},
		{name: "no goroutine stays behind", check: checkGoroutines},
		{name: "no goroutine stays behind on a socket", http: true, sockets: true, check: checkGoroutines},
	}
}

// trouble is what the rows here go through, besides a good day.
func trouble() []fakehttp.Fault {
	return []fakehttp.Fault{
		{Status: 400, Body: "no"},
		{Status: 500},
		{Break: fakehttp.ResetConnection},
		{Break: fakehttp.HalfBody, Handled: true},
		refused(3600),
		{Status: 307, Header: map[string][]string{"Location": {"http://" + elsewhere + "/"}}},
	}
}

// checkQuiet tries repeats too, in the bubble at least: libraries like to talk about those.
func checkQuiet(s *stage) {
	said := capture(s, func() {
		sc := s.scene()
		n := sc.notifier()
		sc.send(n)
		if sc.front == nil {
			return
		}
		for _, fault := range trouble() {
			sc.front.Inject(fault)
			sc.send(n)
		}
	})
	if said != "" {
		s.Errorf("it wrote %.1000q", said)
	}
}

// capture returns what is written to os.Stdout, os.Stderr and the output of package log while f runs.
func capture(s *stage, f func()) string {
	file, err := os.CreateTemp(s.tb.TempDir(), "said")
	if err != nil {
		s.tb.Fatal(err)
	}
	defer file.Close()
	stdout, stderr, logged := os.Stdout, os.Stderr, log.Writer()
	defer func() {
		os.Stdout, os.Stderr = stdout, stderr
		log.SetOutput(logged)
	}()
	os.Stdout, os.Stderr = file, file
	log.SetOutput(file)
	f()
	said, err := os.ReadFile(file.Name())
	if err != nil {
		s.tb.Fatal(err)
	}
	return string(said)
}

// labelKey labels the goroutine of a call, and with it all that it starts.
const labelKey = "notifytest"

var calls atomic.Int64

// checkGoroutines runs a call under a profiler label, which goroutines inherit: those of others do not matter.
func checkGoroutines(s *stage) {
	sc := s.scene()
	sc.env.MaxAttempts = 1
	n := sc.notifier()
	label := strconv.FormatInt(calls.Add(1), 10)
	pprof.Do(s.tb.Context(), pprof.Labels(labelKey, label), func(ctx context.Context) {
		sc.deliver(ctx, n, s.alert())
		if sc.front != nil {
			sc.sendThroughTrouble(ctx, n)
		}
	})
	if left := s.leftBehind(label); left != "" {
		sc.Errorf("a goroutine stays behind after the calls:\n%s", left)
	}
}

// sendThroughTrouble meets each trouble and is then cancelled, where goroutines are most often forgotten.
func (sc *scene) sendThroughTrouble(ctx context.Context, n mackerel.Notifier) {
	for _, fault := range trouble() {
		sc.front.Inject(fault)
		sc.deliver(ctx, n, sc.alert())
	}
	sc.front.Inject(fakehttp.Fault{Break: fakehttp.Silence})
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	sc.deliver(ctx, n, sc.alert())
}

// leftBehind returns the stacks of goroutines with a label, but for net/http's own of idle connections. Goroutines that
// are about to end are waited for.
func (s *stage) leftBehind(label string) string {
	if s.bubble {
		synctest.Wait()
		return labelled(label)
	}
	left := labelled(label)
	for deadline := time.Now().Add(s.linger); left != "" && time.Now().Before(deadline); left = labelled(label) {
		runtime.Gosched()
	}
	return left
}

// labelled reads the goroutine profile, whose text form has one paragraph per stack with its labels on the second line.
func labelled(label string) string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		panic(err) // a buffer takes everything
	}
	var left []string
	for _, stack := range strings.Split(profile.String(), "\n\n") {
		if strings.Contains(stack, fmt.Sprintf("%q:%q", labelKey, label)) && !strings.Contains(stack, "net/http.(*persistConn)") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n")
}
