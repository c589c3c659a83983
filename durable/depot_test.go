package durable_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

// A depot is a server in the process whose directory outlives it.
type depot struct {
	dir    string
	users  []*server.User
	config durable.Config
	srv    *server.Server
	conn   *nats.Conn
	store  *durable.Store
}

func newDepot(t *testing.T, users ...*server.User) *depot {
	t.Helper()
	return openDepot(t, &depot{users: users})
}

func openDepot(t *testing.T, d *depot) *depot {
	t.Helper()
	d.dir = t.TempDir()
	d.open(t)
	t.Cleanup(d.close)
	return d
}

func (d *depot) open(t *testing.T) {
	t.Helper()
	var err error
	d.srv, err = server.NewServer(&server.Options{
		JetStream: true, StoreDir: d.dir, DontListen: true, NoSigs: true, NoLog: true, Users: d.users,
	})
	if err != nil {
		t.Fatal(err)
	}
	d.srv.Start()
	if !d.srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	user := ""
	if d.users != nil {
		user = d.users[0].Username
	}
	d.conn = d.connect(t, user)
	d.store = openStore(t, d.conn, d.config)
}

func (d *depot) connect(t *testing.T, user string, o ...nats.Option) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect("", append(o, nats.InProcessServer(d.srv), nats.UserInfo(user, user))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func openStore(t testing.TB, conn *nats.Conn, c durable.Config) *durable.Store {
	t.Helper()
	c.Create = true
	store, err := durable.Open(t.Context(), conn, c)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func (d *depot) close() {
	d.conn.Close()
	d.srv.Shutdown()
	d.srv.WaitForShutdown()
}

// damage changes a byte of a text in the files of a stream, and starts the server again on them.
func (d *depot) damage(t *testing.T, stream, text string) {
	t.Helper()
	d.close()
	folder := filepath.Join(d.dir, "jetstream", "$G", "streams", stream, "msgs")
	files, err := filepath.Glob(filepath.Join(folder, "*.blk"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d files", err, len(files))
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(b, []byte(text))
		if at < 0 {
			continue
		}
		b[at] ^= 1
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		d.open(t)
		return
	}
	t.Fatalf("no file has %q", text)
}

func (d *depot) queue(t *testing.T, name string) *durable.Queue {
	t.Helper()
	q, err := d.store.Queue(name)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// alert is an alert made by hand.
func alert(id, message string) mackerel.Alert {
	return mackerel.Alert{ID: id, Status: mackerel.StatusCritical, Message: message}
}
