// Package mackereltest is a fake of Mackerel's API (https://mackerel.io/api-docs/) for tests: a real HTTP server that
// remembers what it is told and refuses what Mackerel refuses. So far it has the notification channels.
//
// To test a program against it, give the program the fake's URL and one of its keys:
//
//	s := mackereltest.NewServer()
//	t.Cleanup(s.Close)
//	client, err := mackerel.NewClient(mackerel.ClientConfig{
//		APIKey:  mackerel.NewSecret(mackereltest.APIKey),
//		BaseURL: s.URL(),
//	})
//
// and look at what came of it: [Server.Channels] has the channels as they are now, Requests what was sent. Any other
// client of Mackerel's will do as well. What happens when Mackerel fails is tested with faults:
//
//	s.Inject(fakehttp.Fault{Status: 503, Path: "/api/v0/channels", Times: 2})
//
// In a testing/synctest bubble, where waiting takes no time, use fakehttp.MemoryURL as the BaseURL and s.Client() as the
// client's http.Client. Faults, the record of requests and the two ways in are those of package fakehttp.
//
// # What it refuses
//
// An unknown API key with 401, a change with a key that may only read with 403, an unknown channel or path with 404, and
// with 400: a body that is not declared as JSON or is none, members that are unknown, doubled, of the wrong type or of
// another type of channel, an empty name, a URL that is not http or https, an address that is none, a user of another
// organization, an unknown event or status, a type that cannot be registered, a change of type, and an
// addToDefaultNotificationGroup in an update.
//
// The documentation leaves some things open, and the fake has to decide. Members of a channel that are left out get
// their empty value, as Terraform's provider relies on; only url is required. Channels of other types than email, slack
// and webhook are refused with 400. In an update, a member that is the same as it was is accepted whatever it is, so
// that what a newer Mackerel sent can be sent back.
package mackereltest
