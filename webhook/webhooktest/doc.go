// Package webhooktest is a fake of a receiver of Mackerel's webhooks
// (https://mackerel.io/docs/entry/howto/alerts/webhook), for tests: a real HTTP server that remembers what it is sent
// and refuses what a careful receiver refuses. It checks Basic authentication, a token in the query and, if told to,
// the signatures of Standard Webhooks.
//
// To test your own alerting, let it send to the fake, and look at what was accepted:
//
//	fake := webhooktest.New()
//	t.Cleanup(fake.Close)
//	n, err := webhook.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, d := range fake.Deliveries() {
//		t.Log(d.Alert.Title())
//	}
//
// Faults (Inject), limits (SetLimit, Documented), tokens, the clock, the requests and the two ways to reach the fake
// are those of package fakehttp.
//
// # What it refuses
//
//   - 404: another path. 405: another method than POST.
//   - 401: a wrong user, password or token.
//   - 415: a body that is not declared as JSON.
//   - 400: a body that is not a JSON object in UTF-8, has a member twice, has no event, or has a member of another type
//     than Mackerel documents. Members that Mackerel does not document are accepted: Mackerel may add members at any
//     time.
//   - 429, with Retry-After: more than the lane "messages" allows. Receivers have no documented limit.
//
// With RequireSignature it also refuses:
//
//   - 401: a header of Standard Webhooks that is missing or doubled, no signature that is right, a timestamp that is
//     more than five minutes from the fake's clock.
//   - 400: a webhook-id that came before with another body. With the same body it is accepted and dropped.
//
// # What it decides
//
// Neither Mackerel nor Standard Webhooks says what a receiver answers. The fake answers 204 to what it accepts, and
// {"error":"..."} to the rest.
package webhooktest
