// Package mackereltest is a fake of Mackerel's API (https://mackerel.io/api-docs/) for tests. It is a real HTTP server
// that stores what it is sent and refuses what Mackerel refuses. It has one organization with its notification
// channels, notification groups, alerts with their logs, and users. Monitors, check monitors, hosts and services can
// be read only.
//
// To test your own program, let it call the fake, and look at the result:
//
//	fake := mackereltest.New()
//	t.Cleanup(fake.Close)
//	fake.AddAlert(`{"monitorId":"2M","type":"host","hostId":"4H"}`)
//	client, err := mackerel.NewClient(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	...
//	for _, c := range fake.Channels() {
//		t.Logf("%s", c)
//	}
//
// Other clients of Mackerel work with it too. Accepted counts the changes that the fake made. Faults, limits, the
// clock, the requests and the two ways to reach the fake are those of package fakehttp.
//
// # What it refuses
//
// Every request:
//
//   - 401: an unknown API key.
//   - 403: a change with a key that may only read.
//   - 404: an unknown channel, group, alert, monitor, check monitor, host or path.
//   - 429, with Retry-After: more than the lane "requests" allows. Mackerel documents no limit for these requests.
//   - 400: a body that is not declared as JSON or is not JSON; a documented member of the wrong JSON type; a doubled
//     member; and, if the fake is Strict, an unknown member.
//
// Channels:
//
//   - 400: a missing or empty name; a missing url; a url that is not http or https; an invalid email address; a user of
//     another organization; an unknown event; a type other than email, slack and webhook; a change of the type;
//     addToDefaultNotificationGroup in an update.
//
// Notification groups:
//
//   - 400: a missing or empty name; a notificationLevel other than all and critical; missing childNotificationGroupIds
//     or childChannelIds; another name for the default group; the deletion of the default group; and, if the fake is
//     Strict, children that do not exist.
//
// Alerts:
//
//   - 400: a limit that is not 1 to 100; a missing reason of a close; a missing memo.
//   - 413: a memo of more than 80 KB.
//
// Everything else is accepted, because no source shows that Mackerel refuses it. Unknown members, members of another
// type of channel, and what Mackerel fills in (id, type of a group, suspendedAt) are ignored in a body. Documented
// members of a channel that are left out or null get their empty value. So do the lists of a group if they are null,
// and its monitors and services if they are left out. Mentions may be for any status. In an update, members and events
// that the channel or group has already are accepted, so that what a newer Mackerel sent can be sent back.
package mackereltest
