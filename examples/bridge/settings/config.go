// Package settings reads the configuration file of the bridges: of examples/bridge and of durable/examples/bridge. It is a
// part of these examples, and may change with them.
package settings

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/receiver"
	"github.com/mackerel-notify/mackerel/route"
)

// A Config is the configuration file. The members of receiver.Config are members of the file too: path, user, password,
// mackerel_only and so on.
type Config struct {
	Listen          string          `json:"listen,omitzero"` // ":8080" unless set
	receiver.Config                 // who may send
	APIKey          mackerel.Secret `json:"api_key"`          // a key that reads is enough
	APIURL          string          `json:"api_url,omitzero"` // of Mackerel's API, mackerel.DefaultBaseURL unless set
	FeedingChannel  string          `json:"feeding_channel"`  // the id of the channel of type webhook that leads here
	TellSuspended   bool            `json:"tell_suspended,omitzero"`
	Channels        jsontext.Value  `json:"channels,omitzero"` // by id or name of Mackerel's channel

	Destinations map[string]Destination `json:"-"` // of Channels
	call         mackerel.CallOptions   // of all notifiers
}

// A Destination is what tells a channel.
type Destination struct {
	Service  string             // such as "slack", or [Elsewhere]
	Notifier mackerel.Deliverer // nil if Service is Elsewhere. It tries an alert once.
}

// Find returns what the configuration has for a channel, by its id or else by its name. The name is that of the
// configuration.
func (c Config) Find(channel mackerel.Channel) (name string, d Destination, ok bool) {
	for _, name := range []string{channel.ID, channel.Name} {
		if d, ok := c.Destinations[name]; ok {
			return name, d, true
		}
	}
	return "", Destination{}, false
}

// Of returns what tells a channel, as [route.MackerelConfig].Resolve needs it: the error is [route.ErrElsewhere] if the
// channel is not to be told.
func (c Config) Of(channel mackerel.Channel) (name string, d Destination, err error) {
	name, d, ok := c.Find(channel)
	switch {
	case ok && d.Service != Elsewhere:
		return name, d, nil
	case !channel.SuspendedAt.IsZero():
		return "", d, fmt.Errorf("%w: Mackerel has suspended it", route.ErrElsewhere)
	case ok, ToldByMackerel(channel):
		return "", d, fmt.Errorf("%w: Mackerel tells it", route.ErrElsewhere)
	}
	return "", d, errors.New("it has no credentials in the configuration")
}

// ToldByMackerel reports whether Mackerel itself tells a channel that the configuration does not have.
func ToldByMackerel(c mackerel.Channel) bool {
	switch c.Detail.(type) {
	case *mackerel.Email, *mackerel.EmailBroadcast, *mackerel.Slack, *mackerel.Webhook:
		return true
	}
	return false
}

// Client returns a client of Mackerel that makes at most one request a second.
func (c Config) Client() (*mackerel.Client, error) {
	return mackerel.NewClient(mackerel.ClientConfig{
		APIKey: c.APIKey, BaseURL: c.APIURL,
		Call: mackerel.CallOptions{Pace: mackerel.Pace{N: 1, Per: time.Second}},
	})
}

// A file is a configuration file that is read.
type file struct {
	name     string
	lines    map[jsontext.Pointer]int // of members and elements
	problems []problem
}

// A problem is something that is wrong in a file.
type problem struct {
	place jsontext.Pointer
	text  string
}

// Read reads a configuration file and makes the notifiers. The variables in the strings of the file, ${NAME}, are looked
// up as with os.LookupEnv. The error lists all problems with their lines. It contains no value of the file.
func Read(
	name string, content []byte, lookup func(string) (string, bool), call mackerel.CallOptions,
) (Config, error) {
	f := file{name: name, lines: make(map[jsontext.Pointer]int)}
	c := Config{Listen: ":8080", Destinations: make(map[string]Destination), call: call}
	expanded, err := f.expand(content, lookup)
	if err != nil {
		return Config{}, err
	}
	f.decode("", expanded, &c)
	f.readChannels(&c)
	f.check(c)
	return c, f.err()
}

