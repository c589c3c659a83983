// Mackerel-queue shows what waits in a store of package durable, and lists, shows, replays and drops its dead letters.
//
//	mackerel-queue -server nats://host:4222 stats
//	mackerel-queue -dir /var/lib/bridge list
//
// The flag -h says what else it can do. It exits with 0 if all was done, 1 if something was not done, and 2 if
// the command line is wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/mackerel-notify/mackerel/durable"
)

const usage = `usage: mackerel-queue [flags] command

Commands:
  stats                     what waits in each queue, and how many dead letters it has
  list [queue]              the dead letters of a queue, or of all
  show id                   a dead letter: the reason, the alert and the body
  replay id...              put dead letters back into their queues
  replay -queue q -all      the same with all of a queue
  drop id...                remove dead letters for ever
  drop -queue q -all        the same with all of a queue

Where the store is (one of them):
  -server URL               a NATS server or a cluster, such as nats://host1:4222,nats://host2:4222;
                            the variable NATS_URL unless set
  -dir DIR                  the directory of an embedded store whose program does not run

Flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)) //nolint:gocritic // there is nothing left to stop
}

// errUsage is the error of a wrong command line.
var errUsage = errors.New("wrong command line")

// run runs the command and returns the exit status.
func run(ctx context.Context, args []string, env func(string) string, out, errs io.Writer) int {
	c := command{out: out, errs: errs}
	flags := c.flags()
	err := c.parse(flags, args, env)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printUsage(out, flags)
		return 0
	case err == nil:
		err = c.do(ctx)
	}
	if err == nil {
		return 0
	}
	fmt.Fprintf(errs, "mackerel-queue: %s\n", clean(err.Error()))
	if errors.Is(err, errUsage) {
		fmt.Fprintln(errs, "mackerel-queue -h says what it can do.")
		return 2
	}
	return 1
}

func printUsage(out io.Writer, flags *flag.FlagSet) {
	fmt.Fprint(out, usage)
	flags.SetOutput(out)
	flags.PrintDefaults()
}

// A command is the command line, and where the answer goes.
type command struct {
	out, errs io.Writer

	server, creds, dir, name, queue string
	all, json                       bool

	verb string
	args []string
	ids  []uint64 // of args, for the commands that take them
}

func (c *command) flags() *flag.FlagSet {
	f := flag.NewFlagSet("mackerel-queue", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&c.server, "server", "", "`URL` of the server, or of several, with commas")
	f.StringVar(&c.creds, "creds", "", "`FILE` with the credentials for the server")
	f.StringVar(&c.dir, "dir", "", "`DIR` of an embedded store")
	f.StringVar(&c.name, "name", "", "`NAME` of the store on the server, durable.Config.Name; mackerel unless set")
	f.StringVar(&c.queue, "queue", "", "`QUEUE` for -all")
	f.BoolVar(&c.all, "all", false, "all dead letters of -queue")
	f.BoolVar(&c.json, "json", false, "write JSON")
	return f
}

// parse reads the command line. Flags may be anywhere.
func (c *command) parse(flags *flag.FlagSet, args []string, env func(string) string) error {
	var words []string
	for {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return err
		} else if err != nil {
			return wrong("%s", err)
		}
		if flags.NArg() == 0 {
			break
		}
		words, args = append(words, flags.Arg(0)), flags.Args()[1:]
	}
	if len(words) == 0 {
		return wrong("a command is missing: stats, list, show, replay or drop")
	}
	c.verb, c.args = words[0], words[1:]
	if c.server == "" && c.dir == "" {
		c.server = env("NATS_URL")
	}
	if err := c.check(); err != nil {
		return err
	}
	switch {
	case c.server != "" && c.dir != "":
		return wrong("-server and -dir exclude each other")
	case c.server == "" && c.dir == "":
		return wrong("say where the store is: -server URL, the variable NATS_URL, or -dir DIR")
	case c.dir != "" && (c.creds != "" || c.name != ""):
		return wrong("-creds and -name belong to -server")
	}
	return nil
}

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errUsage}, args...)...)
}

// check checks the arguments of the command.
func (c *command) check() error {
	changes := c.verb == "replay" || c.verb == "drop"
	switch {
	case !changes && (c.all || c.queue != ""):
		return wrong("-queue and -all belong to replay and drop")
	case changes && c.all != (c.queue != ""):
		return wrong("-all and -queue are set together")
	case changes && c.all && len(c.args) > 0:
		return wrong("%s takes ids or -all, not both", c.verb)
	case changes && !c.all && len(c.args) == 0:
		return wrong("%s needs the ids of dead letters (list shows them), or -queue QUEUE -all", c.verb)
	}
	switch c.verb {
	case "stats":
		return c.atMost(0)
	case "list":
		return c.atMost(1)
	case "show":
		if len(c.args) == 0 {
			return wrong("show needs the id of a dead letter; list shows them")
		}
		return errors.Join(c.atMost(1), c.readIDs())
	case "replay", "drop":
		return c.readIDs()
	}
	return wrong("unknown command %q; there are stats, list, show, replay and drop", c.verb)
}

func (c *command) atMost(n int) error {
	if len(c.args) > n {
		return wrong("%s: %q is too much", c.verb, c.args[n])
	}
	return nil
}

func (c *command) readIDs() error {
	for _, word := range c.args {
		id, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			return wrong("%q is no id; ids are numbers, list shows them", word)
		}
		c.ids = append(c.ids, id)
	}
	return nil
}

// do opens the store and does what is to be done.
func (c *command) do(ctx context.Context) error {
	ctx, refused := context.WithCancelCause(ctx)
	defer refused(nil)
	opened, err := c.open(ctx, refused)
	if err != nil {
		return err
	}
	defer opened.close()
	if err := c.act(ctx, opened.store); err != nil {
		return opened.explain(err)
	}
	return nil
}

func (c *command) act(ctx context.Context, store *durable.Store) error {
	switch c.verb {
	case "stats":
		return c.stats(ctx, store)
	case "list":
		return c.list(ctx, store)
	case "show":
		return c.show(ctx, store)
	case "replay":
		return c.change(ctx, store, store.Replay, "replayed")
	}
	return c.change(ctx, store, store.Drop, "dropped")
}

// clean replaces what could change a terminal: control characters, and those that turn the direction of a text.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r < ' ', r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return ' '
		}
		return r
	}, text)
}
