// Package mackerel sends alerts of Mackerel (https://mackerel.io) to people, and manages Mackerel's notification
// channels.
//
// # Notifying
//
// An [Alert] comes from a webhook ([ParseWebhook]) or is made by the program. A [Notifier] sends it to one place.
// There is a package for each service, such as chatwork and slack. [Multi] joins any number of notifiers.
//
//	room, err := chatwork.New(chatwork.Config{
//		Token:  mackerel.NewSecret(os.Getenv("CHATWORK_TOKEN")),
//		RoomID: 206123456, // the digits after #!rid in the room's address
//	})
//	if err != nil {
//		log.Fatal(err) // lists all problems of the configuration
//	}
//	err = room.Notify(ctx, alert)
//
// A nil error means that the service has accepted the alert, by its status and by its answer. Every error of a notifier
// of this module is an [*Error] of one of eight kinds. [Retry] tells whether and when to try again:
//
//	if after, ok := mackerel.Retry(err); ok {
//		// try again, not before after; if after is 0, the service has named no time: make a pause of your own
//	}
//
// If the context of the call has ended, only a call with a new context can succeed. Package route has Persist, which
// tries again within the context. Of a Multi, it repeats only the notifiers that failed.
//
// If the answer is lost, it is unknown whether the alert was delivered. [Delivery] chooses whether it is sent again
// then. Messages are sent at least once by default, phone calls and SMS at most once. Each package says what a
// duplicate looks like.
//
// # Channels
//
// A [Client] lists, creates, updates and deletes the channels of an organization:
//
//	client, err := mackerel.NewClient(mackerel.ClientConfig{APIKey: mackerel.NewSecret(os.Getenv("MACKEREL_APIKEY"))})
//	if err != nil {
//		log.Fatal(err)
//	}
//	channels, err := client.ListChannels(ctx)
//
// The Detail of a [Channel] has the
// fields of its type. Types, members and events that this version does not know are kept when a channel is listed and
// updated.
//
// # Security
//
// A [Secret] prints as [redacted]. No error contains a URL, a header or a credential. Texts of alerts are escaped for
// each service, so that a host named [toall] does not notify a whole room.
//
// # Versions
//
// The module supports the two latest releases of Go. Before 1.0.0 its API may change; CHANGELOG.md lists the changes.
// The module never writes to standard output or standard error. Use [CallOptions].OnAttempt for logs and metrics.
package mackerel
