package line_test

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
	"github.com/mackerel-notify/mackerel/notifytest"
)

// second is another user.
var second = "U" + strings.Repeat("b", 32)

func TestConformance(t *testing.T) { notifytest.Run(t, harness(func(*line.Config) {})) }

func TestConformanceOfMulticastsOfText(t *testing.T) {
	notifytest.RunVariant(t, harness(func(c *line.Config) { c.To, c.Format = []string{linetest.UserID, second}, line.FormatText }))
}

func harness(configure func(*line.Config)) func(testing.TB) notifytest.Harness {
	return func(t testing.TB) notifytest.Harness {
		fake := servicetest.Start(t, linetest.New())
		fake.AddDestination(second, 1)
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				config := fake.MemoryConfig()
				config.BaseURL, config.Call = e.BaseURL, e.Call()
				configure(&config)
				return servicetest.Make(t, line.New, config)
			},
			Fake:    fake,
			Secrets: []string{linetest.Token},
			Dedups:  true,
		}
	}
}

func TestGolden(t *testing.T) {
	variant := func(name string, language mackerel.Language, configure func(*line.Config)) servicetest.Variant {
		return servicetest.Variant{Name: name, Start: func(t testing.TB) (servicetest.Fake, servicetest.Notifier) {
			return start(t, configure, func(c *line.Config) { c.Text = mackerel.Text{Language: language, Location: sample.Zone} })
		}}
	}
	servicetest.Golden(t, []servicetest.Variant{
		variant("en", mackerel.English, func(c *line.Config) {
			c.NotificationDisabled = map[mackerel.Status]bool{mackerel.StatusOK: true}
		}),
		variant("ja", mackerel.Japanese, func(*line.Config) {}),
		variant("text", mackerel.Japanese, plain),
	})
}

func TestConfigurations(t *testing.T) {
	user := func(i int) string { return "U" + strings.Repeat("0", 29) + strconv.Itoa(100+i) }
	var many []string
	for i := range 500 + 1 {
		many = append(many, user(i))
	}
	token := mackerel.NewSecret("secret-token")
	servicetest.Configs(t, line.New, "secret-token", []servicetest.ConfigCase[line.Config]{
		{Name: "a token and a group will do", Config: line.Config{Token: token, To: []string{linetest.GroupID}}},
		{Name: "500 users will do", Config: line.Config{Token: token, To: many[1:]}},
		{Name: "a broadcast needs no destination", Config: line.Config{Token: token, Broadcast: true}},
		{Name: "a token is required", Config: line.Config{To: []string{user(0)}}, Want: []string{"Token: required"}},
		{Name: "a destination is required", Config: line.Config{Token: token}, Want: []string{"To: required"}},
		{Name: "a LINE ID is not a destination", Config: line.Config{Token: token, To: []string{"@mackerel"}}, Want: []string{"To[0]: must be the id of a user, group or room"}},
		{Name: "a group is not among several", Config: line.Config{Token: token, To: []string{user(0), linetest.GroupID}}, Want: []string{"To[1]: must be the id of a user"}},
		{Name: "a user is named once", Config: line.Config{Token: token, To: []string{user(0), user(0)}}, Want: []string{"To[1]: given twice"}},
		{Name: "501 users are too many", Config: line.Config{Token: token, To: many}, Want: []string{"To: 501 items, and at most 500 are allowed"}},
		{Name: "a broadcast has no destination", Config: line.Config{Token: token, To: []string{user(0)}, Broadcast: true}, Want: []string{"Broadcast: set together with To"}},
		{Name: "all problems are told at once, in the order of the fields", Config: line.Config{
			Token: mackerel.NewSecret("secret-token\n"), To: []string{"x"}, Broadcast: true, Format: "html",
			BaseURL: "https://api.line.me/?x=1", Level: "x", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{Timeout: -1},
		}, Want: []string{
			"Token: has a blank", "To[0]: ", "Broadcast: ", `Format: must be "flex" or "text"`, "BaseURL: ", "Level: ", "Text.Language: ", "Call.Timeout: ",
		}},
	})
}

