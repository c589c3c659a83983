package emailtest

import (
	"bytes"
	"net"
)

// A pipe is the server's end of a connection in memory. As on a socket, a write returns before it is read. Otherwise
// the client and the server could wait for each other in the middle of a handshake.
type pipe struct {
	net.Conn
	under chan error // has the result of the write that is under way
}

func (p *pipe) Write(b []byte) (int, error) {
	if err := p.flush(); err != nil {
		return 0, err
	}
	b, under := bytes.Clone(b), make(chan error, 1)
	p.under = under
	go func() {
		_, err := p.Conn.Write(b)
		under <- err
	}()
	return len(b), nil
}

// flush waits until everything was read or the connection is closed.
func (p *pipe) flush() error {
	if p.under == nil {
		return nil
	}
	err := <-p.under
	p.under = nil
	return err
}
