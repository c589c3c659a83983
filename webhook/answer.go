package webhook

import (
	"context"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// settle puts the webhook-id of a signed request into the receipt: it is in the message, and not in the answer.
func settle(_ context.Context, m Message, _ transport.Result, receipt *mackerel.Receipt) error {
	receipt.ID = m.ID
	return nil
}
