package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/durable/embedded"
)

func TestAConfigurationThatCannotWorkIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, c := range map[string]struct {
		config embedded.Config
		words  []string
	}{
		"no directory":       {embedded.Config{}, []string{"Dir: required"}},
		"a file":             {small(file), []string{"Dir", file, "not a directory"}},
		"a file above":       {small(filepath.Join(file, "a")), []string{"Dir", file, "not a directory"}},
		"several replicas":   {embedded.Config{Dir: dir, Store: durable.Config{Replicas: 3}}, []string{"Store.Replicas"}},
		"a bad name":         {embedded.Config{Dir: dir, Store: durable.Config{Name: "a.b"}}, []string{"Name"}},
		"more than fits":     {embedded.Config{Dir: dir, Store: durable.Config{MaxBytes: 1 << 50}}, []string{"Store.MaxBytes", "1048576.0 GiB", "free"}},
		"more than a number": {embedded.Config{Dir: dir, Store: durable.Config{MaxBytes: 1<<63 - 1}}, []string{"Store.MaxBytes", "free"}},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, c.config, mackerel.ErrConfig, c.words...) })
	}
	start(t, small(dir)) // what was refused left nothing behind
}

func TestAnotherStoreInTheDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := start(t, small(dir)).Close(); err != nil {
		t.Fatal(err)
	}
	c := small(dir)
	c.Store.Name = "other"
	wantError(t, c, mackerel.ErrConfig, "Store.Name", dir, `"mackerel"`, `"other"`)
	c = small(dir)
	c.Store.Window = time.Minute
	wantError(t, c, mackerel.ErrConfig, "stream mackerel", "duplicate_window", "1m0s")
	start(t, small(dir))
}

func TestAStreamThatWasConfiguredDifferentlyIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := start(t, small(dir))
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "mackerel-dead")
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.Discard = jetstream.DiscardOld
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, small(dir), mackerel.ErrConfig, "stream mackerel-dead", "discard")
}

func TestADirectoryThatCannotBeWrittenIsRefused(t *testing.T) {
	dir := mount(t, "-t", "tmpfs", "-o", "size=32m", "tmpfs")
	run(t, false, "mount", "-o", "remount,ro", dir)
	wantError(t, small(filepath.Join(dir, "store")), mackerel.ErrConfig, "Dir", dir, "write")
}

func TestWhyTheServerDoesNotStartIsInTheError(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(t.TempDir(), "a", "b"), filepath.Join(dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	wantError(t, small(dir), mackerel.ErrUnavailable, dir, "does not start", "storage directory")
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("the error came after %v", d)
	}
}

// storedIn returns the directory of a store with an alert.
func storedIn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := start(t, small(dir))
	put(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAContextThatHasEndedStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for dir, text := range map[string]string{t.TempDir(): "", storedIn(t): "reading the store"} {
		if s, err := embedded.Start(ctx, small(dir)); !errors.Is(err, context.Canceled) ||
			!errors.Is(err, mackerel.ErrUnavailable) || !strings.Contains(err.Error(), text) {
			t.Fatal(s, err)
		}
		start(t, small(dir))
	}
}

func TestAFullDisk(t *testing.T) {
	dir := mount(t, "-t", "tmpfs", "-o", "size=64m", "tmpfs")
	store, filler := filepath.Join(dir, "store"), filepath.Join(dir, "filler")
	c := embedded.Config{Dir: store, Store: durable.Config{MaxBytes: 8 << 20}}
	var log bytes.Buffer
	c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s, err := embedded.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, 50)
	fill(t, filler)
	accepted := untilRefused(t, s)
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("Err: %v", err)
	}
	_ = s.Close() // the marker cannot be written
	if !strings.Contains(log.String(), "no space left") {
		t.Errorf("log: %s", log.String())
	}
	wantError(t, c, mackerel.ErrUnavailable, "the disk is full", store, "free")
	shorten(t, filler, 8<<20)
	wantError(t, c, mackerel.ErrUnavailable, "the disk is full", store, "8.0 MiB", "16.0 MiB")

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s = start(t, c)
	if n := messages(t, s, "mackerel"); n < uint64(50+accepted) {
		t.Errorf("%d messages, want %d", n, 50+accepted)
	}
	put(t, s, 1)
}

