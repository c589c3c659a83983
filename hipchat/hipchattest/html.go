package hipchattest

import (
	"errors"
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
	var open []string
	for p := range pieces(message) {
		if p.tag == "" {
			if err := checkText(p.text); err != nil {
				return err
			}
			continue
		}
		if err := checkTag(p); err != nil {
			return err
		}
		switch last := len(open) - 1; {
		case slices.Contains(empty, p.tag):
		case !p.end:
			open = append(open, p.tag)
		case last < 0 || open[last] != p.tag:
			return fmt.Errorf("</%s> closes nothing", p.tag)
		default:
			open = open[:last]
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("<%s> is never closed", open[len(open)-1])
	}
	return nil
}

// cardTags are the tags that the HTML of a card may have.
var cardTags = []string{"a", "b", "i", "strong", "span"}

// CheckCardHTML is [CheckHTML] for the activity and the description of a card, which may have fewer tags.
func CheckCardHTML(text string) error {
	for p := range pieces(text) {
		if p.tag != "" && !slices.Contains(cardTags, p.tag) {
			return fmt.Errorf("<%s> is not allowed in a card", p.tag)
		}
	}
	return CheckHTML(text)
}

func checkTag(p piece) error {
	if _, ok := allowed[p.tag]; !ok {
		return fmt.Errorf("<%s> is not allowed", p.tag)
	}
	if p.end && (slices.Contains(empty, p.tag) || len(p.attributes) > 0) {
		return fmt.Errorf("</%s> is no end tag", p.tag)
	}
	for _, a := range p.attributes {
		if err := checkText(a.value); err != nil {
			return fmt.Errorf("%s of <%s>: %w", a.name, p.tag, err)
		}
		if !keepsAttribute(p.tag, a) {
			return fmt.Errorf("%s=%q of <%s> is not allowed", a.name, a.value, p.tag)
		}
	}
	return nil
}

func checkText(text string) error {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '<' || c == '>':
			return fmt.Errorf("unescaped %c", c)
		case c == '&' && entity(text[i:]) == "":
			return errors.New("unescaped &")
		}
	}
	return nil
}

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

// sanitize returns what HipChat keeps of a message: the allowed tags with their allowed attributes, closed in order,
// and the text, escaped where it was not escaped.
func sanitize(message string) string {
	var b strings.Builder
	var open []string
	dropping := ""
	for p := range pieces(message) {
		_, ok := allowed[p.tag]
		switch {
		case dropping != "":
			if p.end && p.tag == dropping {
				dropping = ""
			}
		case p.tag == "":
			b.WriteString(escape(p.text))
		case slices.Contains(dropped, p.tag) && !p.end:
			dropping = p.tag
		case !ok:
		case p.end:
			open = closeTag(&b, open, p.tag)
		default:
			open = openTag(&b, open, p)
		}
	}
	for _, tag := range slices.Backward(open) {
		b.WriteString("</" + tag + ">")
	}
	return b.String()
}

func openTag(b *strings.Builder, open []string, p piece) []string {
	b.WriteString("<" + p.tag)
	for _, a := range p.attributes {
		if keepsAttribute(p.tag, a) {
			b.WriteString(" " + a.name + `="` + escape(a.value) + `"`)
		}
	}
	b.WriteString(">")
	if slices.Contains(empty, p.tag) {
		return open
	}
	return append(open, p.tag)
}

// closeTag closes a tag and the tags that are open within it. An end tag without a start tag is dropped.
func closeTag(b *strings.Builder, open []string, tag string) []string {
	from := len(open) - 1
	for from >= 0 && open[from] != tag {
		from--
	}
	if from < 0 {
		return open
	}
	for _, inner := range slices.Backward(open[from:]) {
		b.WriteString("</" + inner + ">")
	}
	return open[:from]
}

// escape escapes what is not escaped.
func escape(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '"':
			b.WriteString("&quot;")
		case c == '&' && entity(text[i:]) == "":
			b.WriteString("&amp;")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
