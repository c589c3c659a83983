// Package embedded starts a nats-server in the process.
package embedded
