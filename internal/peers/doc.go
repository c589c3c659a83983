// Package peers tests this module against the Go clients that the services' vendors and users have written. It holds
// tests only. It is a module of its own so that these clients are not dependencies of the library.
//
// The fakes were written from documentation. A vendor's client shows what programs really send, so each client meets
// the fake of its service:
//
//   - It posts a message, and the fake has what was posted.
//   - It reads what the fake offers to read.
//   - It is refused, and reports the refusal as its own error type.
//
// The notifiers were written from documentation too. A vendor's types show which members the vendor knows, so each
// request that a notifier makes for the alerts of internal/sample is decoded into the vendor's type, and must mean the
// same there. Where the vendor has no such type, its client sends the same message and both requests are compared.
//
// There is one file for each peer, and all files have the same order. The peer's package is imported as peer.
package peers
