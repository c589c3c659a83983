package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/notifytest"
)

const (
	topic = "ops"
	token = "tk_0123456789abcdef"
)

// newFake returns a fake of ntfy.sh. It refuses what https://github.com/binwiederhier/ntfy refuses, and a message that
// would become a file.
func newFake() (*fakehttp.Server, *fakehttp.Log[message]) {
	messages := new(fakehttp.Log[message])
	var s *fakehttp.Server
	s = fakehttp.NewFake(func(w http.ResponseWriter, r *http.Request) error {
		refuse := func(status int, words string) error {
			return fakehttp.RefuseJSON(status, map[string]any{"http": status, "error": words}, words)
		}
		var m message
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 8192))
		decoder.DisallowUnknownFields()
		switch err := decoder.Decode(&m); {
		case r.Method != http.MethodPost || r.URL.Path != "/":
			return refuse(http.StatusNotFound, "page not found")
		case r.Header.Get("Authorization") != "Bearer "+token:
			return refuse(http.StatusUnauthorized, "unauthorized")
		case err != nil:
			return refuse(http.StatusBadRequest, "invalid request: "+err.Error())
		case m.Topic != topic || m.Title == "" || len(m.Message) > 4096 || m.Priority < 1 || m.Priority > 5:
			return refuse(http.StatusBadRequest, "invalid request")
		}
		messages.Add(m)
		s.Accept()
		fakehttp.WriteJSON(w, http.StatusOK, map[string]string{"id": "sPs71M8A2T", "event": "message"})
		return nil
	}, func(err error) *fakehttp.Refusal {
		return fakehttp.RefuseJSON(http.StatusInternalServerError, nil, err.Error())
	})
	return s, messages
}

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake, _ := newFake()
		t.Cleanup(fake.Close)
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				n, err := newNtfy(e.BaseURL, topic, mackerel.NewSecret(token), e.Call())
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
			Fake:    fake,
			Secrets: []string{token},
		}
	})
}

func TestWithoutATopicTheRequestsAreShown(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), &out, func(name string) string { return map[string]string{"NTFY_TOKEN": token}[name] })
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"topic":"example"`, `"title":"[CRITICAL] CPU % on app01","message":"96.5%`, `"priority":5`,
		`"click":"https://mackerel.io/orgs/acme/alerts/5AlertId001"`,
		`"title":"[OK] CPU % on app01"`, `"tags":["white_check_mark"]`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), token) {
		t.Errorf("the token is in:\n%s", &out)
	}
}

func TestWithATopicTheAlertAndItsRecoveryAreSent(t *testing.T) {
	fake, messages := newFake()
	defer fake.Close()
	environment := map[string]string{"NTFY_URL": fake.URL(), "NTFY_TOPIC": topic, "NTFY_TOKEN": token}
	var out strings.Builder
	if err := run(t.Context(), &out, func(name string) string { return environment[name] }); err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	all := messages.All()
	if len(all) != 2 || all[0].Priority != 5 || all[1].Priority != 2 || !strings.Contains(all[1].Title, "[OK]") {
		t.Errorf("sent %+v", all)
	}
	if strings.Contains(out.String(), token) || strings.Count(out.String(), "sent") != 2 {
		t.Errorf("printed:\n%s", &out)
	}
}

func TestATextThatIsTooLongIsLeftOutByTheLine(t *testing.T) {
	a := mackerel.Alert{ID: "1", Status: mackerel.StatusCritical}
	a.Monitor.Name = strings.Repeat("<", 200)                      // 6 bytes of JSON each
	a.Message = "first\n" + strings.Repeat("\x00", 683) + "\nlast" // 683 * 6 + 2 > 4,096 - 7
	m := newMessage(topic, a)
	if m.Title != "[CRITICAL]" || m.Message != "first\nlast" {
		t.Errorf("got %q and %q", m.Title, m.Message)
	}
}
