package provider

// A search finds how much of its parts a message has room for. It counts the units of all parts together, from the part
// that is cut last to the part that is cut first, and tries how many of these units can be kept.
//
// Escaping makes a text longer by an amount that depends on the text, so the number cannot be computed. It is
// interpolated: a message of even text takes about five renderings, where halving takes seventeen. The result is the
// one that halving has: the greatest number of units with which the message fits, if more units never make a message
// shorter.
type search struct {
	unit   Unit
	limit  int
	render func() string
	parts  []Part
	texts  []string // of the parts, before they are cut
	units  []int    // of the texts
}

// A trial is a message with so many units kept, and the size of the message.
type trial struct {
	kept, size int
	text       keptText
}

// keptText tells texts apart. Different numbers of units may leave the same text, because a cut never divides a
// character.
type keptText struct {
	part  int // the last part of which something is kept
	bytes int // of that part; -1 for all of it
}

func newSearch(u Unit, limit int, render func() string, parts []Part) *search {
	s := &search{
		unit: u, limit: limit, render: render, parts: parts,
		texts: make([]string, len(parts)), units: make([]int, len(parts)),
	}
	for i, p := range parts {
		s.texts[i], s.units[i] = *p.Text, u.Len(*p.Text)
	}
	return s
}

// run leaves as much of the parts as the message has room for, and renders the message. The size is that of the message
// with all parts.
func (s *search) run(size int) string {
	fits, tooLong := trial{}, trial{size: size}
	for _, n := range s.units {
		tooLong.kept += n
	}
	tooLong.text = s.keep(tooLong.kept)
	fits.text = s.keep(0)
	out := s.render()
	if fits.size = s.unit.Len(out); fits.size > s.limit {
		return out // the message is too long even without the parts
	}
	s.narrow(fits, tooLong)
	return s.render()
}

// maxInterpolations is the number of trials after which the search halves: for messages whose size has little to do
// with the units that are kept.
const maxInterpolations = 20

// narrow brings a trial that fits and a trial that is too long together, and keeps what fits.
func (s *search) narrow(fits, tooLong trial) {
	inRow := 0 // how often the same of the two was replaced: positive for fits, negative for tooLong
	for i := 0; tooLong.kept-fits.kept > 1; i++ {
		n := s.between(fits, tooLong, inRow)
		if i >= maxInterpolations {
			n = fits.kept + (tooLong.kept-fits.kept)/2
		}
		if t := s.try(n, fits, tooLong); t.size <= s.limit {
			fits, inRow = t, max(inRow, 0)+1
		} else {
			tooLong, inRow = t, min(inRow, 0)-1
		}
	}
	s.keep(fits.kept)
}

// between interpolates the number of units with which the message has exactly the limit. If the same end was replaced
// before, the number is some units farther away from that end, more each time, so that the other end comes nearer too.
func (s *search) between(fits, tooLong trial, inRow int) int {
	room, size := int64(s.limit-fits.size), int64(tooLong.size-fits.size)
	n := fits.kept + int(room*int64(tooLong.kept-fits.kept)/size)
	switch {
	case inRow > 0:
		n = fits.kept + max(n-fits.kept, 1)<<(inRow-1)
	case inRow < 0:
		n = tooLong.kept - max(tooLong.kept-n, 1)<<(-inRow-1)
	}
	return min(max(n, fits.kept+1), tooLong.kept-1)
}

// try keeps so many units, and renders the message unless it is one of the two that were rendered before.
func (s *search) try(n int, fits, tooLong trial) trial {
	t := trial{kept: n, text: s.keep(n)}
	switch t.text {
	case fits.text:
		t.size = fits.size
	case tooLong.text:
		t.size = tooLong.size
	default:
		t.size = s.unit.Len(s.render())
	}
	return t
}

// keep leaves so many units of the parts, and says what that leaves.
func (s *search) keep(n int) (left keptText) {
	for i := len(s.parts) - 1; i >= 0; i-- {
		text := s.parts[i].Text
		switch whole := s.units[i]; {
		case whole == 0:
		case n >= whole:
			*text, left = s.texts[i], keptText{i, -1}
		default:
			if *text = s.parts[i].shorten(s.unit, s.texts[i], n); *text != "" {
				left = keptText{i, len(*text)}
			}
		}
		n -= min(n, s.units[i])
	}
	return left
}
