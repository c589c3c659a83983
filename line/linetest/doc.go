// Package linetest is a fake of LINE's Messaging API (https://developers.line.biz/en/reference/messaging-api/), for
// tests: a real HTTP server that remembers what it is sent and refuses what LINE refuses. It has push, multicast and
// broadcast messages, the quota and its consumption.
//
// To test your own alerting, let it send to the fake, and look at what people would have read:
//
//	fake := linetest.New()
//	t.Cleanup(fake.Close)
//	n, err := line.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, d := range fake.Deliveries() {
//		t.Log(d.To, d.Messages[0].Texts())
//	}
//
// Faults (Inject), limits (SetLimit, Documented), tokens, the clock, the requests and the two ways to reach the fake
// are those of package fakehttp.
//
// # What it refuses
//
//   - 400: a body that is not JSON, members that are missing, doubled or of the wrong type and, if the fake is Strict,
//     members that the fake does not know.
//   - 400: no message, or more than 5; a text that is blank or too long, counted in UTF-16 units; a bubble of more than
//     30,000 bytes, or with a wrong component, colour, word or address.
//   - 400: an unknown destination ([Server.AddDestination]), or a destination that the call does not take; more than
//     500 users, or a user twice; a retry key that is not a UUID, or with a call that does not take a key.
//   - 401: no channel access token, or an unknown token.
//   - 404: an unknown path or method.
//   - 409: a retry key with which a request was accepted in the last 24 hours. The header X-Line-Accepted-Request-Id
//     has the id of that request.
//   - 415: a body that is not declared as JSON.
//   - 429: more requests than a lane allows, and messages beyond the month's quota ([Server.SetQuota]). Documented sets
//     2,000 in a second for the lane "push", 60 in an hour for "broadcast", and 200 in a second for "multicast". The
//     last number is not confirmed.
//
// # What it decides
//
// The fake counts a push to a group once per member, and a broadcast once per friend. It takes 1,500 UTF-16 units as
// the longest alternative text, 30,000 bytes as the largest bubble, 1,000 characters as the longest address of an
// action and 20 as its longest label. A request that is refused does not use up its retry key. A repeated key is
// a 409, also if something else in the request is wrong. The words of a 409, of a 404 and of the lanes are its own, and
// so are the descriptions of what is wrong with a member. It knows the messages text, textV2, image and flex with one
// bubble, the components box, text, image, button and separator, and the action uri, and refuses others.
package linetest
