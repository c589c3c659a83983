package notifytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
)

func TestSummaryBeginsWithTheRepairsThatClearMostRows(t *testing.T) {
	for _, c := range []struct {
		flaw  string
		spoil spoiler
		want  []string
	}{
		{"it follows redirects", followRedirects, []string{"Refuse redirects."}},
		{"it repeats in every mode", alwaysRepeat, []string{"Send a message once with mackerel.AtMostOnce."}},
		{"the key is in every error", notify(notifyTellingKey), []string{"Keep credentials out of errors."}},
		{"it has no timeout", ignoreContexts, []string{"Give each attempt a timeout."}},
		{"lost answers are ErrUnavailable, and it makes one attempt", both(lostUnavailable, makeAttempts(1)), []string{
			"Return mackerel.ErrAmbiguous if the message may have been accepted.",
			"Repeat the request after a refusal or a failure, or set Harness.SingleAttempt.",
		}},
	} {
		t.Run(c.flaw, func(t *testing.T) {
			summary := notifytest.Summary(t, func(t testing.TB) notifytest.Harness {
				h := pagerHarness(t)
				c.spoil(&h)
				return h
			})
			lines := strings.Split(summary, "\n")
			if !strings.Contains(lines[0], "rows failed.") {
				t.Errorf("it begins with %q", lines[0])
			}
			for i, want := range c.want {
				if !strings.Contains(summary, fmt.Sprintf("\n  %d. %s", i+1, want)) {
					t.Errorf("repair %d is not %q:\n%s", i+1, want, summary)
				}
			}
		})
	}
}

// both puts two flaws into a harness.
func both(a, b spoiler) spoiler { return func(h *notifytest.Harness) { a(h); b(h) } }

// A naive notifier is what a first try looks like: no context, no kinds, no repeats, and its key in the URL.
type naive struct {
	url, key string
	client   *http.Client
}

func (n *naive) Notify(_ context.Context, a mackerel.Alert) error {
	resp, err := n.client.Post(n.url+"/page?key="+n.key, "text/plain", strings.NewReader(a.Title())) // a flaw
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		words, err := io.ReadAll(resp.Body)
		return errors.Join(errors.New(string(words)), err)
	}
	return nil
}

const naiveKey = "naive-key"

// A naiveFake takes everything that has the key.
type naiveFake struct{ fakePager }

func (f *naiveFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Query().Get("key") != naiveKey {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	f.keep(page{})
}

func naiveHarness(testing.TB) notifytest.Harness {
	return notifytest.Harness{
		New: func(_ testing.TB, e notifytest.Env) mackerel.Notifier {
			return &naive{e.BaseURL, naiveKey, e.Client}
		},
		Fake:    &naiveFake{},
		Secrets: []string{naiveKey},
	}
}

// inChild is set in the environment of a process that runs this test binary again.
const inChild = "NOTIFYTEST_CHILD"

// TestNaive fails, as it must, in the process that TestOutputBeginsWithTheSummary starts.
func TestNaive(t *testing.T) {
	if os.Getenv(inChild) == "" {
		t.Skip("it is tried in a process of its own")
	}
	notifytest.Run(t, naiveHarness)
}

func TestOutputBeginsWithTheSummary(t *testing.T) {
	for _, verbose := range []string{"false", "true"} {
		out := runChild(t, "^TestNaive$", "-test.v="+verbose)
		summary, rows, found := strings.Cut(out, "Repair ")
		if !found {
			t.Fatalf("no row failed:\n%s", out)
		}
		for _, want := range []string{
			" rows failed. Begin with these two repairs, which clear ",
			"1. Repeat the request after a refusal or a failure, or set Harness.SingleAttempt.\n",
			"2. Return mackerel.ErrAmbiguous if the message may have been accepted.\n",
			"Then go on with:\n",
		} {
			if !strings.Contains(summary, want) {
				t.Errorf("with -v=%s, %q does not stand before the rows:\n%s", verbose, want, summary)
			}
		}
		if !strings.Contains(rows, "errors.Is finds no error of package mackerel; want mackerel.ErrAmbiguous: ") {
			t.Errorf("no row names the error that it wants:\n%s", rows)
		}
		if strings.Contains(rows, "the row cannot end") {
			t.Errorf("a call waits after the service was closed:\n%s", rows)
		}
		if len(out) > 100<<10 || strings.ContainsAny(out, "\x00\x1b") {
			t.Errorf("the output has %d bytes, or control characters", len(out))
		}
	}
}

// TestBrokenHarness fails, as it must, in the process that TestHarnessThatFailsIsNamedFirst starts.
func TestBrokenHarness(t *testing.T) {
	if os.Getenv(inChild) == "" {
		t.Skip("it is tried in a process of its own")
	}
	notifytest.Run(t, func(inRow testing.TB) notifytest.Harness {
		if strings.Contains(inRow.Name(), "every_status_is_accepted") {
			inRow.Fatal("no fake today")
		}
		return pagerHarness(inRow)
	})
}

func TestHarnessThatFailsIsNamedFirst(t *testing.T) {
	out := runChild(t, "^TestBrokenHarness$")
	_, rows, found := strings.Cut(out, "One repair clears them all:\n          1. Mend the harness: it failed itself.\n")
	if !found || !strings.Contains(rows, "no fake today") || strings.Count(out, "--- FAIL") != 2 {
		t.Errorf("it prints:\n%s", out)
	}
}

func TestOneRowAlone(t *testing.T) {
	out := runChild(t, "^TestNaive$/^a_redirect_within_the_host_is_refused$")
	if !strings.Contains(out, "1 of 1 rows failed.") || strings.Count(out, "--- FAIL") != 2 {
		t.Errorf("it prints:\n%s", out)
	}
}

// runChild runs tests that must fail in a process of its own, and returns its output.
func runChild(t *testing.T, pattern string, flags ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append(flags, "-test.run="+pattern)...)
	cmd.Env = append(os.Environ(), inChild+"=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("%v; want the exit status of a failed test:\n%s", err, out)
	}
	return string(out)
}
