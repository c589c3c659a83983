package provider

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/oneline"
)

// Texts are what a message says, as it is given to a service and, plain and cut, as the service renders it. A service
// that has a part of a message elsewhere leaves the field empty.
type Texts struct {
	Title string          // the status, the monitor and the host
	Text  string          // the first line says how bad it is
	Facts []mackerel.Fact // those that are empty are left out
	Memo  mackerel.Fact
	URL   string // kept as a whole or not at all: a part of a link opens nothing
}

// Size returns about how many bytes the texts have together.
func (t Texts) Size() int {
	n := len(t.Title) + len(t.Text) + len(t.Memo.Label) + len(t.Memo.Value) + len(t.URL)
	for _, f := range t.Facts {
		n += len(f.Label) + len(f.Value) + len(": \n")
	}
	return n
}

// What stays of a text while there is something less important to cut.
const (
	firstCharacters = 100  // of the first line of the text
	firstLines      = 5    // of the text
	firstFacts      = 10   // of those whose labels are not of this module
	memoLines       = 10   // of the memo
	memoCharacters  = 1000 // of the memo
	labelCharacters = 100  // of a label, in any case
)

// Texts renders a message in at most limit units, and notes what was cut for that. While the message is too long, this
// goes, each as little as possible and before the next:
//
//   - the middle of a title that takes more than half of the limit, so that there is room for the first line
//   - the facts that matter least: the graph's address, the organization, the host's memo, the name of the metric, the
//     roles, the state before the alert was closed
//   - the lines of the text after the fifth, the facts after the tenth, and the memo after ten lines or 1,000 characters
//   - the memo but for its first line, of which 1,000 characters stay; who closed the alert, when it closed and opened
//   - the text but for the first 100 characters, the rest of the memo, the other facts (those of this module last), the
//     rest of the text
//   - the title, and at last the link
//
// A link that takes more than half of the limit, or for which there is no room as it is rendered, is left out at once.
// The facts that matter least are known by their labels in either language.
func (c *Cutter) Texts(limit int, t Texts, render func(Texts) string) string {
	k := c.newCutting(limit, t)
	if t.Size() <= limit && k.rest+k.memo.more == 0 { // most messages fit, and need no list of parts
		if out := render(k.texts()); c.Unit.Len(out) <= limit {
			c.Cuts = append(c.Cuts, k.cuts...)
			return out
		}
	}
	return c.cut(k, limit, t, render)
}

// cut is Texts for a message that does not fit.
func (c *Cutter) cut(k cutting, limit int, t Texts, render func(Texts) string) string {
	link := k.url
	out, cuts := c.Unit.Fit(limit, func() string { return render(k.texts()) }, k.parts()...)
	if k.url != link { // the link is too long as it is rendered, and has cost all other texts
		t.URL = ""
		c.Cuts = append(c.Cuts, mackerel.Cut{Field: "url", Unit: c.Unit.Name, From: c.Unit.Len(link)})
		return c.Texts(limit, t, render)
	}
	c.Cuts = append(c.Cuts, append(k.cuts, cuts...)...)
	return out
}

// A cutting is a message whose texts are in pieces, each of which can be cut by itself.
type cutting struct {
	unit     Unit
	japanese bool
	title    [3]string // beginning, middle and end; the latter two are empty in a title of an ordinary length
	whole    [3]string // the title before it was cut
	url      string
	text     pieces
	lines    int // of the whole text
	memo     pieces
	label    string // of the memo
	facts    []mackerel.Fact
	rest     int // units of facts that there is no room for
	cuts     []mackerel.Cut
}

func (c *Cutter) newCutting(limit int, t Texts) cutting {
	u := c.Unit
	k := cutting{unit: u, japanese: c.Language == mackerel.Japanese, label: oneline.Of(Runes.ShortenPlain(t.Memo.Label, labelCharacters))}
	k.setTitle(valid(t.Title), limit)
	if k.url = Plain(Address(t.URL)); u.Len(k.url) > limit/2 {
		k.cuts = append(k.cuts, mackerel.Cut{Field: "url", Unit: u.Name, From: u.Len(k.url)})
		k.url = ""
	}
	k.lines = 1 + strings.Count(t.Text, "\n") + strings.Count(t.Text, "\r") - strings.Count(t.Text, "\r\n")
	text, more := u.Plain(Trim(t.Text), limit)
	k.text = newPieces(text, more, firstCharacters, firstLines)
	memo, more := u.Plain(Trim(t.Memo.Value), limit)
	k.memo = newPieces(memo, more, memoCharacters, memoLines)
	if !strings.HasPrefix(oneline.Of(t.Memo.Label), k.label) { // it was cut
		k.memo.more += max(0, u.plainLen(t.Memo.Label)-u.Len(k.label))
	}
	k.facts, k.rest = u.facts(t.Facts, limit)
	return k
}

