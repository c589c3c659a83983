// Package route has notifiers that send through other notifiers by a rule: [Persist], [Match], [Level], [Dedup], [Digest],
// [Quiet] and [Fallback]. [FromMackerel] sends to the channels that Mackerel's notification groups name.
//
//	all, err := route.Persist(mackerel.Multi(room, chat, phone), 10*time.Minute)
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
	"slices"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// A rule sends an alert through the notifier inside.
type rule func(ctx context.Context, a mackerel.Alert, inner mackerel.Notifier) (mackerel.Receipt, error)

// A Notifier sends alerts through another notifier by a rule. The functions of this package make it; the zero value
// returns [mackerel.ErrConfig]. It is safe for concurrent use.
type Notifier struct {
	inner mackerel.Notifier
	rule  rule
	// show returns what Preview previews of an alert, or why the rule skips it. If it is nil, Preview previews the
	// alert.
	show func(a mackerel.Alert) (shown mackerel.Alert, skipped string)
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
// receipt has the Duration only. That of a [mackerel.Multi] also has the Attempts and Waited of all its notifiers, and
// Skipped if all of them skip the alert.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	if n == nil || n.rule == nil {
		return mackerel.Receipt{}, failure("notify", mackerel.ErrConfig, "the notifier is nil")
	}
	return n.rule(ctx, a, n.inner)
}

// Preview returns the preview of the notifier inside. It is [mackerel.ErrUnsupported] if that is no
// [mackerel.Previewer], as a [mackerel.Multi] is not. Its Skipped is set if [Match] or [Level] skips the alert. It does
// not depend on the hours of [Quiet] or on what [Dedup] and [Digest] have sent, and does not change what rules
// remember.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	if n == nil || n.inner == nil {
		return nil, failure("preview", mackerel.ErrConfig, "the notifier is nil")
	}
	if n.show != nil {
		shown, skipped := n.show(a)
		if skipped != "" {
			return &mackerel.Preview{Skipped: skipped}, nil
		}
		a = shown
	}
	p, ok := n.inner.(mackerel.Previewer)
	if !ok {
		return nil, failure("preview", mackerel.ErrUnsupported, n.String()+" has no preview")
	}
	return p.Preview(a)
}

// String returns the name of the notifier inside: what its String returns, the names of the notifiers of a Multi, or
// the Go type if there is no name.
func (n *Notifier) String() string {
	if n == nil {
		return "nil"
	}
	return name(n.inner)
}

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

// spread returns the notifiers of a Multi, with those of a Multi inside of it or inside of a rule. A rule around a
// Multi is put around each of its notifiers, with one memory for all. Any other notifier is returned as it is.
func spread(n mackerel.Notifier) (all []mackerel.Notifier) {
	if r, _ := n.(*Notifier); r != nil && r.rule != nil {
		for _, inner := range spread(r.inner) {
			all = append(all, &Notifier{inner: inner, rule: r.rule, show: r.show})
		}
		return all
	}
	for _, member := range mackerel.Unwrap(n) {
		all = append(all, spread(member)...)
	}
	if len(all) == 0 {
		return []mackerel.Notifier{n}
	}
	return all
}

// wrapEach puts a rule around each notifier of a Multi. Each has a memory of its own, which makeRule returns, so that a
// repeat of one notifier that failed goes through its rule.
func wrapEach(n mackerel.Notifier, makeRule func() rule, op string, problems ...string) (*Notifier, error) {
	if len(problems) > 0 {
		return wrap(Notifier{inner: n}, op, problems...)
	}
	all := spread(n)
	if len(all) == 1 {
		return wrap(Notifier{inner: all[0], rule: makeRule()}, op)
	}
	for i, one := range all {
		all[i] = &Notifier{inner: one, rule: makeRule()}
	}
	return wrap(Notifier{inner: mackerel.Multi(all...), rule: passOn}, op)
}

// deliver sends an alert through any notifier. The receipt of a notifier that is no Deliverer has the Duration, and
// that of a Multi also has the Attempts and Waited of all its notifiers, and Skipped if all have skipped the alert.
func deliver(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) (mackerel.Receipt, error) {
	if mackerel.IsNil(n) {
		return mackerel.Receipt{}, failure("notify", mackerel.ErrConfig, "the notifier is nil")
	}
	if d, ok := n.(mackerel.Deliverer); ok {
		return d.Deliver(ctx, a)
	}
	start := time.Now()
	if members := mackerel.Unwrap(n); len(members) > 0 {
		results := mackerel.DeliverAll(ctx, a, members...)
		receipt := together(results)
		receipt.Duration = time.Since(start)
		return receipt, results.Err()
	}
	err := n.Notify(ctx, a)
	return mackerel.Receipt{Duration: time.Since(start)}, err
}

// together returns the receipt of several deliveries of one alert, without its Duration.
func together(results mackerel.Results) (receipt mackerel.Receipt) {
	var reasons []string
	skipped := len(results) > 0
	for _, r := range results {
		receipt.Attempts += r.Receipt.Attempts
		receipt.Waited += r.Receipt.Waited
		skipped = skipped && r.Err == nil && r.Receipt.Skipped != ""
		if !slices.Contains(reasons, r.Receipt.Skipped) {
			reasons = append(reasons, r.Receipt.Skipped)
		}
	}
	if skipped {
		receipt.Skipped = strings.Join(reasons, "; ")
	}
	return receipt
}

// failure returns an error of this package, as opposed to an error of a notifier inside.
func failure(op string, kind error, message string) error {
	return &mackerel.Error{Provider: "route", Op: op, Kind: kind, Message: message}
}
