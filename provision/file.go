package provision

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
)

var (
	indent = jsontext.WithIndent("  ")
	itoa   = strconv.Itoa
)

// Kinds of values in a file.
const (
	text    = `"`
	list    = "["
	object  = "{"
	boolean = "t"
)

// members are the members that a file may have, by the place of their object, and the kinds of their values. The id and
// the type of a group, and the time when a channel was suspended, are Mackerel's; they may stand there and are not
// compared.
var members = map[string]map[string]string{
	"": {"channels": list, "notificationGroups": list},
	"channels": {
		"id": text, "name": text, "type": text, "suspendedAt": "", "emails": list, "userIds": list, "url": text,
		"mentions": object, "enabledGraphImage": boolean, "events": list,
	},
	"channels.mentions": nil, // any status
	"notificationGroups": {
		"id": text, "type": text, "name": text, "notificationLevel": text, "childNotificationGroupIds": list,
		"childChannelIds": list, "monitors": list, "services": list,
	},
	"notificationGroups.monitors": {"id": text, "skipDefault": boolean},
	"notificationGroups.services": {"name": text},
}

// elements are the kinds of the elements of lists, and of the values of mentions.
var elements = map[string]string{
	"channels": object, "channels.emails": text, "channels.userIds": text, "channels.events": text, "channels.mentions": text,
	"notificationGroups": object, "notificationGroups.childNotificationGroupIds": text,
	"notificationGroups.childChannelIds": text, "notificationGroups.monitors": object, "notificationGroups.services": object,
}

// ofType are the members of channels of a type; other types have id, name, type and suspendedAt only.
var ofType = map[mackerel.ChannelType][]string{
	mackerel.ChannelTypeEmail:   {"emails", "userIds", "events"},
	mackerel.ChannelTypeSlack:   {"url", "mentions", "enabledGraphImage", "events"},
	mackerel.ChannelTypeWebhook: {"url", "enabledGraphImage", "events"},
}

// Read reads a file. The variables of its URLs are looked up with lookup, as with [os.LookupEnv]. The error lists all
// problems with their lines: what is no JSON, members that are unknown, missing or of another kind, and variables that
// are not set. It does not quote a value of a variable.
func Read(content []byte, lookup func(string) (string, bool)) (Settings, error) {
	f := file{content: content, atLine: 1}
	f.walk()
	if f.problems != nil {
		return Settings{}, f.err()
	}
	var s Settings
	if err := json.Unmarshal(content, &s); err != nil {
		f.add(f.atLine, "%v", err)
		return Settings{}, f.err()
	}
	s.noFlag = make(map[mackerel.Detail]bool)
	for i, c := range s.Channels {
		c = f.expand(c, i, lookup)
		if s.Channels[i] = c; f.lines["channels["+itoa(i)+"].enabledGraphImage"] == 0 {
			s.noFlag[c.Detail] = true
		}
		f.check(c, i)
	}
	for i, g := range s.NotificationGroups {
		if g.Name == "" {
			f.add(f.lines["notificationGroups["+itoa(i)+"]"], "notificationGroups[%d].name: required", i)
		}
	}
	return s, f.err()
}

// A file is a file that is read.
type file struct {
	content  []byte
	problems []problem
	lines    map[string]int // of objects and members, by their places: channels[2].url

	offset, atLine int // the place up to which lines were counted, and its line
}

type problem struct {
	line int // 0 if it is not known
	text string
}

func (f *file) add(line int, format string, args ...any) {
	f.problems = append(f.problems, problem{line, fmt.Sprintf(format, args...)})
}

func (f *file) err() error {
	if f.problems == nil {
		return nil
	}
	slices.SortStableFunc(f.problems, func(x, y problem) int {
		return cmp.Or(cmp.Compare(x.line, y.line), cmp.Compare(x.text, y.text))
	})
	var all []string
	for _, p := range f.problems {
		if p.line > 0 {
			p.text = "line " + itoa(p.line) + ": " + p.text
		}
		all = append(all, p.text)
	}
	return &mackerel.Error{
		Provider: "mackerel", Op: "read settings", Kind: mackerel.ErrInvalid, Message: strings.Join(all, "; "),
	}
}

// line returns the line of a place in the file. The places come in the order of the file.
func (f *file) line(offset int64) int {
	end := min(int(offset), len(f.content))
	f.atLine += bytes.Count(f.content[f.offset:end], []byte("\n"))
	f.offset = end
	return f.atLine
}