// texts returns the message as it is cut.
func (k *cutting) texts() Texts {
	facts := k.facts
	if slices.ContainsFunc(facts, isEmpty) {
		facts = slices.DeleteFunc(slices.Clone(facts), isEmpty)
	}
	text := k.text.join(k.unit, true)
	if k.text.isCut() {
		if n := k.lines - 1 - strings.Count(text, "\n"); n > 0 && text != "" {
			text += "\n" + k.missing(n)
		}
	}
	return Texts{
		Title: Plain(k.joinTitle()), Text: text, Facts: facts, Memo: mackerel.Fact{Label: k.label, Value: k.memo.join(k.unit, false)}, URL: k.url,
	}
}

func isEmpty(f mackerel.Fact) bool { return f.Value == "" }

// setTitle divides a title that takes more than half of the limit, so that its middle can be cut before other texts. A
// middle that is no longer than the ellipsis in its place stays.
func (k *cutting) setTitle(title string, limit int) {
	k.title[0] = title
	if quarter := max(0, limit/4); k.unit.Len(title) > limit/2 {
		beginning, end := k.unit.Cut(title, quarter), k.unit.end(title, quarter)
		middle := title[len(beginning) : len(title)-len(end)]
		shortest := k.unit.Len(k.unit.ellipsis())
		if k.unit.Len(middle[:k.unit.enough(middle, shortest)]) > shortest {
			k.title = [3]string{beginning, middle, end}
		}
	}
	k.whole = k.title
}

// joinTitle returns what is left of the title. An ellipsis stands for a middle that is gone.
func (k *cutting) joinTitle() string {
	left := k.title[0] + k.title[1] + k.title[2]
	if k.title[1] != "" || k.whole[1] == "" || left == "" {
		return left
	}
	return strings.TrimRight(k.title[0], " ") + k.unit.ellipsis() + strings.TrimLeft(k.title[2], " ")
}

// missing stands in place of lines that were cut.
func (k *cutting) missing(lines int) string {
	if k.japanese {
		return "（ほか" + strconv.Itoa(lines) + "行）"
	}
	if lines == 1 {
		return "(+1 line)"
	}
	return "(+" + strconv.Itoa(lines) + " lines)"
}

// parts returns all pieces in the order in which they are cut.
func (k *cutting) parts() []Part {
	least, later, callers, others := k.sorted()
	all := make([]Part, 0, len(k.facts)+10)
	add := func(field string, cut Cut, texts ...*string) {
		for _, text := range texts {
			all = append(all, Part{Field: field, Text: text, Cut: cut})
		}
	}
	add("title", CutMiddle, &k.title[1])
	add("facts", CutWhole, least...)
	add("text", CutEnd, &k.text.now[3])
	add("facts", CutEnd, callers...)
	add("memo", CutEnd, &k.memo.now[3], &k.memo.now[2], &k.memo.now[1])
	add("facts", CutWhole, later...)
	add("text", CutEnd, &k.text.now[2], &k.text.now[1])
	add("memo", CutEnd, &k.memo.now[0])
	add("facts", CutEnd, others...)
	add("text", CutEnd, &k.text.now[0])
	add("title", CutMiddle, &k.title[2], &k.title[0])
	add("url", CutWhole, &k.url)
	rest := map[string]int{"text": k.text.more, "memo": k.memo.more, "facts": k.rest}
	for i := range all {
		all[i].Rest = rest[all[i].Field]
		delete(rest, all[i].Field)
	}
	return all
}

// sorted returns the values of the facts in the order in which they are cut: those that matter least, those that matter
// little, the callers' from the last to the eleventh, and all others.
func (k *cutting) sorted() (least, later, callers, others []*string) {
	byRank := make([][]*string, lastRank+1)
	for i := range k.facts {
		f := &k.facts[i]
		r, known := rankOf(*f)
		switch {
		case r > 0:
			byRank[r] = append(byRank[r], &f.Value)
		case known:
			others = append(others, &f.Value)
		default:
			callers = append(callers, &f.Value)
		}
	}
	for r, values := range byRank {
		slices.Reverse(values)
		if r < rankOfUser {
			least = append(least, values...)
		} else {
			later = append(later, values...)
		}
	}
	n := min(len(callers), firstFacts)
	others = append(others, callers[:n]...)
	callers = callers[n:]
	slices.Reverse(callers)
	slices.Reverse(others)
	return least, later, callers, others
}

