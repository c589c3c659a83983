package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// notify sends an alert to both rooms at once.
func (t *tour) notify(ctx context.Context, alert mackerel.Alert) error {
	t.printf("\n2. An alert comes in through Mackerel's webhook, and goes out to both rooms at once\n\n")
	t.printf("   %s\n   key %s, the same until it is closed\n\n", alert.Title(), alert.Key())
	for _, r := range mackerel.DeliverAll(ctx, alert, t.chatworkRoom, t.hipchatRoom) {
		if r.Err != nil {
			return r.Err
		}
		t.printf("   %s\n", receipt(r))
	}
	return nil
}

func receipt(r mackerel.Result) string {
	id := "which gives no id"
	if r.Receipt.ID != "" {
		id = "as message " + r.Receipt.ID
	}
	return fmt.Sprintf("%-28v delivered, %s (%d request, %v)", r.Notifier, id, r.Receipt.Attempts, r.Receipt.Duration.Round(100*time.Microsecond))
}

// readBack shows what stands in the Chatwork room now. With force=1 reading takes nothing away.
func (t *tour) readBack(ctx context.Context) error {
	t.printf("\n3. The last message of the Chatwork room, read back with force=1\n\n")
	list, err := t.chatwork.LatestMessages(ctx, t.roomID)
	if err != nil {
		return err
	}
	if len(list.Messages) == 0 {
		return fmt.Errorf("room %d is empty", t.roomID)
	}
	t.quote(list.Messages[len(list.Messages)-1].Body)
	return nil
}

func (t *tour) quote(text string) {
	for line := range strings.Lines(text) {
		t.printf("   | %s\n", strings.TrimRight(line, "\n"))
	}
}

// recover sends the end of the alert, with Multi: one notifier that is many.
func (t *tour) recover(ctx context.Context, recovery mackerel.Alert) error {
	t.printf("\n4. The alert recovers\n\n")
	if err := mackerel.Multi(t.chatworkRoom, t.hipchatRoom).Notify(ctx, recovery); err != nil {
		return err
	}
	t.printf("   %s, under the same key %s\n", recovery.Title(), recovery.Key())
	return nil
}

// failAndTryAgain lets one of the services fail, and tries only that one again.
func (t *tour) failAndTryAgain(ctx context.Context, alert mackerel.Alert) error {
	t.printf("\n5. One service fails, and only that one is tried again\n\n")
	heal, who := t.breakOne()
	if heal == nil {
		t.printf("   Both rooms are real: they are not broken on purpose.\n")
		return nil
	}
	t.printf("   %s says 429 and asks for an hour's patience.\n", who)
	err := mackerel.Multi(t.chatworkRoom, t.hipchatRoom).Notify(ctx, alert)
	after, again := mackerel.Retry(err)
	if !again {
		return fmt.Errorf("a failure that may be tried again was expected, got: %w", err)
	}
	t.printf("   The error says what happened, and when to try again (%v):\n", after)
	t.quote(err.Error())
	t.printf("   The patience is up: %s works again.\n", who)
	heal()
	for _, f := range mackerel.Failures(err) {
		if err := f.Notifier.Notify(ctx, alert); err != nil {
			return err
		}
		t.printf("   %v has it now. Nobody got it twice.\n", f.Notifier)
	}
	return nil
}

// breakOne makes a fake refuse, HipChat's if it is one, and returns how to heal it.
func (t *tour) breakOne() (heal func(), who string) {
	refuse := fakehttp.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}, Times: -1}
	switch {
	case t.fakeHipChat != nil:
		t.fakeHipChat.Inject(refuse)
		return t.fakeHipChat.Clear, "HipChat"
	case t.fakeChatwork != nil:
		t.fakeChatwork.Inject(refuse)
		return t.fakeChatwork.Clear, "Chatwork"
	}
	return nil, ""
}
