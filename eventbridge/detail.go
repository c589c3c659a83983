package eventbridge

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// fit renders the detail in at most so many bytes, and says what was cut for that. ID, status, title and addresses are
// not cut.
func (m Message) fit(limit int) (string, []mackerel.Cut, error) {
	a := own(m.Alert)
	var failed error
	render := func() string {
		detail, err := detailOf(a, m.ResourceInfo)
		if err != nil {
			failed = err
		}
		return detail
	}
	detail, cuts := provider.Bytes.Fit(limit, render, parts(&a)...)
	return detail, cuts, failed
}

// own is a copy of an alert whose texts can be changed.
func own(a mackerel.Alert) mackerel.Alert {
	a.Facts = slices.Clone(a.Facts)
	a.Host, a.Service, a.Group = clone(a.Host), clone(a.Service), clone(a.Group)
	a.Metric, a.User = clone(a.Metric), clone(a.User)
	return a
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// parts are the texts of an alert in the order in which they may be cut.
func parts(a *mackerel.Alert) []provider.Part {
	all := []provider.Part{{Field: "memo", Text: &a.Monitor.Memo}}
	if a.Group != nil {
		all = append(all, provider.Part{Field: "memo", Text: &a.Group.Memo})
	}
	if a.Host != nil {
		all = append(all, provider.Part{Field: "host memo", Text: &a.Host.Memo})
	}
	if a.Service != nil {
		all = append(all, provider.Part{Field: "service memo", Text: &a.Service.Memo})
	}
	all = append(all, provider.Part{Field: "message", Text: &a.Message})
	for i := range slices.Backward(a.Facts) {
		all = append(all, provider.Part{Field: "facts", Text: &a.Facts[i].Value})
	}
	all = append(all, provider.Part{Field: "reason", Text: &a.Reason})
	if a.Metric != nil {
		all = append(all, provider.Part{Field: "metric", Text: &a.Metric.Label})
	}
	return all
}

// webhookOnly are members of Mackerel's webhooks that the details of its events do not have.
var webhookOnly = []string{"type", "imageUrl"}

// detailOf is an alert as the detail of an event: see the package's documentation.
func detailOf(a mackerel.Alert, info *ResourceInfo) (string, error) {
	body, err := a.MarshalJSON()
	if err != nil {
		return "", err
	}
	all, err := members(body)
	if err != nil {
		return "", err
	}
	all = slices.DeleteFunc(all, func(m member) bool {
		return slices.Contains(webhookOnly, m.name) || m.name == "resourceInfo" && info != nil || m.saysNothing()
	})
	if info != nil {
		value, err := info.MarshalJSON()
		if err != nil {
			return "", err
		}
		all = append(all, member{"resourceInfo", value})
	}
	return object(all)
}

// A member is a member of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// saysNothing reports whether a member is one of those that Mackerel's events do not have, and empty.
func (m member) saysNothing() bool {
	return m.name == "message" && string(m.value) == `""` || m.name == "user" && string(m.value) == "null"
}

// members returns the members of an object in their order.
func members(object []byte) ([]member, error) {
	var all []member
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil { // the opening brace
		return nil, err
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{}
		m.name, _ = token.(string) // a member's name is nothing else
		if err := dec.Decode(&m.value); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// object is the way back, without white space around the members.
func object(all []member) (string, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		quoted, err := provider.EncodeJSON(m.name)
		if err != nil {
			return "", err
		}
		b.Write(quoted)
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.String(), nil
}
