// Package embedded starts a NATS server in the process, without a listener, and opens a store in it.
//
// PLACEHOLDER of branch h11-m until branch h11-e is merged: take that one.
package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

// Config says where the store is.
type Config struct {
	Dir string // made if it does not exist
}

// A Server is a server in the process, with its store.
type Server struct {
	srv   *server.Server
	conn  *nats.Conn
	store *durable.Store
	lock  *os.File
}

// Start starts the server.
func Start(ctx context.Context, c Config) (*Server, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(c.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, &mackerel.Error{Provider: "durable", Op: "start", Kind: mackerel.ErrConfig, Message: fmt.Sprintf("the directory %s is in use by another process", c.Dir)}
	}
	s := &Server{lock: lock}
	if s.srv, err = server.NewServer(&server.Options{JetStream: true, StoreDir: c.Dir, DontListen: true, NoSigs: true, NoLog: true, SyncAlways: true}); err != nil {
		return nil, err
	}
	s.srv.Start()
	s.srv.ReadyForConnections(10 * time.Second)
	if s.conn, err = nats.Connect("", nats.InProcessServer(s.srv)); err != nil {
		return nil, err
	}
	s.store, err = durable.Open(ctx, s.conn, durable.Config{Create: true})
	return s, err
}

// Store returns the store.
func (s *Server) Store() *durable.Store { return s.store }

// Close stops the server.
func (s *Server) Close() error {
	s.conn.Close()
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
	return s.lock.Close()
}
