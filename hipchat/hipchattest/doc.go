// Package hipchattest is a fake of a HipChat server's API, version 2
// (https://developer.atlassian.com/server/hipchat/about-the-hipchat-rest-api), for tests: a real HTTP server that
// remembers what it is sent and refuses what HipChat refuses. It has the notifications of a room, its two histories,
// its topic, the list of rooms, messages to a person, the session of a token, and auth_test.
//
// To test your own alerting, let it send to the fake, and look at what the people in the room would have read:
//
//	fake := hipchattest.New()
//	t.Cleanup(fake.Close)
//	n, err := hipchat.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, m := range fake.Messages(hipchattest.RoomID) {
//		t.Log(m.Text, hipchattest.CheckHTML(m.Text))
//	}
//
// Faults (Inject), limits (SetLimit, Documented), tokens, the clock, the requests and the two ways to reach the fake
// are those of package fakehttp. A token has rights: see [Server.AddToken].
//
// # What it refuses
//
//   - 400: a body that is not JSON or not declared as JSON, members that are missing, doubled or of the wrong type,
//     words that are not in the list, texts that are too long or too short in characters, a bad card, a wrong parameter
//     and, if the fake is Strict, unknown members and parameters.
//   - 401: an unknown token. 403: a token without the scope, or of another room.
//   - 404: an unknown room, person, token or path. 405: another method, or a path without its room: a
//     client sends only "/room/" of "/room/#ops/notification".
//   - 429: more than the lanes "calls" or "messages" allow, with the headers that say when the limit is reset.
//     Documented sets 500 calls in 5 minutes per token, as for an add-on; a person's token has 100. It sets 30 messages
//     in a minute per room and per person.
//
// Where an answer of a real server is on record, the fake gives the same answer, in which values are written as in
// Python. Only the schema of all cards, which a real server adds to the answer to a bad card, is left out. Other
// answers have words of the same kind.
//
// # What it decides
//
// The sources leave some things open. A token of another room is a 403, and a list of rooms has only the room of the
// token. The words of a 429 and of a wrong parameter are the fake's own. A real server takes unknown members in a card
// and refuses them in the objects within it; the fake treats both like other unknown members. auth_test is answered
// before the body is read, and does not count as a message. A list of rooms has the private rooms unless
// include-private is false, in the order in which they were added. A new topic puts a message of type topic into the
// room. A message to a person is text unless it says html, and a person is found by a mention name only with its @. A
// session is shown to every token. A card comes back in a history as it was sent.
//
// HipChat accepts any text as HTML and removes what is not allowed, and the fake accepts it too: use [CheckHTML]. Dates
// are in UTC in any timezone. Messages are never deleted, so include_deleted changes nothing.
package hipchattest
