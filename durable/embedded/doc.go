// Package embedded keeps alerts on the disk of this machine: it starts a nats-server in the process, and opens the
// store of package durable in it. A program that has a cluster uses [durable.Open] instead, and does not need this
// package.
//
//	s, err := embedded.Start(ctx, embedded.Config{Dir: "/var/lib/bridge", Logger: slog.Default()})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer s.Close()
//	queue, err := s.Store().Queue("slack")
//
// The server listens on no port, has no signal handlers, and writes nothing to the standard error.
//
// # What is kept
//
// An alert is on the disk, with fsync, when [durable.Queue.Notify] returns nil. It is not lost if the process is
// killed, if the operating system stops, or if the power fails. The disk must keep what it has reported as synced. One
// disk is one copy: an alert is lost if the disk is. A cluster keeps several copies.
//
// After a crash, alerts whose delivery was acknowledged within the last tenth of a second may be delivered again.
//
// # The directory
//
// The directory belongs to one process at a time, which locks it. The lock ends with the process, however it ends. The
// directory must be on a local disk, since a network file system may lock and sync in other ways. It has the files of
// the server in "jetstream", and "lock", "store.json" and perhaps "damaged". A backup is a copy of the whole directory
// while no process uses it.
//
// Streams are made only in a directory that has no store. So mount the disk before the program starts: the empty
// directory under the mount point is a new store.
//
// # How much disk
//
// MaxBytes of [durable.Config] is what the alerts may need, 1 GiB by default. Dead letters may need a quarter of that
// in addition, and what was removed needs room until the server cleans up. So the directory has up to two and a half
// times MaxBytes. [Start] refuses a MaxBytes that does not fit, and makes the default smaller, to 16 MiB at least. A
// twentieth of the free space, from 16 MiB to 1 GiB, is left for others. A store that exists keeps its size.
//
// If other programs fill the disk, the server cannot write and accepts nothing more, see [Server.Err]. What was
// accepted is kept.
//
// # When Start refuses
//
// All messages are read and compared with their checksums before the server starts, because the server itself passes
// over damage or cuts it off. The error says what to do:
//
//   - the directory is in use ([ErrInUse]): end the other process. "fuser lock" finds it.
//   - Dir is a file, or cannot be written: repair the path or its permissions.
//   - MaxBytes does not fit, or the disk is full: the error has the numbers. A full disk must have room for a start,
//     16 MiB, since even the removal of an alert is written.
//   - a stream is configured differently: another program has changed it. Change the field back with the nats command.
//   - the store has another name, or Window is another: use the old configuration. A new one needs a new directory.
//   - a file of the store is damaged or missing ([ErrDamaged]): copy the directory, check the disk, and restore a
//     backup, or set AcceptDamage for one start. Then everything that can be read is delivered, and the damaged files
//     are kept in "damaged".
//   - store.json cannot be read: remove that file. The streams are then taken as they are.
//
// Not everything can be seen. If a whole file of messages is missing after a crash, it looks as if these messages had
// been delivered, unless the server's index still lists them or they were the last.
package embedded