// ranks are the labels of this module in the order in which facts are cut. The rank 0 is cut last.
var ranks, rankOfUser, lastRank = func() (map[string]int, int, int) {
	ranks := make(map[string]int)
	user, last := 0, 0
	for _, l := range []*labels{english, japanese} {
		for _, label := range []string{
			l.host, l.service, l.labels, l.reason, l.trigger, l.muted, l.threshold, l.interruption, l.attempts, l.certificate,
			l.gone, l.scope, l.excluded, l.interval, l.sensitivity,
		} {
			ranks[label] = 0
		}
		names := []string{
			l.graph, l.organization, l.hostMemo, l.metric, l.expression, l.role, l.lastState, l.user, l.closed, l.opened,
		}
		for i, label := range names {
			ranks[label] = i + 1
		}
		user, last = slices.Index(names, l.user)+1, len(names)
	}
	return ranks, user, last
}()

// rankOf returns the rank of a fact by its label, and whether the label is of this module. A metric with its value
// matters more than the name of a metric.
func rankOf(f mackerel.Fact) (rank int, known bool) {
	rank, known = ranks[f.Label]
	isMetric := f.Label == english.metric || f.Label == japanese.metric || f.Label == english.expression || f.Label == japanese.expression
	if isMetric && strings.ContainsAny(f.Value, "0123456789") && strings.ContainsAny(f.Value, " ") {
		return 0, true
	}
	return rank, known
}

// maxKnown is how many facts with labels of this module are kept whatever comes before them. There are usually less
// than fifteen.
const maxKnown = 64

// facts returns the facts that a message of n units may have room for, as plain text, and how many units the values of
// the rest have.
func (u Unit) facts(facts []mackerel.Fact, n int) (first []mackerel.Fact, rest int) {
	first = make([]mackerel.Fact, 0, min(len(facts), n/2+maxKnown))
	room, kept := n, 0
	for _, f := range facts {
		if Blank(f.Value) {
			continue
		}
		_, known := ranks[f.Label]
		switch {
		case known && kept < maxKnown:
			kept++
		case room < 0:
			rest += u.plainLen(f.Value)
			continue
		}
		value, more := u.Plain(f.Value, n)
		rest += more
		label := Runes.ShortenPlain(f.Label, labelCharacters)
		if len(label) < len(f.Label) {
			rest += max(0, u.plainLen(f.Label)-u.Len(label))
		}
		first = append(first, mackerel.Fact{Label: label, Value: value, URL: Address(f.URL)})
		if !known {
			room -= u.Len(label) + u.Len(value) + 1
		}
	}
	return first, rest
}

// pieces are a text that is cut from its last piece to its first.
type pieces struct {
	whole, now [4]string
	more       int // units behind the last piece, for which there is no room
}

// newPieces divides a text into its first line, up to so many characters; the rest of the line; the following lines, up
// to a number; and the rest.
func newPieces(text string, more, characters, lines int) pieces {
	line := len(text)
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		line = i
	}
	first := len(Runes.Cut(text[:line], characters))
	rest := text[line:]
	end := len(rest)
	for i, n := 0, 1; i < len(rest); i++ {
		if rest[i] == '\n' {
			if n++; n > lines {
				end = i
				break
			}
		}
	}
	whole := [4]string{text[:first], text[first:line], rest[:end], rest[end:]}
	return pieces{whole: whole, now: whole, more: more}
}

// isCut reports whether a part of the text is missing.
func (p *pieces) isCut() bool { return p.more > 0 || p.whole != p.now }

// join returns what is left of the text. An ellipsis stands for what is missing, unless that is whole lines, and these
// are counted.
func (p *pieces) join(u Unit, counted bool) string {
	var text string
	for i, now := range p.now {
		if now == p.whole[i] {
			text += now
			continue
		}
		wholeLines := strings.HasPrefix(p.whole[i], "\n") && (now == "" || now == u.ellipsis())
		switch {
		case wholeLines && counted:
		case now == "" && text != "":
			text += u.ellipsis()
		default:
			text += now
		}
		break
	}
	return text
}
