package webhook

import (
	"cmp"
	"context"
	"encoding/base32"
	"errors"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Message is the body of one request: an alert in Mackerel's JSON, or bytes of the caller's.
type Message struct {
	// ID is the webhook-id of a signed request, by which receivers know a repeat. Unless set, it is made of
	// [mackerel.WithDeliveryID], or random. Without a signature it is not sent.
	ID          string
	Alert       mackerel.Alert // sent as its MarshalJSON returns it
	Raw         []byte         // sent as it is, in place of the Alert, unless it is nil
	ContentType string         // application/json unless set
}

// DefaultMessage returns the message that a Notifier sends for an alert.
func DefaultMessage(a mackerel.Alert) Message { return Message{Alert: a} }

// setID gives the message an ID, unless it has one.
func (m *Message) setID(ctx context.Context, address string) {
	if m.ID == "" {
		key := provider.DeliveryKey(ctx, name, address)
		m.ID = "msg_" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key[:])
	}
}

// render fills in header, body and signature. A preview has placeholders where each attempt has its own values.
func (sign signer) render(r *transport.Request, m Message, _ *provider.Cutter) error {
	if err := m.problems().Err(); err != nil {
		return err
	}
	body, err := m.body()
	if err != nil {
		return err
	}
	r.Header, r.Body = r.Header.Clone(), body
	r.Header.Set("Content-Type", cmp.Or(m.ContentType, "application/json"))
	if sign != nil {
		r.Header.Set(headerID, cmp.Or(m.ID, "{webhook-id}"))
		r.Header.Set(headerTimestamp, "{webhook-timestamp}")
		r.Header.Set(headerSignature, "{webhook-signature}")
		r.Sign = sign(m.ID, r.Body)
	}
	return nil
}

// errAlert begins with the name of a field, as all problems of messages do.
var errAlert = errors.New("Alert: cannot be written as JSON") //nolint:staticcheck // see above

func (m Message) body() ([]byte, error) {
	if m.Raw != nil {
		return m.Raw, nil
	}
	body, err := m.Alert.MarshalJSON()
	if err != nil {
		return nil, errAlert
	}
	return body, nil
}

// problems lists what cannot be sent. A dot in the ID would end it in what is signed.
func (m Message) problems() (p provider.Problems) {
	valid := m.ID == "" || transport.ValidCredential(m.ID) && !strings.Contains(m.ID, ".")
	p.Check("ID", valid, "has a blank, a dot, a line break or a character beyond ASCII")
	p.Add("ContentType", transport.HeaderProblem("Content-Type", m.ContentType))
	return p
}
