package eventbridge

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// detail renders the alert as an event's detail of at most so many bytes, and says what was cut for that. The alerts of
// a digest get the room that its own texts leave.
func (m Message) detail(limit int) (string, []mackerel.Cut, error) {
	var b bytes.Buffer
	render := func(a mackerel.Alert) (string, error) {
		b.Reset()
		err := writeDetail(&b, a, m.ResourceInfo)
		return b.String(), err
	}
	a := m.Alert
	a.Alerts = nil
	a, text, cuts, err := fit(a, limit, render)
	if err != nil || a.Event != mackerel.EventDigest || len(m.Alert.Alerts) == 0 {
		return text, cuts, err
	}
	var more []mackerel.Cut
	a.Alerts, more, err = firstAlerts(m.Alert.Alerts, limit-len(text)-len(`,"alerts":[]`))
	if err != nil {
		return "", nil, err
	}
	text, err = render(a)
	return text, append(cuts, more...), err
}

// fit cuts the texts of an alert until it is rendered in at most so many bytes, and returns it as it is cut and as it
// is rendered.
func fit(a mackerel.Alert, limit int, render func(mackerel.Alert) (string, error)) (
	cut mackerel.Alert, text string, cuts []mackerel.Cut, err error,
) {
	var moreFacts int
	a.Facts, moreFacts = firstFacts(a.Facts, limit)
	cut = copyOf(a)
	text, cuts = provider.Bytes.Fit(limit, func() string {
		text, err = render(cut)
		return text
	}, parts(&cut, moreFacts)...)
	return cut, text, cuts, err
}

// firstAlerts returns the first alerts of a digest: those that have at most so many bytes together, each as Mackerel's
// webhook. If there is no room for all, the texts of an alert that takes more than half of the room are cut.
func firstAlerts(alerts []mackerel.Alert, room int) (first []mackerel.Alert, cuts []mackerel.Cut, err error) {
	for _, most := range []int{room, room / 2} {
		if first, cuts, err = takeAlerts(alerts, room, most); err != nil || len(first) == len(alerts) {
			return first, cuts, err
		}
	}
	return first, append(cuts, mackerel.Cut{Field: "alerts", Unit: "items", From: len(alerts), To: len(first)}), nil
}

// takeAlerts returns the first alerts that fit, with at most so many bytes each.
func takeAlerts(alerts []mackerel.Alert, room, most int) (first []mackerel.Alert, cuts []mackerel.Cut, err error) {
	cut := mackerel.Cut{Field: "alerts", Unit: provider.Bytes.Name}
	for _, a := range alerts {
		var whole, size int
		if a, whole, size, err = shorten(a, most); err != nil {
			return nil, nil, err
		}
		if room -= size + len(","); room < -len(",") {
			break
		}
		if first = append(first, a); size < whole {
			cut.From, cut.To = cut.From+whole, cut.To+size
		}
	}
	if cut.From > 0 {
		cuts = []mackerel.Cut{cut}
	}
	return first, cuts, nil
}

// shorten cuts the texts of an alert that is longer than so many bytes. It returns the sizes before and after that.
func shorten(a mackerel.Alert, limit int) (short mackerel.Alert, whole, size int, err error) {
	render := func(a mackerel.Alert) (string, error) {
		body, err := provider.EncodeJSON(a)
		return string(body), err
	}
	text, err := render(a)
	if err != nil || len(text) <= limit {
		return a, len(text), len(text), err
	}
	short, cut, _, err := fit(a, limit, render)
	return short, len(text), len(cut), err
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
