package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// maxBody is the longest body of a webhook that the live page draws, in bytes.
const maxBody = 256 << 10

// maxForm is the longest form, in bytes. A byte of a body takes up to three bytes there.
const maxForm = 3*maxBody + 1024

// serve serves the live page until ctx ends. It writes the address of the page to out.
func serve(ctx context.Context, out io.Writer, address string, language mackerel.Language) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("-http: %w", err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port))
	if err != nil {
		return fmt.Errorf("-http: %w", err)
	}
	fmt.Fprintf(out, "serving http://%s/ until it is interrupted\n", listener.Addr())
	server := &http.Server{
		Handler:     newHandler(language),
		ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 64 << 10,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // no request is worth a wait
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newHandler returns the handler of the live page. The language is used unless the request has one.
func newHandler(language mackerel.Language) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		name := cmp.Or(query.Get("sample"), firstSample)
		body, err := sampleBody(name)
		query.Set("sample", name)
		query.Set("body", body)
		answer(w, query, language, err)
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		err := r.ParseForm()
		answer(w, r.PostForm, language, err)
	})
	return mux
}

// firstSample is the sample that the live page shows at first. It has a graph and mentions people.
const firstSample = "escalation"

// sampleBody returns the body of a sample, as people can read it.
func sampleBody(name string) (string, error) {
	samples, err := readSamples()
	if err != nil {
		return "", err
	}
	for _, s := range samples {
		if s.Name == name {
			var b bytes.Buffer
			err := json.Indent(&b, s.Body, "", "  ")
			return b.String(), err
		}
	}
	return "", fmt.Errorf("sample: there is no %q", name)
}

// answer answers with the page for the values of a form or a query. err is what was wrong with these as a whole.
func answer(w http.ResponseWriter, values url.Values, language mackerel.Language, err error) {
	p, status := newPage(values, language, err)
	var b bytes.Buffer
	if err := render(&b, p); err != nil {
		http.Error(w, "the page could not be drawn", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	// The page has a style sheet and a form, and nothing else that a browser would load or run.
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a browser that went away needs no page
}

// newPage returns the live page and its HTTP status. The page says what is wrong with the values.
func newPage(values url.Values, language mackerel.Language, err error) (page, int) {
	p := page{Language: language, Theme: values.Get("theme"), Form: &form{
		Body: values.Get("body"), Sample: values.Get("sample"),
	}}
	if err == nil {
		err = p.speak(mackerel.Language(values.Get("lang")))
	}
	if err == nil {
		p.Form.Samples, err = readSamples()
	}
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long) || len(p.Form.Body) > maxBody:
		p.Form.Problem = p.Words().TooLong
		return p, http.StatusRequestEntityTooLarge
	case err != nil:
		p.Form.Problem, p.Form.Detail = p.Words().BadForm, err.Error()
		return p, http.StatusBadRequest
	}
	if err := p.draw(); err != nil {
		p.Form.Problem, p.Form.Detail = p.Words().NotRead, err.Error()
		return p, http.StatusBadRequest
	}
	return p, http.StatusOK
}

// speak sets the language of the page if the request has one.
func (p *page) speak(language mackerel.Language) error {
	switch language {
	case "":
	case mackerel.English, mackerel.Japanese:
		p.Language = language
	default:
		return fmt.Errorf("lang is %q, want en or ja", language)
	}
	return nil
}

// draw draws the body on all services. If a part of the body could not be read, the page says so and draws the rest.
func (p *page) draw() error {
	a, err := mackerel.ParseWebhook([]byte(p.Form.Body))
	switch {
	case errors.Is(err, mackerel.ErrOddMember):
		p.Form.Problem, p.Form.Detail = p.Words().OddMember, err.Error()
	case err != nil:
		return err
	case a.Event == "":
		return errors.New("the JSON has no event, alert or alertGroup")
	}
	p.Rows, err = gallery([]namedAlert{{cmp.Or(p.Form.Sample, p.Words().Pasted), a}}, p.Language)
	return err
}
