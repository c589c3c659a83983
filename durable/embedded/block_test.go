package embedded

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// withLength returns a copy of data whose length, in its first bytes, is another.
func withLength(data []byte, length uint32) []byte {
	data = slices.Clone(data)
	binary.LittleEndian.PutUint32(data, length)
	return data
}

func TestOnlyAWholeRecordIsRead(t *testing.T) {
	s := newSummer("mackerel", 1)
	small, largest := s.message(1, "q.in.k", "text"), s.message(1, "q.in.k", string(make([]byte, recordMax-36)))
	longSubject := withLength(s.tombstone(1, 0), headerSize+sumSize)
	longSubject[20], longSubject[headerSize] = 1, 'x'
	for _, c := range []struct {
		name string
		data []byte
		ok   bool
	}{
		{"a message", small, true},
		{"a message with more behind it", append(slices.Clone(small), 1, 2), true},
		{"the largest message", largest, true},
		{"a message that is larger", s.message(1, "q.in.k", string(make([]byte, recordMax-35))), false},
		{"a message that is cut", small[:len(small)-1], false},
		{"a subject that is longer than the record", longSubject, false},
		{"a length that is shorter than the header", withLength(small, headerSize-1), false},
		{"the length of no message", withLength(small, 0), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, ok := s.record(c.data)
			if ok != c.ok || ok && (r.sequence != 1 || string(r.subject) != "q.in.k") {
				t.Errorf("%v, %.200q", ok, r.subject)
			}
		})
	}
}

func TestARecordBehindAGapIsFound(t *testing.T) {
	s := newSummer("mackerel", 1)
	for _, n := range []int{1, 2, headerSize + sumSize} {
		var block []byte
		for i := range uint64(3) {
			block = append(append(block, s.message(i, "q.in.k", "text")...), bytes.Repeat([]byte{'x'}, n)...)
		}
		var found []uint64
		gaps := s.records(block, func(r record) { found = append(found, r.sequence) })
		if !slices.Equal(found, []uint64{0, 1, 2}) || len(gaps) != 3 {
			t.Errorf("with gaps of %d bytes: records %d, gaps %d", n, found, gaps)
		}
	}
}

// The end of a block counts as a record that was not written to its end only if more should follow. Otherwise a record
// is lost.
func TestTheEndOfABlock(t *testing.T) {
	bad := newSummer("mackerel", 1).tombstone(1, 0) // the shortest record
	bad[len(bad)-1]++
	for _, c := range []struct {
		name       string
		rest       []byte
		unfinished bool
	}{
		{"a byte", bad[:1], true},
		{"the shortest record without its last byte", bad[:len(bad)-1], true},
		{"zeros", make([]byte, 100), true},
		{"a record that is not whole", withLength(bad, uint32(len(bad)+1)), true},
		{"a message with headers that is not whole", withLength(bad, uint32(len(bad)+1)|flagHeaders), true},
		{"the largest record, not whole", withLength(bad, recordMax), true},
		{"a whole record with a wrong checksum", bad, false},
		{"a length that no record has", withLength(bad, recordMax+1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := isUnfinished(c.rest); got != c.unfinished {
				t.Errorf("unfinished: %v", got)
			}
		})
	}
}

// A server that finds a removed record before the first message of a block may read the block again and again. A
// tombstone stays: its message may be in another block.
func TestWhatIsWrittenOfABlockWithRemovedMessages(t *testing.T) {
	s := newSummer("mackerel", 1)
	block := slices.Concat(s.message(1, "q.in.a", "text"), s.tombstone(101, 0), s.message(2, "q.in.a", "text"),
		s.message(3, "q.in.a", "text"), s.tombstone(102, 0))
	for _, c := range []struct {
		name string
		live messages
		want []uint64
	}{
		{"the second is live", messages{2: {block: 1}}, []uint64{101, 2, 3, 102}},
		{"the last is live", messages{3: {block: 1}}, []uint64{101, 3, 102}},
		{"all are live", messages{1: {block: 1}, 2: {block: 1}, 3: {block: 1}}, []uint64{1, 101, 2, 3, 102}},
		{"all are removed", messages{}, []uint64{1, 101, 2, 3, 102}},
		{"the second is live in another block", messages{1: {block: 1}, 2: {block: 2}}, []uint64{1, 101, 2, 3, 102}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stream := stream{name: "mackerel", live: c.live}
			var got []uint64
			gaps := s.records(stream.withoutRemoved(1, slices.Clone(block)), func(r record) {
				got = append(got, r.sequence)
				if isLive := c.live[r.sequence].block == 1; r.removed == isLive || r.isTombstone() != (r.sequence > 100) {
					t.Errorf("record %d: removed is %v, tombstone %v", r.sequence, r.removed, r.isTombstone())
				}
			})
			if !slices.Equal(got, c.want) || len(gaps) > 0 {
				t.Errorf("records %d, gaps %d, want %d", got, gaps, c.want)
			}
		})
	}
}
