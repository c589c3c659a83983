package durable_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

// A server does not let the program in, or does not let it do everything. The error says so.
func TestWhoIsNotAllowedIsTold(t *testing.T) {
	t.Parallel()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		Users: []*server.User{
			{Username: "guest", Password: "g", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.>"}}}},
			{Username: "sender", Password: "s", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"mackerel.>"}}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	connect := func(user, password string) *nats.Conn {
		conn, err := nats.Connect(s.ClientURL(), nats.UserInfo(user, password), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
			nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // nats.go would print them
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		return conn
	}
	for _, c := range []struct{ user, password, want string }{
		{"guest", "the wrong password", "authorization violation"},
		{"guest", "g", "permissions violation"},
	} {
		begun := time.Now()
		_, err := durable.Open(t.Context(), connect(c.user, c.password), durable.Config{Create: true})
		e := kindOf(t, err, mackerel.ErrUnauthorized)
		if !strings.Contains(strings.ToLower(e.Error()), c.want) || strings.Contains(e.Error(), "the wrong password") {
			t.Errorf("got %v", e)
		}
		if took := time.Since(begun); took > 15*time.Second {
			t.Errorf("it took %v", took)
		}
	}
	sender := connect("sender", "s")
	if err := errors.Join(sender.Publish("mackerel.other", nil), sender.Flush()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(sender.LastError(), nats.ErrPermissionViolation) { // which is nothing to Open
		t.Fatal(sender.LastError())
	}
	kept, err := durable.Open(t.Context(), sender, durable.Config{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	err = queue(t, kept, "in").Notify(mackerel.WithDeliveryID(ctx, "d"), mackerel.Alert{ID: "a", Message: "m"})
	if e := kindOf(t, err, mackerel.ErrUnavailable); !strings.Contains(strings.ToLower(e.Error()), "permissions violation") {
		t.Errorf("got %v", e)
	}
}

// The last error of the connection may be of something else. Then it is not told.
func TestAnotherErrorOfTheConnection(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	conn, err := nats.Connect("", nats.InProcessServer(s), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	kept := openStore(t, conn, durable.Config{})
	slow, err := conn.SubscribeSync("other")
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(slow.SetPendingLimits(1, -1), conn.Publish("other", nil), conn.Publish("other", nil), conn.Flush())
	if err != nil || !errors.Is(conn.LastError(), nats.ErrSlowConsumer) {
		t.Fatal(err, conn.LastError())
	}
	conn.Close()
	err = queue(t, kept, "in").Notify(t.Context(), mackerel.Alert{ID: "a"})
	if e := kindOf(t, err, mackerel.ErrUnavailable); !strings.Contains(e.Message, "is closed") {
		t.Errorf("got %v", e)
	}
}

// The limit of the server is reached before that of the store.
func TestTheLimitOfTheServerIsToldFromTheStores(t *testing.T) {
	t.Parallel()
	s, err := server.NewServer(&server.Options{
		JetStream: true, JetStreamMaxStore: 1 << 20, StoreDir: t.TempDir(), DontListen: true, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	_, err = durable.Open(t.Context(), conn, durable.Config{Create: true})
	e := kindOf(t, err, mackerel.ErrUnavailable)
	if !errors.Is(err, mackerel.ErrUnavailable) || !strings.Contains(e.Message, "limit") {
		t.Errorf("got %v", err)
	}
}
