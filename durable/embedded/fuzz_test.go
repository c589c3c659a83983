package embedded

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// message returns a record of a message, as the server writes it.
func (s summer) message(sequence uint64, subject, text string) []byte {
	data := make([]byte, headerSize, headerSize+len(subject)+len(text)+sumSize)
	binary.LittleEndian.PutUint32(data, uint32(cap(data)))
	binary.LittleEndian.PutUint64(data[4:], sequence)
	binary.LittleEndian.PutUint16(data[20:], uint16(len(subject)))
	data = append(append(data, subject...), text...)
	return append(data, s.sum(data, len(subject), headerSize+len(subject))...)
}

// FuzzRecords reads a block of four records, of which a part was replaced. A record that was not touched is found.
func FuzzRecords(f *testing.F) {
	f.Add("q.a.1", "text", uint16(0), []byte("\x00"))
	f.Add("q.a.1", "text", uint16(40), []byte("\x1e\x00\x00\x00"))
	f.Add("", "", uint16(21), []byte{})
	f.Add("q", "x", uint16(30), bytes.Repeat([]byte{0, 1, 0, 0}, 9))
	f.Fuzz(func(t *testing.T, subject, text string, at uint16, damage []byte) {
		s := newSummer("mackerel", 1)
		subject = strings.Join(strings.FieldsFunc(subject[:min(len(subject), 1000)]+"s", func(r rune) bool { return r <= ' ' }), "")
		var block []byte
		ends := []int{0}
		for i, record := range [][]byte{s.message(1, subject, text), s.tombstone(7, 1), s.message(2, subject, ""), s.message(3, "q", text)} {
			block, ends = append(block, record...), append(ends, len(block)+len(record))
			if r, ok := s.record(record); !ok || r.removed != (i == 1) {
				t.Fatalf("record %d: %+v, %v", i, r, ok)
			}
		}
		from := int(at) % len(block)
		to := from + copy(block[from:], damage)
		sequences := []uint64{1, 7, 2, 3}
		whole := map[uint64]bool{}
		for i, n := range sequences {
			whole[n] = ends[i+1] <= from || ends[i] >= to
		}
		read := 0
		gaps := s.records(block, func(r record) {
			read += len(r.data)
			delete(whole, r.sequence)
		})
		for _, g := range gaps {
			read += g.to - g.from
		}
		for n, untouched := range whole {
			if untouched {
				t.Errorf("record %d was not found", n)
			}
		}
		if read != len(block) {
			t.Errorf("%d bytes of %d were looked at", read, len(block))
		}
	})
}

// FuzzProgress reads any file of a consumer.
func FuzzProgress(f *testing.F) {
	f.Add([]byte{1, 1, 2, 2, 0})
	f.Add([]byte{1, 1, 2, 2, 1, 5, 1, 1, 1})
	f.Add([]byte{1, 1, 2, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 5, 1, 1, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var p progress
		if ok := p.decode(data); len(p.pending) > len(data)/3+1 || ok && len(data) < 5 {
			t.Errorf("%v, %d pending of %d bytes", ok, len(p.pending), len(data))
		}
	})
}

// A block of 8 MB that cannot be read does not hold up the start. If all lengths that look right were tried, it would
// take hundreds of times as long as a block without such lengths.
func TestDamageIsPassedOverFast(t *testing.T) {
	data := bytes.Repeat([]byte{0xff}, 8<<20) // lengths of 2 GiB
	most := 10 * timeToRead(t, data)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	took := timeToRead(t, data)
	if took > most { // the machine may have been busy
		took = timeToRead(t, data)
	}
	if took > most {
		t.Errorf("it took %v, at most %v are allowed", took, most)
	}
}

// timeToRead returns how long it takes to read data in which there is no record.
func timeToRead(t *testing.T, data []byte) time.Duration {
	t.Helper()
	began := time.Now()
	gaps := newSummer("mackerel", 1).records(data, func(record) { t.Error("a record") })
	if len(gaps) != 1 {
		t.Errorf("%d gaps", len(gaps))
	}
	return time.Since(began)
}
