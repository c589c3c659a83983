// Package teamstest is a fake of a workflow of Power Automate that posts the cards that it is sent to Microsoft Teams
// (https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using), for
// tests: a real HTTP server that remembers its runs and refuses what a workflow refuses. As the real workflow, it
// answers 202 before it looks at the card: a card that cannot be posted shows in [Server.Runs] only.
//
// To test your own alerting, let it post to the fake, and look at what the people in the channel would have read:
//
//	fake := teamstest.New()
//	t.Cleanup(fake.Close)
//	n, err := teams.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, run := range fake.Runs() {
//		t.Log(run.Card.Texts(), run.Card.Links(), run.Card.Mentions(), run.Problem)
//	}
//
// Faults (Inject), limits (SetLimit, Documented), tokens, the clock, the requests and the two ways to reach the fake
// are those of package fakehttp. The token is the signature in the address. A workflow with a Response action is a
// [fakehttp.Fault] with Status 200 and Handled.
//
// # What it refuses
//
//   - 400 MissingApiVersionParameter: a query without api-version.
//   - 401 DirectApiAuthorizationRequired: a query without sig.
//   - 401 AuthorizationFailed: a wrong sig, or an sp or sv that was encoded in another way.
//   - 400 InvalidRequestContent: a body that is not declared as JSON in UTF-8 or is not JSON.
//   - 404 WorkflowNotFound: another path. 405 MethodNotAllowed: another method than POST.
//   - 429 TooManyRequests: more requests than the lane "runs" allows. Documented sets 4,500 in 5 minutes.
//
// A run fails, after the 202, because of:
//
//   - A type other than message, no attachments or several, an attachment that is not an Adaptive Card of version 1.0
//     to 1.4, and a message of more than 28,672 bytes.
//   - An element or action that is not documented for webhooks, such as Action.Submit; a value of a wrong type, or a
//     word that is not documented; an empty text or list; more than 6 actions.
//   - An <at> without an entity of exactly its text, and an entity without its <at>.
//   - An address of a button that is not http or https, and an address of a picture that is not https.
//   - If the fake is Strict, a member that it does not know.
//
// # What it decides
//
// Clients of Teams read Markdown differently. [Card.Links] finds what any of them may take for a link.
//
// The form of errors is documented, most codes are not. What Teams counts as the size of a message is not documented:
// the fake counts the JSON as a string within JSON, with every character beyond ASCII as \uXXXX. The real service
// ignores much of what makes a run fail here, and shows a card with something missing.
package teamstest
