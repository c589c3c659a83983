package route

import (
	"context"

	"github.com/mackerel-notify/mackerel"
)

// digestParts returns a notifier for each channel of ours in the plans of a digest's alerts. A [mackerel.Multi] has a
// notifier for each of its members.
func digestParts(
	ctx context.Context, digest mackerel.Alert, plan planner,
) (to []mackerel.Notifier, reason string, err error) {
	parts := make(map[string][]*part) // by the ids of channels
	reason = "a digest of no alerts"
	for _, a := range digest.Alerts {
		var all []recipient
		if all, reason, err = plan(ctx, a); err != nil {
			return nil, "", err
		}
		for _, one := range all {
			if parts[one.channel] == nil {
				for _, n := range members(one.notifier) {
					p := &part{to: n}
					parts[one.channel], to = append(parts[one.channel], p), append(to, p)
				}
			}
			for _, p := range parts[one.channel] {
				p.alerts = append(p.alerts, a)
			}
		}
	}
	return to, reason, nil
}

// members returns the notifiers of a Multi, with those of a Multi inside of it, and else the notifier itself.
func members(n mackerel.Notifier) (all []mackerel.Notifier) {
	inside := mackerel.Unwrap(n)
	if len(inside) == 0 {
		return []mackerel.Notifier{n}
	}
	for _, one := range inside {
		all = append(all, members(one)...)
	}
	return all
}

// A part is a notifier for the alerts of a digest that a channel is told. It does not look at the alert that it is
// given, so that the repeat of a digest that failed tells each channel its own alerts.
type part struct {
	to     mackerel.Notifier
	alerts []mackerel.Alert
}

// String returns the name of the notifier.
func (p *part) String() string { return name(p.to) }

// Notify is Deliver without the receipt.
func (p *part) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := p.Deliver(ctx, a)
	return err
}

// Deliver tells the alerts: in a digest, or one after the other if the service keeps incidents.
func (p *part) Deliver(ctx context.Context, _ mackerel.Alert) (mackerel.Receipt, error) {
	if len(keyed(p.to)) > 0 {
		return p.deliverEach(ctx)
	}
	receipt, err := deliver(ctx, mackerel.Digest(p.alerts), p.to)
	failures := mackerel.Failures(err)
	if len(failures) == 0 {
		return receipt, err
	}
	results := make(mackerel.Results, len(failures))
	for i, f := range failures {
		results[i] = mackerel.Result{Notifier: &part{f.Notifier, p.alerts}, Err: f.Err}
	}
	return receipt, results.Err()
}

// deliverEach tells the alerts one after the other. After an alert that failed, it leaves out alerts with the same key:
// an incident that is closed before it opens stays open. The notifier of the error tells what is left.
func (p *part) deliverEach(ctx context.Context) (sum mackerel.Receipt, err error) {
	var left []mackerel.Alert
	var errs []error
	failedKeys := make(map[string]bool)
	for _, a := range p.alerts {
		if failedKeys[a.Key()] {
			left = append(left, a)
			continue
		}
		id := mackerel.DeliveryID(ctx)
		one := ctx
		if id != "" {
			one = mackerel.WithDeliveryID(ctx, id+" "+a.Key()+" "+string(a.Status))
		}
		receipt, err := deliver(one, a, p.to)
		sum.Attempts += receipt.Attempts
		sum.Waited += receipt.Waited
		if err != nil {
			left, errs, failedKeys[a.Key()] = append(left, a), append(errs, err), true
		}
	}
	if len(errs) == 0 {
		return sum, nil
	}
	return sum, &mackerel.DeliveryError{Notifier: &part{p.to, left}, Err: failed("notify", errs, nil)}
}

// Preview shows the alerts in one message, or each by itself.
func (p *part) Preview(mackerel.Alert) (*mackerel.Preview, error) {
	previewer, ok := p.to.(mackerel.Previewer)
	if !ok {
		return nil, failure("preview", mackerel.ErrUnsupported, p.String()+" has no preview")
	}
	messages := []mackerel.Alert{mackerel.Digest(p.alerts)}
	if len(keyed(p.to)) > 0 {
		messages = p.alerts
	}
	all := new(mackerel.Preview)
	for _, a := range messages {
		one, err := previewer.Preview(a)
		if err != nil {
			return nil, err
		}
		all.Requests = append(all.Requests, one.Requests...)
		all.Cuts = append(all.Cuts, one.Cuts...)
	}
	return all, nil
}
