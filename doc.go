// Package mackerel carries alerts to people and manages the notification channels of Mackerel (https://mackerel.io).
//
// # Notifying
//
// An [Alert] comes from a webhook ([ParseWebhook]) or is made by hand. A [Notifier] carries it to one place; there is a
// package for each service, such as chatwork and hipchat, and [Multi] joins any number of them.
//
//	room, err := chatwork.New(chatwork.Config{Token: mackerel.NewSecret(os.Getenv("CHATWORK_TOKEN")), RoomID: 206123456})
//	if err != nil {
//		log.Fatal(err) // every problem of the configuration at once
//	}
//	err = room.Notify(ctx, alert)
//
// Nil means that the service took the alert, by its status and by its words. Anything else is an [*Error] of one of
// eight kinds, and [Retry] says whether and when it makes sense to try again:
//
//	if after, ok := mackerel.Retry(err); ok {
//		// try again, not before after
//	}
//
// A lost answer is nobody's knowledge: the alert may have been delivered. [Delivery] says what to do then. Messages are
// delivered at least once unless told otherwise, phone calls at most once. Each package says what a duplicate looks like.
//
// # Channels
//
// A [Client] lists, creates, updates and deletes the channels of an organization. A [Channel] has a [Detail] that says
// which kind it is. What this version does not know comes back as it came: unknown types, members and mention keys
// survive being listed and updated.
//
// # Security
//
// A [Secret] prints as [redacted] wherever it stands. No error holds a URL, a header or a credential. Text from alerts
// is escaped for each service, so that a host named [toall] calls nobody.
//
// # Versions
//
// The two latest releases of Go are supported. Before 1.0.0 the API may change; CHANGELOG.md says how. Nothing in the
// module writes to standard output or standard error; [CallOptions].OnAttempt is the place for logs and metrics.
package mackerel
