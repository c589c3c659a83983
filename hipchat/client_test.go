package hipchat_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// roomOperations are the operations on a room, by the path below that of the room.
var roomOperations = map[string]func(context.Context, *hipchat.Client, string) error{
	"": func(ctx context.Context, c *hipchat.Client, room string) error {
		_, err := c.GetRoom(ctx, room)
		return err
	},
	"/topic": func(ctx context.Context, c *hipchat.Client, room string) error { return c.SetTopic(ctx, room, "t") },
	"/history": func(ctx context.Context, c *hipchat.Client, room string) error {
		_, err := c.RoomHistory(ctx, room, hipchat.RoomHistoryParams{})
		return err
	},
	"/history/latest": func(ctx context.Context, c *hipchat.Client, room string) error {
		_, err := c.LatestHistory(ctx, room, hipchat.LatestHistoryParams{})
		return err
	},
	"/notification": func(ctx context.Context, c *hipchat.Client, room string) error {
		return c.SendRoomNotification(ctx, room, hipchat.Notification{Message: "x"})
	},
}

// allOperations are all operations that make one request.
func allOperations() map[string]func(context.Context, *hipchat.Client) error {
	operations := map[string]func(context.Context, *hipchat.Client) error{
		"private message user": func(ctx context.Context, c *hipchat.Client) error {
			return c.SendPrivateMessage(ctx, "7", hipchat.PrivateMessage{Message: "x"})
		},
		"test auth": func(ctx context.Context, c *hipchat.Client) error { return c.TestAuth(ctx, "ops") },
		"get session": func(ctx context.Context, c *hipchat.Client) error {
			_, err := c.GetSession(ctx)
			return err
		},
		"get all rooms": func(ctx context.Context, c *hipchat.Client) (last error) {
			for _, err := range c.Rooms(ctx, hipchat.RoomsParams{}) {
				last = err
			}
			return last
		},
	}
	for below, operation := range roomOperations {
		operations["room"+below] = func(ctx context.Context, c *hipchat.Client) error { return operation(ctx, c, "ops") }
	}
	return operations
}

func TestClientConfigurations(t *testing.T) {
	token := mackerel.NewSecret("secret-token")
	servicetest.Configs(t, hipchat.NewClient, "secret-token", []servicetest.ConfigCase[hipchat.ClientConfig]{
		{Name: "a token and a base URL are enough", Config: hipchat.ClientConfig{Token: token, BaseURL: "https://hipchat.example.com"}},
		{Name: "there is no default base URL", Config: hipchat.ClientConfig{Token: token}, Want: []string{"BaseURL: required"}},
		{Name: "all problems are told at once, in the order of the fields", Config: hipchat.ClientConfig{
			Token: mackerel.NewSecret("secret-token x"), BaseURL: "hipchat.example.com", Call: mackerel.CallOptions{MaxAttempts: -1},
		}, Want: []string{"Token: has a blank", "BaseURL: not an http", "Call.MaxAttempts: "}},
	})
}

func TestTheBaseURLMayHaveTheVersion(t *testing.T) {
	for base, want := range map[string]string{
		"http://fake.test":             "/v2/room/ops/notification",
		"http://fake.test/":            "/v2/room/ops/notification",
		"http://fake.test/v2":          "/v2/room/ops/notification",
		"http://fake.test/v2/":         "/v2/room/ops/notification",
		"https://fake.test/chat":       "/chat/v2/room/ops/notification",
		"https://fake.test/chat/v2/":   "/chat/v2/room/ops/notification",
		"https://fake.test/ch%20at/v2": "/ch%20at/v2/room/ops/notification",
	} {
		fake, client := connect(t, func(c *hipchat.ClientConfig) { c.BaseURL = base })
		_ = client.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x"}) // the fake knows one base only
		if got := fake.Requests()[0].Path; got != want {
			t.Errorf("%s leads to %s, want %s", base, got, want)
		}
	}
}