// The copy of a damaged block may find no room, or what is left of the block.
func TestDamageIsNotAcceptedIfTheDiskIsFull(t *testing.T) {
	template := stopped(t)
	for pages, bad := range map[int64]int{4: 40, 10: 1} { // a block has 8
		t.Run(strconv.FormatInt(pages, 10), func(t *testing.T) {
			from, _ := template(t)
			disk := mount(t, "-t", "tmpfs", "-o", "size=64m", "tmpfs")
			dir, filler := filepath.Join(disk, "store"), filepath.Join(disk, "filler")
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			for n := range bad {
				flip("1.blk", 1000+n*700)(t, filepath.Join(dir, "jetstream", "$G", "streams", "mackerel", "msgs"))
			}
			before := tree(t, dir)
			fill(t, filler)
			shorten(t, filler, pages*4096)
			c := threeBlocks(dir)
			c.AcceptDamage = true
			wantError(t, c, mackerel.ErrUnavailable, "the disk is full", dir)
			if after := tree(t, dir); !maps.Equal(before, after) {
				t.Errorf("files were changed")
			}
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			if n := messages(t, start(t, c), "mackerel"); n == stored || n < stored/2 || bad == 1 && n != stored-1 {
				t.Errorf("%d messages", n)
			}
		})
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func shorten(t *testing.T, name string, n int64) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, info.Size()-n); err != nil {
		t.Fatal(err)
	}
}

// untilRefused stores alerts until the disk is full, and returns how many were accepted.
func untilRefused(t *testing.T, s *embedded.Server) int {
	t.Helper()
	in, err := s.Store().Queue("in")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 1000 {
		ctx, cancel := context.WithTimeout(mackerel.WithDeliveryID(t.Context(), "d"), 500*time.Millisecond)
		err := in.Notify(ctx, alert(n))
		cancel()
		if err != nil {
			if !strings.Contains(err.Error(), "no space left") || !errors.Is(err, mackerel.ErrUnavailable) {
				t.Errorf("Notify: %v", err)
			}
			return n
		}
	}
	t.Fatal("the disk is not full")
	return 0
}

func TestTheDefaultFitsOnTheDisk(t *testing.T) {
	dir := mount(t, "-t", "tmpfs", "-o", "size=100m", "tmpfs")
	var log bytes.Buffer
	c := embedded.Config{Dir: filepath.Join(dir, "store"), Logger: slog.New(slog.NewTextHandler(&log, nil))}
	s := start(t, c)
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	// 16 MiB are left free, and the dead letters and the removed messages need room.
	if n := stream.CachedInfo().Config.MaxBytes; n < 30<<20 || n > 34<<20 {
		t.Errorf("MaxBytes is %d", n)
	}
	if err := s.Close(); err != nil || log.Len() > 0 {
		t.Fatal(err, log.String())
	}
	fill(t, filepath.Join(dir, "filler"))
	shorten(t, filepath.Join(dir, "filler"), 30<<20)
	if err := start(t, c).Close(); err != nil || !strings.Contains(log.String(), "may need up to") {
		t.Errorf("the log has no warning: %s (%v)", log.String(), err)
	}
	wantError(t, embedded.Config{Dir: mount(t, "-t", "tmpfs", "-o", "size=30m", "tmpfs")}, mackerel.ErrConfig,
		"Store.MaxBytes", "16.0 MiB", "40.0 MiB", "30.0 MiB", "free")
}

func TestAStoreThatIsFullSaysSo(t *testing.T) {
	s := start(t, threeBlocks(t.TempDir()))
	in, err := s.Store().Queue("in")
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; err == nil; n++ {
		err = in.Notify(t.Context(), alert(n))
	}
	if !errors.Is(err, mackerel.ErrUnavailable) || !strings.Contains(err.Error(), "the store is full") {
		t.Error(err)
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
}

func TestAnAlertOfAMegabyteIsStored(t *testing.T) {
	s := start(t, small(t.TempDir()))
	in, err := s.Store().Queue("in")
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Notify(t.Context(), mackerel.Alert{Message: strings.Repeat("語", 1<<20/3)}); err != nil {
		t.Error(err)
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	dir := t.TempDir()
	if err := start(t, small(dir)).Close(); err != nil { // what starts once in a process
		t.Fatal(err)
	}
	settle(t, 0)
	before := runtime.NumGoroutine()
	for range 3 {
		s := start(t, small(dir))
		put(t, s, 1)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		wantError(t, embedded.Config{Dir: dir, Store: durable.Config{Window: time.Minute}}, mackerel.ErrConfig, "duplicate_window")
	}
	settle(t, before)
}

// settle waits until there are at most n goroutines, or for the goroutines that end by themselves if n is 0.
func settle(t *testing.T, n int) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	least := runtime.NumGoroutine()
	for range 100 {
		<-tick.C
		now := runtime.NumGoroutine()
		if now <= n {
			return
		}
		if n == 0 && now >= least && now < 10 {
			return
		}
		least = min(least, now)
	}
	if n > 0 {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines, want %d:\n%s", runtime.NumGoroutine(), n, buf[:runtime.Stack(buf, true)])
	}
}

func TestAfterCloseTheQueueSaysThatItIsClosed(t *testing.T) {
	s := start(t, small(t.TempDir()))
	in, err := s.Store().Queue("in")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := in.Notify(t.Context(), alert(1)); !errors.Is(err, mackerel.ErrUnavailable) || !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
}
