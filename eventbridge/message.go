package eventbridge

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// The limits of an entry. See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html, which also says
// how the size is calculated: 14 bytes for the time, and what source, detail-type, detail and resources have in UTF-8.
const (
	MaxEntry      = 1_000_000 - 1 // bytes
	MaxDetailType = 128           // characters
)

// A Message is one event. Source, DetailType and Detail are what rules match.
type Message struct {
	Source       string         // the Config's unless set
	DetailType   string         // the Config's unless set
	Resources    []string       // ARNs of what the event is about
	Time         time.Time      // to the millisecond; zero is when EventBridge receives it
	Alert        mackerel.Alert // sent as Mackerel's form of a detail
	ResourceInfo *ResourceInfo  // added to it; the Config's unless set
	// Raw is a JSON object to send as the detail in place of the Alert and ResourceInfo, as it is and never cut.
	Raw json.RawMessage
}

// ResourceInfo says which resource of AWS a host is, as Mackerel does for hosts on EC2: Service "ec2", ResourceType
// "instance", and as ResourceID the instance's. What is empty is sent as null.
type ResourceInfo struct {
	Service, Region, AccountID, ResourceType, ResourceID string
}

// MarshalJSON writes the members in Mackerel's order.
func (r ResourceInfo) MarshalJSON() ([]byte, error) {
	orNull := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return json.Marshal(struct {
		Service      *string `json:"service"`
		Region       *string `json:"region"`
		AccountID    *string `json:"accountId"`
		ResourceType *string `json:"resourceType"`
		ResourceID   *string `json:"resourceId"`
	}{orNull(r.Service), orNull(r.Region), orNull(r.AccountID), orNull(r.ResourceType), orNull(r.ResourceID)})
}

// DefaultMessage is what a Notifier sends unless its Config has a Message function, which may well start from this and
// change a field. Its time is that of the alert's last change, as far as it is known. The text's language and time zone
// change nothing: there are no words in it.
func DefaultMessage(a mackerel.Alert, _ mackerel.Text) Message {
	m := Message{Alert: a}
	for _, t := range [...]time.Time{a.ChangedAt, a.ClosedAt, a.OpenedAt} {
		if !t.IsZero() {
			m.Time = t
			break
		}
	}
	return m
}

// input is the body of PutEvents.
type input struct {
	Entries []entry `json:"Entries"`
}

type entry struct {
	Source       string   `json:"Source"`
	DetailType   string   `json:"DetailType"`
	Detail       string   `json:"Detail"` // JSON, as a string
	EventBusName string   `json:"EventBusName,omitzero"`
	Resources    []string `json:"Resources,omitzero"`
	Time         *float64 `json:"Time,omitzero"` // seconds since 1970
}

// timeSize is what a time counts, in bytes.
const timeSize = 14

// size is the entry's size in bytes as EventBridge calculates it.
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

// entry renders the message in at most so many bytes, and says what was cut for that.
func (m Message) entry(limit int) (entry, []mackerel.Cut, error) {
	e := entry{Source: m.Source, DetailType: m.DetailType, Resources: m.Resources, Detail: string(m.Raw)}
	if at := m.Time; at.Unix() > 0 {
		seconds := float64(at.UnixMilli()) / 1000
		e.Time = &seconds
	}
	var cuts []mackerel.Cut
	if m.Raw == nil {
		var err error
		if e.Detail, cuts, err = m.fit(limit - e.size()); err != nil {
			return entry{}, nil, err
		}
	}
	if n := e.size(); n > limit {
		return entry{}, nil, errors.New("the entry has " + strconv.Itoa(n) + " bytes, and no more than " + strconv.Itoa(limit) + " are possible")
	}
	return e, cuts, nil
}

// problem says why EventBridge is certain to refuse a message, "" if it is not.
func (m Message) problem() string {
	if problem := sourceProblem(m.Source); problem != "" {
		return "Source: " + problem
	}
	if problem := detailTypeProblem(m.DetailType); problem != "" {
		return "DetailType: " + problem
	}
	var object map[string]json.RawMessage
	if m.Raw != nil && (json.Unmarshal(m.Raw, &object) != nil || object == nil) {
		return "Raw: not a JSON object"
	}
	return ""
}

func sourceProblem(source string) string {
	if strings.HasPrefix(source, "aws.") {
		return `begins with "aws.", which is AWS's own`
	}
	return ""
}

func detailTypeProblem(detailType string) string {
	if provider.UTF16.Len(detailType) > MaxDetailType {
		return "longer than " + strconv.Itoa(MaxDetailType) + " characters"
	}
	return ""
}
