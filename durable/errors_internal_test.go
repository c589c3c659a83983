package durable

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
)

// What the errors of a server and of its client become, and which of them a repeat may mend.
func TestTheErrorsOfAServer(t *testing.T) {
	api := func(status int, code jetstream.ErrorCode) error {
		return &jetstream.APIError{Code: status, ErrorCode: code, Description: "as it says"}
	}
	for _, c := range []struct {
		err, want error
		message   string
		temporary bool
	}{
		{api(503, 10077), mackerel.ErrUnavailable, "the store is full: as it says", false},
		{api(503, 10023), mackerel.ErrUnavailable, "limit of storage is reached: as it says", false},
		{api(500, 10047), mackerel.ErrUnavailable, "limit of storage is reached: as it says", false},
		{api(400, 10054), mackerel.ErrInvalid, "the alert is longer than the stream allows", false},
		{api(500, 10001), mackerel.ErrUnavailable, "as it says", true},
		{api(503, 10008), mackerel.ErrUnavailable, "as it says", true},
		{api(404, 10059), mackerel.ErrNotFound, "as it says", false},
		{api(401, 1), mackerel.ErrUnauthorized, "as it says", false},
		{api(403, 1), mackerel.ErrUnauthorized, "as it says", false},
		{api(400, 10052), mackerel.ErrInvalid, "as it says", false},
		{nats.ErrMaxPayload, mackerel.ErrInvalid, "max_payload", false},
		{nats.ErrAuthorization, mackerel.ErrUnauthorized, "", false},
		{nats.ErrAuthExpired, mackerel.ErrUnauthorized, "", false},
		{nats.ErrAuthRevoked, mackerel.ErrUnauthorized, "", false},
		{nats.ErrAccountAuthExpired, mackerel.ErrUnauthorized, "", false},
		{nats.ErrPermissionViolation, mackerel.ErrUnauthorized, "", false},
		{jetstream.ErrNoStreamResponse, mackerel.ErrUnavailable, "no stream answers", true},
		{nats.ErrNoResponders, mackerel.ErrUnavailable, "no stream answers", true},
		{nats.ErrConnectionClosed, mackerel.ErrUnavailable, "is closed", false},
		{nats.ErrConnectionDraining, mackerel.ErrUnavailable, "is closed", false},
		{context.DeadlineExceeded, mackerel.ErrUnavailable, "does not answer", true},
		{nats.ErrTimeout, mackerel.ErrUnavailable, "does not answer", true},
		{nats.ErrDisconnected, mackerel.ErrUnavailable, "does not answer", true},
		{nats.ErrConnectionReconnecting, mackerel.ErrUnavailable, "does not answer", true},
		{nats.ErrReconnectBufExceeded, mackerel.ErrUnavailable, "does not answer", true},
		{nats.ErrNoServers, mackerel.ErrUnavailable, "does not answer", true},
		{errors.New("other"), mackerel.ErrUnavailable, "does not answer", false},
	} {
		wrapped := fmt.Errorf("wrapped: %w", c.err)
		e := refused("store", wrapped)
		if !errors.Is(e, c.want) || !strings.Contains(e.Message, c.message) || e.Op != "store" || e.Provider != "durable" {
			t.Errorf("%v: got %v", c.err, e)
		}
		if got := isTemporary(wrapped); got != c.temporary {
			t.Errorf("%v: temporary %t", c.err, got)
		}
		if a, ok := errors.AsType[*jetstream.APIError](c.err); ok && (e.Status != a.Code || e.Code != fmt.Sprint(a.ErrorCode)) {
			t.Errorf("%v: got %d, %s", c.err, e.Status, e.Code)
		}
	}
}
