package embedded

import (
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// repair makes the server read what can be read. The damaged files are kept in another directory.
func (s *stream) repair(dir string) error {
	if len(s.damage) == 0 {
		return nil
	}
	kept := filepath.Join(dir, damagedDir, time.Now().UTC().Format("20060102T150405.000Z"), s.name)
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return err
	}
	for _, n := range s.bad {
		if err := s.repairBlock(n, kept); err != nil {
			return err
		}
	}
	for _, name := range []string{"msgs/index.db", "meta.inf", "meta.sum"} {
		if name != "msgs/index.db" && !s.missing {
			continue // the configuration of the stream is good
		}
		err := os.Rename(filepath.Join(s.dir, name), filepath.Join(kept, filepath.Base(name)))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return s.remember()
}

// repairBlock removes what cannot be read from a block.
func (s *stream) repairBlock(n int, kept string) error {
	data, err := os.ReadFile(s.block(n))
	if err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(kept, strconv.Itoa(n)+".blk"), data); err != nil {
		return err
	}
	var good []byte
	newSummer(s.name, n).records(data, func(r record) { good = append(good, r.data...) })
	return replaceFile(s.block(n), good)
}

// remember writes the last sequence number, if it was lost, so that no number is used twice.
func (s *stream) remember() error {
	if s.last == s.read {
		return nil
	}
	n := 1
	if len(s.blocks) > 0 {
		n = s.blocks[len(s.blocks)-1] + 1
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "msgs"), 0o700); err != nil {
		return err
	}
	return replaceFile(s.block(n), newSummer(s.name, n).tombstone(s.last, uint64(time.Now().UnixNano())))
}

// erase marks the messages that are removed in their own records. The server writes a removal elsewhere, in a tombstone.
// When it starts, it may delete a file of tombstones earlier than the file of the messages. If it is killed between, these
// messages would be back, and would be delivered again. Files that the server has an index of stay as they are.
func (s *stream) erase() error {
	if s.current {
		return nil
	}
	for _, n := range s.stale {
		data, err := os.ReadFile(s.block(n))
		if err != nil {
			return err
		}
		if err := replaceFile(s.block(n), s.withoutRemoved(n, data)); err != nil {
			return err
		}
	}
	return nil
}

// withoutRemoved returns what a block is to have: its tombstones, the messages that are live, and behind the first of
// them, what says that others were removed. A server that finds such records before the first message and then a gap
// reads the block again for each of its messages.
func (s *stream) withoutRemoved(n int, data []byte) []byte {
	isLive := func(r record) bool { return s.live[r.sequence].block == n }
	summer := newSummer(s.name, n)
	begins := false // whether a message of the block is live
	summer.records(data, func(r record) { begins = begins || isLive(r) })
	var kept []byte
	begun := !begins
	summer.records(data, func(r record) {
		switch begun = begun || isLive(r); {
		case !begun && !r.isTombstone():
			return
		case !r.removed && !isLive(r):
			summer.erase(r)
		}
		kept = append(kept, r.data...)
	})
	return kept
}
