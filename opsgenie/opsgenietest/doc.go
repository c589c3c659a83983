// Package opsgenietest is a fake of Opsgenie's Alert API (https://docs.opsgenie.com/docs/alert-api), for tests: a real
// HTTP server that keeps alerts and refuses what Opsgenie refuses. It creates, acknowledges and closes alerts, adds
// notes, and gives the status of requests.
//
// To test your own alerting, let it send to the fake, and look at what people would have been told:
//
//	fake := opsgenietest.New()
//	t.Cleanup(fake.Close)
//	n, err := opsgenie.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, a := range fake.Alerts() {
//		t.Log(a.Alias, a.Priority, a.Message, a.Closed)
//	}
//
// Faults (Inject), limits (SetLimit, Documented), tokens, the clock, the requests and the two ways to reach the fake
// are those of package fakehttp. An API key is a token.
//
// # What it refuses
//
//   - 401: an unknown API key.
//   - 400: a body that is missing or not a JSON object in UTF-8; 415 if it is not declared as JSON.
//   - 422, field by field: members that are doubled or of the wrong type, texts and lists beyond their limit, an empty
//     message or note, an unknown priority, a responder that cannot be found, an unknown identifierType and, if the
//     fake is Strict, unknown members and parameters.
//   - 404 and 405: another path and another method.
//   - 429, with X-RateLimit-Period-In-Sec: more than the lane "requests" allows for one key. Its numbers are not
//     published, so Documented sets no limit.
//
// # What it decides
//
// A creation for an alias that is open counts the alert up and changes nothing else; Accepted does not count it. A
// request for an alert that is not open is accepted with 202, and its status says that the alert does not exist. The
// status of a request is not found when it is asked for the first time: see [Server.SetPending].
//
// Some things are not documented. The fake counts characters in UTF-16 units, the stricter reading, and in the details
// names and values. Most words of its refusals are its own.
package opsgenietest
