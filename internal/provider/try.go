package provider

import "github.com/mackerel-notify/mackerel/internal/transport"

// Transport is what makes the service's calls, for one that does not speak HTTP: see [transport.Transport.Try]. It
// follows Connect.
func (s *Service) Transport() *transport.Transport { return s.transport }
