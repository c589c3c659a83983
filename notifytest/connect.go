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

// connectRows are about the only case in which it is certain that nothing was sent. A notifier that calls it ambiguous
// would lose messages at most once for nothing.
func connectRows() []row {
	return []row{
		{name: "a connection that cannot be made is unavailable, not ambiguous", http: true, check: checkUnreachable},
		{name: "a connection that is made at the third attempt carries the message once", http: true, repeats: true, check: checkReached},
		{name: "a closed port is unavailable, not ambiguous", http: true, sockets: true, check: checkClosedPort},
	}
}

// dialErrors are the ways in which no connection is made.
func dialErrors() []error {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	return []error{
		dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)),
		dial(&net.DNSError{Err: "no such host", Name: "service.invalid", IsNotFound: true}),
		dial(&net.DNSError{Err: "server misbehaving", Name: "service.invalid", IsTemporary: true}),
	}
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// dialBy puts a dialer of the row's own into the scene's client, which passes on to the one that reaches the service.
func (sc *scene) dialBy(wrap func(next dialer) dialer) {
	base, ok := sc.env.Client.Transport.(*http.Transport)
	if !ok {
		panic("notifytest: the client of a fakehttp.Server has changed")
	}
	transport := base.Clone()
	transport.DialContext = wrap(base.DialContext)
	transport.DialTLSContext = transport.DialContext
	sc.env.Client = &http.Client{Transport: transport}
}

var modes = []mackerel.Delivery{mackerel.AtLeastOnce, mackerel.AtMostOnce}

// checkUnreachable fails in the dialer, as the operating system and the resolver do.
func checkUnreachable(s *stage) {
	for _, mode := range modes {
		for _, err := range dialErrors() {
			sc := s.scene()
			sc.env.Delivery = mode
			sc.dialBy(func(dialer) dialer {
				return func(context.Context, string, string) (net.Conn, error) { return nil, err }
			})
			in := fmt.Sprintf("%v, %v", mode, err)
			sc.wantKind(sc.send(sc.notifier()), in, mackerel.ErrUnavailable)
		}
	}
}

// checkReached demands the delivery at least once only: a notifier that rather stops and says so is right, too.
func checkReached(s *stage) {
	for _, mode := range modes {
		sc := s.scene()
		sc.env.Delivery = mode
		sc.dialBy(func(next dialer) dialer {
			dials := 0
			return func(ctx context.Context, network, address string) (net.Conn, error) {
				if dials++; dials <= 2 {
					return nil, dialErrors()[0]
				}
				return next(ctx, network, address)
			}
		})
		o := sc.send(sc.notifier())
		if mode == mackerel.AtMostOnce && o.err != nil {
			sc.wantKind(o, mode.String(), mackerel.ErrUnavailable)
			continue
		}
		sc.wantSuccess(o, mode.String())
		sc.wantAccepted(o, mode.String(), 1)
	}
}

// checkClosedPort is the refusal that the kernel makes.
func checkClosedPort(s *stage) {
	for _, mode := range modes {
		sc := s.scene()
		sc.env.Delivery, sc.env.MaxAttempts = mode, 1
		n := sc.notifier()
		sc.front.Close()
		sc.wantKind(sc.send(n), mode.String(), mackerel.ErrUnavailable)
	}
}
