// Package durable keeps alerts until they are delivered, also if the process or the machine ends.
package durable
