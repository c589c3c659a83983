package mackerel

import (
	"bytes"
	"iter"
)

// members yields the members of a JSON object in order, key and value as they are written, the key in its quotes. If b
// is not an object, or is broken, the last value is nil. It only finds where a value ends, as if it were a valid one:
// whether it is, who reads the value finds out.
func members(b []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for i := firstPart(b, '{'); i != len(b); {
			key, value, end := pair(b, i)
			if !yield(key, value) || value == nil {
				return
			}
			i = nextPart(b, end, '}')
		}
	}
}

// items yields the elements of a JSON array, in the way of members.
func items(b []byte) iter.Seq[[]byte] {
	return func(yield func(item []byte) bool) {
		for i := firstPart(b, '['); i != len(b); {
			end := skipValue(b, i)
			if end <= i {
				yield(nil)
				return
			}
			if !yield(b[i:end]) {
				return
			}
			i = nextPart(b, end, ']')
		}
	}
}

// The functions below take and return offsets into b; -1 stands for a broken value, and comes out if it goes in. As the
// place of the next part, len(b) means that the whole has ended, with nothing behind it.

// firstPart is the place of the first member or element of what opens with the given bracket.
func firstPart(b []byte, open byte) int {
	i := skipSpace(b, 0)
	if i == len(b) || b[i] != open {
		return -1
	}
	i = skipSpace(b, i+1)
	if i == len(b) {
		return -1
	}
	if b[i] == open+2 { // the closing bracket, in ASCII
		return lastPart(b, i)
	}
	return i
}

// nextPart is the place of the next member or element, where the last one ended at i.
func nextPart(b []byte, i int, closing byte) int {
	i = skipSpace(b, i)
	switch {
	case i == len(b):
		return -1
	case b[i] == closing:
		return lastPart(b, i)
	case b[i] != ',':
		return -1
	}
	if i = skipSpace(b, i+1); i == len(b) {
		return -1
	}
	return i
}

// lastPart is len(b) if there is nothing behind the bracket at i.
func lastPart(b []byte, i int) int {
	if skipSpace(b, i+1) < len(b) {
		return -1
	}
	return len(b)
}

// pair cuts out the member at i.
func pair(b []byte, i int) (key, value []byte, end int) {
	if i < 0 || b[i] != '"' {
		return nil, nil, -1
	}
	colon := skipString(b, i)
	if colon < 0 {
		return nil, nil, -1
	}
	key = b[i:colon]
	if colon = skipSpace(b, colon); colon == len(b) || b[colon] != ':' {
		return nil, nil, -1
	}
	start := skipSpace(b, colon+1)
	if end = skipValue(b, start); end <= start {
		return nil, nil, -1
	}
	return key, b[start:end], end
}

// skipValue is the end of the value at i, which is followed by something.
func skipValue(b []byte, i int) int {
	if i < 0 {
		return -1
	}
	for depth := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			if i = skipString(b, i) - 1; i < 0 || depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1 + depth // a bracket that closes what the value stands in is not of the value
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// skipString is the end of the string at i, behind the first quote with an even number of backslashes before it.
func skipString(b []byte, i int) int {
	for {
		n := bytes.IndexByte(b[i+1:], '"')
		if n < 0 {
			return -1
		}
		i += 1 + n
		start := i
		for b[start-1] == '\\' { // ends at the quote that opens the string
			start--
		}
		if (i-start)%2 == 0 {
			return i + 1
		}
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}
