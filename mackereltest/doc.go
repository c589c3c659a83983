// Package mackereltest is a fake of Mackerel's API (https://mackerel.io/api-docs/) for tests. It is a real HTTP
// server that stores what it is sent and refuses what Mackerel refuses. It has the notification channels only.
//
// To test your own program, let it call the fake, and look at the result:
//
//	fake := mackereltest.New()
//	t.Cleanup(fake.Close)
//	client, err := mackerel.NewClient(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	...
//	for _, c := range fake.Channels() {
//		t.Logf("%s", c)
//	}
//
// Other clients of Mackerel work with it too. Accepted counts the changes that the fake made. Faults, limits, the clock,
// the requests and the two ways to reach the fake are those of package fakehttp.
//
// # What it refuses
//
//   - 401: an unknown API key.
//   - 403: a change with a key that may only read.
//   - 404: an unknown channel or path.
//   - 400: a body that is not declared as JSON or is not JSON; a documented member of the wrong JSON type; a doubled
//     member; a missing or empty name; a missing url; a url that is not http or https; an invalid email address; a
//     user of another organization; an unknown event; a type other than email, slack and webhook; a change of the
//     type; addToDefaultNotificationGroup in an update; and, if the fake is Strict, an unknown member.
//   - 429, with Retry-After: more than the lane "requests" allows. Mackerel documents no limit for channels.
//
// Everything else is accepted, because no source shows that Mackerel refuses it. Unknown members, members of another
// type, id and suspendedAt in a body are ignored. Documented members that are left out or null get their empty value.
// Mentions may be for any status. In an update, members and events that the channel has already are accepted, so that
// what a newer Mackerel sent can be sent back.
package mackereltest
