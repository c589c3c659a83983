package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/minio/highwayhash"
)

// A stream of nats-server 2.15 is a directory of files, called blocks, with records one after another. A record is
// the header (length of the record, sequence number, time, length of the subject; little endian), the subject, the
// headers, the message and a checksum. A tombstone is a record that says that a message was removed. These files are
// read here, because the server passes over a bad record without an error, or cuts the block off before it.
const (
	headerSize = 22
	sumSize    = 8
	recordMax  = 32 << 20

	flagHeaders   = 1 << 31 // in the length: the message has headers
	flagErased    = 1 << 63 // in the sequence number: the message was removed in place
	flagTombstone = 1 << 62 // in the sequence number
)

// A record is a part of a block. Data is all of it.
type record struct {
	sequence uint64
	removed  bool
	subject  []byte
	data     []byte
}

// isTombstone reports whether a record says that another message was removed.
func (r record) isTombstone() bool { return binary.LittleEndian.Uint64(r.data[4:])&flagTombstone != 0 }

// A gap is a part of a block that has no valid record.
type gap struct{ from, to int }

// A summer calculates the checksums of one block.
type summer struct{ hash hash.Hash64 }

func newSummer(stream string, block int) summer {
	return summer{newHash(fmt.Sprintf("%s-%d", stream, block))}
}

// newHash returns the server's checksum of what has a name.
func newHash(name string) hash.Hash64 {
	key := sha256.Sum256([]byte(name))
	h, err := highwayhash.New64(key[:])
	if err != nil {
		panic(err) // the length of the key is wrong
	}
	return h
}

// record reads the record at the beginning of data.
func (s summer) record(data []byte) (record, bool) {
	if len(data) < headerSize+sumSize {
		return record{}, false
	}
	length := binary.LittleEndian.Uint32(data)
	subject := int(binary.LittleEndian.Uint16(data[20:]))
	n := int(length &^ flagHeaders)
	body := headerSize + subject
	if length&flagHeaders != 0 {
		body += 4
	}
	if n > recordMax || n > len(data) || body > n-sumSize {
		return record{}, false
	}
	if !isSubject(data[headerSize:headerSize+subject]) || !bytes.Equal(s.sum(data[:n-sumSize], subject, body), data[n-sumSize:n]) {
		return record{}, false
	}
	sequence := binary.LittleEndian.Uint64(data[4:])
	return record{
		sequence: sequence &^ (flagErased | flagTombstone),
		removed:  sequence&(flagErased|flagTombstone) != 0,
		subject:  data[headerSize : headerSize+subject],
		data:     data[:n],
	}, true
}

// isSubject reports whether b can be a subject, which has no blanks and control characters. In damaged data, whose lengths
// may look right at any byte, this spares nearly all checksums. A record without a message has no subject.
func isSubject(b []byte) bool {
	for _, c := range b {
		if c <= ' ' {
			return false
		}
	}
	return true
}

// sum returns the checksum of a record without its checksum. The length of the headers is no part of it.
func (s summer) sum(data []byte, subject, body int) []byte {
	s.hash.Reset()
	for _, part := range [][]byte{data[4:20], data[headerSize : headerSize+subject], data[body:]} {
		_, _ = s.hash.Write(part) // a hash returns no error
	}
	return s.hash.Sum(nil)
}

// tombstone returns a record that says that a message was removed. The server takes the sequence number as used.
func (s summer) tombstone(sequence, time uint64) []byte {
	data := make([]byte, headerSize, headerSize+sumSize)
	binary.LittleEndian.PutUint32(data, headerSize+sumSize)
	binary.LittleEndian.PutUint64(data[4:], sequence|flagTombstone)
	binary.LittleEndian.PutUint64(data[12:], time)
	return append(data, s.sum(data, 0, headerSize)...)
}

// erase makes a record say that its message was removed, as the server does it when it removes a message for good. The
// length stays, and the content, which has no meaning any more.
func (s summer) erase(r record) {
	end := len(r.data) - sumSize
	binary.LittleEndian.PutUint32(r.data, uint32(len(r.data))) //nolint:gosec // at most recordMax
	binary.LittleEndian.PutUint64(r.data[4:], r.sequence|flagErased)
	binary.LittleEndian.PutUint16(r.data[20:], 0)
	copy(r.data[end:], s.sum(r.data[:end], 0, headerSize))
}

// records passes all records of a block to visit, and returns the parts between them. After a bad record it searches
// for the next good record.
func (s summer) records(data []byte, visit func(record)) (gaps []gap) {
	for at := 0; at < len(data); {
		r, ok := s.record(data[at:])
		if ok {
			visit(r)
			at += len(r.data)
			continue
		}
		next := at + 1
		for next < len(data) && !ok {
			if _, ok = s.record(data[next:]); !ok {
				next++
			}
		}
		gaps = append(gaps, gap{at, next})
		at = next
	}
	return gaps
}

// isUnfinished reports whether the rest of a block is a record that was not written to its end. The alert of such a
// record was not accepted: the server answers after it has written.
func isUnfinished(rest []byte) bool {
	if len(rest) < headerSize+sumSize || len(bytes.Trim(rest, "\x00")) == 0 {
		return true
	}
	n := int(binary.LittleEndian.Uint32(rest) &^ flagHeaders)
	return n > len(rest) && n <= recordMax
}