func TestARoomsNameIsOneElementOfThePath(t *testing.T) {
	for name, escaped := range map[string]string{
		"1234": "1234", "#ops": "%23ops", "A/B": "A%2FB", "On Call, now": "On%20Call%2C%20now", "夜間 #1": "%E5%A4%9C%E9%96%93%20%231",
		"50%?x=1": "50%25%3Fx=1", "../..": "..%2F..",
	} {
		for below, operation := range roomOperations {
			fake, client := connect(t)
			fake.AddRoom(7, name)
			if err := operation(t.Context(), client, name); err != nil {
				t.Errorf("%q%s: %v", name, below, err)
			}
			if got, want := fake.Requests()[0].Path, "/v2/room/"+escaped+below; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
}

func TestNamesThatCannotBeInAPath(t *testing.T) {
	fake, client := connect(t)
	for _, name := range []string{"", ".", ".."} {
		for _, operation := range roomOperations {
			wantContains(t, servicetest.AsError(t, operation(t.Context(), client, name), mackerel.ErrInvalid).Message, "room: ")
		}
		_ = servicetest.AsError(t, client.TestAuth(t.Context(), name), mackerel.ErrInvalid)
		err := client.SendPrivateMessage(t.Context(), name, hipchat.PrivateMessage{Message: "x"})
		wantContains(t, servicetest.AsError(t, err, mackerel.ErrInvalid).Message, "user: ")
	}
	if n := len(fake.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestTheTokenIsInAHeader makes every call. Only get_session has the token in its path too.
func TestTheTokenIsInAHeader(t *testing.T) {
	for name, operation := range allOperations() {
		fake, client := connect(t)
		fake.AddUser(hanako)
		if err := operation(t.Context(), client); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r := fake.Requests()[0]
		if r.Header.Get("Authorization") != "Bearer "+hipchattest.Token || name != "get session" && strings.Contains(r.Query+r.Path, hipchattest.Token) {
			t.Errorf("%s: %s?%s %v", name, r.Path, r.Query, r.Header)
		}
	}
}

// TestNothingPrintsTheToken lets the call fail whose address is a secret.
func TestNothingPrintsTheToken(t *testing.T) {
	const secret = "secret/token+0123456789"
	var attempts []mackerel.Attempt
	fake, client := connect(t, withToken(secret), once, func(c *hipchat.ClientConfig) { c.Call.OnAttempt = servicetest.Record(&attempts) })
	const quoted = `{"error":{"message":"no /v2/oauth/token/secret%2Ftoken+0123456789 for ` + secret + `","code":404}}`
	fake.Inject(
		fakehttp.Fault{Status: 404, Body: quoted}, fakehttp.Fault{Status: 500, Body: quoted}, fakehttp.Fault{Break: fakehttp.ResetConnection},
		fakehttp.Fault{Status: 307, Header: http.Header{"Location": {"http://elsewhere.test/v2/oauth/token/" + secret}}},
		fakehttp.Fault{Status: 400, Body: `{"error":"` + secret + `"}`},
	)
	for range 5 {
		_, err := client.GetSession(t.Context())
		wantMissing(t, fmt.Sprintf("%v %+v %#v", err, err, err), secret, "secret%2Ftoken", "0123456789")
	}
	fake.Close()
	_, err := client.GetSession(t.Context())
	attempts = append(attempts, mackerel.Attempt{Err: err})
	for _, v := range []any{attempts, client, struct{ c *hipchat.Client }{client}, *client, hipchat.ClientConfig{Token: mackerel.NewSecret(secret)}} {
		wantMissing(t, fmt.Sprintf("%v %+v %#v", v, v, v), secret, "secret%2Ftoken", "0123456789")
	}
	if r := fake.Requests(); len(r) < 5 || !strings.HasSuffix(r[0].Path, "secret%2Ftoken+0123456789") {
		t.Fatalf("the token was not sent: %d requests", len(r))
	}
}

// TestOnlyMessagesArePaced reads a room often, and then sends to it as often.
func TestOnlyMessagesArePaced(t *testing.T) {
	for path, took := range map[string]time.Duration{"": 0, "/notification": time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			_, client := connect(t, func(c *hipchat.ClientConfig) { c.Call.Pace = mackerel.Pace{} })
			begin := time.Now()
			for range 21 {
				if err := roomOperations[path](t.Context(), client, "ops"); err != nil {
					t.Fatal(err)
				}
			}
			if got := time.Since(begin); got != took {
				t.Errorf("21 of %q took %v, want %v", path, got, took)
			}
		})
	}
}

// TestWhatARepeatMeans loses the first answer to each operation.
func TestWhatARepeatMeans(t *testing.T) {
	for name, operation := range allOperations() {
		for _, delivery := range []mackerel.Delivery{mackerel.AtLeastOnce, mackerel.AtMostOnce} {
			t.Run(name+", "+delivery.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					fake, client := connect(t, func(c *hipchat.ClientConfig) { c.Call.Delivery = delivery })
					fake.AddUser(hanako)
					fake.Inject(fakehttp.Fault{Break: fakehttp.CloseConnection, Handled: true})
					err := operation(t.Context(), client)
					message := name == "room/notification" || name == "private message user"
					if message && delivery == mackerel.AtMostOnce {
						_ = servicetest.AsError(t, err, mackerel.ErrAmbiguous)
						if len(fake.Requests()) != 1 {
							t.Errorf("%d requests", len(fake.Requests()))
						}
					} else if err != nil || len(fake.Requests()) != 2 {
						t.Errorf("%v after %d requests", err, len(fake.Requests()))
					}
				})
			})
		}
	}
}
