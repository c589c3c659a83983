package embedded

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A stream is what the files of a stream contain.
type stream struct {
	name    string
	dir     string
	missing bool     // the server would not find the stream
	damage  []string // what is lost or unreadable
	bad     []int    // blocks with bad records
	blocks  []int    // the numbers of all blocks, in order
	live    messages // that are not removed, as far as it can be seen
	stale   []int    // blocks with messages that are removed, which only another record says
	least   int      // how many of them the server must find
	current bool     // the server has an index, and uses it
	read    uint64   // the highest sequence number that was read
	last    uint64   // the last sequence number that the stream had
	bytes   int64    // of the blocks
}

// messages has where each message is, by its sequence number.
type messages map[uint64]place

type place struct {
	queue string // the beginning of the subject
	block int
}

// streamsDir returns where the server has its streams.
func streamsDir(dir string) string { return filepath.Join(dir, "jetstream", "$G", "streams") }

// readStream reads all files of a stream. It changes nothing. Ended returns an error if it must stop.
func readStream(ended func() error, dir, name string) (*stream, error) {
	s := &stream{name: name, dir: filepath.Join(streamsDir(dir), name)}
	if err := s.readMeta(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, "msgs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		number, isBlock := strings.CutSuffix(e.Name(), ".blk")
		if n, err := strconv.Atoi(number); isBlock && err == nil {
			s.blocks = append(s.blocks, n)
		}
	}
	slices.Sort(s.blocks)
	if err := s.readBlocks(ended); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *stream) damaged(format string, args ...any) {
	s.damage = append(s.damage, "stream "+s.name+": "+fmt.Sprintf(format, args...))
}

// readMeta reads the configuration of the stream, as the server does. Without it the server has no such stream.
func (s *stream) readMeta() error {
	meta, err := os.ReadFile(filepath.Join(s.dir, "meta.inf"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	sum, err2 := os.ReadFile(filepath.Join(s.dir, "meta.sum"))
	if err2 != nil && !errors.Is(err2, fs.ErrNotExist) {
		return err2
	}
	h := newHash(s.name)
	_, _ = h.Write(meta) // a hash returns no error
	switch {
	case err != nil:
		s.damaged("missing: there is no meta.inf")
	case err2 != nil:
		s.damaged("missing: there is no meta.sum")
	case hex.EncodeToString(h.Sum(nil)) != string(sum):
		s.damaged("missing: meta.inf and meta.sum do not fit")
	}
	s.missing = len(s.damage) > 0
	return nil
}

// readBlocks reads all messages. The server does not always write that it removed a message, so some of them may have
// been removed: the last message of a block that also says that messages of other blocks were removed, and messages
// before the first message of the stream.
func (s *stream) readBlocks(ended func() error) error {
	s.live = make(messages)
	queues := make(map[string]string)
	var end []byte // the last checksum of the last block
	for _, n := range s.blocks {
		if err := ended(); err != nil {
			return err
		}
		data, err := os.ReadFile(s.block(n))
		if err != nil {
			return err
		}
		s.bytes += int64(len(data))
		end = make([]byte, sumSize)
		gaps := newSummer(s.name, n).records(data, func(r record) {
			end = r.data[len(r.data)-sumSize:]
			s.read = max(s.read, r.sequence)
			if r.removed {
				s.drop(r.sequence)
				return
			}
			queue := string(r.subject[:bytes.LastIndexByte(r.subject, '.')+1])
			if _, known := queues[queue]; !known {
				queues[queue] = queue
			}
			s.live[r.sequence] = place{queues[queue], n}
		})
		s.judge(n, data, gaps)
	}
	s.least, s.last = len(s.live), s.read
	s.compareIndex(end)
	return nil
}

// drop notes that a message was removed.
func (s *stream) drop(sequence uint64) {
	p, ok := s.live[sequence]
	if !ok {
		return
	}
	delete(s.live, sequence)
	if !slices.Contains(s.stale, p.block) {
		s.stale = append(s.stale, p.block)
	}
}

func (s *stream) block(n int) string { return filepath.Join(s.dir, "msgs", strconv.Itoa(n)+".blk") }

// judge notes the parts of a block that cannot be read.
func (s *stream) judge(n int, data []byte, gaps []gap) {
	for _, g := range gaps {
		isEnd := g.to == len(data) && n == s.blocks[len(s.blocks)-1]
		if isEnd && isUnfinished(data[g.from:]) {
			continue
		}
		s.damaged("%d.blk: %d bytes at %d cannot be read", n, g.to-g.from, g.from)
		if !slices.Contains(s.bad, n) {
			s.bad = append(s.bad, n)
		}
	}
}

// compare notes what is lost since the marker was written.
func (s *stream) compare(had contents, stopped bool) {
	if s.last < had.Last {
		s.damaged("it had message %d, and the last that can be read is %d", had.Last, s.last)
		s.last = had.Last
	}
	if stopped && len(s.live) < had.Messages {
		s.damaged("it had %d messages when it was stopped, and %d can be read", had.Messages, len(s.live))
	}
}
