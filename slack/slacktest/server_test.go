package slacktest_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

func newServer(t *testing.T) *slacktest.Server {
	t.Helper()
	s := slacktest.NewServer()
	t.Cleanup(s.Close)
	return s
}

func call(t *testing.T, s *slacktest.Server, method, address, contentType, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

func post(t *testing.T, s *slacktest.Server, body string) (int, string) {
	t.Helper()
	resp, answer := call(t, s, http.MethodPost, slacktest.MemoryURL, "application/json; charset=utf-8", body)
	return resp.StatusCode, answer
}

// within puts blocks into an attachment.
func within(blocks string) string { return `{"attachments":[{"blocks":[` + blocks + `]}]}` }

func section(text string) string {
	return `{"type":"section","text":{"type":"mrkdwn","text":"` + text + `"}}`
}

func TestAMessageIsKeptAsPosted(t *testing.T) {
	s := newServer(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	status, answer := post(t, s, `{"text":"<!here> <https://x.test/?a&amp;b|a &lt; b> <@U1> <#C1>","unfurl_links":false,
		"attachments":[{"color":"#E01E5A","fallback":"f","blocks":[`+section("<https://y.test/>")+`,{"type":"divider"}]}]}`)
	if status != http.StatusOK || answer != "ok" {
		t.Fatalf("%d %q", status, answer)
	}
	m := s.Messages()[0]
	if !m.Time.Equal(now) || m.Attachments[0].Color != "#E01E5A" || len(m.Attachments[0].Blocks) != 2 || *m.UnfurlLinks {
		t.Errorf("%+v", m)
	}
	if got := fmt.Sprint(m.Mentions()); got != "[<!here> <@U1>]" {
		t.Errorf("mentions: %s", got)
	}
	want := []slacktest.Link{{URL: "https://x.test/?a&b", Label: "a < b"}, {URL: "https://y.test/"}}
	if got := m.Links(); !reflect.DeepEqual(got, want) {
		t.Errorf("links: %+v", got)
	}
}

func TestGoodMessages(t *testing.T) {
	for _, body := range []string{
		`{"text":"x"}`, `{"text":"x","mrkdwn":false,"thread_ts":"1.2","unfurl_media":true}`, `{"blocks":[` + section("x") + `]}`,
		within(section(strings.Repeat("障", 3000))), within(`{"type":"header","text":{"type":"plain_text","text":"x","emoji":true}}`),
		within(`{"type":"section","fields":[{"type":"mrkdwn","text":"x"}]}`), within(`{"type":"context","elements":[{"type":"plain_text","text":"x"}]}`),
		within(`{"type":"image","image_url":"https://x.test/","alt_text":"x","title":{"type":"plain_text","text":"x"}}`),
		`{"attachments":[{"color":"good","pretext":"a","title":"b","title_link":"c","text":"d","fields":[{"title":"e","value":"f","short":true}],"footer":"g","ts":1,"mrkdwn_in":["text"]}]}`,
	} {
		s := newServer(t)
		if status, answer := post(t, s, body); status != http.StatusOK || answer != "ok" {
			t.Errorf("%.100s: %d %s %q", body, status, answer, s.Problems())
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, body, word, problem string }{
		{"no JSON", `payload={}`, "invalid_payload", "the body is not JSON"},
		{"no object", `[]`, "invalid_payload", "not a JSON object"},
		{"an unknown member", `{"text":"x","channel":"#ops"}`, "invalid_payload", "channel is unknown"},
		{"a member twice", `{"text":"x","text":"y"}`, "invalid_payload", "text is given twice"},
		{"a number as text", `{"text":1}`, "invalid_payload", "text must be a string"},
		{"nothing", `{}`, "no_text", "no text"},
		{"blanks", `{"text":" \n"}`, "no_text", "no text"},
		{"a long section", within(section(strings.Repeat("障", 3001))), "invalid_attachments", "3001 characters"},
		{"a long section of the message itself", `{"blocks":[` + section(strings.Repeat("a", 3001)) + `]}`, "invalid_blocks", "3001 characters"},
		{"an empty section", within(section("")), "invalid_attachments", "empty"},
		{"a section of nothing", within(`{"type":"section"}`), "invalid_attachments", "neither text nor fields"},
		{"a header in mrkdwn", within(`{"type":"header","text":{"type":"mrkdwn","text":"x"}}`), "invalid_attachments", "not plain_text"},
		{"a header without a text", within(`{"type":"header"}`), "invalid_attachments", "missing"},
		{"a verbatim plain text", within(`{"type":"section","text":{"type":"plain_text","text":"x","verbatim":true}}`), "invalid_attachments", "verbatim"},
		{"11 fields", within(`{"type":"section","fields":[` + strings.Repeat(`{"type":"mrkdwn","text":"x"},`, 10) + `{"type":"mrkdwn","text":"x"}]}`), "invalid_attachments", "too many"},
		{"a long field", within(`{"type":"section","fields":[{"type":"mrkdwn","text":"` + strings.Repeat("x", 2001) + `"}]}`), "invalid_attachments", "2001 characters"},
		{"a member of another block", within(`{"type":"divider","text":{"type":"mrkdwn","text":"x"}}`), "invalid_attachments", "not in a block of this type"},
		{"a picture without a text", within(`{"type":"image","image_url":"https://x.test/"}`), "invalid_attachments", "required"},
		{"a picture at no address", within(`{"type":"image","image_url":"x.png","alt_text":"x"}`), "invalid_attachments", "not an address"},
		{"a picture too far away", within(`{"type":"image","image_url":"https://x.test/` + strings.Repeat("a", 3000) + `","alt_text":"x"}`), "invalid_attachments", "too long"},
		{"a picture that cannot be fetched", within(`{"type":"image","image_url":"https://private.test/","alt_text":"x"}`), "invalid_attachments", "downloading image failed"},
		{"a block of another type", within(`{"type":"table"}`), "invalid_attachments", "unknown"},
		{"an unknown colour", `{"attachments":[{"color":"crimson","text":"x"}]}`, "invalid_attachments", "not a colour"},
		{"an empty attachment", `{"text":"x","attachments":[{"color":"good"}]}`, "invalid_attachments", "empty"},
		{"51 blocks", within(strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}`), "invalid_attachments", "51 blocks"},
		{"51 blocks of the message itself", `{"blocks":[` + strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}]}`, "invalid_blocks", "51 blocks"},
		{"101 attachments", `{"attachments":[` + strings.Repeat(`{"text":"x"},`, 100) + `{"text":"x"}]}`, "too_many_attachments", "101"},
		{"too much in all", within(strings.Repeat(section(strings.Repeat("a", 3000))+",", 4) + section(strings.Repeat("a", 1201))), "msg_blocks_too_long", "13201"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.SetPictures(func(address string) bool { return !strings.Contains(address, "private") })
			status, answer := post(t, s, c.body)
			if status != http.StatusBadRequest || answer != c.word {
				t.Errorf("%d %q, want 400 %q", status, answer, c.word)
			}
			if p := s.Problems(); len(p) != 1 || !strings.Contains(p[0], c.problem) || len(s.Messages()) != 0 {
				t.Errorf("%q, want %q", p, c.problem)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name, method, path string
		status             int
		word               string
	}{
		{"another team", http.MethodPost, "/services/T1/" + slacktest.Hook + "/" + slacktest.Token, 404, "no_team"},
		{"another path", http.MethodPost, "/", 404, "no_team"},
		{"another webhook", http.MethodPost, "/services/" + slacktest.Team + "/B1/" + slacktest.Token, 404, "no_service"},
		{"another token", http.MethodPost, "/services/" + slacktest.Team + "/" + slacktest.Hook + "/x", 403, "invalid_token"},
		{"another method", http.MethodGet, slacktest.Path, 405, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, answer := call(t, newServer(t), c.method, "http://hooks.slack.com"+c.path, "application/json", `{"text":"x"}`)
			if resp.StatusCode != c.status || answer != c.word {
				t.Errorf("%d %q", resp.StatusCode, answer)
			}
		})
	}
	if resp, answer := call(t, newServer(t), http.MethodPost, slacktest.MemoryURL, "text/plain", `{"text":"x"}`); answer != "invalid_payload" {
		t.Errorf("text/plain: %d %q", resp.StatusCode, answer)
	}
}

func TestTheRateIsLimited(t *testing.T) {
	s := newServer(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	for range 25 {
		if status, answer := post(t, s, `{"text":"x"}`); status != http.StatusOK {
			t.Fatal(status, answer)
		}
	}
	s.Advance(5500 * time.Millisecond)
	resp, answer := call(t, s, http.MethodPost, slacktest.MemoryURL, "application/json", `{"text":"x"}`)
	if resp.StatusCode != http.StatusTooManyRequests || answer != "rate_limited" || resp.Header.Get("Retry-After") != "20" {
		t.Errorf("%d %q %v", resp.StatusCode, answer, resp.Header)
	}
	s.Advance(20 * time.Second)
	if status, answer := post(t, s, `{"text":"x"}`); status != http.StatusOK || len(s.Messages()) != 26 {
		t.Errorf("%d %s, %d messages", status, answer, len(s.Messages()))
	}
	s.SetRateLimit(0)
	if status, _ := post(t, s, `{"text":"x"}`); status != http.StatusTooManyRequests {
		t.Errorf("%d with a limit of nothing", status)
	}
}

func TestRefuse(t *testing.T) {
	s := newServer(t)
	s.Refuse("channel_is_archived")
	if status, answer := post(t, s, `{"text":"x"}`); status != http.StatusGone || answer != "channel_is_archived" {
		t.Errorf("%d %q", status, answer)
	}
	s.Refuse("")
	if status, answer := post(t, s, `{"text":"x"}`); status != http.StatusOK {
		t.Errorf("%d %q", status, answer)
	}
	defer func() {
		if recover() == nil {
			t.Error("an unknown word is taken")
		}
	}()
	s.Refuse("out_of_coffee")
}

func TestALongTextIsCutInSilence(t *testing.T) {
	s := newServer(t)
	if status, answer := post(t, s, `{"text":"`+strings.Repeat("障", 40_001)+`"}`); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	if got := s.Messages()[0].Text; got != strings.Repeat("障", 40_000) {
		t.Errorf("%d bytes are left", len(got))
	}
}
