// Package slacktest is a fake of one incoming webhook of Slack
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks), for tests: a real HTTP server that
// remembers what it is sent and refuses what Slack refuses.
//
// To test your own alerting, let it post to the fake, and look at what the people in the channel would have got:
//
//	s := slacktest.NewServer()
//	t.Cleanup(s.Close)
//	n, err := slack.New(slack.Config{URL: mackerel.NewSecret(s.WebhookURL())})
//	err = n.Notify(ctx, alert) // or whatever of yours leads there
//	for _, m := range s.Messages() {
//		if called := m.Mentions(); len(called) > 0 {
//			t.Errorf("the alert calls %q", called)
//		}
//	}
//
// Slack says in one word what is wrong with a message; [Server.Problems] has what the fake could say besides. A webhook
// that no longer works is told with [Server.Refuse], what happens when Slack fails with faults:
//
//	s.Inject(fakehttp.Fault{Status: 503, Times: 2})
//
// In a testing/synctest bubble, where waiting takes no time, use [MemoryURL] as the webhook's address and s.Client() as
// the http.Client. Faults, the clock, the record of requests and the two ways in are those of package fakehttp.
//
// # What it refuses
//
//   - 400 invalid_payload: a body that is not declared as JSON or is none, and members that are unknown, doubled or of
//     the wrong type.
//   - 400 no_text: a message that has neither text nor blocks nor attachments.
//   - 400 invalid_blocks, or invalid_attachments if it is within one: a text that is empty or beyond its limit in
//     characters, a member that the block does not have or lacks, an address that is none, a picture that cannot be
//     fetched ([Server.SetPictures]), more than 50 blocks.
//   - 400 too_many_attachments: more than 100.
//   - 400 msg_blocks_too_long: more than 13,200 characters of text in all blocks.
//   - 404 no_team and no_service, 403 invalid_token: an address of which the first, second or third element is wrong.
//   - 405: another method than POST.
//   - 429 rate_limited, with Retry-After: more than 25 messages in 25 seconds.
//
// # What it decides
//
// Slack documents one message in a second and "short bursts"; the fake takes that for 25 in 25 seconds. Slack ignores
// members that it does not know; the fake refuses them, since they are mistakes. It knows the blocks section, header,
// context, image and divider, and refuses others. Text beyond 40,000 characters is cut, as Slack does. Which word comes
// with which part of a wrong address is not documented, nor is the total of 13,200 characters.
package slacktest
