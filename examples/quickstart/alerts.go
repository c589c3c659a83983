package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/route"
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

// recover sends the recovery of the alert to both rooms with Multi.
func (t *tour) recover(ctx context.Context, recovery mackerel.Alert) error {
	t.printf("\n4. The alert recovers\n\n")
	if err := mackerel.Multi(t.chatworkRoom, t.hipchatRoom).Notify(ctx, recovery); err != nil {
		return err
	}
	t.printf("   %s, under the same key %s\n", recovery.Title(), recovery.Key())
	return nil
}

// failAndTryAgain lets a service fail. Only that service is called again.
func (t *tour) failAndTryAgain(ctx context.Context, alert mackerel.Alert) error {
	t.printf("\n5. One service fails, and only that service is called again\n\n")
	who := t.breakOne()
	if who == "" {
		t.printf("   Both rooms are real, so nothing is broken here.\n")
		return nil
	}
	t.printf("   %s answers 503 to %d requests. A call makes %d attempts, so it fails.\n", who, attempts, attempts)
	n, err := route.Persist(mackerel.Multi(t.chatworkRoom, t.hipchatRoom), time.Minute)
	if err != nil {
		return err
	}
	receipt, err := n.Deliver(ctx, alert)
	if err != nil {
		return err
	}
	t.printf("   route.Persist repeats the call to %s, and not the other. Both rooms have the alert\n", who)
	t.printf("   after %v and %d requests.\n", receipt.Duration.Round(time.Millisecond), receipt.Attempts)
	return nil
}

// attempts is how many attempts a call makes by default.
const attempts = 3

// breakOne lets a fake refuse all attempts of a call: HipChat, or Chatwork if HipChat is real. It returns the name of
// the service, "" if both are real.
func (t *tour) breakOne() (who string) {
	refuse := fakehttp.Fault{Status: http.StatusServiceUnavailable, Times: attempts}
	switch {
	case t.fakeHipChat != nil:
		t.fakeHipChat.Inject(refuse)
		return "HipChat"
	case t.fakeChatwork != nil:
		t.fakeChatwork.Inject(refuse)
		return "Chatwork"
	}
	return ""
}
