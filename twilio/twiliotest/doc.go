// Package twiliotest is a fake of Twilio's REST API, version 2010-04-01 (https://www.twilio.com/docs/usage/api), for
// tests: a real HTTP server that remembers what it is sent and refuses what Twilio refuses. It has calls and messages,
// and calls no telephone.
//
// To test your own alerting, let it call through the fake, and look at whom it would have reached and with what words:
//
//	fake := twiliotest.New()
//	t.Cleanup(fake.Close)
//	n, err := twilio.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, m := range fake.Messages() {
//		t.Log(m.To, m.Body)
//	}
//
// Faults (Inject), limits (SetLimit, Documented), tokens, the clock, the requests and the two ways to reach the fake
// are those of package fakehttp. A token is the secret of a SID: see [Server.AddToken]. Config is for SMS; for calls,
// which [Server.Calls] returns, change its Kind.
//
// # What it refuses
//
//   - 400: a body that is not declared as a form; a parameter that is given twice, except StatusCallbackEvent and
//     MediaUrl, or not of its form; if the fake is Strict, an unknown parameter.
//   - 400: a call without a number to call or to call from, without Url, Twiml and ApplicationSid, or with TwiML of
//     more than 4,000 bytes or that is not an XML document with a Response.
//   - 400: a message without a body and a MediaUrl, or with a body of more than 1,600 characters.
//   - 400: a number that is not in E.164; a sender that the account does not have ([Server.AddNumber]), unless
//     a message names a MessagingServiceSid and no sender. Any service of the right form exists.
//   - 401: no Basic credentials, or other credentials than the account's SID and token or an API key's SID and secret
//     ([Server.AddToken]).
//   - 404: an unknown account, path or method.
//   - 429: more requests than the lanes "calls" and "messages" allow. Documented sets neither: Twilio answers 429 if
//     too many requests are made at once, and publishes no number. Calls and messages beyond the speed of the account
//     are queued.
//
// # What it decides
//
// The fake counts the characters of a message in UTF-16 units, and a character of GSM's extension table twice. It
// checks TwiML when it is sent; Twilio does so when the call is answered. Calls and messages stay queued, and no
// StatusCallback and no Url is requested. Codes are Twilio's as far as they are documented; most words are the fake's
// own.
package twiliotest
