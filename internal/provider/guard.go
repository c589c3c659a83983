package provider

import (
	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Guard notes why calls with these options cannot be kept to public addresses, if they cannot.
func (p *Problems) Guard(field string, call mackerel.CallOptions) {
	if err := transport.New("", options(call)).Guard(); err != nil {
		p.Add(field, err.Error())
	}
}

// Guard keeps the service's calls to public addresses: see [transport.Transport.Guard]. It follows Connect.
func (s *Service) Guard() error { return s.transport.Guard() }
