package embedded

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
)

// An index is what the server has written about all blocks of a stream. It does so now and then, so it may be old.
type index struct {
	messages int
	last     uint64 // the last sequence number
	blocks   int
	content  []byte // its end is the last checksum of the last block at that time
}

// readIndex reads the index of a stream. It is false if the server would not use it either.
func (s *stream) readIndex() (index, bool) {
	data, err := os.ReadFile(filepath.Join(s.dir, "msgs", "index.db"))
	if err != nil {
		return index{}, false
	}
	end := max(0, len(data)-sumSize)
	content, isIndex := bytes.CutPrefix(data[:end], []byte{11, 4}) // what file it is, and its version
	h := newHash(s.name)
	_, _ = h.Write(data[:end]) // a hash returns no error
	if !isIndex || !bytes.Equal(h.Sum(nil), data[end:]) {
		return index{}, false
	}
	n := numbers{data: content}
	messages, _, _, _, last, _ := n.next(), n.next(), n.next(), n.next(), n.next(), n.next() // and bytes, first, times
	for range n.next() {
		n.skip(n.next()) // a subject
		_, _, _ = n.next(), n.next(), n.next()
		if n.bad {
			break
		}
	}
	blocks := n.next()
	return index{int(messages), last, int(blocks), content}, !n.bad //nolint:gosec // they are far below 2^63
}

// compareIndex compares the messages with the index. The server writes nothing about a message that it removed with its
// block, because no other message was in it. So each block that is gone may stand for a message that is gone. A server
// that misses a block does not use the index.
func (s *stream) compareIndex(end []byte) {
	index, ok := s.readIndex()
	if !ok {
		return
	}
	if index.last > s.last {
		s.damaged("the index has message %d, and the last that can be read is %d", index.last, s.last)
		s.last = index.last
	}
	gone := max(0, index.blocks-len(s.blocks))
	latest := bytes.HasSuffix(index.content, end) // nothing was written since
	s.current = latest && gone == 0
	if latest && index.messages-gone > len(s.live) {
		s.damaged("the index has %d messages, and %d can be read", index.messages, len(s.live))
	}
	s.least = min(s.least, index.messages)
}

// numbers reads variable integers. Bad is true if something else was found.
type numbers struct {
	data []byte
	bad  bool
}

func (n *numbers) next() uint64 {
	value, size := binary.Uvarint(n.data)
	if size <= 0 {
		n.bad = true
		return 0
	}
	n.data = n.data[size:]
	return value
}

// skip passes over bytes.
func (n *numbers) skip(size uint64) {
	if size > uint64(len(n.data)) {
		n.bad = true
		return
	}
	n.data = n.data[size:]
}