func TestThreeCalls(t *testing.T) {
	for _, c := range []struct {
		name, call, label string
		to                []string
		id                bool
	}{
		{"one destination is a push", "push", "line push to " + linetest.RoomID, []string{linetest.RoomID}, true},
		{"several users are a multicast", "multicast", "line multicast to 2 users", []string{linetest.UserID, second}, false},
		{"a broadcast has no destination", "broadcast", "line broadcast", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := slices.Clone(c.to)
			fake, n := start(t, func(config *line.Config) { config.To, config.Broadcast = given, c.to == nil })
			clear(given) // the notifier has a copy
			fake.AddDestination(second, 1)
			receipt, err := n.Deliver(t.Context(), alert)
			if err != nil || (receipt.ID != "") != c.id || receipt.Queued {
				t.Fatalf("%+v, %v", receipt, err)
			}
			if d := servicetest.Last(t, fake, fake.Deliveries()); d.Call != c.call || !slices.Equal(d.To, c.to) || n.String() != c.label {
				t.Errorf("%s to %v by %s", d.Call, d.To, n)
			}
		})
	}
}

// keys returns the retry keys of all requests, oldest first.
func keys(s *linetest.Server) []string {
	var all []string
	for _, r := range s.Requests() {
		all = append(all, r.Header.Get("X-Line-Retry-Key"))
	}
	return all
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestALostAnswerIsAskedForAgainInBothModes(t *testing.T) {
	for _, mode := range []mackerel.Delivery{0, mackerel.AtMostOnce} {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, n := start(t, func(c *line.Config) { c.Call.Delivery = mode })
				fake.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
				receipt, err := n.Deliver(t.Context(), alert)
				if err != nil || receipt.Attempts != 2 || receipt.ID != "460000000000000001" {
					t.Errorf("%+v, %v", receipt, err)
				}
				if err := n.Notify(t.Context(), alert); err != nil {
					t.Fatal(err)
				}
				if k := keys(fake); len(k) != 3 || k[0] != k[1] || k[1] == k[2] || !uuid.MatchString(k[0]) || fake.Accepted() != 2 {
					t.Errorf("%d messages, keys %v", fake.Accepted(), k)
				}
			})
		})
	}
}

func TestAnAnswerThatNeverCameIsNotAskedForByRetryAtMostOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t, func(c *line.Config) { c.Call.Delivery = mackerel.AtMostOnce })
		fake.Inject(fakehttp.Fault{Break: fakehttp.Silence, Handled: true, Times: -1})
		err := n.Notify(t.Context(), alert)
		if e := servicetest.AsError(t, err, mackerel.ErrAmbiguous); e.Attempts != 3 || fake.Accepted() != 1 {
			t.Errorf("%d attempts, %d messages", e.Attempts, fake.Accepted())
		}
		if _, again := mackerel.Retry(err); again {
			t.Error("Retry says true")
		}
	})
}

// TestTheSameKeyIsOneMessage repeats whole calls.
func TestTheSameKeyIsOneMessage(t *testing.T) {
	const key = "123e4567-e89b-42d3-a456-426614174000"
	fake, n := start(t, func(c *line.Config) {
		c.Edit = func(m *line.Message, a mackerel.Alert) error {
			if a.ID == "keyed" {
				m.RetryKey = key
			}
			return nil
		}
	})
	keyed := mackerel.Alert{ID: "keyed", Message: "x"}
	for range 2 {
		if receipt, err := n.Deliver(t.Context(), keyed); err != nil || receipt.ID != "460000000000000001" {
			t.Fatalf("%+v, %v", receipt, err)
		}
		if _, err := n.Deliver(mackerel.WithDeliveryID(t.Context(), "5A-1"), alert); err != nil {
			t.Fatal(err)
		}
	}
	if k := keys(fake); fake.Accepted() != 2 || k[0] != key || k[1] != k[3] || !uuid.MatchString(k[1]) {
		t.Errorf("%d messages, keys %v", fake.Accepted(), k)
	}
	for a, want := range map[*mackerel.Alert]string{&keyed: key, &alert: "{retry_key}"} {
		p, err := n.Preview(*a)
		if err != nil || p.Requests[0].Header.Get("X-Line-Retry-Key") != want {
			t.Errorf("%+v, %v", p, err)
		}
	}
}

