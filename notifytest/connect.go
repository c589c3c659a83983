package notifytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/mackerel-notify/mackerel"
)

// connectRows refuse connections. Without a connection it is certain that nothing was sent, so the error must be
// ErrUnavailable. After ErrAmbiguous, a caller with AtMostOnce would not send the message again.
func connectRows() []row {
	return []row{
		{"a connection that cannot be made is ErrUnavailable", overHTTP, returnUnavailable, checkUnreachable},
		{"a connection that is made at the third attempt carries one message", withRepeats, repeatLost, checkReached},
		{"a closed port is ErrUnavailable", onSockets, returnUnavailable, checkClosedPort},
	}
}

// dialErrors are errors of the operating system and the resolver.
func dialErrors() []error {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	return []error{
		dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)),
		dial(&net.DNSError{Err: "no such host", Name: "service.invalid", IsNotFound: true}),
		dial(&net.DNSError{Err: "server misbehaving", Name: "service.invalid", IsTemporary: true}),
	}
}

// A dialer makes connections, as DialContext of http.Transport does.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// dialBy puts a dialer in front of the dialer that reaches the service. Before that it sends a message, which shows the
// forms of the secrets.
func (sc *scene) dialBy(wrap func(next dialer) dialer) {
	sc.send()
	transport := sc.env.Client.Transport.(*http.Transport).Clone() // as fakehttp makes it
	transport.DialContext = wrap(transport.DialContext)
	transport.DialTLSContext = transport.DialContext
	sc.setTransport(transport)
}

func checkUnreachable(s *stage) {
	for _, mode := range modes {
		for _, err := range dialErrors() {
			sc := s.sceneIn(mode)
			sc.in += fmt.Sprintf(", %v", err)
			sc.dialBy(func(dialer) dialer {
				return func(context.Context, string, string) (net.Conn, error) { return nil, err }
			})
			o := sc.send()
			o.wantKind(mackerel.ErrUnavailable)
			o.wantNoSecret()
		}
	}
}

// checkReached demands delivery only of AtLeastOnce. With AtMostOnce the notifier may also stop with ErrUnavailable.
func checkReached(s *stage) {
	for _, mode := range modes {
		sc := s.sceneIn(mode)
		sc.dialBy(failTwice)
		o := sc.send()
		if mode == mackerel.AtMostOnce && o.err != nil {
			o.wantKind(mackerel.ErrUnavailable)
			continue
		}
		o.wantSuccess()
		o.wantAccepted(1)
	}
}

func failTwice(next dialer) dialer {
	dials := 0
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials <= 2 {
			return nil, dialErrors()[0]
		}
		return next(ctx, network, address)
	}
}

// checkClosedPort lets the kernel refuse the connection.
func checkClosedPort(s *stage) {
	for _, mode := range modes {
		sc := s.sceneIn(mode)
		sc.env.MaxAttempts = 1
		sc.front.Close()
		sc.send().wantKind(mackerel.ErrUnavailable)
	}
}
