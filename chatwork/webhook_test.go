package chatwork_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
)

// The token, body and signature were made with another program than this one.
const (
	webhookToken     = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	webhookBody      = `{"webhook_setting_id":"12345","webhook_event_type":"mention_to_me","webhook_event_time":1498028130,"webhook_event":{"from_account_id":123456,"to_account_id":1484814,"room_id":567890123,"message_id":"789012345","body":"[To:1484814] lunch?","send_time":1498028125,"update_time":0}}`
	maxWebhook       = 1 << 20
	webhookSignature = "cabmKPPAqOPhLyVZS9MO6+SebKkTjLWei6t65KKN91I="
)

func TestVerifyWebhook(t *testing.T) {
	for _, tt := range []struct {
		name, token, body, signature string
		kind                         error
	}{
		{"the right signature", webhookToken, webhookBody, webhookSignature, nil},
		{"another body", webhookToken, webhookBody + " ", webhookSignature, mackerel.ErrUnauthorized},
		{"no signature", webhookToken, webhookBody, "", mackerel.ErrUnauthorized},
		{"half a signature", webhookToken, webhookBody, webhookSignature[:22], mackerel.ErrUnauthorized},
		{"a signature with something behind it", webhookToken, webhookBody, webhookSignature + "\n", mackerel.ErrUnauthorized},
		{"a signature with other unused bits", webhookToken, webhookBody, strings.Replace(webhookSignature, "I=", "J=", 1), mackerel.ErrUnauthorized},
		{"another webhook's token", "c29tZWJvZHkgZWxzZQ==", webhookBody, webhookSignature, mackerel.ErrUnauthorized},
		{"no token", "", webhookBody, webhookSignature, mackerel.ErrConfig},
		{"a token that is no base64", "not base64!", webhookBody, webhookSignature, mackerel.ErrConfig},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := chatwork.VerifyWebhook(mackerel.NewSecret(tt.token), []byte(tt.body), tt.signature)
			if !errors.Is(err, tt.kind) || (err == nil) != (tt.kind == nil) {
				t.Errorf("got %v, want %v", err, tt.kind)
			}
			if tt.token != "" && err != nil && strings.Contains(err.Error(), tt.token) {
				t.Errorf("the token is in %v", err)
			}
		})
	}
}

func TestParseWebhook(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       chatwork.Webhook
		author     int64
	}{
		{"a mention", webhookBody, chatwork.Webhook{
			WebhookSettingID: "12345", WebhookEventType: chatwork.MentionToMe, WebhookEventTime: 1498028130, WebhookEvent: chatwork.WebhookEvent{
				FromAccountID: 123456, ToAccountID: 1484814, RoomID: 567890123, MessageID: "789012345", Body: "[To:1484814] lunch?", SendTime: 1498028125,
			},
		}, 123456},
		{
			"a new message", `{"webhook_setting_id":"246","webhook_event_type":"message_created","webhook_event_time":1498028130,"webhook_event":{"message_id":"789012345","room_id":567890123,"account_id":1484814,"body":"Please prepare your presentation slides up to 3 pages","send_time":1498028120,"update_time":0}}`,
			chatwork.Webhook{
				WebhookSettingID: "246", WebhookEventType: chatwork.MessageCreated, WebhookEventTime: 1498028130, WebhookEvent: chatwork.WebhookEvent{
					MessageID: "789012345", RoomID: 567890123, AccountID: 1484814, Body: "Please prepare your presentation slides up to 3 pages", SendTime: 1498028120,
				},
			}, 1484814,
		},
		{
			"an event of tomorrow, in a form of tomorrow", `{"webhook_setting_id":"1","webhook_event_type":"task_done","webhook_event_time":1,"webhook_event":{"task_id":5,"room_id":7},"new":true}`,
			chatwork.Webhook{WebhookSettingID: "1", WebhookEventType: "task_done", WebhookEventTime: 1, WebhookEvent: chatwork.WebhookEvent{RoomID: 7}}, 0,
		},
		{
			"an event of tomorrow that is no object", `{"webhook_setting_id":"1","webhook_event_type":"ping","webhook_event_time":1,"webhook_event":[]}`,
			chatwork.Webhook{WebhookSettingID: "1", WebhookEventType: "ping", WebhookEventTime: 1}, 0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := chatwork.ParseWebhook([]byte(tt.body))
			if err != nil || string(got.Raw) != tt.body || got.WebhookEvent.Author() != tt.author {
				t.Errorf("got %+v by %d, %v", got, got.WebhookEvent.Author(), err)
			}
			tt.want.Raw = got.Raw
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestWhatIsNoWebhook(t *testing.T) {
	for _, body := range []string{
		"", "null", "[]", "{}", `{"webhook_event_type":5}`, `{"webhook_event_type":"message_created"}`,
		`{"webhook_event_type":"message_created","webhook_event":{}}`, `{"webhook_event_type":"mention_to_me","webhook_event":{"message_id":"1","room_id":"2"}}`,
	} {
		if w, err := chatwork.ParseWebhook([]byte(body)); !errors.Is(err, mackerel.ErrInvalid) || w.WebhookEventType != "" {
			t.Errorf("%s gives %+v, %v", body, w, err)
		}
	}
}

type key struct{}

func TestWebhookHandler(t *testing.T) {
	tooLong := strings.Repeat("x", maxWebhook+1)
	for _, tt := range []struct {
		name, method, target, signature string
		body                            io.Reader
		status                          int
	}{
		{"what Chatwork sends", "POST", "/", webhookSignature, strings.NewReader(webhookBody), 200},
		{"the signature in the query alone", "POST", "/?chatwork_webhook_signature=" + url.QueryEscape(webhookSignature), "", strings.NewReader(webhookBody), 200},
		{"a wrong signature in the header counts", "POST", "/?chatwork_webhook_signature=" + url.QueryEscape(webhookSignature), "x", strings.NewReader(webhookBody), 401},
		{"no signature", "POST", "/", "", strings.NewReader(webhookBody), 401},
		{"another body", "POST", "/", webhookSignature, strings.NewReader(webhookBody + " "), 401},
		{"signed, and no webhook", "POST", "/", "syZgTA3HNkyLaIVWGJwKUQ5RUM1GKHNr6BTHyYmPiZ0=", strings.NewReader("{}"), 400},
		{"another method", "GET", "/", webhookSignature, strings.NewReader(webhookBody), 405},
		{"too long", "POST", "/", webhookSignature, strings.NewReader(tooLong), 413},
		{"broken off", "POST", "/", webhookSignature, iotest.ErrReader(io.ErrUnexpectedEOF), 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []chatwork.Webhook
			h, err := chatwork.NewWebhookHandler(mackerel.NewSecret(webhookToken), func(ctx context.Context, w chatwork.Webhook) {
				if ctx.Value(key{}) != "of the request" {
					t.Error("the context is not the request's")
				}
				got = append(got, w)
			})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(context.WithValue(t.Context(), key{}, "of the request"), tt.method, tt.target, tt.body)
			r.Header.Set("x-chatworkwebhooksignature", tt.signature)
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, r)
			if answer.Code != tt.status || answer.Body.Len() > 2048 {
				t.Errorf("answered %d with %d bytes", answer.Code, answer.Body.Len())
			}
			if allow := answer.Header().Get("Allow"); (allow == http.MethodPost) != (tt.status == http.StatusMethodNotAllowed) {
				t.Errorf("%d allows %q", answer.Code, allow)
			}
			if (len(got) == 1) != (tt.status == http.StatusOK) {
				t.Errorf("the function was called %d times", len(got))
			}
		})
	}
}