// TestNotifiersHaveDifferentKeysForOneDelivery would otherwise lose the alert in all rooms but one.
func TestNotifiersHaveDifferentKeysForOneDelivery(t *testing.T) {
	fake := servicetest.Start(t, linetest.New())
	fake.AddToken("another-token")
	for i, configure := range []func(*line.Config){
		func(*line.Config) {}, func(c *line.Config) { c.To = []string{linetest.RoomID} }, func(c *line.Config) { c.To, c.Broadcast = nil, true },
		func(c *line.Config) { c.Token = mackerel.NewSecret("another-token") },
	} {
		config := fake.MemoryConfig()
		configure(&config)
		err := servicetest.Make(t, line.New, config).Notify(mackerel.WithDeliveryID(t.Context(), "5A-1"), alert)
		if err != nil || fake.Accepted() != i+1 {
			t.Errorf("notifier %d: %v, %d messages", i, err, fake.Accepted())
		}
	}
}

func TestAnswers(t *testing.T) {
	starts := func(to ...string) func(testing.TB) (servicetest.Fake, mackerel.Notifier) {
		return func(t testing.TB) (servicetest.Fake, mackerel.Notifier) {
			return start(t, func(c *line.Config) { c.To, c.Call.MaxAttempts = to, 1 })
		}
	}
	servicetest.Answers(t, starts(linetest.GroupID), []servicetest.Answer{
		{Name: "a push has an id", Status: 200, Body: `{"sentMessages":[{"id":"1"}]}`},
		{Name: "a push with an empty id is not success", Status: 200, Body: `{"sentMessages":[{"id":""}]}`, Kind: mackerel.ErrAmbiguous},
		{Name: "a push of no messages is not success", Status: 200, Body: `{"sentMessages":[]}`, Kind: mackerel.ErrAmbiguous},
		{Name: "a push without an id is not success", Status: 200, Body: `{}`, Kind: mackerel.ErrAmbiguous},
		{Name: "a repeat is success", Status: 409, Header: http.Header{"X-Line-Accepted-Request-Id": {"6c696e65"}},
			Body: `{"message":"The retry key is already accepted"}`},
		{Name: "a repeat has the status 409", Status: 400, Header: http.Header{"X-Line-Accepted-Request-Id": {"6c696e65"}}, Kind: mackerel.ErrInvalid},
		{Name: "another conflict is not success", Status: 409, Body: `{"message":"conflict"}`, Kind: mackerel.ErrInvalid, Message: "conflict"},
		{Name: "two wrong members", Status: 400, Body: `{"message":"The request body has 2 error(s)","details":[{"message":"May not be empty","property":"messages[0].text"},{"message":"x"}]}`, Kind: mackerel.ErrInvalid, Message: "The request body has 2 error(s): messages[0].text May not be empty; x"},
		{Name: "too many requests", Status: 429, Body: `{"message":"The API rate limit has been exceeded. Try again later."}`, Kind: mackerel.ErrRateLimited, Message: "The API rate limit has been exceeded. Try again later."},
		{Name: "a page of a proxy", Status: 429, Body: `<html>`, Kind: mackerel.ErrRateLimited},
		{Name: "the month's quota is used up", Status: 429, Body: `{"message":"You have reached your monthly limit."}`, Kind: mackerel.ErrUnauthorized, Message: "You have reached your monthly limit."},
		{Name: "another refusal may have the words of the quota", Status: 400, Body: `{"message":"no monthly limit here"}`, Kind: mackerel.ErrInvalid, Message: "no monthly limit here"},
		{Name: "a page says nothing", Status: 400, Body: "<html>", Kind: mackerel.ErrInvalid},
		{Name: "another kind of JSON is kept as it is", Status: 400, Body: `{"message":1}`, Kind: mackerel.ErrInvalid, Message: `{"message":1}`},
	})
	servicetest.Answers(t, starts(linetest.UserID, second), []servicetest.Answer{
		{Name: "a multicast has no id", Status: 200, Body: `{}`},
		{Name: "an empty body is not success", Status: 200, Kind: mackerel.ErrAmbiguous},
		{Name: "a list is not success", Status: 200, Body: `[]`, Kind: mackerel.ErrAmbiguous},
		{Name: "null is not success", Status: 200, Body: `null`, Kind: mackerel.ErrAmbiguous},
		{Name: "202 is not success", Status: 202, Body: `{}`, Kind: mackerel.ErrAmbiguous},
	})
}

