// Preview draws alerts on all services, each about as the service would show it, on one page. Above a drawing stands
// what a phone shows of the message, and beneath it the exact request. Nothing is sent, and no credentials are needed:
// the notifiers' Preview makes the requests.
//
// It writes a page with twenty alerts, which needs no other file:
//
//	go run ./examples/preview -o preview.html
//	go run ./examples/preview -o preview.ja.html -lang ja
//
// Or it serves a page that draws the body of a webhook:
//
//	go run ./examples/preview -http :8080
//
// An address without a host is one of the loopback interface, 127.0.0.1.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/mackerel-notify/mackerel"
)

func main() {
	file := flag.String("o", "", "the page to write; preview.html unless set")
	address := flag.String("http", "", "serve the live page at this address, such as :8080, instead of writing a page")
	language := flag.String("lang", "en", "en or ja: the language of the messages")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := start(ctx, *file, *address, mackerel.Language(*language)); err != nil {
		fmt.Fprintln(os.Stderr, "preview:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, file, address string, language mackerel.Language) error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unknown argument %q", flag.Arg(0))
	case file != "" && address != "":
		return errors.New("-o writes a page and -http serves one: choose one of them")
	case language != mackerel.English && language != mackerel.Japanese:
		return fmt.Errorf("-lang is %q, want en or ja", language)
	case address != "":
		return serve(ctx, os.Stdout, address, language)
	case file == "":
		file = "preview.html"
	}
	path, err := write(file, language)
	if err != nil {
		return err
	}
	fmt.Println("wrote", path)
	return nil
}

// write writes the page with all alerts, and returns the absolute path of the file.
func write(file string, language mackerel.Language) (path string, err error) {
	alerts, err := readAlerts()
	if err != nil {
		return "", err
	}
	rows, err := gallery(alerts, language)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := render(&b, page{Language: language, Rows: rows}); err != nil {
		return "", err
	}
	if path, err = filepath.Abs(file); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, b.Bytes(), 0o644) //nolint:gosec // the file is the user's own choice, and no secret
}
