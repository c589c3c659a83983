package durable

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
)

const provider = "durable"

// wrong returns the error of a configuration.
func wrong(op string, problems ...string) *mackerel.Error {
	return failed(op, mackerel.ErrConfig, strings.Join(problems, "; "), nil)
}

func failed(op string, kind error, message string, err error) *mackerel.Error {
	return &mackerel.Error{Provider: provider, Op: op, Kind: kind, Message: message, Err: err}
}

// Error codes of JetStream, of those that have a meaning of their own here (errors.json of nats-server 2.15).
const (
	codeFull      jetstream.ErrorCode = 10077 // the stream cannot store: above all, its MaxBytes is reached
	codeResources jetstream.ErrorCode = 10023 // the limit of the server is reached
	codeStorage   jetstream.ErrorCode = 10047 // there is no room for a stream of that size
	codeTooLarge  jetstream.ErrorCode = 10054 // the message is longer than the stream allows
)

// isTemporary reports whether the same request may succeed later, because a server is starting or a cluster elects a
// leader, or whether it is not known what became of it.
func isTemporary(err error) bool {
	if e, ok := errors.AsType[*jetstream.APIError](err); ok {
		return e.Code >= 500 && e.ErrorCode != codeFull && e.ErrorCode != codeResources && e.ErrorCode != codeStorage
	}
	for _, temporary := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, jetstream.ErrNoStreamResponse,
		nats.ErrDisconnected, nats.ErrConnectionReconnecting, nats.ErrReconnectBufExceeded, nats.ErrNoServers,
	} {
		if errors.Is(err, temporary) {
			return true
		}
	}
	return false
}

// isDenial reports whether a server did not let the connection in, or did not let it do something.
func isDenial(err error) bool {
	for _, denial := range []error{
		nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired, nats.ErrPermissionViolation,
	} {
		if errors.Is(err, denial) {
			return true
		}
	}
	return false
}

// refused returns the error of a request that failed.
func refused(op string, err error) *mackerel.Error {
	if e, ok := errors.AsType[*jetstream.APIError](err); ok {
		return answered(op, e)
	}
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return failed(op, mackerel.ErrInvalid, "the alert is longer than the server allows (max_payload)", err)
	case isDenial(err):
		return failed(op, mackerel.ErrUnauthorized, "", err)
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return failed(op, mackerel.ErrUnavailable, "no stream answers: JetStream is off, or the stream is missing or has no leader", err)
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining):
		return failed(op, mackerel.ErrUnavailable, "the connection to the server is closed", err)
	}
	return failed(op, mackerel.ErrUnavailable, "the server does not answer", err)
}

// answered returns the error of a request that the server refused.
func answered(op string, e *jetstream.APIError) *mackerel.Error {
	f := failed(op, mackerel.ErrInvalid, e.Description, nil)
	f.Status, f.Code = e.Code, strconv.Itoa(int(e.ErrorCode))
	switch {
	case e.ErrorCode == codeFull:
		f.Kind, f.Message = mackerel.ErrUnavailable, "the store is full: "+e.Description
	case e.ErrorCode == codeResources, e.ErrorCode == codeStorage:
		f.Kind, f.Message = mackerel.ErrUnavailable, "the server's limit of storage is reached: "+e.Description
	case e.ErrorCode == codeTooLarge:
		f.Message = "the alert is longer than the stream allows"
	case e.Code >= 500:
		f.Kind = mackerel.ErrUnavailable
	case e.Code == 404:
		f.Kind = mackerel.ErrNotFound
	case e.Code == 401 || e.Code == 403:
		f.Kind = mackerel.ErrUnauthorized
	}
	return f
}
