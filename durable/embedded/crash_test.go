package embedded_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable/embedded"
)

var rounds = flag.Int("rounds", 20, "how often a process is killed")

func TestNothingThatWasAcceptedIsLostWhenTheProcessIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	accepted := 0
	for range *rounds {
		p := startPublisher(t, dir)
		p.wait(t, 1+rand.IntN(200))
		p.kill(t)
		accepted += len(p.done)
		s := start(t, small(dir))
		if n := p.lost(t, s); n > 0 {
			t.Errorf("%d of %d alerts are lost", n, len(p.done))
		}
		purge(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d alerts were accepted in %d rounds", accepted, *rounds)
}

func TestAFirstStartThatIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	for range *rounds {
		dir := t.TempDir()
		p := startPublisher(t, dir)
		at := time.NewTimer(rand.N(100 * time.Millisecond))
		<-at.C
		p.kill(t)
		s := start(t, small(dir))
		if n := p.lost(t, s); n > 0 {
			t.Errorf("%d of %d alerts are lost", n, len(p.done))
		}
		put(t, s, 1)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		start(t, small(dir))
	}
}

func TestADirectoryInUseIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := start(t, small(dir))
	put(t, s, 1)
	wantErrorIs(t, small(dir), mackerel.ErrUnavailable, embedded.ErrInUse, dir, "in use")
	put(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p := startPublisher(t, dir)
	p.wait(t, 1)
	wantErrorIs(t, small(dir), mackerel.ErrUnavailable, embedded.ErrInUse, dir, "in use")
	p.kill(t) // which releases the lock
	start(t, small(dir))
}

// run runs a command that needs root, or skips the test.
func run(t *testing.T, skip bool, command string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command, args...).CombinedOutput()
	switch {
	case err == nil:
	case skip:
		t.Skipf("%s: %v: %s", command, err, out)
	default:
		t.Fatalf("%s: %v: %s", command, err, out)
	}
}

// mount mounts a file system until the test ends.
func mount(t *testing.T, args ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	dir := t.TempDir()
	run(t, true, "mount", append(args, dir)...)
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil && !strings.Contains(string(out), "not mounted") {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// A disk is a file system in a file. The file, copied while the disk is in use, has only what the file system has
// written to it: what the disk of a machine has after a power cut.
type disk struct{ file, dir string }

func newDisk(t *testing.T, options string) *disk {
	t.Helper()
	images := t.TempDir()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		images = filepath.Join("/dev/shm", filepath.Base(filepath.Dir(images)))
		if err := os.MkdirAll(images, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(images) })
	}
	d := &disk{file: filepath.Join(images, "disk")}
	run(t, true, "truncate", "-s", "256M", d.file)
	run(t, true, "mkfs.ext4", "-qF", d.file)
	d.dir = mount(t, "-o", options, d.file)
	return d
}

// copied returns what the disk has after a power cut.
func (d *disk) copied(t *testing.T) string {
	t.Helper()
	run(t, false, "cp", d.file, d.file+".after")
	run(t, false, "umount", d.dir)
	return mount(t, "-o", "loop", d.file+".after")
}

func TestNothingThatWasAcceptedIsLostInAPowerCut(t *testing.T) {
	disk := newDisk(t, "loop")
	p := startPublisher(t, filepath.Join(disk.dir, "store"))
	p.wait(t, 500+rand.IntN(500))
	control(t, disk.dir)
	p.wait(t, 100)
	p.kill(t)
	dir := disk.copied(t)
	if _, err := os.Stat(filepath.Join(dir, "synced")); err != nil {
		t.Errorf("the synced file is absent, so the test proves nothing: %v", err)
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "unsynced")); len(data) > 0 { // it should be absent
		t.Error("the file that was not synced is there, so the test proves nothing")
	}
	s := start(t, small(filepath.Join(dir, "store")))
	if n := p.lost(t, s); n > 0 {
		t.Errorf("%d of %d alerts are lost", n, len(p.done))
	}
	t.Logf("%d alerts were accepted, %d are stored", len(p.done), messages(t, s, "mackerel"))
	if err := s.Close(); err != nil { // before the file system goes
		t.Fatal(err)
	}
}

// With this option the file system does not write the content of a file because the file gets a new name.
func TestAStoreThatWasClosedOutlastsAPowerCut(t *testing.T) {
	disk := newDisk(t, "loop,noauto_da_alloc")
	s := start(t, small(filepath.Join(disk.dir, "store")))
	put(t, s, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(disk.copied(t), "store")
	data, err := os.ReadFile(filepath.Join(dir, "store.json"))
	if err != nil || !strings.Contains(string(data), `"stopped":true`) {
		t.Errorf("store.json: %q, %v", data, err)
	}
	s = start(t, small(dir))
	if n := messages(t, s, "mackerel"); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}
	if err := s.Close(); err != nil { // before the file system goes
		t.Fatal(err)
	}
}

// control writes a file that is synced, and a file that is not.
func control(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"synced", "unsynced"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("control"); err != nil {
			t.Fatal(err)
		}
		if name == "synced" {
			err = f.Sync()
		}
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
