// Channels keeps the notification channels and notification groups of an organization in a file, with package
// provision.
//
//	go run ./examples/channels
//
// shows a pull, an edit, a plan and an apply on a fake organization. With an API key the commands are for the
// organization of the key:
//
//	export MACKEREL_APIKEY=...                       as mkr calls it; MACKEREL_API_KEY, as Terraform does, is read too
//	go run ./examples/channels pull                  write what is there to channels.json and channels.env
//	edit channels.json
//	go run ./examples/channels plan                  say what would change
//	go run ./examples/channels apply                 the same
//	go run ./examples/channels apply -yes            change it
//
// A URL is a secret. channels.json has a reference such as ${MACKEREL_OPS_URL} for each URL, so it can be kept in
// version control. channels.env has the URLs, a line NAME=value for each; keep it out of version control. A variable of
// the environment has precedence over a line of channels.env. No URL of a channel is printed.
//
// Nothing is deleted without -prune.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Stdout, os.Args[1:], os.LookupEnv)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "channels:", err)
		os.Exit(1) //nolint:gocritic // there is nothing left to stop
	}
}

func run(ctx context.Context, out io.Writer, args []string, lookup func(string) (string, bool)) error {
	command := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	p := project{out: out, lookup: lookup}
	flags := flag.NewFlagSet("channels pull|plan|apply", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&p.file, "file", "channels.json", "the `file` of the channels and groups")
	flags.StringVar(&p.secrets, "secrets", "channels.env", "the `file` of the URLs")
	flags.BoolVar(&p.prune, "prune", false, "delete what the file does not have")
	flags.BoolVar(&p.yes, "yes", false, "let apply change the organization")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	key := apiKey(lookup)
	if key.IsZero() {
		return demonstrate(ctx, out)
	}
	var err error
	if p.client, err = mackerel.NewClient(mackerel.ClientConfig{APIKey: key}); err != nil {
		return err
	}
	return p.run(ctx, command)
}

func apiKey(lookup func(string) (string, bool)) mackerel.Secret {
	mkr, _ := lookup("MACKEREL_APIKEY")
	terraform, _ := lookup("MACKEREL_API_KEY")
	return mackerel.NewSecret(cmp.Or(mkr, terraform))
}
