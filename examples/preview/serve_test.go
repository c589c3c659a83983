package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

// ask sends a form, or asks for a path if there is no form, and returns the status and the page.
func ask(t *testing.T, path string, form url.Values) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if form != nil {
		r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	newHandler(mackerel.English).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func paste(body, language string) url.Values {
	return url.Values{"body": {body}, "lang": {language}, "theme": {"dark"}}
}

const pasted = `{"event":"alert","type":"host","message":"loadavg5 9 > 4","host":{"id":"1","name":"ジョブ01"},` +
	`"alert":{"id":"2","status":"critical","isOpen":true,"monitorName":"<b onclick=x>loadavg5</b>",` +
	`"url":"javascript:alert(1)"}}`

func TestThePastedBodyIsDrawnOnAllServices(t *testing.T) {
	for _, language := range languages {
		status, page := ask(t, "/", paste(pasted, string(language)))
		if status != http.StatusOK {
			t.Fatalf("%s: status %d: %s", language, status, page)
		}
		if n := strings.Count(page, "<article>"); n != 14 {
			t.Errorf("%s: %d services", language, n)
		}
		words := wordsOf(language)
		for _, word := range []string{
			words.Pasted, words.Phone, `<html lang="` + string(language) + `">`, `value="dark" checked`,
			"&#34;event&#34;:&#34;alert&#34;", "&lt;b onclick=x&gt;loadavg5",
		} {
			if !strings.Contains(page, word) {
				t.Errorf("%s: the page has no %q", language, word)
			}
		}
		for _, word := range []string{"<b onclick", `href="javascript`, "ZgotmplZ", words.Failed, "<script"} {
			if strings.Contains(page, word) {
				t.Errorf("%s: the page has %q", language, word)
			}
		}
	}
}

func TestTheLivePageBeginsWithASample(t *testing.T) {
	for path, want := range map[string]string{
		"/":                         "[CRITICAL] CPU % on app01",
		"/?sample=recovery":         "[OK] CPU % on app01",
		"/?sample=recovery&lang=ja": "送信しない",
	} {
		if status, page := ask(t, path, nil); status != http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("%s: status %d, without %q", path, status, want)
		}
	}
}

func TestABadRequestIsExplained(t *testing.T) {
	for name, test := range map[string]struct {
		path   string
		form   url.Values
		status int
		want   string
	}{
		"no JSON":             {"/", paste(`<script>alert(1)</script>`, "en"), 400, englishWords.NotRead},
		"no JSON, Japanese":   {"/", paste(`[]`, "ja"), 400, japaneseWords.NotRead},
		"another JSON":        {"/", paste(`{"a":1}`, "en"), 400, "has no event"},
		"nothing":             {"/", paste("", "en"), 400, englishWords.NotRead},
		"a long body":         {"/", paste(`"`+strings.Repeat("a", maxBody)+`"`, "en"), 413, englishWords.TooLong},
		"an endless form":     {"/", paste(strings.Repeat("a", maxForm), "en"), 413, englishWords.TooLong},
		"an unknown language": {"/", paste(pasted, "fr"), 400, "lang is &#34;fr&#34;"},
		"an unknown sample":   {"/?sample=%3Cb%3E", nil, 400, "sample: there is no"},
		"a member of another type": {"/", paste(strings.Replace(pasted, `"loadavg5 9 > 4"`, `[1]`, 1), "en"), 200,
			englishWords.OddMember},
	} {
		status, page := ask(t, test.path, test.form)
		if status != test.status || !strings.Contains(page, test.want) || !strings.Contains(page, `role="alert"`) {
			t.Errorf("%s: status %d, want %d and %q", name, status, test.status, test.want)
		}
		if strings.Contains(page, "<script") || strings.Contains(page, "<b>&lt;") {
			t.Errorf("%s: the page has the body as HTML", name)
		}
	}
}

func TestABodyStaysInTheFormIfItIsBad(t *testing.T) {
	if _, page := ask(t, "/", paste(`</textarea>{`, "en")); !strings.Contains(page, "&lt;/textarea&gt;{</textarea>") {
		t.Error("the body is lost, or not escaped")
	}
}

func TestBrowsersMayRunNothing(t *testing.T) {
	w := httptest.NewRecorder()
	newHandler(mackerel.English).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") ||
		strings.Contains(policy, "script-src") {
		t.Errorf("the policy is %q", policy)
	}
	for path, method := range map[string]string{"/other": http.MethodGet, "/": http.MethodPut} {
		w := httptest.NewRecorder()
		newHandler(mackerel.English).ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: status %d", method, path, w.Code)
		}
	}
}

// The server listens on loopback unless it is told a host, says where, and ends with its context.
func TestTheServerSaysWhereItListens(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, in, ":0", mackerel.Japanese) }()
	line := make([]byte, 100)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(line[:n]), "serving ")
	address, _, found := strings.Cut(rest, " ")
	if !found || !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Fatalf("it said %q", line[:n])
	}
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(response.Body)
	if err != nil || response.Body.Close() != nil || !bytes.Contains(page, []byte(japaneseWords.LiveIntro)) {
		t.Errorf("the page has %d bytes, %v", len(page), err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
