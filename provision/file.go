package provision

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
)

var (
	noTime time.Time
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
		f.add(0, "%v", err)
		return Settings{}, f.err()
	}
	for i, c := range s.Channels {
		s.Channels[i] = f.expand(c, i, lookup)
		f.check(s.Channels[i], i)
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
		if err != nil {
			if d.StackDepth() > 0 || d.InputOffset() == 0 {
				f.problems = nil // what is broken hides what follows
				f.add(f.line(d.InputOffset()), "no JSON: %v", err)
			}
			return
		}
		kind, n := d.StackIndex(d.StackDepth())
		place := placeOf(d.StackPointer())
		if token.Kind() == '{' {
			f.lines[place] = f.line(d.InputOffset())
		}
		if kind == '{' && n%2 == 1 && token.Kind() != '{' { // a name was read
			f.member(place, d)
		}
	}
}

// member checks a member whose name was read.
func (f *file) member(place string, d *jsontext.Decoder) {
	line := f.line(d.InputOffset())
	f.lines[place] = line
	parent, name := "", place
	if i := strings.LastIndexByte(place, '.'); i >= 0 {
		parent, name = place[:i], place[i+1:]
	}
	known, checked := members[indexes.ReplaceAllString(parent, "")]
	if !checked || known == nil {
		return
	}
	want, ok := known[name]
	switch kind := string(d.PeekKind()); {
	case !ok:
		f.add(line, "%s: unknown", place)
	case want == "" || kind == "n" || kind == want || want == boolean && kind == "f":
	default:
		f.add(line, "%s: must be %s", place, map[string]string{
			text: "a string", list: "a list", object: "an object", boolean: "true or false",
		}[want])
	}
}

var indexes = regexp.MustCompile(`\[\d+\]`)

// placeOf writes a pointer as programmers do: channels[2].url.
func placeOf(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		if strings.Trim(token, "0123456789") == "" && token != "" {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	return b.String()
}

var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand puts the values of variables into the URL of a channel.
func (f *file) expand(c mackerel.Channel, i int, lookup func(string) (string, bool)) mackerel.Channel {
	url := urlOf(c)
	if url == nil {
		return c
	}
	value := reference.ReplaceAllStringFunc(url.Reveal(), func(ref string) string {
		name := reference.FindStringSubmatch(ref)[1]
		v, set := lookup(name)
		if !set || v == "" {
			place := "channels[" + itoa(i) + "].url"
			f.add(f.lines[place], "%s: the variable %s is not set", place, name)
		}
		return v
	})
	return withURL(c, mackerel.NewSecret(value))
}

// check notes what is wrong with a channel.
func (f *file) check(c mackerel.Channel, i int) {
	place := "channels[" + itoa(i) + "]"
	line := f.lines[place]
	if c.Name == "" {
		f.add(line, "%s.name: required", place)
	}
	if _, isUnknown := c.Detail.(*mackerel.Unknown); c.Detail == nil || isUnknown && f.lines[place+".type"] == 0 {
		f.add(line, "%s.type: required", place)
		return
	}
	for member := range members["channels"] {
		at := f.lines[place+"."+member]
		common := slices.Contains([]string{"id", "name", "type", "suspendedAt"}, member)
		if at > 0 && !common && !slices.Contains(ofType[c.Detail.ChannelType()], member) {
			f.add(at, "%s.%s: channels of type %s have none", place, member, c.Detail.ChannelType())
		}
	}
}
