package eventbridge

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// detail renders the alert as an event's detail of at most so many bytes, and says what was cut for that.
func (m Message) detail(limit int) (string, []mackerel.Cut, error) {
	facts, moreFacts := firstFacts(m.Alert.Facts, limit)
	m.Alert.Facts = facts
	a := copyOf(m.Alert)
	var err error
	var b bytes.Buffer
	render := func() string {
		b.Reset()
		err = writeDetail(&b, a, m.ResourceInfo)
		return b.String()
	}
	text, cuts := provider.Bytes.Fit(limit, render, parts(&a, moreFacts)...)
	return text, cuts, err
}

const (
	// roomForOthers is what a detail takes beside the facts if all its texts are cut to nothing, in bytes.
	roomForOthers = 4 << 10
	// emptyFact is what a fact takes without its texts, in bytes.
	emptyFact = len(`{"label":"","value":""},`)
)

// firstFacts returns the facts that a detail of limit bytes may have room for, and how many bytes the texts of the
// other facts have.
func firstFacts(facts []mackerel.Fact, limit int) (first []mackerel.Fact, rest int) {
	n, room := 0, limit-min(limit/2, roomForOthers)
	for ; n < len(facts) && room > 0; n++ {
		room -= len(facts[n].Label) + len(facts[n].Value) + emptyFact
	}
	for _, f := range facts[n:] {
		rest += len(f.Label) + len(f.Value)
	}
	return facts[:n], rest
}

// copyOf returns a copy of an alert whose texts can be changed without changing the caller's alert.
func copyOf(a mackerel.Alert) mackerel.Alert {
	a.Facts = slices.Clone(a.Facts)
	a.Host, a.Service, a.Group = clone(a.Host), clone(a.Service), clone(a.Group)
	a.Metric, a.User = clone(a.Metric), clone(a.User)
	if a.Host != nil {
		a.Host.Roles = slices.Clone(a.Host.Roles)
	}
	return a
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// parts returns the texts of an alert in the order in which they may be cut: what people write at length, then names,
// then what only a mistake can make so long. Of the facts, moreFacts bytes were left out.
func parts(a *mackerel.Alert, moreFacts int) []provider.Part {
	all := make([]provider.Part, 0, 32+2*len(a.Facts))
	add := func(field string, texts ...*string) {
		for _, text := range texts {
			all = append(all, provider.Part{Field: field, Text: text})
		}
	}
	host, service, group := orNew(a.Host), orNew(a.Service), orNew(a.Group)
	metric, user := orNew(a.Metric), orNew(a.User)
	add("memo", &a.Monitor.Memo, &group.Memo)
	add("host memo", &host.Memo)
	add("service memo", &service.Memo)
	add("message", &a.Message)
	for i := range slices.Backward(a.Facts) {
		add("facts", &a.Facts[i].Value)
		all[len(all)-1].Rest, moreFacts = moreFacts, 0
	}
	add("reason", &a.Reason)
	add("metric", &metric.Label)
	for i := range slices.Backward(a.Facts) {
		add("facts", &a.Facts[i].Label)
	}
	for i := range slices.Backward(host.Roles) {
		r := &host.Roles[i]
		add("roles", &r.FullName, &r.Name, &r.Service, &r.URL, &r.ServiceURL)
	}
	add("user", &user.ScreenName)
	add("host", &host.Status, &host.Name, &host.URL, &host.ID)
	add("service", &service.Name, &service.ID)
	add("group", &group.Name, &group.ID)
	add("trigger", &a.Trigger)
	add("organization", &a.Org)
	add("monitor", &a.Monitor.Name, &a.Monitor.Type, &a.Monitor.ID)
	add("url", &a.URL)
	add("id", &a.ID)
	return all
}

// orNew returns p, or a pointer to a zero value that nothing reads.
func orNew[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

// writeDetail writes an alert as the detail of an event: see the package's documentation.
func writeDetail(b *bytes.Buffer, a mackerel.Alert, info *ResourceInfo) error {
	webhook, err := a.MarshalJSON()
	if err != nil {
		return err
	}
	return provider.WriteJSON(b, detail{webhook, info})
}

// A detail is the JSON object that is made of a webhook.
type detail struct {
	webhook jsontext.Value
	info    *ResourceInfo
}

// MarshalJSONTo writes the webhook's members in their order, without those that a detail does not have.
func (d detail) MarshalJSONTo(e *jsontext.Encoder) error {
	webhook := jsontext.NewDecoder(bytes.NewBuffer(d.webhook), e.Options())
	if _, err := webhook.ReadToken(); err != nil {
		return err
	}
	err := e.WriteToken(jsontext.BeginObject)
	for err == nil && webhook.PeekKind() != jsontext.KindEndObject {
		err = d.copyMember(e, webhook)
	}
	if err == nil && d.info != nil {
		err = d.info.write(e)
	}
	if err != nil {
		return err
	}
	return e.WriteToken(jsontext.EndObject)
}

func (d detail) copyMember(e *jsontext.Encoder, webhook *jsontext.Decoder) error {
	token, err := webhook.ReadToken()
	if err != nil {
		return err
	}
	name := token.String()
	value, err := webhook.ReadValue()
	if err != nil || d.leavesOut(name, value) {
		return err
	}
	if err := e.WriteToken(jsontext.String(name)); err != nil {
		return err
	}
	return e.WriteValue(value)
}

// leavesOut reports whether a member is one that Mackerel's events do not have. A message and a user stay if they are
// not empty. A resourceInfo stays if no other is known.
func (d detail) leavesOut(name string, value jsontext.Value) bool {
	switch name {
	case "type", "imageUrl":
		return true
	case "message":
		return string(value) == `""`
	case "user":
		return value.Kind() == 'n'
	case "resourceInfo":
		return d.info != nil
	}
	return false
}

// write writes the member resourceInfo.
func (r ResourceInfo) write(e *jsontext.Encoder) error {
	if err := e.WriteToken(jsontext.String("resourceInfo")); err != nil {
		return err
	}
	return json.MarshalEncode(e, struct {
		Service      *string `json:"service"`
		Region       *string `json:"region"`
		AccountID    *string `json:"accountId"`
		ResourceType *string `json:"resourceType"`
		ResourceID   *string `json:"resourceId"`
	}{orNull(r.Service), orNull(r.Region), orNull(r.AccountID), orNull(r.ResourceType), orNull(r.ResourceID)})
}

// orNull returns nil if s is empty.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
