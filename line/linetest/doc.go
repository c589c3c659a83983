// Package linetest is a fake of LINE's Messaging API (https://developers.line.biz/en/reference/messaging-api/) for
// tests: a real HTTP server that remembers what it is sent and refuses what LINE refuses. It has push, multicast and
// broadcast messages, the quota and its consumption.
//
// To test your own alerting, let it send to the fake, and look at what people would have got:
//
//	s := linetest.NewServer()
//	t.Cleanup(s.Close)
//	n, err := line.New(line.Config{
//		Token:   mackerel.NewSecret(linetest.Token),
//		To:      []string{linetest.GroupID},
//		BaseURL: s.BaseURL(),
//	})
//	err = n.Notify(ctx, alert) // or whatever of yours leads there
//	for _, d := range s.Deliveries() {
//		t.Log(linetest.Texts(d.Messages[0]))
//	}
//
// Any other client of LINE's will do as well. What happens when LINE fails is tested with faults:
//
//	s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}) // accepted, and the answer lost
//
// and the end of the month's messages with [Server.SetQuota]. In a testing/synctest bubble, where waiting takes no time,
// use [MemoryBaseURL] as the base URL and s.Client() as the http.Client. Faults, the clock, the record of requests and
// the two ways in are those of package fakehttp.
//
// # What it refuses
//
//   - 400: a body that is no JSON; members that are unknown, missing, doubled or of the wrong type; no message or more than
//     5; texts that are blank or too long, counted in UTF-16 units; a bubble of more than 30,000 bytes, or with a
//     component, a colour, a word or an address that is none; a destination that is unknown or not of the call's kind;
//     more than 500 users, or one twice; a retry key that is no UUID, or with a call that takes none.
//   - 401: no channel access token, or an unknown one.
//   - 404: an unknown path or method.
//   - 409: a retry key under which a request was accepted in the last 24 hours.
//   - 413: a body of more than 2 MB. 415: a body that is not declared as JSON.
//   - 429: more than 2,000 requests to one call in a second, and messages beyond the month's quota.
//
// # What it decides
//
// The documentation leaves some things open. The fake counts a push to a group once per member, and a broadcast once per
// friend. It takes 400 as the longest alternative text, 30,000 bytes as the largest bubble, 1,000 characters as the longest
// address of an action and 20 as its longest label. A request that is refused does not use up its retry key, and a
// repeated key is a 409 whatever else is in the request. The words of a 409, of a 404 and of the limit per second are its
// own, and so are the descriptions of what is wrong with a member. Of the kinds of messages it knows text, textV2, flex
// with one bubble, and image; of components box, text, image, button and separator. Everything else is a 400.
package linetest