func TestALongestMessageFitsIntoAWebhook(t *testing.T) {
	longest, err := json.Marshal(strings.Repeat("\x01", 65535)) // six bytes each
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(webhookBody, `"[To:1484814] lunch?"`, string(longest), 1)
	if w, err := chatwork.ParseWebhook([]byte(body)); err != nil || len(w.WebhookEvent.Body) != 65535 || len(body) > maxWebhook {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestNewWebhookHandlerWantsAToken(t *testing.T) {
	for token, want := range map[string]string{
		"": "Token: required", "%%%": "base64", "====": "base64", "\n": "base64", webhookToken + "%": "base64",
	} {
		h, err := chatwork.NewWebhookHandler(mackerel.NewSecret(token), func(context.Context, chatwork.Webhook) {})
		if h != nil || !errors.Is(err, mackerel.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, %v", token, h, err)
		}
	}
}

func FuzzParseWebhook(f *testing.F) {
	f.Add([]byte(webhookBody))
	f.Add([]byte(`{"webhook_event_type":"x","webhook_event":[]}`))
	f.Add([]byte(`{"WEBHOOK_EVENT":{"message_id":"1"},"webhook_event_type":"message_created"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		w, err := chatwork.ParseWebhook(body)
		if err != nil {
			if !errors.Is(err, mackerel.ErrInvalid) || w.WebhookEventType != "" {
				t.Errorf("%q gives %+v, %v", body, w, err)
			}
			return
		}
		again, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		second, err := chatwork.ParseWebhook(again)
		if err != nil || second.WebhookEvent != w.WebhookEvent || second.WebhookEventType != w.WebhookEventType {
			t.Errorf("%q is %+v, and then %+v, %v", body, w, second, err)
		}
	})
}

func ExampleNewWebhookHandler() {
	token := mackerel.NewSecret(webhookToken) // from the webhook's settings
	handler, err := chatwork.NewWebhookHandler(token, func(_ context.Context, w chatwork.Webhook) {
		n := chatwork.ParseNotation(w.WebhookEvent.Body)
		fmt.Println(w.WebhookEventType, "by", w.WebhookEvent.Author(), "saying", n.Text)
	})
	if err != nil {
		log.Fatal(err)
	}
	request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/chatwork", strings.NewReader(webhookBody))
	request.Header.Set(chatwork.WebhookSignature, webhookSignature)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	fmt.Println(answer.Code)
	// Output:
	// mention_to_me by 123456 saying lunch?
	// 200
}
