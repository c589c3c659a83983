package transport

import (
	"net/http"
	"os"
	"os/exec"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// net/http reads the environment's proxy once per process, so the call is made by another process.
func TestTheEnvironmentsProxyIsUsed(t *testing.T) {
	const address = "http://service.test/rooms"
	if os.Getenv("HTTP_PROXY_OF_THE_TEST") != "" {
		r := New("chatwork", Options[Delivery, Attempt, Pace]{MaxAttempts: 1}).Do(t.Context(), getRequest(t, address))
		if r.Class != Done {
			t.Errorf("class %d, error %v", r.Class, r.Err)
		}
		return
	}
	proxy := fakehttp.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer proxy.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheEnvironmentsProxyIsUsed$")
	cmd.Env = append(os.Environ(), "HTTP_PROXY_OF_THE_TEST=1", "HTTP_PROXY="+proxy.URL(), "NO_PROXY=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if all := proxy.Requests(); len(all) != 1 || all[0].Host != "service.test" {
		t.Errorf("the proxy was asked for %+v", all)
	}
}

// Most servers and balancers close a connection that was idle for a minute. A request on a connection that is about to
// be closed may be lost.
func TestAConnectionIsKeptForLessThanAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakehttp.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		defer s.Close()
		tp := shared().pooled.(*http.Transport).Clone()
		tp.Proxy, tp.DialContext = nil, s.Client().Transport.(*http.Transport).DialContext
		defer tp.CloseIdleConnections()
		call := New("chatwork", Options[Delivery, Attempt, Pace]{Client: &http.Client{Transport: tp}})
		for _, c := range []struct {
			idle        time.Duration
			connections int
		}{{0, 1}, {50 * time.Second, 1}, {time.Minute, 2}} {
			time.Sleep(c.idle)
			if r := call.Do(t.Context(), getRequest(t, fakehttp.MemoryURL)); r.Class != Done || s.Connections() != c.connections {
				t.Errorf("after %v: class %d, %d connections, want %d", c.idle, r.Class, s.Connections(), c.connections)
			}
		}
	})
}

func getRequest(t *testing.T, address string) Request {
	t.Helper()
	u, problem := ParseURL(address)
	if problem != "" {
		t.Fatal(problem)
	}
	return Request{Op: "list", Method: http.MethodGet, URL: u, Repeat: Replay}
}