func TestAnUnknownGroupIsInvalid(t *testing.T) {
	_, n := start(t, func(c *line.Config) { c.To = []string{"C" + strings.Repeat("0", 32)} })
	if e := servicetest.AsError(t, n.Notify(t.Context(), alert), mackerel.ErrInvalid); e.Message != "Failed to send messages" || e.Op != "push message" {
		t.Errorf("%+v", e)
	}
}

func TestQuota(t *testing.T) {
	fake, n := start(t)
	fake.SetQuota(200, 196)
	if err := n.Notify(t.Context(), alert); err != nil { // three members
		t.Fatal(err)
	}
	q, err := n.Quota(t.Context())
	if left, limited := q.Remaining(); err != nil || q != (line.Quota{Type: "limited", Value: 200, TotalUsage: 199}) || left != 1 || !limited {
		t.Errorf("%+v, %v", q, err)
	}
	if e := servicetest.AsError(t, n.Notify(t.Context(), alert), mackerel.ErrUnauthorized); e.Message != "You have reached your monthly limit." {
		t.Error(e)
	}
	fake.SetQuota(-1, 5000)
	q, err = n.Quota(t.Context())
	if left, limited := q.Remaining(); err != nil || q.Type != "none" || left != 0 || limited {
		t.Errorf("%+v, %v", q, err)
	}
	if left, _ := (line.Quota{Type: "limited", Value: 200, TotalUsage: 201}).Remaining(); left != 0 {
		t.Errorf("%d are left", left)
	}
}

func TestTheQuotaCannotBeRead(t *testing.T) {
	_, err := new(line.Notifier).Quota(t.Context())
	servicetest.AsError(t, err, mackerel.ErrConfig)
	fake, n := start(t, func(c *line.Config) { c.Call.MaxAttempts = 1 })
	for path, op := range map[string]string{"quota": "get quota", "quota/consumption": "get quota consumption"} {
		fake.Inject(fakehttp.Fault{Path: "/v2/bot/message/" + path, Status: 401, Body: `{"message":"no"}`})
		_, err := n.Quota(t.Context())
		if e := servicetest.AsError(t, err, mackerel.ErrUnauthorized); e.Op != op {
			t.Error(e)
		}
		fake.Inject(fakehttp.Fault{Path: "/v2/bot/message/" + path, Status: 200, Body: "[]"})
		_, err = n.Quota(t.Context())
		servicetest.AsError(t, err, mackerel.ErrUnavailable)
	}
}

func TestSomeStatusesArriveWithoutASound(t *testing.T) {
	silence := func(c *line.Config) {
		c.NotificationDisabled = map[mackerel.Status]bool{"OK": true, mackerel.StatusCritical: false}
	}
	for status, silent := range map[mackerel.Status]bool{mackerel.StatusOK: true, mackerel.StatusCritical: false, mackerel.StatusUnknown: false} {
		if d, _ := notify(t, mackerel.Alert{Status: status}, silence); d.NotificationDisabled != silent {
			t.Errorf("%s: silent is %t", status, d.NotificationDisabled)
		}
	}
	if d, _ := notify(t, mackerel.Alert{Event: mackerel.EventHostRetire, Status: "OK"}, silence); d.NotificationDisabled {
		t.Error("an event without a status is silent")
	}
}

func TestEditSeesWhatTheConfigAddsAndHasTheLastWord(t *testing.T) {
	d, _ := notify(t, mackerel.Alert{Status: mackerel.StatusOK}, plain, func(c *line.Config) {
		c.NotificationDisabled = map[mackerel.Status]bool{mackerel.StatusOK: true}
		c.Edit = func(m *line.Message, _ mackerel.Alert) error {
			*m = line.Message{Format: line.FormatFlex, Title: string(m.Format) + " " + strconv.FormatBool(m.NotificationDisabled)}
			return nil
		}
	})
	if m := d.Messages[0]; d.NotificationDisabled || m.Type != "flex" || m.AltText != "text true" {
		t.Errorf("%+v", d)
	}
}
