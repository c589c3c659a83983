package services

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/jsm"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/opsgenie"
)

// TestZeroNotifiers uses notifiers and clients that New has not made: each call is an ErrConfig and no panic.
func TestZeroNotifiers(t *testing.T) {
	ctx := context.Background()
	calls := map[string]func() error{
		"chatwork client": func() error { _, err := new(chatwork.Client).GetMe(ctx); return err },
		"hipchat client":  func() error { _, err := new(hipchat.Client).GetSession(ctx); return err },
		"mackerel client": func() error { _, err := new(mackerel.Client).ListChannels(ctx); return err },
		"chatwork send":   func() error { _, err := new(chatwork.Notifier).Send(ctx, chatwork.Message{}); return err },
		"email send":      func() error { _, err := new(email.Notifier).Send(ctx, email.Message{}); return err },
		"opsgenie send":   func() error { _, err := new(opsgenie.Notifier).Send(ctx, opsgenie.Message{}); return err },
		"jsm send":        func() error { _, err := new(jsm.Notifier).Send(ctx, jsm.Message{}); return err },
		"line quota":      func() error { _, err := new(line.Notifier).Quota(ctx); return err },
		"opsgenie status": func() error { _, err := new(opsgenie.Notifier).RequestStatus(ctx, "1"); return err },
	}
	for _, start := range services {
		made, _ := start(t)
		n := reflect.New(reflect.TypeOf(made).Elem()).Interface().(notifier)
		name := fmt.Sprintf("%T", n)
		calls[name+" notify"] = func() error { return n.Notify(ctx, mackerel.Alert{}) }
		calls[name+" deliver"] = func() error { _, err := n.Deliver(ctx, mackerel.Alert{}); return err }
		calls[name+" preview"] = func() error { _, err := n.Preview(mackerel.Alert{}); return err }
		calls[name+" string"] = func() error { _ = n.(fmt.Stringer).String(); return mackerel.ErrConfig }
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("panic: %v", p)
				}
			}()
			if err := call(); !errors.Is(err, mackerel.ErrConfig) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
