package eventbridgetest

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The limits of PutEvents. See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html and
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html.
const (
	maxEntries    = 10
	maxSize       = 1_000_000 // bytes, of all entries; there must be less
	maxDetailType = 128       // characters
	timeSize      = 14        // bytes that a time counts
)

// An input is the body of PutEvents, with all documented members.
type input struct {
	Entries    []entry `json:"Entries"`
	EndpointID string  `json:"EndpointId,omitzero"`
}

// An entry has no required members: an entry that lacks one fails by itself.
type entry struct {
	Source       string   `json:"Source,omitzero"`
	DetailType   string   `json:"DetailType,omitzero"`
	Detail       string   `json:"Detail,omitzero"`
	EventBusName string   `json:"EventBusName,omitzero"`
	Resources    []string `json:"Resources,omitzero"`
	Time         *float64 `json:"Time,omitzero"`
	TraceHeader  string   `json:"TraceHeader,omitzero"`
}

type output struct {
	FailedEntryCount int      `json:"FailedEntryCount"`
	Entries          []result `json:"Entries"`
}

type result struct {
	EventID      string `json:"EventId,omitzero"`
	ErrorCode    string `json:"ErrorCode,omitzero"`
	ErrorMessage string `json:"ErrorMessage,omitzero"`
}

// check returns the refusal of a request that is refused as a whole.
func (in input) check() error {
	size, whole := 0, 0
	for _, e := range in.Entries {
		size += e.size()
		if e.Source != "" && e.DetailType != "" && e.Detail != "" {
			whole++
		}
	}
	switch n := len(in.Entries); {
	case n < 1 || n > maxEntries:
		return refuse("ValidationException", fmt.Sprintf(
			"1 validation error detected: Value at 'entries' failed to satisfy constraint: it has %d members, not 1 to %d", n, maxEntries))
	case in.EndpointID != "":
		return refuse("ValidationException", "The fake has no global endpoints.")
	case size >= maxSize:
		return refuse("ValidationException", "Total size of the entries in the request is over the limit.")
	case whole == 0:
		return refuse("ValidationException", "No entry has a Source, a DetailType and a Detail.")
	}
	return nil
}

func (e entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail) + len(strings.Join(e.Resources, ""))
	if e.Time != nil {
		n += timeSize
	}
	return n
}

var busName = regexp.MustCompile(`^(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus/)?[/.\-_A-Za-z0-9]{1,256}$`)

// problem returns the code and the words of an entry that fails, "" if it does not fail.
func (e entry) problem() (code, message string) {
	for _, f := range []struct{ name, value string }{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if f.value == "" {
			return "InvalidArgument", "Parameter " + f.name + " is not valid. Reason: " + f.name + " is a required argument."
		}
	}
	detail := jsontext.Value(e.Detail)
	switch {
	case strings.HasPrefix(e.Source, "aws."):
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	case utf8.RuneCountInString(e.DetailType) > maxDetailType:
		return "InvalidArgument", "Parameter DetailType is not valid. Reason: it is longer than 128 characters."
	case detail.Kind() != '{' || !detail.IsValid():
		return "MalformedDetail", "Detail is malformed."
	case e.EventBusName != "" && !busName.MatchString(e.EventBusName):
		return "InvalidArgument", "Parameter EventBusName is not valid."
	}
	return "", ""
}
