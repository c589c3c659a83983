// Package teamstest is a fake of a workflow of Power Automate that begins with "When a Teams webhook request is received"
// and posts the cards it gets to Microsoft Teams, for tests: a real HTTP server that remembers what it is sent.
//
// To test your own alerting, let it post to the fake, and look at what the people in the channel would have got:
//
//	s := teamstest.NewServer()
//	t.Cleanup(s.Close)
//	n, err := teams.New(teams.Config{URL: mackerel.NewSecret(s.WebhookURL())})
//	err = n.Notify(ctx, alert) // or whatever of yours leads there
//	for _, run := range s.Runs() {
//		if run.Problem != "" {
//			t.Errorf("the card was not posted: %s", run.Problem)
//		}
//		if called := run.Card.Mentions(); len(called) > 0 {
//			t.Errorf("the alert calls %q", called)
//		}
//	}
//
// Like the real one, the fake answers with 202 before anybody has looked at the card. That a card cannot be posted shows
// in [Server.Runs], the run history, and nowhere else. A workflow that no longer works is told with [Server.Refuse], one
// that has a Response action with [Server.Respond], and what happens when the service fails with faults:
//
//	s.Inject(fakehttp.Fault{Status: 503, Times: 2})
//
// In a testing/synctest bubble, where waiting takes no time, use [MemoryURL] as the address and s.Client() as the
// http.Client. Faults, the clock, the record of requests and the two ways in are those of package fakehttp.
//
// # What it refuses
//
//   - 400 MissingApiVersionParameter: a query without api-version.
//   - 401 DirectApiAuthorizationRequired: a query without sig. 401 AuthorizationFailed: a wrong sig, or an sp or sv that
//     is not byte for byte what it was.
//   - 400 InvalidRequestContent: a body that is not declared as JSON or is none.
//   - 404 WorkflowNotFound: another path. 405: another method than POST.
//
// # What makes a run fail
//
// A type other than message; no attachments; an attachment that is no Adaptive Card; a version above 1.4; an element,
// member or value that 1.4 does not have or that webhooks do not support, such as Action.Submit; an empty text; an <at>
// without an entity of exactly its text, and an entity without its <at>; an address that is not http or https, and not
// https of a picture; more than 6 actions; and a message of more than 28,672 bytes.
//
// # What it decides
//
// Of the codes only their form is documented. What Teams counts as the size of a message is not documented: the fake
// counts the JSON as a string within JSON, with everything beyond ASCII as \uXXXX. The real service ignores much of what
// makes a run fail here, and shows a card with something missing. It limits no rates.
package teamstest
