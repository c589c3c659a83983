package hipchattest

import (
	"fmt"
	"html"
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

// empty are the tags without an end tag.
var empty = []string{"br", "img"}

const attributeSyntax = `([a-zA-Z][a-zA-Z0-9-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>\x60]+)))?`

var (
	attributePattern = regexp.MustCompile(attributeSyntax)
	tagPattern       = regexp.MustCompile(`^<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+` + attributeSyntax + `)*)\s*/?>`)
	entityPattern    = regexp.MustCompile(`^&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);`)
)

// CheckHTML returns an error if HipChat would not show a message of format html as it was meant: for a tag or an
// attribute that is not allowed, an address that is not http, https or mailto, a tag that is never closed, closed twice
// or closed in the wrong place, and a &, < or > that is neither markup nor escaped.
func CheckHTML(message string) error {
	var open []string // tags
	for message != "" {
		var err error
		end := 1 + strings.IndexByte(message[1:], '<')
		if end == 0 {
			end = len(message)
		}
		if m := tagPattern.FindStringSubmatch(message); m != nil {
			end = len(m[0])
			open, err = checkTag(open, strings.ToLower(m[2]), m[1] != "", m[3])
		} else {
			err = checkText(message[:end])
		}
		if err != nil {
			return err
		}
		message = message[end:]
	}
	if len(open) > 0 {
		return fmt.Errorf("<%s> is never closed", open[len(open)-1])
	}
	return nil
}

// checkTag returns the tags that are open after a start tag or an end tag.
func checkTag(open []string, tag string, end bool, attributes string) ([]string, error) {
	_, ok := allowed[tag]
	last := len(open) - 1
	switch {
	case !ok:
		return open, fmt.Errorf("<%s> is not allowed", tag)
	case end && (slices.Contains(empty, tag) || attributes != ""):
		return open, fmt.Errorf("</%s> is no end tag", tag)
	case end && (last < 0 || open[last] != tag):
		return open, fmt.Errorf("</%s> closes nothing", tag)
	case end:
		return open[:last], nil
	case !slices.Contains(empty, tag):
		open = append(open, tag)
	}
	for _, m := range attributePattern.FindAllStringSubmatch(attributes, -1) {
		name, value := strings.ToLower(m[1]), m[2]+m[3]+m[4]
		if !keepsAttribute(tag, name, value) {
			return open, fmt.Errorf("%s=%q of <%s> is not allowed", name, value, tag)
		}
		if err := checkText(value); err != nil {
			return open, fmt.Errorf("%s of <%s>: %w", name, tag, err)
		}
	}
	return open, nil
}

// checkText returns an error if something in a text is not escaped.
func checkText(text string) error {
	for i, c := range text {
		if c == '<' || c == '>' || c == '&' && !startsWithEntity(text[i:]) {
			return fmt.Errorf("unescaped %c", c)
		}
	}
	return nil
}

// startsWithEntity reports false for an unknown name, and for an entity that ends before the semicolon.
func startsWithEntity(text string) bool {
	e := entityPattern.FindString(text)
	c := html.UnescapeString(e)
	return c != e && (!strings.HasSuffix(c, ";") || c == ";")
}

func keepsAttribute(tag, name, value string) bool {
	if !slices.Contains(allowed[tag], name) {
		return false
	}
	value = strings.ToLower(strings.TrimSpace(html.UnescapeString(value)))
	switch {
	case name == "href" || name == "src":
		scheme, _, _ := strings.Cut(value, ":")
		return scheme == "http" || scheme == "https" || scheme == "mailto" && tag == "a"
	case tag == "span" && name == "style":
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
