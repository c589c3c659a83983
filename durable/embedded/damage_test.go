package embedded_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/durable/embedded"
)

const stored = 60 // messages in three blocks

func threeBlocks(dir string) embedded.Config {
	return embedded.Config{Dir: dir, Store: durable.Config{MaxBytes: 120 << 10}}
}

// A damage is what happens to the files of a stopped server.
type damage struct {
	name  string
	do    func(t *testing.T, msgs string)
	kind  error
	words []string // in the error
	left  uint64   // messages after AcceptDamage
}

var damages = []damage{
	{"a byte of a message is flipped in the first block", flip("1.blk", 5000), mackerel.ErrConfig,
		[]string{"stream mackerel", "1.blk", "cannot be read"}, stored - 1},
	{"a byte of a message is flipped in the last block", flip("3.blk", 5000), mackerel.ErrConfig,
		[]string{"stream mackerel", "3.blk", "cannot be read"}, stored - 1},
	{"a byte of the last message is flipped", flip("3.blk", -100), mackerel.ErrConfig,
		[]string{"3.blk", "cannot be read"}, stored - 1},
	{"a length is longer than the block", flip("3.blk", 2), mackerel.ErrConfig,
		[]string{"3.blk", "cannot be read"}, stored - 1},
	{"something is behind the last message of a block", add("1.blk", "abc"), mackerel.ErrConfig,
		[]string{"1.blk: 3 bytes at", "cannot be read"}, stored},
	{"a block is missing", remove("2.blk"), mackerel.ErrConfig, []string{"stream mackerel", "60 messages"}, 0},
	{"the last block is missing", remove("3.blk"), mackerel.ErrConfig, []string{"stream mackerel", "message 60"}, 0},
	{"a block is cut", cut("1.blk", 10), mackerel.ErrConfig, []string{"1.blk", "cannot be read"}, stored - 1},
	{"the last block is cut in a message", cut("3.blk", 10), mackerel.ErrConfig,
		[]string{"stream mackerel", "message 60"}, stored - 1},
	{"the last block is empty", cut("3.blk", -1), mackerel.ErrConfig, []string{"stream mackerel", "message 60"}, 0},
	{"meta.inf is missing", remove("../meta.inf"), mackerel.ErrNotFound,
		[]string{"stream mackerel: missing: there is no meta.inf"}, stored},
	{"meta.sum is missing", remove("../meta.sum"), mackerel.ErrNotFound,
		[]string{"stream mackerel: missing: there is no meta.sum"}, stored},
	{"meta.inf is broken", flip("../meta.inf", 20), mackerel.ErrNotFound,
		[]string{"stream mackerel: missing: meta.inf and meta.sum do not fit"}, stored},
	{"meta.inf is empty", cut("../meta.inf", -1), mackerel.ErrNotFound,
		[]string{"stream mackerel: missing", "meta.inf"}, stored},
	{"the stream is missing", remove(".."), mackerel.ErrNotFound, []string{"stream mackerel: missing"}, 0},
	{"the stream of the dead letters is missing", remove("../../mackerel-dead"), mackerel.ErrNotFound,
		[]string{"stream mackerel-dead: missing"}, stored},
	{"the files of the server are missing", remove("../../../.."), mackerel.ErrNotFound,
		[]string{"stream mackerel: missing"}, 0},
}

