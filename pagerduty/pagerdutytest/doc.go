// Package pagerdutytest is a fake of PagerDuty's Events API, version 2
// (https://developer.pagerduty.com/docs/events-api-v2-overview), for tests: a real HTTP server that keeps incidents and
// refuses what PagerDuty refuses. It opens, acknowledges and resolves incidents.
//
// To test your own alerting, let it send to the fake, and look at what people would have been paged with:
//
//	fake := pagerdutytest.New()
//	t.Cleanup(fake.Close)
//	n, err := pagerduty.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, i := range fake.Incidents(pagerdutytest.RoutingKey) {
//		t.Log(i.Status, i.Events[0].Payload.Summary)
//	}
//
// Faults (Inject), limits (SetLimit, Documented), tokens, the clock, the requests and the two ways to reach the fake
// are those of package fakehttp. An integration key is a token.
//
// # What it refuses
//
//   - 400 Unrecognized object: a body that is not a JSON object in UTF-8 or not declared as JSON.
//   - 400 invalid event: a routing_key that is unknown or not 32 letters and digits, an unknown event_action or
//     severity, a summary or source that is missing, a summary or dedup_key beyond its limit, a timestamp that is not
//     ISO 8601, an image that is not https, a link without a host, an acknowledge or resolve without a dedup_key,
//     members that are doubled or of the wrong type and, if the fake is Strict, unknown members. The words are
//     PagerDuty's as far as they are known.
//   - 404 and 405: another path and another method.
//   - 413: a body of more than 512,000 bytes.
//   - 429: more than the lane "events" allows for one key. Documented sets 120 in a minute.
//
// # What it decides
//
// A trigger for an incident that is open adds to it, and after a resolve it opens a new incident. An acknowledge or a
// resolve for an incident that is not open is accepted with 202 and dropped. An event that equals the last event with
// the same key is a repeat, which Accepted does not count.
//
// Some things are not documented. The fake counts characters in UTF-16 units, the stricter reading. Its 429 does not
// say how long to wait.
package pagerdutytest
