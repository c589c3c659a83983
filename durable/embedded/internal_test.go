package embedded

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel/durable"
)

// What is read from the files is what the server has, after any storing and removing, also if the process ends at any
// time. A copy of the directory of a running server is what a killed process leaves.
func TestTheFilesAreReadAsTheServerReadsThem(t *testing.T) {
	// When it starts, the server removes a block of tombstones and keeps an earlier block with their messages.
	const lostTombstones = 6309839576633584505
	for _, seed := range []uint64{lostTombstones, rand.Uint64()} {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			readAndRestart(t, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

func readAndRestart(t *testing.T, random *rand.Rand) {
	dir := t.TempDir()
	for range 3 {
		s := startStore(t, dir)
		for range 12 {
			change(t, s, random)
			read := compareFiles(t, s, dir)
			restartCopy(t, dir, read)
		}
		closeServer(t, s)
	}
}

// change stores and removes some messages.
func change(t *testing.T, s *Server, random *rand.Rand) {
	t.Helper()
	js := jetStream(t, s)
	for range random.IntN(60) {
		subject := "mackerel.in." + strconv.Itoa(random.IntN(5))
		_, err := js.Publish(t.Context(), subject, []byte(strings.Repeat("x", random.IntN(3000))))
		if err != nil && !strings.Contains(err.Error(), "maximum bytes exceeded") {
			t.Fatal(err)
		}
	}
	stream := queues(t, s)
	state := stream.CachedInfo().State
	share := random.Float64()
	if random.IntN(4) == 0 {
		share = 1 // the stream is empty then
	}
	for n := state.FirstSeq; n <= state.LastSeq && state.Msgs > 0; n++ {
		if random.Float64() < share {
			_ = stream.DeleteMsg(t.Context(), n) // it may be removed already
		}
	}
	if random.IntN(6) == 0 {
		if err := stream.Purge(t.Context(), jetstream.WithPurgeSubject("mackerel.in."+strconv.Itoa(random.IntN(5)))); err != nil {
			t.Fatal(err)
		}
	}
}

// compareFiles compares the files with the server's state. A message that the server has must be found. The server does
// not always write that it removed a message.
func compareFiles(t *testing.T, s *Server, dir string) *stream {
	t.Helper()
	read := readQueues(t, dir)
	has := queues(t, s).CachedInfo().State
	if has.Msgs > uint64(len(read.live)) || read.last != has.LastSeq {
		t.Fatalf("read %d messages, last %d; the server has %d, last %d", len(read.live), read.last, has.Msgs, has.LastSeq)
	}
	return read
}

// restartCopy starts a server on a copy of the files, and others on copies of what is left of it when it is killed. All
// must start, the files must have each message of the server, and no message that was removed comes back.
func restartCopy(t *testing.T, dir string, read *stream) {
	t.Helper()
	for range 3 {
		dir = copyRunning(t, dir)
		s := startStore(t, dir)
		t.Cleanup(func() { closeServer(t, s) })
		again := compareFiles(t, s, dir)
		if again.last != read.last {
			t.Errorf("the last message is %d, and was %d before the start", again.last, read.last)
		}
		first := queues(t, s).CachedInfo().State.FirstSeq
		for n := range again.live {
			if _, was := read.live[n]; !was && n >= first {
				t.Errorf("message %d is back", n)
			}
		}
	}
}

// The server deletes a block with its last message, and writes nothing about that message elsewhere.
func TestAServerThatWasKilledAfterItDeletedABlockStarts(t *testing.T) {
	dir := t.TempDir()
	s := startStore(t, dir)
	last := publishUntil(t, s, 2) - 1
	for n := uint64(1); n < last; n++ {
		deleteMessage(t, s, n)
	}
	closeServer(t, s) // which writes the index
	s = startStore(t, dir)
	deleteMessage(t, s, last)
	killed := copyRunning(t, dir)
	closeServer(t, s)
	if read := readQueues(t, killed); read.current || slices.Contains(read.blocks, 1) {
		t.Errorf("current %v, blocks %d", read.current, read.blocks)
	}
	s = startStore(t, killed)
	if n := queues(t, s).CachedInfo().State.Msgs; n != 1 {
		t.Errorf("%d messages", n)
	}
	closeServer(t, s)
}

// The server does not write that it removed the last message of a block, if it keeps the block for its tombstones. Only
// the index knows then.
func TestAMessageWhoseRemovalOnlyTheIndexKnows(t *testing.T) {
	dir := t.TempDir()
	s := startStore(t, dir)
	second := publishUntil(t, s, 2)
	deleteMessage(t, s, 1)
	third := publishUntil(t, s, 3)
	for n := second; n < third; n++ {
		deleteMessage(t, s, n)
	}
	had := queues(t, s).CachedInfo().State.Msgs
	closeServer(t, s)
	if read := readQueues(t, dir); len(read.live) != int(had)+1 {
		t.Errorf("%d messages can be read, %d are there", len(read.live), had)
	}
	s = startStore(t, dir)
	if n := queues(t, s).CachedInfo().State.Msgs; n != had {
		t.Errorf("%d messages, want %d", n, had)
	}
	closeServer(t, s)
}

// publishUntil stores messages until a block begins, and returns the first sequence number of the block.
func publishUntil(t *testing.T, s *Server, block int) uint64 {
	t.Helper()
	for {
		ack, err := jetStream(t, s).Publish(t.Context(), "mackerel.in.k", make([]byte, 3000))
		if err != nil {
			t.Fatal(err)
		}
		if readQueues(t, s.dir).live[ack.Sequence].block == block {
			return ack.Sequence
		}
	}
}

func TestAServerThatFindsLessThanWasReadIsRefused(t *testing.T) {
	s := startStore(t, t.TempDir())
	for range 2 {
		if err := s.read(t.Context().Err); err != nil || len(s.streams) != 2 {
			t.Errorf("%d streams, %v", len(s.streams), err)
		}
	}
	if _, err := jetStream(t, s).Publish(t.Context(), "mackerel.in.k", nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		read    stream
		damaged bool
	}{
		{stream{name: "mackerel", least: 1, last: 1}, false},
		{stream{name: "mackerel", least: 2, last: 1}, true},
		{stream{name: "mackerel", least: 1, last: 2}, true},
	} {
		s.streams = []*stream{&c.read}
		if err := s.compare(t.Context(), room{}); errors.Is(err, ErrDamaged) != c.damaged {
			t.Errorf("%+v: %v", c, err)
		}
	}
	closeServer(t, s)
}

// A server that uses its index does not read the blocks, so they may stay as they are.
func TestFilesWithAnIndexStayAsTheyAre(t *testing.T) {
	dir := t.TempDir()
	s := startStore(t, dir)
	for range 3 {
		if _, err := jetStream(t, s).Publish(t.Context(), "mackerel.in.k", nil); err != nil {
			t.Fatal(err)
		}
	}
	deleteMessage(t, s, 2)
	closeServer(t, s)
	msgs := filepath.Join(streamsDir(dir), "mackerel", "msgs")
	for _, indexed := range []bool{true, false} {
		before, err := os.ReadFile(filepath.Join(msgs, "1.blk"))
		if err != nil {
			t.Fatal(err)
		}
		read := readQueues(t, dir)
		if err := read.erase(); err != nil || read.current != indexed || read.least != 2 || len(read.live) != 2 {
			t.Fatalf("%v, %+v", err, read)
		}
		after, err := os.ReadFile(filepath.Join(msgs, "1.blk"))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(before, after) != indexed {
			t.Errorf("with index: %v, the block is the same: %v", indexed, !indexed)
		}
		if err := os.RemoveAll(filepath.Join(msgs, "index.db")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnIndexThatIsNotUnderstoodIsLeftAlone(t *testing.T) {
	if i, ok := (&stream{name: "mackerel", dir: t.TempDir()}).readIndex(); ok {
		t.Errorf("an index that is missing: %+v", i)
	}
	// Seven messages, the last is number 9, one subject, two blocks.
	content := []byte{11, 4, 7, 0, 1, 0, 9, 0, 1, 3, 'q', '.', 'k', 7, 1, 2, 2, 'e', 'n', 'd'}
	changed := func(at int, b byte) []byte {
		c := slices.Clone(content)
		c[at] = b
		return c
	}
	for _, c := range []struct {
		name    string
		content []byte
		ok      bool
	}{
		{"understood", content, true},
		{"another file", []byte{22, 4, 1, 0, 1, 0, 0, 2}, false},
		{"another version", []byte{11, 3, 1, 0, 1, 0, 0, 2}, false},
		{"endless subjects", []byte{11, 4, 7, 0, 1, 0, 9, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, false},
		{"more subjects than follow", changed(8, 100), false},
		{"a subject that is too long", changed(9, 100), false},
		{"a subject until the end", changed(9, 10), false},
		{"no number of blocks", content[:16], false},
		{"nothing", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &stream{name: "mackerel", dir: t.TempDir()}
			h := newHash(s.name)
			_, _ = h.Write(c.content)
			for _, data := range [][]byte{h.Sum(slices.Clone(c.content)), h.Sum(c.content)[:len(c.content)+7]} {
				name := filepath.Join(s.dir, "msgs", "index.db")
				if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, data, 0o600)); err != nil {
					t.Fatal(err)
				}
				i, ok := s.readIndex()
				if want := c.ok && len(data) == len(c.content)+8; ok != want || ok && (i.messages != 7 || i.last != 9 || i.blocks != 2) {
					t.Errorf("%+v, %v", i, ok)
				}
			}
		})
	}
}

// A connection that is lost or closed cannot be drained.
func TestCloseReturnsWithoutAConnection(t *testing.T) {
	for _, end := range []func(*Server){
		func(*Server) {},
		func(s *Server) { s.Conn().Close() },
		func(s *Server) { s.nats.Shutdown() },
	} {
		dir := t.TempDir()
		s := startStore(t, dir)
		if _, err := jetStream(t, s).Publish(t.Context(), "mackerel.in.k", nil); err != nil {
			t.Fatal(err)
		}
		end(s)
		closeServer(t, s)
		if !s.Conn().IsClosed() {
			t.Error("the connection is not closed")
		}
		s = startStore(t, dir)
		if n := queues(t, s).CachedInfo().State.Msgs; n != 1 {
			t.Errorf("%d messages", n)
		}
		closeServer(t, s)
	}
}

// startStore starts a server with blocks of some 30 KB.
func startStore(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Config{Dir: dir, Store: durable.Config{MaxBytes: 120 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeServer(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func jetStream(t *testing.T, s *Server) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// queues returns the stream of the queues.
func queues(t *testing.T, s *Server) jetstream.Stream {
	t.Helper()
	stream, err := jetStream(t, s).Stream(t.Context(), "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func deleteMessage(t *testing.T, s *Server, n uint64) {
	t.Helper()
	if err := queues(t, s).DeleteMsg(t.Context(), n); err != nil {
		t.Fatal(err)
	}
}

// readQueues reads the files of the queues, which must have no damage.
func readQueues(t *testing.T, dir string) *stream {
	t.Helper()
	read, err := readStream(t.Context().Err, dir, "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	if len(read.damage) > 0 {
		t.Fatal(read.damage)
	}
	return read
}
