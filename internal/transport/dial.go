package transport

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// ways are the two ways in which the attempts of a transport reach the service. An operation that must not be done
// twice dials afresh: on a kept connection that the server has just closed, its answer would be lost.
type ways struct {
	pooled http.RoundTripper // keeps connections
	fresh  http.RoundTripper // dials for each attempt
	std    bool              // both are net/http's own, which does not change the header of a request
}

// over returns the ways through a caller's RoundTripper; nil stands for ways that the whole process shares. Only an
// *http.Transport can be copied and told to dial for each attempt. Any other RoundTripper is used as it is, and
// [http.Request.Close] asks it to close each connection after use.
func over(base http.RoundTripper) ways {
	switch rt := base.(type) {
	case nil:
		return shared()
	case *http.Transport:
		return both(rt)
	default:
		return ways{rt, rt, false}
	}
}

func both(pooled *http.Transport) ways {
	fresh := pooled.Clone()
	fresh.DisableKeepAlives = true
	return ways{pooled, fresh, true}
}

// shared returns the ways of all transports without a client of the caller's. Its idle pool is sized for alerts that
// go to many rooms of a service at once. The default of net/http keeps two connections per host; most messages would
// dial.
var shared = sync.OnceValue(func() ways {
	return both(&http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: DefaultTimeout}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       55 * time.Second, // less than the minute after which servers and balancers usually close
		TLSHandshakeTimeout:   DefaultTimeout,
		ExpectContinueTimeout: time.Second,
		// A connection that is silent for ten seconds is asked for a sign of life, and closed without it.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	})
})