// walk checks the members and their kinds, and notes their lines.
func (f *file) walk() {
	f.lines = make(map[string]int)
	d := jsontext.NewDecoder(bytes.NewReader(f.content))
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) && d.StackDepth() == 0 && d.InputOffset() > 0 {
			return
		}
		if err != nil {
			at := d.InputOffset()
			if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
				at = max(at, syntax.ByteOffset)
			}
			f.problems = nil // what is broken hides what follows
			f.add(f.line(at), "no JSON: %v", err)
			return
		}
		kind, n := d.StackIndex(d.StackDepth())
		pointer := d.StackPointer()
		place, of := placeOf(pointer)
		switch {
		case token.Kind() == '{':
			f.lines[place] = f.line(d.InputOffset())
		case kind == '{' && n%2 == 1: // a name was read
			f.member(place, pointer, d)
		case kind == '[' && token.Kind() != '[' && token.Kind() != '}' && token.Kind() != ']':
			f.element(place, of, string(token.Kind()), d)
		}
		if d.StackDepth() == 0 && token.Kind() != '}' {
			f.add(f.line(d.InputOffset()), "must be an object")
		}
	}
}

// element checks an element of a list.
func (f *file) element(place, of, kind string, d *jsontext.Decoder) {
	want, known := elements[of]
	if known && kind != want {
		f.add(f.line(d.InputOffset()), "%s: must be %s", place, kindNames[want])
	}
}

var kindNames = map[string]string{text: "a string", list: "a list", object: "an object", boolean: "true or false"}

// member checks a member whose name was read.
func (f *file) member(place string, pointer jsontext.Pointer, d *jsontext.Decoder) {
	line := f.line(d.InputOffset())
	f.lines[place] = line
	_, parent := placeOf(pointer.Parent())
	known, checked := members[parent]
	if want := elements[parent]; checked && known == nil && string(d.PeekKind()) != want {
		f.add(line, "%s: must be %s", place, kindNames[want])
	}
	if known == nil {
		return
	}
	want, ok := known[pointer.LastToken()]
	switch kind := string(d.PeekKind()); {
	case !ok:
		f.add(line, "%s: unknown", place)
	case want == "" || kind == "n" || kind == want || want == boolean && kind == "f":
	default:
		f.add(line, "%s: must be %s", place, kindNames[want])
	}
}

// placeOf writes a pointer as programmers do, channels[2].url, and without the numbers: channels.url.
func placeOf(p jsontext.Pointer) (place, of string) {
	var b, names strings.Builder
	for token := range p.Tokens() {
		if strings.Trim(token, "0123456789") == "" && token != "" {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
			names.WriteByte('.')
		}
		b.WriteString(token)
		names.WriteString(token)
	}
	return b.String(), names.String()
}

var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand puts the values of variables into the URL of a channel.
func (f *file) expand(c mackerel.Channel, i int, lookup func(string) (string, bool)) mackerel.Channel {
	address := urlOf(c)
	if address == nil || address.IsZero() {
		return c
	}
	place := "channels[" + itoa(i) + "].url"
	missing := false
	value := reference.ReplaceAllStringFunc(address.Reveal(), func(ref string) (value string) {
		name := reference.FindStringSubmatch(ref)[1]
		set := lookup != nil
		if set {
			value, set = lookup(name)
		}
		if !set || value == "" {
			f.add(f.lines[place], "%s: the variable %s is not set", place, name)
			missing = true
		}
		return value
	})
	expanded := mackerel.NewSecret(value)
	if problem := problemOf(expanded); problem != "" && !missing {
		f.add(f.lines[place], "%s: %s", place, problem)
	}
	return withURL(c, expanded)
}

// check notes what is wrong with a channel.
func (f *file) check(c mackerel.Channel, i int) {
	place := "channels[" + itoa(i) + "]"
	line := f.lines[place]
	if c.Name == "" {
		f.add(line, "%s.name: required", place)
	}
	unknown, isUnknown := c.Detail.(*mackerel.Unknown)
	switch {
	case c.Detail == nil || isUnknown && unknown.Type == "":
		f.add(line, "%s.type: required", place)
		return
	case isUnknown && unknown.Err != nil:
		f.add(line, "%s: %v", place, unknown.Err)
	}
	for member := range members["channels"] {
		at := f.lines[place+"."+member]
		common := slices.Contains([]string{"id", "name", "type", "suspendedAt"}, member)
		if at > 0 && !common && !slices.Contains(ofType[c.Detail.ChannelType()], member) {
			f.add(at, "%s.%s: channels of type %s have none", place, member, c.Detail.ChannelType())
		}
	}
}
