package peers

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	peer "github.com/opsgenie/opsgenie-go-sdk-v2/alert"
	opsgenieclient "github.com/opsgenie/opsgenie-go-sdk-v2/client"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/jsm"
	"github.com/mackerel-notify/mackerel/jsm/jsmtest"
	"github.com/mackerel-notify/mackerel/opsgenie"
	"github.com/mackerel-notify/mackerel/opsgenie/opsgenietest"
)

// An opsgenieFake is a fake of Opsgenie or of Jira Service Management, which has the same API below another path.
type opsgenieFake struct {
	*fakehttp.Server

	base     string // the address that the SDK's paths, /v2/alerts and below, are appended to
	key      string
	alerts   func() []opsgenietest.Alert
	notifier mackerel.Deliverer
}

func newOpsgenie(t *testing.T) opsgenieFake {
	t.Helper()
	s := start(t, opsgenietest.New())
	config := s.Config()
	config.Responders, config.Tags, config.Call = opsgenieTeam, []string{"mackerel"}, once
	n, err := opsgenie.New(config)
	return opsgenieFake{s.Server, s.URL(), opsgenietest.APIKey, s.Alerts, must(t, n, err)}
}

func newJSM(t *testing.T) opsgenieFake {
	t.Helper()
	s := start(t, jsmtest.New())
	config := s.Config()
	config.Responders, config.Tags, config.Call = opsgenieTeam, []string{"mackerel"}, once
	n, err := jsm.New(config)
	alerts := func() []opsgenietest.Alert {
		var all []opsgenietest.Alert
		for _, a := range s.Alerts() {
			all = append(all, opsgenietest.Alert(a))
		}
		return all
	}
	return opsgenieFake{s.Server, s.URL() + "/jsm/ops/integration", jsmtest.APIKey, alerts, must(t, n, err)}
}

// opsgenieTeam are the responders of both.
var opsgenieTeam = []opsgenie.Responder{{Type: "team", Name: "ops"}}

// bothOpsgenies runs a test for each of the two services.
func bothOpsgenies(t *testing.T, test func(*testing.T, opsgenieFake)) {
	t.Run("opsgenie", func(t *testing.T) { test(t, newOpsgenie(t)) })
	t.Run("jsm", func(t *testing.T) { test(t, newJSM(t)) })
}

// client returns the SDK without its retries, which wait, and without its log.
func (s opsgenieFake) client(t *testing.T, key string) *peer.Client {
	t.Helper()
	config := &opsgenieclient.Config{
		ApiKey: key, OpsGenieAPIURL: "opsgenie.test", HttpClient: clientTo(t, s.base),
		RetryPolicy: func(context.Context, *http.Response, error) (bool, error) { return false, nil },
	}
	config.ConfigureLogLevel("fatal")
	client, err := peer.NewClient(config)
	return must(t, client, err)
}

const opsgenieAlias = "disk-app01"

func opsgenieCreate() *peer.CreateAlertRequest {
	ops := peer.Responder{Type: peer.TeamResponder, Name: "ops"}
	hanako := peer.Responder{Type: peer.UserResponder, Username: "hanako@example.com"}
	return &peer.CreateAlertRequest{
		Message: "disk full", Alias: opsgenieAlias, Description: "98 %", Tags: []string{"disk"}, Entity: "app01",
		Source: "mackerel", Priority: peer.P2, User: "hanako@example.com", Note: "see the wiki",
		Actions: []string{"Restart"}, Details: map[string]string{"mount": "/"},
		Responders: []peer.Responder{ops, hanako}, VisibleTo: []peer.Responder{ops},
	}
}

func TestOpsgenieClientPosts(t *testing.T) {
	bothOpsgenies(t, func(t *testing.T, s opsgenieFake) {
		client := s.client(t, s.key)
		if _, err := client.Create(t.Context(), opsgenieCreate()); err != nil {
			t.Fatal(err)
		}
		count(t, "alerts", s.alerts(), 1)
		equal(t, "alias", s.alerts()[0].Alias, opsgenieAlias)
		equal(t, "message", s.alerts()[0].Message, "disk full")
		equal(t, "priority", s.alerts()[0].Priority, "P2")
		if _, err := client.Acknowledge(t.Context(), &peer.AcknowledgeAlertRequest{
			IdentifierType: peer.ALIAS, IdentifierValue: opsgenieAlias,
			User: "hanako@example.com", Source: "phone", Note: "on it",
		}); err != nil {
			t.Errorf("acknowledge: %v", err)
		}
		if _, err := client.AddNote(t.Context(), &peer.AddNoteRequest{
			IdentifierType: peer.ALIAS, IdentifierValue: opsgenieAlias, Note: "found it",
		}); err != nil {
			t.Errorf("note: %v", err)
		}
		if _, err := client.Close(t.Context(), &peer.CloseAlertRequest{
			IdentifierType: peer.ALIAS, IdentifierValue: opsgenieAlias, Note: "done",
		}); err != nil {
			t.Errorf("close: %v", err)
		}
		alert := s.alerts()[0]
		equal(t, "acknowledged", alert.Acknowledged, true)
		equal(t, "closed", alert.Closed, true)
		for i, note := range []string{"on it", "found it", "done"} {
			count(t, "notes", alert.Notes, 4) // the first is that of the creation
			equal(t, "note", alert.Notes[i+1], note)
		}
	})
}

