// Package fakehttp is what the fake services of this module have in common: a real HTTP server with two doors, a record
// of every request, a clock, rate windows, and faults to inject. It is public because the fakes are: each of them embeds
// a [Server], and whoever tests their own alerting against one reads requests and injects faults through it.
//
// # Two doors
//
// [Server.URL] listens on a loopback port, for anything that speaks HTTP: another program, curl, an SDK with a client of
// its own. [Server.Client] reaches the same handler over a pipe in memory, whatever host the URL names, and so works in a
// testing/synctest bubble, where ten minutes of waiting take none:
//
//	synctest.Test(t, func(t *testing.T) {
//		s := fakehttp.NewServer(handler) // make it, use it and close it inside the bubble
//		defer s.Close()
//		client := s.Client() // give this and fakehttp.MemoryURL to what is tested; s.URL() would hang here
//		...
//	})
//
// # Faults
//
// A [Fault] spoils the next request, the next few, or all that match it, and then gets out of the way:
//
//	s.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"30"}}})    // refused once
//	s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection})                            // lost on the way there
//	s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})             // lost on the way back
//	s.Inject(fakehttp.Fault{Delay: time.Minute, Times: -1})                              // slow from now on
//	s.Inject(fakehttp.Fault{Status: 307, Header: http.Header{"Location": {"http://elsewhere.test/"}}})
//
// Refused connections need no fault: after [Server.Close] both doors refuse.
//
// # Fakes of your own
//
// [DecodeJSON], [DecodeForm] and [DecodeQuery] read requests as strictly as a fake should: a field that the real service
// would ignore or reject is an error, not a test that passes for the wrong reason. [WriteJSON] answers.
package fakehttp
