// Package fakehttp is what the fake services of this module have in common: a real HTTP server that is reached over a
// socket or in memory, a record of all requests, a clock, rate limits, and faults to inject. Each fake embeds a
// [Server].
//
// # Socket and memory
//
// [Server.URL] is an address on the loopback interface, for anything that speaks HTTP: another program, curl, a
// service's SDK. [Server.Client] reaches the same handler in memory, under any URL. It also works in a testing/synctest
// bubble, where ten minutes of waiting take no real time:
//
//	synctest.Test(t, func(t *testing.T) {
//		s := fakehttp.NewServer(handler) // made, used and closed in the bubble
//		defer s.Close()
//		client := s.Client() // for what is tested, with fakehttp.MemoryURL; s.URL() would hang here
//		...
//	})
//
// # Faults
//
// A [Fault] spoils the next request, the next few, or all requests that it matches:
//
//	s.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"30"}}}) // one refusal
//	s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection})                         // the request is lost
//	s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})          // the answer is lost
//	s.Inject(fakehttp.Fault{Delay: time.Minute, Times: -1})                           // slow until Clear
//
// For refused connections no fault is needed: a Server refuses them after [Server.Close].
package fakehttp
