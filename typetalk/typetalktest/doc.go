// Package typetalktest is a fake of Typetalk's API, version 1
// (https://developer.nulab.com/docs/typetalk/api/1/post-message/), for tests: a real HTTP server that remembers what it
// is sent and refuses what Typetalk refuses. It has one call: posting a message to a topic.
//
// To test your own alerting, let it post to the fake, and look at what the people in the topic would have read:
//
//	fake := typetalktest.New()
//	t.Cleanup(fake.Close)
//	n, err := typetalk.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, p := range fake.Posts(typetalktest.TopicID) {
//		t.Log(p.Message, p.Mentions())
//	}
//
// Faults (Inject), limits (SetLimit, Documented), tokens, the clock, the requests and the two ways to reach the fake
// are those of package fakehttp. A token may be for one topic: see [Server.AddToken]. Typetalk documents no rate limit,
// so the fake has no lane to limit.
//
// # What it refuses
//
//   - 400: a form that is not declared as application/x-www-form-urlencoded, a field that is given twice or of the
//     wrong type, a message that is missing, blank or longer than 4,000 UTF-16 units and, if the fake is Strict, an
//     unknown field.
//   - 401: no token, or an unknown token; 403: a token of another topic. The reason is in the header WWW-Authenticate.
//   - 404: an unknown topic, path or method.
//
// # What it decides
//
// The documentation leaves some things open. The fake answers 401 and 403 with an empty body, and 400 and 404 with an
// error object as OAuth2 has it. The answer to a post has the post and the id of its topic; the example in the
// documentation has more. A message that is too long is a 400. The token may be in the header X-Typetalk-Token, be a
// bearer token, or be in the query or the form; of several, the first in this order counts. Attachments, replies and
// talks are accepted if their form is right; whether they exist is not checked.
package typetalktest
