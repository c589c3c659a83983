// Package route has notifiers that send through other notifiers by a rule: [Persist], [Match], [Level], [Dedup], [Digest],
// [Quiet] and [Fallback]. [FromMackerel] sends to the channels that Mackerel's notification groups name.
//
//	all, err := route.Persist(mackerel.Multi(room, channel, phone), 10*time.Minute)
//	if err != nil {
//		log.Fatal(err)
//	}
//	err = all.Notify(ctx, alert)
//
// # What all rules share
//
// A [Notifier] of this package can be used wherever a [mackerel.Notifier] can: in a [mackerel.Multi] and in another
// rule. It returns the errors of the notifier inside unchanged, unless the documentation of its rule says otherwise. It
// has no goroutine of its own. A Multi is sent by [mackerel.DeliverAll], which uses a goroutine for each notifier and
// waits for all of them.
//
// The functions of this package report all problems of their arguments as one [mackerel.ErrConfig].
package route

import (
	"context"
	"fmt"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

// A Notifier sends alerts through another notifier by a rule. The functions of this package make it; the zero value
// returns [mackerel.ErrConfig]. It is safe for concurrent use.
type Notifier struct {
	inner mackerel.Notifier
	rule  func(ctx context.Context, a mackerel.Alert, inner mackerel.Notifier) (mackerel.Receipt, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// wrap returns a notifier with a rule, or the problems of its arguments and of the notifier inside.
func wrap(n Notifier, op string, problems ...string) (*Notifier, error) {
	if mackerel.IsNil(n.inner) {
		problems = append([]string{"n: the notifier is nil"}, problems...)
	}
	if len(problems) > 0 {
		return nil, failure(op, mackerel.ErrConfig, strings.Join(problems, "; "))
	}
	return &n, nil
}

// Notify sends the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.Deliver(ctx, a)
	return err
}

// Deliver sends the alert and returns the receipt of the notifier inside. If that is no [mackerel.Deliverer], the
// receipt has the Duration only, unless the documentation of the rule says more.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	if n.rule == nil {
		return mackerel.Receipt{}, failure("notify", mackerel.ErrConfig, "the notifier is nil")
	}
	return n.rule(ctx, a, n.inner)
}

// Preview returns the preview of the notifier inside. It is [mackerel.ErrUnsupported] if that is no
// [mackerel.Previewer], as a [mackerel.Multi] is not.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	if n.inner == nil {
		return nil, failure("preview", mackerel.ErrConfig, "the notifier is nil")
	}
	p, ok := n.inner.(mackerel.Previewer)
	if !ok {
		return nil, failure("preview", mackerel.ErrUnsupported, n.String()+" has no preview")
	}
	return p.Preview(a)
}

// String returns the name of the notifier inside: what its String returns, the names of the notifiers of a Multi, or
// the Go type if there is no name.
func (n *Notifier) String() string { return name(n.inner) }

func name(n mackerel.Notifier) string {
	if mackerel.IsNil(n) {
		return "nil"
	}
	if s, ok := n.(fmt.Stringer); ok {
		return s.String()
	}
	members := mackerel.Unwrap(n)
	if len(members) == 0 {
		return fmt.Sprintf("%T", n)
	}
	names := make([]string, len(members))
	for i, member := range members {
		names[i] = name(member)
	}
	return strings.Join(names, ", ")
}

// deliver sends an alert through any notifier. The receipt of a notifier that is no Deliverer is empty.
func deliver(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) (mackerel.Receipt, error) {
	if mackerel.IsNil(n) {
		return mackerel.Receipt{}, failure("notify", mackerel.ErrConfig, "the notifier is nil")
	}
	if d, ok := n.(mackerel.Deliverer); ok {
		return d.Deliver(ctx, a)
	}
	return mackerel.Receipt{}, n.Notify(ctx, a)
}

// failure returns an error of this package, as opposed to an error of a notifier inside.
func failure(op string, kind error, message string) error {
	return &mackerel.Error{Provider: "route", Op: op, Kind: kind, Message: message}
}