func flip(file string, at int) func(*testing.T, string) {
	return func(t *testing.T, msgs string) {
		t.Helper()
		name := filepath.Join(msgs, file)
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if at < 0 {
			data[len(data)+at] ^= 0x40
		} else {
			data[at] ^= 0x40
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(file string) func(*testing.T, string) {
	return func(t *testing.T, msgs string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(msgs, file)); err != nil {
			t.Fatal(err)
		}
	}
}

// add writes text behind a file, which is made if it is missing.
func add(file, text string) func(*testing.T, string) {
	return func(t *testing.T, msgs string) {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(msgs, file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// cut removes n bytes of the end, or all if n is -1.
func cut(file string, n int64) func(*testing.T, string) {
	return func(t *testing.T, msgs string) {
		t.Helper()
		name := filepath.Join(msgs, file)
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		size := info.Size() - n
		if n < 0 {
			size = 0
		}
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
	}
}

// stopped returns a function that copies a directory with a server that was stopped.
func stopped(t *testing.T) func(t *testing.T) (dir, msgs string) {
	t.Helper()
	original := t.TempDir()
	s := start(t, threeBlocks(original))
	put(t, s, stored)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T) (dir, msgs string) {
		t.Helper()
		dir = filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
			t.Fatal(err)
		}
		return dir, filepath.Join(dir, "jetstream", "$G", "streams", "mackerel", "msgs")
	}
}

// crashed changes the marker to that of a server that was killed.
func crashed(t *testing.T, dir string) {
	t.Helper()
	name := filepath.Join(dir, "store.json")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(data, []byte(`"stopped":true`), []byte(`"stopped":false`), 1)
	changed = bytes.ReplaceAll(changed, []byte(`"last":60`), []byte(`"last":0`))
	if bytes.Equal(changed, data) {
		t.Fatalf("nothing to change in %s", data)
	}
	if err := os.WriteFile(name, changed, 0o600); err != nil {
		t.Fatal(err)
	}
}

// tree returns the checksums of all files of the server.
func tree(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	all := make(map[string][32]byte)
	err := filepath.WalkDir(filepath.Join(dir, "jetstream"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		all[name] = sha256.Sum256(data)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

func TestDamageIsRefusedByName(t *testing.T) {
	template := stopped(t)
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			dir, msgs := template(t)
			d.do(t, msgs)
			refuses(t, dir, d, stored)
		})
		t.Run(d.name+", without index", func(t *testing.T) {
			t.Parallel()
			dir, msgs := template(t)
			d.do(t, msgs)
			remove("index.db")(t, msgs)
			refuses(t, dir, d, stored)
		})
		t.Run(d.name+", after a crash", func(t *testing.T) {
			t.Parallel()
			dir, msgs := template(t)
			d.do(t, msgs)
			crashed(t, dir)
			last := uint64(stored) // which the index has
			if _, err := os.Stat(filepath.Join(msgs, "index.db")); err != nil {
				last = 0
			}
			refuses(t, dir, d, last)
		})
	}
}

// refuses tries two starts, which must fail and change nothing, and AcceptDamage. Last is the last sequence number that
// is known.
func refuses(t *testing.T, dir string, d damage, last uint64) {
	t.Helper()
	before := tree(t, dir)
	for range 2 {
		wantErrorIs(t, threeBlocks(dir), d.kind, embedded.ErrDamaged, append(d.words, dir)...)
		after := tree(t, dir)
		for name, sum := range before {
			if after[name] != sum {
				t.Errorf("%s was changed", name)
			}
		}
	}
	c := threeBlocks(dir)
	c.AcceptDamage = true
	var log bytes.Buffer
	c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := start(t, c)
	if !strings.Contains(log.String(), "damage accepted") {
		t.Errorf("the log does not say what was accepted: %s", log.String())
	}
	moved, err := filepath.Glob(filepath.Join(dir, "damaged", "*", "mackerel-dead"))
	if err != nil || len(moved) > 0 && !strings.Contains(log.String(), "stream mackerel-dead") {
		t.Errorf("files of a stream without damage were moved: %s (%v)", moved, err)
	}
	left := d.left
	if left == 0 { // whole blocks are lost
		left = messages(t, s, "mackerel")
		if left >= stored {
			t.Errorf("%d messages after a loss", left)
		}
	}
	if n := messages(t, s, "mackerel"); n != left {
		t.Errorf("%d messages after AcceptDamage, want %d", n, left)
	}
	if had := state(t, s, "mackerel"); had.LastSeq > 0 && time.Since(had.LastTime) > time.Hour {
		t.Errorf("the last message was stored at %v", had.LastTime)
	}
	put(t, s, 1)
	if n := state(t, s, "mackerel").LastSeq; n <= last {
		t.Errorf("message %d is the number of a message that was lost", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = start(t, threeBlocks(dir))
	if n := messages(t, s, "mackerel"); n != left+1 {
		t.Errorf("%d messages after the next start, want %d", n, left+1)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoDamageStarts(t *testing.T) {
	template := stopped(t)
	partOfRecord := func(t *testing.T, msgs string) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(msgs, "1.blk"))
		if err != nil {
			t.Fatal(err)
		}
		add("3.blk", string(data[:700]))(t, msgs)
	}
	for name, do := range map[string]func(*testing.T, string){
		"nothing":                                   func(*testing.T, string) {},
		"index.db is missing":                       remove("index.db"),
		"index.db is broken":                        flip("index.db", 30),
		"a file has no number":                      add("a.blk", "abc"),
		"a file has a number and is no block":       add("7", "abc"),
		"store.json is missing":                     remove("../../../../../store.json"),
		"a message was not written to its end":      partOfRecord,
		"a few bytes of a message were written":     add("3.blk", "\xc8\x04"),
		"the length of the file was written before": add("3.blk", strings.Repeat("\x00", 900)),
	} {
		for _, crash := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				dir, msgs := template(t)
				if crash {
					crashed(t, dir)
				}
				do(t, msgs)
				s := start(t, threeBlocks(dir))
				if n := messages(t, s, "mackerel"); n != stored {
					t.Errorf("%d messages, want %d", n, stored)
				}
			})
		}
	}
}

// What cannot be read may be whole, so it is no damage, and AcceptDamage does not remove it.
func TestAFileThatCannotBeReadIsNoDamage(t *testing.T) {
	template := stopped(t)
	for _, name := range []string{
		"1.blk", "../msgs", "../obs", "../meta.inf", "../meta.sum", "../../../../../store.json", "../../../../../lock",
	} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			dir, msgs := template(t)
			name := filepath.Join(msgs, name)
			if err := os.Rename(name, name+".away"); err != nil {
				t.Fatal(err)
			}
			swap(t, name)
			c := threeBlocks(dir)
			for _, c.AcceptDamage = range []bool{false, true} {
				if s, err := embedded.Start(t.Context(), c); err == nil || errors.Is(err, embedded.ErrDamaged) ||
					errors.Is(err, embedded.ErrInUse) || !strings.Contains(err.Error(), "Dir: "+dir) {
					t.Error(s, err)
				}
			}
			if err := errors.Join(os.Remove(name), os.Rename(name+".away", name)); err != nil {
				t.Fatal(err)
			}
			if n := messages(t, start(t, threeBlocks(dir)), "mackerel"); n != stored {
				t.Errorf("%d messages, want %d", n, stored)
			}
		})
	}
}