var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand notes the lines of all members, and puts the variables into the strings. An error means that the file is no
// JSON.
func (f *file) expand(content []byte, lookup func(string) (string, bool)) (jsontext.Value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(content))
	var out bytes.Buffer
	e := jsontext.NewEncoder(&out)
	for {
		token, err := d.ReadToken()
		if err != nil {
			return nil, f.noJSON(content, d.InputOffset(), err)
		}
		place := d.StackPointer()
		if _, noted := f.lines[place]; !noted {
			f.lines[place] = lineOf(content, d.InputOffset())
		}
		kind, length := d.StackIndex(d.StackDepth())
		if isName := kind == '{' && length%2 == 1; token.Kind() == '"' && !isName {
			token = jsontext.String(f.replace(place, token.String(), lookup))
		}
		if err := e.WriteToken(token); err != nil {
			return nil, f.noJSON(content, d.InputOffset(), err)
		}
		if d.StackDepth() == 0 {
			return out.Bytes(), f.end(d, content)
		}
	}
}

// end returns an error if there is something behind the value of the file.
func (f *file) end(d *jsontext.Decoder, content []byte) error {
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return f.noJSON(content, d.InputOffset(), errors.New("there is something behind the object"))
	}
	return nil
}

// noJSON returns the error of a place in the file. The decoder stops before blanks and commas.
func (f *file) noJSON(content []byte, offset int64, err error) error {
	offset += int64(len(content[offset:]) - len(bytes.TrimLeft(content[offset:], " \t\r\n,")))
	return fmt.Errorf("%s:%d: no JSON: %w", f.name, lineOf(content, offset), err)
}

func lineOf(content []byte, offset int64) int { return 1 + bytes.Count(content[:offset], []byte("\n")) }

func (f *file) replace(place jsontext.Pointer, text string, lookup func(string) (string, bool)) string {
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		name := reference.FindStringSubmatch(ref)[1]
		value, set := lookup(name)
		if !set || value == "" {
			f.add(place, "the variable "+name+" is not set")
		}
		return value
	})
}

func (f *file) add(place jsontext.Pointer, text string) {
	f.problems = append(f.problems, problem{place, text})
}

// isWrong reports whether there is a problem in a part of the file.
func (f *file) isWrong(place jsontext.Pointer) bool {
	return slices.ContainsFunc(f.problems, func(p problem) bool { return place.Contains(p.place) })
}

// members returns the members of an object, and notes a problem if the value is no object.
func (f *file) members(place jsontext.Pointer, object jsontext.Value) map[string]jsontext.Value {
	var m map[string]jsontext.Value
	if object.Kind() != '{' || json.Unmarshal(object, &m) != nil {
		f.add(place, "must be an object")
	}
	return m
}

// decode decodes an object, each member on its own, so that it finds all wrong members.
func (f *file) decode(place jsontext.Pointer, object jsontext.Value, into any) {
	for name, value := range f.members(place, object) {
		alone, err := json.Marshal(map[string]jsontext.Value{name: value})
		if err == nil {
			err = json.Unmarshal(alone, into, json.RejectUnknownMembers(true))
		}
		if err == nil {
			continue
		}
		at, text := place.AppendToken(name), "has a value that is not allowed"
		if e, ok := errors.AsType[*json.SemanticError](err); ok {
			at, text = place+e.JSONPointer, wrong(e)
		}
		f.add(at, text)
	}
}

// wrong says what is wrong with a member. It does not quote the value, which may be a secret.
func wrong(e *json.SemanticError) string {
	if errors.Is(e, json.ErrUnknownName) {
		return "unknown"
	}
	want, kind := "", jsontext.Kind('?')
	if e.GoType != nil {
		want, kind = wanted(e.GoType)
	}
	if want == "" || e.JSONKind == kind {
		return "has a value that is not allowed"
	}
	return "must be " + want
}

