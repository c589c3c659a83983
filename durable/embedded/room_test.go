package embedded

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

func TestAPartOfTheDiskIsLeftToOthers(t *testing.T) {
	const mega, giga = 1 << 20, 1 << 30
	for _, c := range []struct{ free, used, usable int64 }{
		{16 * mega, 0, 0},
		{100 * mega, 0, 84 * mega},
		{100 * mega, 7 * mega, 91 * mega},
		{10 * giga, 0, 10*giga - 512*mega},
		{20 * giga, 0, 19 * giga},
		{100 * giga, 0, 99 * giga},
	} {
		if got := newRoom(c.free, c.used); got != (room{c.free, c.usable}) {
			t.Errorf("%s free, %s used: %s are usable, want %s", size(c.free), size(c.used), size(got.usable), size(c.usable))
		}
	}
}

func TestWhatAStoreHasIsRoomForIt(t *testing.T) {
	const most = 1 << 50 // more than any disk has
	s := &Server{dir: t.TempDir(), streams: []*stream{{bytes: most}, {bytes: most}}}
	if r, err := s.measure(); err != nil || r.usable < 2*most || r.free >= most {
		t.Errorf("%+v, %v", r, err)
	}
	if text := freeText(s.dir); !strings.HasPrefix(text, ": ") || !strings.HasSuffix(text, "B are free") {
		t.Errorf("an error ends in %q", text)
	}
	s.dir = filepath.Join(s.dir, "missing") // of which it is not known how much is free
	if r, err := s.measure(); err != nil || r != (room{unlimited, unlimited}) || freeText(s.dir) != "" {
		t.Errorf("%+v, %v", r, err)
	}
}

// A store needs two and a half times its MaxBytes.
func TestTheSizeOfAStoreFitsOnTheDisk(t *testing.T) {
	const mega, giga = 1 << 20, 1 << 30
	for _, c := range []struct{ usable, asked, want int64 }{
		{100 * giga, 0, giga}, // the default
		{giga, 0, giga / 5 * 2},
		{40 * mega, 0, 16 * mega},
		{40*mega - 1, 0, 0}, // too small without being asked for
		{10 * mega, 4 * mega, 4 * mega},
		{10*mega - 1, 4 * mega, 0},
		{12, 5, 5}, // 12.5 bytes
		{11, 5, 0},
		{unlimited, unlimited / 4, unlimited / 4},
		{unlimited, unlimited/4 + 1, 0},
		{unlimited, 1<<63 - 1, 0},
	} {
		got, err := room{usable: c.usable}.maxBytes("dir", c.asked, giga)
		if got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%d bytes of %d: %d, %v", c.asked, c.usable, got, err)
		}
	}
}

func TestSizesAreWrittenForPeople(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1023: "1023 bytes", 1024: "1.0 KiB", 1<<20 - 1: "1024.0 KiB", 1 << 20: "1.0 MiB", 3 << 19: "1.5 MiB",
		1<<30 - 1: "1024.0 MiB", 1 << 30: "1.0 GiB", 5 << 40: "5120.0 GiB",
		1075: "1.0 KiB", 1101004: "1.0 MiB", 1127428915: "1.0 GiB", 1127428916: "1.1 GiB", // 1.05
	} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestTheErrorHasTheFirstFiveProblems(t *testing.T) {
	problems := strings.Split("abcdefg", "")
	for n, want := range map[int]string{1: "dir: a", 5: "dir: a; b; c; d; e", 7: "dir: a; b; c; d; e; and 2 more"} {
		if e := damaged("dir", problems[:n]); e.Message != want || e.Kind != mackerel.ErrConfig {
			t.Errorf("%v: %q, want %q", e.Kind, e.Message, want)
		}
	}
}

func TestWhyADirectoryCannotBeUsed(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind error
		text string
	}{
		{syscall.ENOTDIR, mackerel.ErrConfig, "is not a directory"},
		{syscall.EEXIST, mackerel.ErrConfig, "is not a directory"},
		{syscall.EACCES, mackerel.ErrConfig, "read and write"},
		{syscall.EPERM, mackerel.ErrConfig, "read and write"},
		{syscall.EROFS, mackerel.ErrConfig, "read and write"},
		{syscall.ENOSPC, mackerel.ErrUnavailable, "the disk is full"},
		{syscall.EDQUOT, mackerel.ErrUnavailable, "the disk is full"},
		{syscall.EIO, mackerel.ErrUnavailable, "cannot be used"},
	} {
		err := unusable("/dir", &fs.PathError{Op: "open", Path: "/dir/file", Err: c.err})
		if !errors.Is(err, c.kind) || !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) ||
			!strings.Contains(err.Error(), "/dir") {
			t.Errorf("%v: %v", c.err, err)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, markerFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if m, err := readMarker(dir); m != nil || !errors.Is(err, syscall.EISDIR) {
		t.Error(m, err)
	}
}

// The server also logs errors after which it still writes.
func TestTheJournalKeepsWhyTheServerCannotWrite(t *testing.T) {
	var log bytes.Buffer
	for _, logger := range []*slog.Logger{nil, slog.New(slog.NewTextHandler(&log, nil))} {
		j := &journal{logger: logger}
		j.Warnf("slow: %d\n", 1)
		j.Errorf("an error: %d", 2)
		if fatal, broken := j.troubles(); fatal != "" || broken != "" {
			t.Error(fatal, broken)
		}
		j.Errorf("stream: Critical write error: %v", "no space left")
		j.Fatalf("no %s", "directory")
		if fatal, broken := j.troubles(); fatal != "no directory" || broken != "no space left" {
			t.Error(fatal, broken)
		}
	}
	for _, line := range []string{
		`level=WARN msg="slow: 1"`, `level=ERROR msg="an error: 2"`, `level=ERROR msg="stream: Critical`, `level=ERROR msg="no d`,
	} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("%s is not in the log:\n%s", line, log.String())
		}
	}
}
