package eventbridge

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Limits of an entry. The size is calculated as in
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html: 14 bytes for the time, and the UTF-8
// bytes of source, detail-type, detail and resources.
const (
	maxEntry      = 1_000_000 - 1 // bytes
	maxDetailType = 128           // characters
)

// rate is the limit of an account in a region: 400 requests in a second or more, which no storm of alerts reaches. So
// there is no count, but at most 10 requests are under way.
// See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html.
var rate = transport.Limit{N: 10, Gate: 100 * time.Millisecond, GateMax: 20 * time.Second}

// The Source and DetailType of events unless the Config or the Message says otherwise.
const (
	DefaultSource     = "mackerel.io"
	DefaultDetailType = "Mackerel Alert"
)

// A ResourceInfo says which resource of AWS a host is. For hosts on EC2, Mackerel's own events have the Service "ec2",
// the ResourceType "instance", and the instance's id as the ResourceID. An empty field is sent as null.
type ResourceInfo struct {
	Service, Region, AccountID, ResourceType, ResourceID string
}

// A Message is one event. Rules match its Source, DetailType and detail.
type Message struct {
	Source       string         // required; must not begin with "aws."
	DetailType   string         // required
	Resources    []string       // ARNs of what the event is about
	Time         time.Time      // sent in milliseconds; unless set, it is when EventBridge gets the event
	Alert        mackerel.Alert // sent as the detail, in Mackerel's form
	ResourceInfo *ResourceInfo  // added to the detail
	Raw          []byte         // a JSON object, sent as the detail in place of Alert and ResourceInfo and never cut
}

// DefaultMessage returns the message that a Notifier sends for an alert, without the source, the detail-type and the
// ResourceInfo that the Config may have. It has DefaultSource and DefaultDetailType. The time is that of the alert's
// last change, if it is known.
func DefaultMessage(a mackerel.Alert) Message {
	at := cmp.Or(a.ChangedAt, a.ClosedAt, a.OpenedAt)
	return Message{Source: DefaultSource, DetailType: DefaultDetailType, Time: at, Alert: a}
}

// putEvents is the body of PutEvents.
type putEvents struct {
	Entries []entry `json:"Entries"`
}

type entry struct {
	Source       string   `json:"Source"`
	DetailType   string   `json:"DetailType"`
	Detail       string   `json:"Detail"` // JSON, as a string
	EventBusName string   `json:"EventBusName,omitzero"`
	Resources    []string `json:"Resources,omitzero"`
	Time         float64  `json:"Time,omitzero"` // seconds since 1970
}

// timeSize is how many bytes a time adds to the size of an entry.
const timeSize = 14

// size returns the entry's size in bytes as EventBridge calculates it.
func (e entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail) + len(strings.Join(e.Resources, ""))
	if e.Time != 0 {
		n += timeSize
	}
	return n
}

// An encoder renders messages with what the Config says about all of them.
type encoder struct {
	bus      string
	maxEntry int
	sign     signer
}

// render fills in body and signature. A preview has placeholders where each attempt has its own values.
func (c encoder) render(r *transport.Request, m Message, cut *provider.Cutter) error {
	if err := m.problems().Err(); err != nil {
		return err
	}
	e, cuts, err := m.entry(c.maxEntry)
	if err != nil {
		return err
	}
	cut.Cuts = cuts
	e.EventBusName = c.bus
	if r.Body, err = provider.EncodeJSON(putEvents{[]entry{e}}); err != nil {
		return err
	}
	r.Header = r.Header.Clone()
	r.Header.Set("X-Amz-Date", "{date}")
	r.Header.Set("Authorization", "{signature}")
	r.Sign, r.Clean = c.sign(r.Body)
	return nil
}

// entry returns the message in at most so many bytes, and says what was cut for that.
func (m Message) entry(limit int) (e entry, cuts []mackerel.Cut, err error) {
	e = entry{Source: m.Source, DetailType: m.DetailType, Resources: m.Resources, Detail: string(m.Raw)}
	if m.Time.Unix() > 0 {
		e.Time = float64(m.Time.UnixMilli()) / 1000
	}
	if m.Raw == nil {
		if e.Detail, cuts, err = m.detail(limit - e.size()); err != nil {
			return entry{}, nil, err
		}
	}
	if n := e.size(); n > limit {
		return entry{}, nil, fmt.Errorf("the entry has %d bytes, and at most %d are allowed", n, limit)
	}
	return e, cuts, nil
}

// problems lists what EventBridge is certain to refuse.
func (m Message) problems() (p provider.Problems) {
	p.Require("Source", m.Source != "")
	checkSource(&p, m.Source)
	p.Require("DetailType", m.DetailType != "")
	p.Length("DetailType", m.DetailType, provider.UTF16, maxDetailType)
	object := jsontext.Value(m.Raw).Kind() == '{' && provider.DecodeJSON(m.Raw, new(jsontext.Value))
	p.Check("Raw", m.Raw == nil || object, "must be a JSON object")
	return p
}

func checkSource(p *provider.Problems, source string) {
	p.Check("Source", !strings.HasPrefix(source, "aws."), `begins with "aws.", which is AWS's own`)
}
