// Package webhooktest is a fake receiver of Mackerel's webhooks, for tests: a real HTTP server that remembers what it is
// sent and refuses what a careful receiver refuses. It checks Basic authentication, a token in the query, and on demand the
// signatures of Standard Webhooks.
//
// To test a program against it, give the program the fake's address:
//
//	s := webhooktest.NewServer()
//	t.Cleanup(s.Close)
//	s.RequireSignature(webhooktest.Secret)
//	n, err := webhook.New(webhook.Config{
//		URL:            mackerel.NewSecret(s.HookURL()),
//		SigningSecrets: []mackerel.Secret{mackerel.NewSecret(webhooktest.Secret)},
//	})
//
// and look at what came of it: [Server.Deliveries] has what was accepted, Requests what was sent. Any other sender of
// webhooks will do as well. What happens when the receiver fails is tested with faults:
//
//	s.Inject(fakehttp.Fault{Status: 503, Times: 2})
//
// In a testing/synctest bubble, where waiting takes no time, use [MemoryURL] as the address and s.Client() as the
// http.Client. Faults, the record of requests, the clock and the two ways in are those of package fakehttp.
//
// # What it refuses
//
// Another path with 404, another method than POST with 405; a wrong user, password or token with 401; with 415 a body that
// is not declared as JSON; with 400 one that is not UTF-8, not one JSON object, has a member twice, has no event, or has a
// member that Mackerel documents with another type. Members that Mackerel does not document are accepted, because Mackerel
// says that there may be more of them at any time.
//
// Where signatures are required, it refuses with 401 a request that lacks a header of Standard Webhooks or has one twice,
// none of whose signatures is right, or whose timestamp is more than five minutes from the server's clock. A request
// whose webhook-id it knows is accepted and dropped; with another body than before, 400.
//
// # What it decides
//
// Neither Mackerel nor Standard Webhooks says what a receiver answers: here it is 204 to what is accepted, and otherwise
// {"error":"..."}.
package webhooktest
