// Package twiliotest is a fake of Twilio's REST API, version 2010-04-01, for tests: a real HTTP server that remembers the
// calls and messages it is asked for, calls nobody, and refuses what Twilio refuses. It has creating a call and creating a
// message.
//
// To test your own alerting, let it call through the fake, and look at who would have been woken up by what:
//
//	s := twiliotest.NewServer()
//	t.Cleanup(s.Close)
//	n, err := twilio.New(twilio.Config{
//		Kind:       twilio.KindCall,
//		AccountSID: twiliotest.AccountSID,
//		AuthToken:  mackerel.NewSecret(twiliotest.AuthToken),
//		From:       twiliotest.From,
//		To:         "+819012345678",
//		BaseURL:    s.BaseURL(),
//	})
//	err = n.Notify(ctx, alert) // or whatever of yours leads there
//	for _, c := range s.Calls() {
//		t.Log(c.To, c.Said)
//	}
//
// Any other client of Twilio's will do as well. That a call whose answer was lost is not placed twice is tested with a
// fault:
//
//	s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}) // accepted, and the answer lost
//
// In a testing/synctest bubble, where waiting takes no time, use [MemoryBaseURL] as the base URL and s.Client() as the
// http.Client. Faults, the clock, the record of requests and the two ways in are those of package fakehttp.
//
// # What it refuses
//
//   - 400: a body that is not declared as a form, a parameter that is unknown, given twice or not of its form; a call
//     without a number to call or to call from, or without any of Url, Twiml and ApplicationSid, or with TwiML of more
//     than 4,000 bytes or that is no XML document with a Response; a message without a body or with one of more than
//     1,600 characters; a number that is not E.164, or to be called from and not the account's.
//   - 401: no Basic credentials, or others than the account's SID and auth token or a key's SID and secret.
//   - 404: an unknown account, path or method.
//
// # What it decides
//
// The documentation leaves some things open. The fake counts the characters of a message in UTF-16 units, and those of
// GSM's extension table twice; the 4,000 of TwiML are bytes. An unknown parameter, which Twilio ignores, is a 400, since
// it is a mistake, and so is one that comes twice, StatusCallbackEvent included. Where both Url and Twiml are given, Twiml
// is ignored, as documented. TwiML is checked when it is sent, which Twilio does when the call is answered. Calls and
// messages stay queued, and no StatusCallback and no Url is ever asked. It limits no rates. Codes are Twilio's, as far as
// they are documented; of 20404 and the codes of missing numbers only the number is, and most words are the fake's own.
package twiliotest
