package eventbridgetest

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// The limits of PutEvents. See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html and
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html.
const (
	maxEntries    = 10
	maxSize       = 1_000_000 // bytes, of all entries; there must be less
	maxDetailType = 128       // characters
	timeSize      = 14        // bytes that a time counts
)

// input is the body of PutEvents, with all that it may have.
type input struct {
	Entries    []entry `json:"Entries"`
	EndpointID string  `json:"EndpointId,omitzero"`
}

// entry has no member that must be there: one that lacks something fails by itself.
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
	FailedEntryCount int
	Entries          []result
}

type result struct {
	EventID      string `json:"EventId,omitzero"`
	ErrorCode    string `json:",omitzero"`
	ErrorMessage string `json:",omitzero"`
}

// check looks at the request as a whole.
func (in input) check() error {
	n := len(in.Entries)
	if n < 1 || n > maxEntries {
		return &apiError{"ValidationException", fmt.Sprintf(
			"1 validation error detected: Value at 'entries' failed to satisfy constraint: it has %d members, not 1 to %d", n, maxEntries)}
	}
	if in.EndpointID != "" {
		return &apiError{"ValidationException", "The fake has no global endpoints."}
	}
	size, whole := 0, 0
	for _, e := range in.Entries {
		size += e.size()
		if e.Source != "" && e.DetailType != "" && e.Detail != "" {
			whole++
		}
	}
	if size >= maxSize {
		return &apiError{"ValidationException", "Total size of the entries in the request is over the limit."}
	}
	if whole == 0 {
		return &apiError{"ValidationException", "No entry has a Source, a DetailType and a Detail."}
	}
	return nil
}

func (e entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += timeSize
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

var busName = regexp.MustCompile(`^(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus/)?[/.\-_A-Za-z0-9]{1,256}$`)

// problem returns the code and the words of an entry that fails, "" if it does not.
func (e entry) problem() (code, message string) {
	for _, f := range []struct{ name, value string }{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if f.value == "" {
			return "InvalidArgument", "Parameter " + f.name + " is not valid. Reason: " + f.name + " is a required argument."
		}
	}
	_, err := fakehttp.Members([]byte(e.Detail))
	switch {
	case strings.HasPrefix(e.Source, "aws."):
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	case utf8.RuneCountInString(e.DetailType) > maxDetailType:
		return "InvalidArgument", "Parameter DetailType is not valid. Reason: it is longer than 128 characters."
	case err != nil:
		return "MalformedDetail", "Detail is malformed."
	case e.EventBusName != "" && !busName.MatchString(e.EventBusName):
		return "InvalidArgument", "Parameter EventBusName is not valid."
	}
	return "", ""
}
