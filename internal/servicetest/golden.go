package servicetest

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// A Notifier is what the golden requests are made with.
type Notifier interface {
	mackerel.Notifier
	mackerel.Previewer
}

// A Variant is a configuration whose golden requests are shown, by the name of their folder.
type Variant struct {
	Name  string
	Start func(testing.TB) (Fake, Notifier)
}

// Languages returns the two variants of a service that differ in the language alone.
func Languages(start func(testing.TB, mackerel.Text) (Fake, Notifier)) []Variant {
	var all []Variant
	for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
		all = append(all, Variant{string(language), func(t testing.TB) (Fake, Notifier) {
			return start(t, mackerel.Text{Language: language, Location: sample.Zone})
		}})
	}
	return all
}

// Golden compares what notifiers preview for each of [sample.Alerts] with the files in testdata/golden, and lets the
// fake take each alert. The notifiers reach the fake in memory, so that addresses are the same each time.
func Golden(t *testing.T, variants []Variant) {
	for _, v := range variants {
		for _, s := range sample.Alerts() {
			t.Run(v.Name+"/"+s.Name, func(t *testing.T) {
				fake, n := v.Start(t)
				p, err := n.Preview(s.Alert)
				if err != nil {
					t.Fatal(err)
				}
				CheckFile(t, "golden/"+v.Name+"/"+s.Name+".txt", []byte(show(p)))
				if err := n.Notify(t.Context(), s.Alert); err != nil {
					t.Errorf("%v: %q", err, fake.Problems())
				}
				if sent := fake.Accepted() > 0; sent != (p.Skipped == "") {
					t.Errorf("the alert was sent: %t; the preview says %q", sent, p.Skipped)
				}
			})
		}
	}
}

// show writes a preview as people read it: JSON indented, a form with a line for each key.
func show(p *mackerel.Preview) string {
	var b strings.Builder
	if p.Skipped != "" {
		b.WriteString("skipped: " + p.Skipped + "\n")
	}
	for _, c := range p.Cuts {
		b.WriteString("cut: " + c.String() + "\n")
	}
	for _, r := range p.Requests {
		b.WriteString(r.Method + " " + r.URL + "\n")
		for _, field := range slices.Sorted(maps.Keys(r.Header)) {
			if field != "User-Agent" { // it has the version
				b.WriteString(field + ": " + strings.Join(r.Header[field], ", ") + "\n")
			}
		}
		b.WriteString("\n" + showBody(r) + "\n")
	}
	return b.String()
}

func showBody(r mackerel.PreviewRequest) string {
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(r.Body), "", "  ") == nil {
		return indented.String()
	}
	form, err := url.ParseQuery(r.Body)
	if err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return r.Body
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(form)) {
		b.WriteString(key + "=" + strings.Join(form[key], ", ") + "\n")
	}
	return b.String()
}

// CheckFile compares got with a file, named by its path below testdata. With -update it writes the file.
func CheckFile(t testing.TB, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(file))
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at it and run the test with -update.\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}
