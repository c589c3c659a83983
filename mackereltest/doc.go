// Package mackereltest is a fake of Mackerel's API (https://mackerel.io/api-docs/) for tests. It is a real HTTP
// server that stores what it is sent and refuses what Mackerel refuses. It has the notification channels only.
//
// To test a program, give it the URL of the fake and one of its keys:
//
//	s := mackereltest.NewServer()
//	t.Cleanup(s.Close)
//	client, err := mackerel.NewClient(mackerel.ClientConfig{
//		APIKey:  mackerel.NewSecret(mackereltest.APIKey),
//		BaseURL: s.URL(),
//	})
//
// Then look at the result: [Server.Channels] returns the channels as they are now, Requests returns what was sent. The
// fake works with other clients of Mackerel, too. To test what happens when Mackerel fails, inject faults:
//
//	s.Inject(fakehttp.Fault{Status: 503, Path: "/api/v0/channels", Times: 2})
//
// In a testing/synctest bubble, use fakehttp.MemoryURL as the BaseURL and s.Client() as the http.Client. Faults, the
// record of requests and both ways to reach the server are those of package fakehttp.
//
// # What it refuses
//
//   - 401: an unknown API key.
//   - 403: a change with a key that may only read.
//   - 404: an unknown channel or path.
//   - 400: a body that is not declared as JSON or is not JSON; a documented member of the wrong JSON type; a doubled
//     member; a missing or empty name; a missing url; a url that is not http or https; an invalid email address; a
//     user of another organization; an unknown event; a type other than email, slack and webhook; a change of the
//     type; addToDefaultNotificationGroup in an update.
//
// Everything else is accepted, because no source shows that Mackerel refuses it. Unknown members, members of another
// type, id and suspendedAt in a body are ignored. Documented members that are left out or null get their empty value.
// Mentions may be for any status. In an update, members and events that the channel has already are accepted, so that
// what a newer Mackerel sent can be sent back.
package mackereltest