// swap puts a directory where a file was, and a file where a directory was.
func swap(t *testing.T, name string) {
	t.Helper()
	info, err := os.Stat(name + ".away")
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		err = os.WriteFile(name, nil, 0o600)
	} else {
		err = os.Mkdir(name, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAMarkerThatCannotBeReadIsRefused(t *testing.T) {
	dir, _ := stopped(t)(t)
	marker := filepath.Join(dir, "store.json")
	for _, text := range []string{"", "{", "{}", `{"name":"mackerel","made":"yes"}`} {
		if err := os.WriteFile(marker, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		wantErrorIs(t, threeBlocks(dir), mackerel.ErrConfig, embedded.ErrDamaged, dir, "store.json cannot be read")
	}
	if err := os.Remove(marker); err != nil {
		t.Fatal(err)
	}
	start(t, threeBlocks(dir))
}

// Without a marker that is up to date, what is lost could not be noticed.
func TestAMarkerThatCannotBeWritten(t *testing.T) {
	dir, _ := stopped(t)(t)
	blocker := filepath.Join(dir, "store.json.new")
	if err := os.Mkdir(blocker, 0o700); err != nil {
		t.Fatal(err)
	}
	wantError(t, threeBlocks(dir), mackerel.ErrUnavailable, dir, "cannot be used")
	if err := os.Remove(blocker); err != nil {
		t.Fatal(err)
	}
	s, err := embedded.Start(t.Context(), threeBlocks(dir))
	if err != nil {
		t.Fatal(err)
	}
	wantCloseFails(t, s, dir, blocker)
}

// wantCloseFails closes a store while a folder is in the place of a file. Each Close says so, and nothing is lost.
func wantCloseFails(t *testing.T, s *embedded.Server, dir, blocker string) {
	t.Helper()
	if err := os.Mkdir(blocker, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); !errors.Is(err, mackerel.ErrUnavailable) || !strings.Contains(err.Error(), dir) {
			t.Errorf("Close: %v", err)
		}
	}
	if err := os.Remove(blocker); err != nil {
		t.Fatal(err)
	}
	if n := messages(t, start(t, threeBlocks(dir)), "mackerel"); n != stored {
		t.Errorf("%d messages, want %d", n, stored)
	}
}

func TestFilesThatCannotBeReadAtTheEnd(t *testing.T) {
	dir, msgs := stopped(t)(t)
	s, err := embedded.Start(t.Context(), threeBlocks(dir))
	if err != nil {
		t.Fatal(err)
	}
	wantCloseFails(t, s, dir, filepath.Join(msgs, "9.blk"))
}

func TestDamageThatCannotBeRepairedIsNotAccepted(t *testing.T) {
	template := stopped(t)
	for name, block := range map[string]func(dir, msgs string) error{
		"no copy can be made": func(dir, _ string) error {
			return os.WriteFile(filepath.Join(dir, "damaged"), nil, 0o600)
		},
		"the block cannot be written": func(_, msgs string) error {
			return os.Mkdir(filepath.Join(msgs, "1.blk.new"), 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, msgs := template(t)
			flip("1.blk", 5000)(t, msgs)
			if err := block(dir, msgs); err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			c := threeBlocks(dir)
			c.AcceptDamage = true
			if s, err := embedded.Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "Dir: "+dir) {
				t.Error(s, err)
			}
			if !maps.Equal(before, tree(t, dir)) {
				t.Error("files were changed")
			}
		})
	}
}

func TestAMarkerThatForgotTheStoreRemovesNothing(t *testing.T) {
	dir, msgs := stopped(t)(t)
	remove("../../../../../store.json")(t, msgs)
	add("../../../../../store.json", `{"name":"mackerel","made":false}`)(t, msgs)
	before := tree(t, dir)
	wantErrorIs(t, threeBlocks(dir), mackerel.ErrConfig, embedded.ErrDamaged, dir, "store.json", "stream mackerel")
	if !maps.Equal(before, tree(t, dir)) {
		t.Error("files were changed")
	}
}

// A first start that was cut short may have left any of its files half written.
func TestAFirstStartThatWasCutShortGoesOn(t *testing.T) {
	original := t.TempDir()
	if err := start(t, threeBlocks(original)).Close(); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]any{"name": "mackerel", "made": false, "stopped": false})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(original, "store.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	for name := range tree(t, original) {
		name := strings.TrimPrefix(name, original)
		for how, do := range map[string]func(*testing.T, string){"missing": remove(name), "empty": cut(name, -1), "half": cut(name, 5)} {
			t.Run(name+" is "+how, func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "copy")
				if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
					t.Fatal(err)
				}
				if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
					how = "missing"
					do = remove(name)
				}
				do(t, dir)
				s := start(t, threeBlocks(dir))
				put(t, s, 3)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = start(t, threeBlocks(dir))
				if n := messages(t, s, "mackerel"); n != 3 {
					t.Errorf("%d messages, want 3", n)
				}
			})
		}
	}
	for _, gone := range []string{"jetstream", "jetstream/$G/streams/mackerel", "jetstream/$G/streams/mackerel-dead"} {
		t.Run("without "+gone, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
				t.Fatal(err)
			}
			remove(gone)(t, dir)
			put(t, start(t, threeBlocks(dir)), 3)
		})
	}
}
