// Package durable keeps alerts until they are delivered, also if the process or the machine ends before that. The
// alerts are in a stream of NATS JetStream (https://docs.nats.io/nats-concepts/jetstream): in this process (package
// embedded), or in a server or cluster of yours.
//
// A [Queue] is a notifier that stores alerts. A [Worker] takes them from a queue and delivers them with the notifier of a
// service. So the program that receives alerts answers after half a millisecond, and a service that is away for an hour
// loses nothing.
//
//	store, err := durable.Open(ctx, conn, durable.Config{Replicas: 3})
//	...
//	rooms, err := store.Queue("rooms")
//	...
//	h, err := receiver.New(receiver.Config{Notifier: rooms, User: user, Password: password})
//	...
//	w, err := store.NewWorker(durable.WorkerConfig{Queue: "rooms", Notifier: room})
//	...
//	err = w.Run(ctx) // until the context ends
//
// # Several destinations
//
// Each destination has a queue, so that a service that is away holds up no other. A worker of the queue "in" passes each
// alert on: its notifier is a [mackerel.Multi] of queues, or a router of package route whose Resolve returns queues. The
// receiver has to wait for one write only, and an alert is accepted for all destinations or for no destination.
//
//	in -> worker (router) -> slack     -> worker (slack.Notifier)
//	                      -> pagerduty -> worker (pagerduty.Notifier)
//
// # What is promised
//
// When [Queue.Notify] returns nil, the alert becomes a delivery or a dead letter ([Store.DeadLetters]), whatever processes
// are killed. Of the alerts of one [mackerel.Alert.Key], a destination gets an earlier alert before a later. An alert
// comes twice only if a worker was killed or cut off between the delivery and its note of it (never with
// [WorkerConfig].AtMostOnce), if an answer of the service was lost and the notifier's [mackerel.Delivery] allows it, if a
// cluster had no leader for so long that an acknowledgement was lost, or if a single server was killed: it may forget what
// it removed in the last tenth of a second, or in a longer time if its disk was slow.
//
// Nothing is thrown away. If the store is full ([Config].MaxBytes), [Queue.Notify] returns an error. Dead letters have a
// part of their own; if that is full, alerts that should become dead letters stay in their queues, and those behind them
// of the same key wait. So watch [Stats].
//
// How much survives a power cut depends on when the server writes to the disk. Package embedded writes before it answers
// (SyncAlways). A server of yours does so with "sync_interval: always" in the section jetstream of its configuration.
// Without that line it writes every two minutes:
//
//   - A killed process loses nothing in either case.
//   - A single server without the line loses up to two minutes when the power goes; in tries, a new stream was gone.
//   - A cluster of three without the line loses nothing if one server is killed. If the power of all goes at once, it loses
//     as much as a single server.
package durable
