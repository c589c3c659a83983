package embedded

import (
	"errors"
	"math/rand/v2"
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
		s, err := Start(t.Context(), Config{Dir: dir, Store: durable.Config{MaxBytes: 120 << 10}})
		if err != nil {
			t.Fatal(err)
		}
		js, err := jetstream.New(s.Conn())
		if err != nil {
			t.Fatal(err)
		}
		for range 12 {
			change(t, js, random)
			read := compareFiles(t, js, dir)
			restartCopy(t, dir, read)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// change stores and removes some messages.
func change(t *testing.T, js jetstream.JetStream, random *rand.Rand) {
	t.Helper()
	stream, err := js.Stream(t.Context(), "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	for range random.IntN(60) {
		subject := "mackerel.in." + strconv.Itoa(random.IntN(5))
		_, err := js.Publish(t.Context(), subject, []byte(strings.Repeat("x", random.IntN(3000))))
		if err != nil && !strings.Contains(err.Error(), "maximum bytes exceeded") {
			t.Fatal(err)
		}
	}
	state := stream.CachedInfo().State
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	state = info.State
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
func compareFiles(t *testing.T, js jetstream.JetStream, dir string) *stream {
	t.Helper()
	s, err := js.Stream(t.Context(), "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	read, err := readStream(t.Context().Err, dir, "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	if len(read.damage) > 0 {
		t.Fatal(read.damage)
	}
	has := s.CachedInfo().State
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
		s, err := Start(t.Context(), Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		js, err := jetstream.New(s.Conn())
		if err != nil {
			t.Fatal(err)
		}
		again := compareFiles(t, js, dir)
		if again.last != read.last {
			t.Errorf("the last message is %d, and was %d before the start", again.last, read.last)
		}
		stream, err := js.Stream(t.Context(), "mackerel")
		if err != nil {
			t.Fatal(err)
		}
		for n := range again.live {
			if _, was := read.live[n]; !was && n >= stream.CachedInfo().State.FirstSeq {
				t.Errorf("message %d is back", n)
			}
		}
	}
}

func TestAServerThatFindsLessThanWasReadIsRefused(t *testing.T) {
	s, err := Start(t.Context(), Config{Dir: t.TempDir(), Store: durable.Config{MaxBytes: 120 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "mackerel.in.k", nil); err != nil {
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
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
