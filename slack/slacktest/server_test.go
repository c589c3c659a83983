package slacktest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// post posts a body to the webhook.
func post(t *testing.T, s *slacktest.Server, body string) servicetest.Answered {
	t.Helper()
	address := s.MemoryConfig().URL.Reveal()
	return servicetest.Call(t, s.Client(), http.MethodPost, address, body, "Content-Type", "application/json; charset=utf-8")
}

// within puts blocks into an attachment.
func within(blocks string) string { return `{"attachments":[{"blocks":[` + blocks + `]}]}` }

func section(text string) string {
	return `{"type":"section","text":{"type":"mrkdwn","text":"` + text + `"}}`
}

func TestAMessageIsKeptAsPosted(t *testing.T) {
	s := servicetest.Start(t, slacktest.New())
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	a := post(t, s, `{"text":"<!here> <https://x.test/?a&amp;b|a &lt; b> <@U1> <#C1>","unfurl_links":false,
		"attachments":[{"color":"#E01E5A","fallback":"f","blocks":[`+section("<https://y.test/>")+`,{"type":"divider"}]}]}`)
	if a.Status != http.StatusOK || a.Body != "ok" || s.Accepted() != 1 {
		t.Fatalf("%+v", a)
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
		`{"attachments":[{"text":"x","ts":1767225600.25}]}`, // by Apprise and Ruby's slack-notifier
		within(`{"type":"context","elements":[{"type":"image","image_url":"https://x.test/","alt_text":"x"},{"type":"mrkdwn","text":"x"}]}`),
	} {
		s := servicetest.Start(t, slacktest.New())
		s.Strict(true)
		if a := post(t, s, body); a.Status != http.StatusOK || a.Body != "ok" {
			t.Errorf("%.100s: %+v %q", body, a, s.Problems())
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
		{"a small picture without a text", within(`{"type":"context","elements":[{"type":"image","image_url":"https://x.test/"}]}`), "invalid_attachments", "required"},
		{"a text with a picture", within(`{"type":"context","elements":[{"type":"mrkdwn","text":"x","alt_text":"x"}]}`), "invalid_attachments", "a member of a picture"},
		{"a picture at no address", within(`{"type":"image","image_url":"x.png","alt_text":"x"}`), "invalid_attachments", "not an address"},
		{"a picture too far away", within(`{"type":"image","image_url":"https://x.test/` + strings.Repeat("a", 3000) + `","alt_text":"x"}`), "invalid_attachments", "too long"},
		{"a picture that cannot be fetched", within(`{"type":"image","image_url":"https://private.test/","alt_text":"x"}`), "invalid_attachments", "downloading image failed"},
		{"a member of the wrong type", within(`{"type":"section","text":{"type":"mrkdwn","text":5}}`), "invalid_payload", "attachments[0].blocks[0].text.text must be a string"},
		{"a block of another type", within(`{"type":"table"}`), "invalid_attachments", "unknown"},
		{"an unknown colour", `{"attachments":[{"color":"crimson","text":"x"}]}`, "invalid_attachments", "not a colour"},
		{"an empty attachment", `{"text":"x","attachments":[{"color":"good"}]}`, "invalid_attachments", "empty"},
		{"51 blocks", within(strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}`), "invalid_attachments", "51 blocks"},
		{"51 blocks of the message itself", `{"blocks":[` + strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}]}`, "invalid_blocks", "51 blocks"},
		{"101 attachments", `{"attachments":[` + strings.Repeat(`{"text":"x"},`, 100) + `{"text":"x"}]}`, "too_many_attachments", "101"},
		{"too much in all", within(strings.Repeat(section(strings.Repeat("a", 3000))+",", 4) + section(strings.Repeat("a", 1201))), "msg_blocks_too_long", "13201"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := servicetest.Start(t, slacktest.New())
			s.SetPictures(func(address string) bool { return !strings.Contains(address, "private") })
			s.Strict(true)
			if a := post(t, s, c.body); a.Status != http.StatusBadRequest || a.Body != c.word {
				t.Errorf("%+v, want 400 %q", a, c.word)
			}
			if p := s.Problems(); len(p) != 1 || !strings.Contains(p[0], c.problem) || len(s.Messages()) != 0 {
				t.Errorf("%q, want %q", p, c.problem)
			}
		})
	}
}

func TestUnknownMembersAreIgnoredUnlessTheFakeIsStrict(t *testing.T) {
	s := servicetest.Start(t, slacktest.New())
	if a := post(t, s, `{"text":"x","replace_original":false,"attachments":[{"text":"y","blocks":null}]}`); a.Status != http.StatusOK {
		t.Errorf("%+v %q", a, s.Problems())
	}
}

func TestBlocksOfOtherTypesAreNotCheckedUnlessTheFakeIsStrict(t *testing.T) {
	s := servicetest.Start(t, slacktest.New())
	actions := `{"type":"actions","block_id":"b","elements":[{"type":"button","text":{"type":"plain_text","text":"Open"}}]}`
	if a := post(t, s, within(section("x")+","+actions)); a.Status != http.StatusOK {
		t.Fatalf("%+v %q", a, s.Problems())
	}
	b := s.Messages()[0].Attachments[0].Blocks
	if b[0].Text.Text != "x" || b[0].Other != nil || b[1].Type != "actions" || b[1].BlockID != "b" || string(b[1].Other) != actions {
		t.Errorf("%+v", b)
	}
	if a := post(t, s, within(`{"block_id":"b"}`)); a.Body != "invalid_attachments" {
		t.Errorf("no type: %+v", a)
	}
}

func TestAddresses(t *testing.T) {
	hook := "/services/" + slacktest.Team + "/" + slacktest.Hook + "/"
	for _, c := range []struct {
		name, method, path string
		status             int
		word               string
	}{
		{"another team", http.MethodPost, "/services/T1/" + slacktest.Hook + "/" + slacktest.Token, 404, "no_team"},
		{"another path", http.MethodPost, "/", 404, "no_team"},
		{"another webhook", http.MethodPost, "/services/" + slacktest.Team + "/B1/" + slacktest.Token, 404, "no_service"},
		{"another token", http.MethodPost, hook + "x", 403, "invalid_token"},
		{"a revoked token", http.MethodPost, hook + "revoked", 403, "invalid_token"},
		{"a second token", http.MethodPost, hook + "second", 200, "ok"},
		{"another method", http.MethodGet, hook + slacktest.Token, 405, "method_not_allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := servicetest.Start(t, slacktest.New())
			s.AddToken("second", "revoked")
			s.RevokeToken("revoked")
			a := servicetest.Call(t, s.Client(), c.method, "http://hooks.slack.com"+c.path, `{"text":"x"}`, "Content-Type", "application/json")
			if a.Status != c.status || a.Body != c.word {
				t.Errorf("%+v", a)
			}
		})
	}
	s := servicetest.Start(t, slacktest.New())
	if a := servicetest.Call(t, s.Client(), http.MethodPost, s.MemoryConfig().URL.Reveal(), `{"text":"x"}`, "Content-Type", "text/plain"); a.Body != "invalid_payload" {
		t.Errorf("text/plain: %+v", a)
	}
}

func TestTheRateIsLimitedIfToldTo(t *testing.T) {
	s := servicetest.Start(t, slacktest.New())
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	for range 100 {
		if a := post(t, s, `{"text":"x"}`); a.Status != http.StatusOK {
			t.Fatalf("%+v", a)
		}
	}
	s.Documented()
	if a := post(t, s, `{"text":"x"}`); a.Status != http.StatusOK {
		t.Errorf("%+v", a)
	}
	s.Advance(500 * time.Millisecond)
	if a := post(t, s, `{"text":"x"}`); a.Status != http.StatusTooManyRequests || a.Body != "rate_limited" || a.Header.Get("Retry-After") != "1" {
		t.Errorf("%+v", a)
	}
	s.Advance(500 * time.Millisecond)
	if a := post(t, s, `{"text":"x"}`); a.Status != http.StatusOK || s.Accepted() != 102 {
		t.Errorf("%+v, %d messages", a, s.Accepted())
	}
}

func TestALongTextIsCutWithoutAnError(t *testing.T) {
	s := servicetest.Start(t, slacktest.New())
	if a := post(t, s, `{"text":"`+strings.Repeat("障", 40_001)+`"}`); a.Status != http.StatusOK {
		t.Fatalf("%+v", a)
	}
	if got := s.Messages()[0].Text; got != strings.Repeat("障", 40_000) {
		t.Errorf("%d bytes are left", len(got))
	}
}

func TestBodiesOfOlderClients(t *testing.T) {
	form := "payload=" + url.QueryEscape(`{"text":"障害 & more"}`)
	for _, c := range []struct {
		name, contentType, body string
		strict                  bool
		status                  int
	}{
		{"JSON without a type", "", `{"text":"障害 & more"}`, false, 200},
		{"a form", "application/x-www-form-urlencoded", form, false, 200},
		{"JSON without a type, if the fake is strict", "", `{"text":"x"}`, true, 400},
		{"a form, if the fake is strict", "application/x-www-form-urlencoded", form, true, 400},
		{"a form without the field", "application/x-www-form-urlencoded", `text=x`, false, 400},
		{"JSON that is declared as a form", "application/x-www-form-urlencoded", `{"text":"x"}`, false, 400},
		{"JSON that is declared as text", "text/plain", `{"text":"x"}`, false, 400},
		{"a malformed type", "json; charset", `{"text":"x"}`, false, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := slacktest.New()
			t.Cleanup(s.Close)
			s.Strict(c.strict)
			var header []string
			if c.contentType != "" {
				header = []string{"Content-Type", c.contentType}
			}
			a := servicetest.Call(t, s.Client(), http.MethodPost, s.MemoryConfig().URL.Reveal(), c.body, header...)
			messages := s.Messages()
			if a.Status != c.status || (len(messages) == 1) != (c.status == 200) {
				t.Errorf("%+v, %d messages", a, len(messages))
			}
			if len(messages) == 1 && messages[0].Text != "障害 & more" {
				t.Errorf("%q", messages[0].Text)
			}
		})
	}
}
