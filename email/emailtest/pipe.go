package emailtest

import (
	"bytes"
	"net"
)

// A pipe is the server's end of a connection in memory. As on a socket, one write does not wait until it is read: a
// client that ends a handshake halfway would otherwise wait for the server, and the server for the client.
type pipe struct {
	net.Conn
	under chan error // gets the outcome of the write that is under way
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

// flush waits until everything is read, or the connection closed.
func (p *pipe) flush() error {
	if p.under == nil {
		return nil
	}
	err := <-p.under
	p.under = nil
	return err
}
