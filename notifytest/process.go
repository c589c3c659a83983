package notifytest

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// processRows are about what a call does to the program around it.
func processRows() []row {
	return []row{
		{"nothing is written to standard output, standard error or the log", anyNotifier, writeNothing, checkQuiet},
		{"no goroutine stays behind", anyNotifier, endGoroutines, checkGoroutines},
	}
}

// sendThroughFaults sends a message without a fault, one per kind of fault, and one whose context ends.
func (sc *scene) sendThroughFaults(ctx context.Context) {
	sc.deliver(ctx, sc.alert())
	if sc.front == nil {
		return
	}
	for _, fault := range []fakehttp.Fault{
		{Status: 400, Body: "no"},
		{Status: 500},
		{Break: fakehttp.ResetConnection},
		{Break: fakehttp.HalfBody, Handled: true},
		refused(3600),
		redirect(http.StatusTemporaryRedirect, "http://"+elsewhere+"/"),
	} {
		sc.front.Inject(fault)
		sc.deliver(ctx, sc.alert())
	}
	sc.front.Inject(fakehttp.Fault{Break: fakehttp.Silence})
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	sc.deliver(ctx, sc.alert())
}

func checkQuiet(s *stage) {
	written := capture(s, func() {
		sc := s.scene()
		sc.sendThroughFaults(s.tb.Context())
	})
	if written != "" {
		s.complain(s.repair, fmt.Sprintf("it wrote %.1000q", written))
	}
}

// capture returns what is written to os.Stdout, os.Stderr and the output of package log while f runs.
func capture(s *stage, f func()) string {
	name := filepath.Join(s.tb.TempDir(), "written")
	file, err := os.Create(name)
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
	written, err := os.ReadFile(name)
	if err != nil {
		s.tb.Fatal(err)
	}
	return string(written)
}

// labelKey is the profiler label of a row's calls. A goroutine inherits the labels of the goroutine that starts it.
const labelKey = "notifytest"

var labels atomic.Int64

// checkGoroutines finds the goroutines of its calls by a label, which other goroutines of the program do not have.
func checkGoroutines(s *stage) {
	sc := s.scene()
	sc.env.MaxAttempts = 1
	sc.notifier() // made without the label, as is the fake of a harness without HTTP
	label := strconv.FormatInt(labels.Add(1), 10)
	pprof.Do(s.tb.Context(), pprof.Labels(labelKey, label), sc.sendThroughFaults)
	if left := s.leftBehind(label); left != "" {
		sc.errorf("a goroutine stays behind after the calls:\n%s", left)
	}
}

// leftBehind returns the stacks of goroutines with a label. It waits for goroutines that are about to end.
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

// labelled reads the goroutine profile. Its text form has a paragraph per stack, with the labels in the second line.
// The goroutines of net/http's idle connections are left out.
func labelled(label string) string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		panic(err) // a bytes.Buffer does not fail
	}
	var left []string
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		idle := strings.Contains(stack, "net/http.(*persistConn)")
		if !idle && strings.Contains(stack, fmt.Sprintf("%q:%q", labelKey, label)) {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n")
}
