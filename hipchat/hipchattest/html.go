package hipchattest

import (
	"fmt"
	"html"
	"iter"
	"regexp"
	"slices"
	"strings"
)

// allowed are the tags that HipChat keeps, and their attributes.
// See https://developer.atlassian.com/server/hipchat/sending-messages/.
var allowed = map[string][]string{
	"a":   {"href", "rel", "data-target", "data-target-options"},
	"img": {"src", "alt", "width", "height", "align", "style"},
	"b":   nil, "i": nil, "strong": nil, "em": nil, "br": nil, "pre": nil, "code": nil,
	"ul": nil, "ol": nil, "li": nil,
	"table": nil, "thead": nil, "tbody": nil, "tfoot": nil, "tr": {"valign"},
	"td": {"colspan", "rowspan", "valign"}, "th": {"colspan", "rowspan", "valign"},
	"span": {"style"},
}

// spanStyles are the properties that the style of a span may set.
var spanStyles = []string{"font-weight", "color", "text-decoration", "height", "width"}

// empty are the tags without an end tag. dropped are the tags that are removed with their content.
var (
	empty   = []string{"br", "img"}
	dropped = []string{"script", "style"}
)

const attributeSyntax = `([a-zA-Z][a-zA-Z0-9-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>\x60]+)))?`

var (
	attributePattern = regexp.MustCompile(attributeSyntax)
	tagPattern       = regexp.MustCompile(`^<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+` + attributeSyntax + `)*)\s*/?>`)
	entityPattern    = regexp.MustCompile(`^&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);`)
)

// A piece of HTML is a tag or the text between tags.
type piece struct {
	text       string // may contain a < that begins no tag
	tag        string // in lower case
	end        bool
	attributes []attribute
}

type attribute struct {
	name  string // in lower case
	value string // with its entities
}

// pieces yields the pieces of a message.
func pieces(message string) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		text := 0 // where the text began that was not yielded yet
		for i := 0; i < len(message); {
			m := []string(nil)
			if message[i] == '<' {
				m = tagPattern.FindStringSubmatch(message[i:])
			}
			if m == nil {
				i++
				continue
			}
			if text < i && !yield(piece{text: message[text:i]}) {
				return
			}
			if !yield(piece{tag: strings.ToLower(m[2]), end: m[1] != "", attributes: attributes(m[3])}) {
				return
			}
			i += len(m[0])
			text = i
		}
		if text < len(message) {
			yield(piece{text: message[text:]})
		}
	}
}

func attributes(s string) []attribute {
	var all []attribute
	for _, m := range attributePattern.FindAllStringSubmatch(s, -1) {
		all = append(all, attribute{strings.ToLower(m[1]), m[2] + m[3] + m[4]})
	}
	return all
}

// CheckHTML returns an error if HipChat would not show a message of format html as it was meant: for a tag or an
// attribute that is not allowed, an address that is not http, https or mailto, a tag that is never closed, closed twice
// or closed in the wrong place, and a &, < or > that is neither markup nor escaped.
func CheckHTML(message string) error {
	var s sanitizer
	s.run(message)
	return s.problem
}

// sanitize returns what HipChat keeps of a message: the allowed tags with their allowed attributes, closed in order,
// and the text, escaped where it was not escaped.
func sanitize(message string) string {
	var s sanitizer
	s.run(message)
	return s.kept.String()
}

// A sanitizer keeps what is allowed in a message, and the first problem.
type sanitizer struct {
	kept     strings.Builder
	open     []string // tags
	dropping string   // the tag whose content is dropped
	problem  error
}

func (s *sanitizer) note(format string, args ...any) {
	if s.problem == nil {
		s.problem = fmt.Errorf(format, args...)
	}
}

func (s *sanitizer) run(message string) {
	for p := range pieces(message) {
		_, ok := allowed[p.tag]
		switch {
		case s.dropping != "":
			if p.end && p.tag == s.dropping {
				s.dropping = ""
			}
		case p.tag == "":
			s.write(p.text, "")
		case !ok:
			s.note("<%s> is not allowed", p.tag)
			if slices.Contains(dropped, p.tag) && !p.end {
				s.dropping = p.tag
			}
		case p.end:
			s.end(p)
		default:
			s.start(p)
		}
	}
	if len(s.open) > 0 {
		s.note("<%s> is never closed", s.open[len(s.open)-1])
	}
	s.closeFrom(0)
}

func (s *sanitizer) start(p piece) {
	s.kept.WriteString("<" + p.tag)
	for _, a := range p.attributes {
		if !keepsAttribute(p.tag, a) {
			s.note("%s=%q of <%s> is not allowed", a.name, a.value, p.tag)
			continue
		}
		s.kept.WriteString(" " + a.name + `="`)
		s.write(a.value, a.name+" of <"+p.tag+">: ")
		s.kept.WriteString(`"`)
	}
	s.kept.WriteString(">")
	if !slices.Contains(empty, p.tag) {
		s.open = append(s.open, p.tag)
	}
}

// end closes a tag and the tags that are open within it. An end tag without a start tag is dropped.
func (s *sanitizer) end(p piece) {
	last := len(s.open) - 1
	from := last
	for from >= 0 && s.open[from] != p.tag {
		from--
	}
	switch {
	case slices.Contains(empty, p.tag) || len(p.attributes) > 0:
		s.note("</%s> is no end tag", p.tag)
	case from < 0 || from < last:
		s.note("</%s> closes nothing", p.tag)
	}
	if from >= 0 {
		s.closeFrom(from)
	}
}

func (s *sanitizer) closeFrom(from int) {
	for _, tag := range slices.Backward(s.open[from:]) {
		s.kept.WriteString("</" + tag + ">")
	}
	s.open = s.open[:from]
}

// write writes a text, and escapes what is not escaped. Where says in problems where the text stands.
func (s *sanitizer) write(text, where string) {
	for i := range len(text) {
		c := text[i]
		escaped, special := escapes[c]
		switch {
		case !special || c == '&' && entity(text[i:]) != "":
			s.kept.WriteByte(c)
			continue
		case c != '"':
			s.note("%sunescaped %c", where, c)
		}
		s.kept.WriteString(escaped)
	}
}

var escapes = map[byte]string{'<': "&lt;", '>': "&gt;", '"': "&quot;", '&': "&amp;"}

// entity returns the entity at the beginning of a text, "" if there is none.
func entity(text string) string {
	e := entityPattern.FindString(text)
	if c := html.UnescapeString(e); c == e || strings.HasSuffix(c, ";") && c != ";" {
		return "" // an unknown name, or an entity that ends before the semicolon
	}
	return e
}

func keepsAttribute(tag string, a attribute) bool {
	if !slices.Contains(allowed[tag], a.name) {
		return false
	}
	value := strings.ToLower(strings.TrimSpace(html.UnescapeString(a.value)))
	switch {
	case a.name == "href" || a.name == "src":
		scheme, _, _ := strings.Cut(value, ":")
		return scheme == "http" || scheme == "https" || scheme == "mailto" && tag == "a"
	case tag == "span" && a.name == "style":
		return keepsStyle(value)
	}
	return true
}

func keepsStyle(style string) bool {
	for declaration := range strings.SplitSeq(style, ";") {
		property, _, _ := strings.Cut(declaration, ":")
		if property = strings.TrimSpace(property); property != "" && !slices.Contains(spanStyles, property) {
			return false
		}
	}
	return true
}