func TestOpsgenieClientReads(t *testing.T) {
	bothOpsgenies(t, func(t *testing.T, s opsgenieFake) {
		client := s.client(t, s.key)
		created, err := client.Create(t.Context(), opsgenieCreate())
		if err != nil {
			t.Fatal(err)
		}
		request := &peer.GetRequestStatusRequest{RequestId: created.RequestId}
		var refused *opsgenieclient.ApiError
		if _, err := client.GetRequestStatus(t.Context(), request); !errors.As(err, &refused) {
			t.Fatalf("%v, want an ApiError", err)
		}
		equal(t, "status of the first answer", refused.StatusCode, http.StatusNotFound)
		// The SDK's RetrieveStatus asks again only if the header says so.
		equal(t, "X-Opsgenie-Errortype", refused.ErrorHeader, "RequestNotProcessed")
		status, err := client.GetRequestStatus(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "success", status.IsSuccess, true)
		equal(t, "action", status.Action, "Create")
		equal(t, "alias", status.Alias, opsgenieAlias)
	})
}

func TestOpsgenieClientIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		prepare  func(opsgenieFake)
		key      string        // that of the fake unless set
		priority peer.Priority // P2 unless set
		status   int
		field    string // the member that is wrong
	}{
		"a wrong key":         {key: "wrong", status: http.StatusUnauthorized},
		"an unknown priority": {priority: "P9", status: http.StatusUnprocessableEntity, field: "priority"},
		"more requests than the limit": {
			prepare: func(s opsgenieFake) { s.SetLimit("requests", 0, time.Minute) },
			status:  http.StatusTooManyRequests,
		},
		"a fault": {
			prepare: func(s opsgenieFake) { s.Inject(fakehttp.Fault{Status: http.StatusServiceUnavailable}) },
			status:  http.StatusServiceUnavailable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bothOpsgenies(t, func(t *testing.T, s opsgenieFake) {
				if c.prepare != nil {
					c.prepare(s)
				}
				request := opsgenieCreate()
				request.Priority = cmp.Or(c.priority, request.Priority)
				var refused *opsgenieclient.ApiError
				_, err := s.client(t, cmp.Or(c.key, s.key)).Create(t.Context(), request)
				if !errors.As(err, &refused) || refused.StatusCode != c.status {
					t.Fatalf("%v, want an ApiError of %d", err, c.status)
				}
				if c.field != "" && refused.Errors[c.field] == "" {
					t.Errorf("%v does not name %s", refused.Errors, c.field)
				}
				count(t, "alerts", s.alerts(), 0)
			})
		})
	}
}

func TestOpsgenieTypesDecodeOurRequests(t *testing.T) {
	bothOpsgenies(t, func(t *testing.T, s opsgenieFake) {
		eachSample(t, s.notifier, s, func(t *testing.T, a mackerel.Alert, r fakehttp.Request) {
			text := opsgenie.DefaultMessage(a, mackerel.Text{}).Text
			if a.Closed() {
				request := decode[peer.CloseAlertRequest](t, r.Body)
				contains(t, "note", request.Note, a.Title()+"\n"+text)
				contains(t, "path", r.Path, "/"+a.Key()+"/close")
				equal(t, "query", r.Query, "identifierType=alias")
				return
			}
			request := decode[peer.CreateAlertRequest](t, r.Body)
			equal(t, "alias", request.Alias, a.Key())
			first, rest, _ := strings.Cut(text, "\n")
			equal(t, "message", request.Message, headline(a, first))
			contains(t, "description", request.Description, rest)
			contains(t, "description", request.Description, a.URL)
			count(t, "responders", request.Responders, 1)
			equal(t, "responder", request.Responders[0], peer.Responder{Type: peer.TeamResponder, Name: "ops"})
		})
	})
}
