// Package typetalktest is a fake of Typetalk's API, version 1, for tests: a real HTTP server that remembers what it is
// sent and refuses what Typetalk refused. It has posting a message to a topic.
//
// To test your own alerting, let it post to the fake, and look at what the people of the topic would have got:
//
//	s := typetalktest.NewServer()
//	t.Cleanup(s.Close)
//	n, err := typetalk.New(typetalk.Config{
//		Token:   mackerel.NewSecret(typetalktest.Token),
//		TopicID: typetalktest.TopicID,
//		BaseURL: s.BaseURL(),
//	})
//	err = n.Notify(ctx, alert) // or whatever of yours leads there
//	for _, p := range s.Posts(typetalktest.TopicID) {
//		if names := typetalktest.Mentions(p.Message); len(names) > 0 {
//			t.Errorf("the alert calls %v", names)
//		}
//	}
//
// Any other client of Typetalk's will do as well. What happens when Typetalk fails is tested with faults:
//
//	s.Inject(fakehttp.Fault{Status: 503, Path: "/api/v1/topics/*", Times: 2})
//
// In a testing/synctest bubble, where waiting takes no time, use [MemoryBaseURL] as the base URL and s.Client() as the
// http.Client. Faults, the clock, the record of requests and the two ways in are those of package fakehttp.
//
// # What it refuses
//
//   - 400: a form that is not declared as application/x-www-form-urlencoded, a field that is unknown, given twice or not of
//     its type, a message that is missing, blank or longer than 4,000 UTF-16 units.
//   - 401: no token, or an unknown one; 403: a token of another topic. The reason is in the header WWW-Authenticate.
//   - 404: an unknown topic, path or method.
//
// # What it decides
//
// The documentation leaves some things open. The fake answers a refusal with an empty body, but a 400 and a 404 with an
// OAuth2-like error object. A message that is too long is a 400. It limits no rates. The token may be in the header
// X-Typetalk-Token, in the query or in the form, or be a bearer token; if it is in several places, the first counts.
// Attachments, replies and talks are accepted as far as their form goes, and not looked up.
package typetalktest
