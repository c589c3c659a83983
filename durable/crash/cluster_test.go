package crash

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel/durable"
)

// A cluster is three servers, each a process of its own, on the loopback interface.
type cluster struct {
	nodes []*process
	urls  []string
	conn  *nats.Conn // of the test
	store *durable.Store
}

const nodes = 3

// newCluster starts a cluster with an empty store.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := new(cluster)
	ports := freePorts(t, 2*nodes)
	for i := range nodes {
		c.urls = append(c.urls, fmt.Sprint("nats://127.0.0.1:", ports[i]))
		c.nodes = append(c.nodes, newProcess(t, role{Name: fmt.Sprint("node", i), Node: &node{
			Name: fmt.Sprint("node", i), Dir: t.TempDir(), Port: ports[i], Routes: ports[nodes+i], Others: ports[nodes:],
		}}, func(report) {}))
	}
	for _, n := range c.nodes {
		if err := n.awake(20 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if c.conn, err = c.connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.conn.Close)
	if c.store, err = durable.Open(t.Context(), c.conn, durable.Config{Replicas: nodes, Create: true}); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cluster) connect() (*nats.Conn, error) {
	return nats.Connect(strings.Join(c.urls, ","), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
}

// freePorts returns ports of the loopback interface that are free at the moment.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// current waits until each stream and each consumer has been complete on all servers. Without it, the next kill might
// take the only copy. They need not be complete at the same time: a server that has caught up gets all that comes after.
func (c *cluster) current(ctx context.Context) error {
	js, err := jetstream.New(c.conn)
	if err != nil {
		return err
	}
	seen := make(map[string]bool) // what has been complete
	for {
		missing := c.look(ctx, js, seen)
		if missing == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the cluster is not current: %s: %w", missing, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// look notes what is complete, and returns what has never been, or what cannot be asked.
func (c *cluster) look(ctx context.Context, js jetstream.JetStream, seen map[string]bool) (missing string) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	note := func(name string, info *jetstream.ClusterInfo) {
		seen[name] = seen[name] || complete(info)
		if !seen[name] {
			missing = name
		}
	}
	for _, name := range []string{"mackerel", "mackerel-dead"} {
		stream, err := js.Stream(ctx, name)
		if err != nil {
			return name + ": " + err.Error()
		}
		note(name, stream.CachedInfo().Cluster)
		list := stream.ListConsumers(ctx)
		for info := range list.Info() {
			note(name+" "+info.Name, info.Cluster)
		}
		if list.Err() != nil {
			return name + ": " + list.Err().Error()
		}
	}
	return missing
}

// complete reports whether all servers of a group have all that its leader has.
func complete(c *jetstream.ClusterInfo) bool {
	if c == nil || c.Leader == "" || len(c.Replicas) != nodes-1 {
		return false
	}
	for _, r := range c.Replicas {
		if !r.Current || r.Offline {
			return false
		}
	}
	return true
}
