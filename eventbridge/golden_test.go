package eventbridge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/internal/golden"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

// onEC2 knows where the sample's host is.
func onEC2(a mackerel.Alert) *eventbridge.ResourceInfo {
	if a.Host == nil {
		return nil
	}
	return &eventbridge.ResourceInfo{Service: "ec2", Region: "ap-northeast-1", ResourceType: "instance", ResourceID: "i-0123456789abcdef0"}
}

// TestGoldenRequests shows the same in both languages, since there are no words in Mackerel's JSON.
func TestGoldenRequests(t *testing.T) {
	for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
		for _, entry := range sample.Alerts() {
			t.Run(string(language)+"/"+entry.Name, func(t *testing.T) {
				s := newServer(t)
				n := newNotifier(t, s, eventbridge.Config{
					ResourceInfo: onEC2, Text: mackerel.Text{Language: language, Location: sample.Zone},
				})
				p, err := n.Preview(entry.Alert)
				if err != nil || len(p.Requests) != 1 || len(p.Cuts) != 0 {
					t.Fatalf("%v, %+v", err, p)
				}
				golden.Check(t, "golden/"+string(language)+"/"+entry.Name+".txt", readable(t, p.Requests[0]))
				if err := n.Notify(t.Context(), entry.Alert); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// readable is a request with a line for each header and each member, and below it the detail, which is a string in it.
func readable(t *testing.T, r mackerel.PreviewRequest) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.URL + "\n")
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name != "User-Agent" { // it has the version
			fmt.Fprintf(&b, "%s: %s\n", name, r.Header.Get(name))
		}
	}
	var body struct{ Entries []struct{ Detail string } }
	if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{r.Body, body.Entries[0].Detail} {
		b.WriteByte('\n')
		if err := json.Indent(&b, []byte(part), "", "  "); err != nil {
			t.Fatal(err)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}
