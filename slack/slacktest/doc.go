// Package slacktest is a fake of an incoming webhook of Slack
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks), for tests: a real HTTP server that
// remembers what it is sent and refuses what Slack refuses. Slack says in one word what is wrong with a message;
// Problems says more.
//
// To test your own alerting, let it post to the fake, and look at what the people in the channel would have read:
//
//	fake := slacktest.New()
//	t.Cleanup(fake.Close)
//	n, err := slack.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, m := range fake.Messages() {
//		t.Log(m.Text, m.Mentions())
//	}
//
// Faults (Inject), limits (SetLimit, Documented), tokens, the clock, the requests and the two ways to reach the fake
// are those of package fakehttp. The token is the last element of the address.
//
// # What it refuses
//
//   - 400 invalid_payload: a body that is not JSON or is declared as something else, members that are doubled or of the
//     wrong type and, if the fake is Strict, unknown members and a body that is not declared as JSON.
//   - 400 no_text: a message that has neither text nor blocks nor attachments.
//   - 400 invalid_blocks, or invalid_attachments if it is within one: a text that is empty or beyond its limit in
//     characters, a member that is missing or does not belong to the block, a wrong address, a picture that cannot
//     be fetched ([Server.SetPictures]), more than 50 blocks.
//   - 400 too_many_attachments: more than 100.
//   - 400 msg_blocks_too_long: more than 13,200 characters of text in all blocks.
//   - 404 no_team and no_service, 403 invalid_token: an address of which the first, second or third element is wrong.
//   - 405: another method than POST.
//   - 429 rate_limited, with Retry-After: more than the lane "messages" allows. Documented sets 1 in a second. Slack
//     also takes short bursts, which are not documented.
//
// # What it decides
//
// Older clients send JSON without a Content-Type, or a form whose field payload is the JSON. The fake takes both unless
// it is Strict.
//
// The fake checks the blocks section, header, context, image and divider. It takes blocks of other types, such as
// actions, without a look inside: [Message.Mentions] and [Message.Links] do not find what is in them, and their texts do
// not count. If the fake is Strict, it refuses them.
//
// It cuts a text beyond 40,000 characters, as Slack does. Which word comes with which part of a wrong address is not
// documented, nor is the total of 13,200 characters.
package slacktest