// wanted returns the name and the kind of the JSON value that a type takes, "" if it is not known.
func wanted(t reflect.Type) (name string, kind jsontext.Kind) {
	switch {
	case t.Kind() == reflect.Pointer:
		return wanted(t.Elem())
	case t == reflect.TypeFor[mackerel.Secret](), t.Kind() == reflect.String:
		return "a string", '"'
	case t.Kind() == reflect.Bool:
		return "true or false", 't'
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		return "a number", '0'
	case t.Kind() == reflect.Slice:
		return "a list", '['
	case t.Kind() == reflect.Map, t.Kind() == reflect.Struct:
		return "an object", '{'
	}
	return "", '?'
}

// readChannels makes the notifiers of the channels.
func (f *file) readChannels(c *Config) {
	const place = jsontext.Pointer("/channels")
	if c.Channels == nil {
		f.add("", "channels: required")
		return
	}
	for name, object := range f.members(place, c.Channels) {
		at := place.AppendToken(name)
		m := f.members(at, object)
		if len(m) != 1 && !f.isWrong(at) {
			f.add(at, "must have one member, the service: "+known())
			continue
		}
		for service, settings := range m {
			c.Destinations[name] = f.destination(at.AppendToken(service), name, service, settings, c.call)
		}
	}
}

// destination makes the notifier of a channel.
func (f *file) destination(
	place jsontext.Pointer, name, service string, object jsontext.Value, call mackerel.CallOptions,
) Destination {
	s, exists := services[service]
	if !exists {
		f.add(place, "unknown service; known are "+known())
		return Destination{}
	}
	into := s.config()
	if f.decode(place, object, into); f.isWrong(place) {
		return Destination{}
	}
	n, err := s.notifier(into, call)
	if err != nil {
		f.add(place, words(err))
		return Destination{}
	}
	return Destination{service, &channel{n, name}}
}

func known() string { return strings.Join(slices.Sorted(maps.Keys(services)), ", ") }

// words returns what is wrong with a configuration, without the name of the operation.
func words(err error) string {
	if e, ok := errors.AsType[*mackerel.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// check looks for problems of the members that are not channels.
func (f *file) check(c Config) {
	if c.FeedingChannel == "" && !f.isWrong("/feeding_channel") {
		f.add("", "feeding_channel: required, the id of the channel in Mackerel that leads here")
	}
	if !f.isWrong("/api_key") && !f.isWrong("/api_url") {
		if _, err := c.Client(); err != nil {
			f.addClient(words(err))
		}
	}
	for _, member := range []jsontext.Pointer{"/path", "/user", "/password", "/trusted_proxies"} {
		if f.isWrong(member) {
			return
		}
	}
	c.Notifier = mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { return nil })
	if _, err := receiver.New(c.Config); err != nil {
		f.add("", words(err))
	}
}

// addClient notes the problems of the client of Mackerel, whose fields are members of the file.
func (f *file) addClient(problems string) {
	for problem := range strings.SplitSeq(problems, "; ") {
		if address, ok := strings.CutPrefix(problem, "BaseURL: "); ok {
			f.add("/api_url", address)
			continue
		}
		f.add("/api_key", strings.TrimPrefix(problem, "APIKey: "))
	}
}

// err returns the problems as an error, a line for each.
func (f *file) err() error {
	if f.problems == nil {
		return nil
	}
	slices.SortFunc(f.problems, func(x, y problem) int {
		return cmp.Or(f.lines[x.place]-f.lines[y.place], cmp.Compare(x.place, y.place), cmp.Compare(x.text, y.text))
	})
	var all []error
	for _, p := range slices.Compact(f.problems) {
		text := f.name + ":" + strconv.Itoa(max(1, f.lines[p.place])) + ": "
		if p.place != "" {
			text += strings.Join(slices.Collect(p.place.Tokens()), ".") + ": "
		}
		all = append(all, errors.New(text+p.text))
	}
	return errors.Join(all...)
}
