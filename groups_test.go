package mackerel_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

// listGroups returns the groups of an answer of Mackerel.
func listGroups(t *testing.T, groups string) []mackerel.NotificationGroup {
	t.Helper()
	s, c := newFake(t)
	s.Inject(fakehttp.Fault{Status: 200, Body: `{"notificationGroups":` + groups + `}`})
	all, err := c.ListNotificationGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCreateUpdateDeleteNotificationGroup(t *testing.T) {
	s, c := newFake(t)
	made, err := c.CreateNotificationGroup(t.Context(), mackerel.NotificationGroup{
		ID: "ignored", Type: mackerel.NotificationGroupDefault, Name: "db team",
		Monitors: []mackerel.NotificationGroupMonitor{{ID: "2M", SkipDefault: true}},
	})
	if err != nil || made.ID == "" || made.ID == "ignored" || made.Type != mackerel.NotificationGroupOrdinary {
		t.Fatalf("%+v, %v", made, err)
	}
	const sent = `{"name":"db team","notificationLevel":"all","childNotificationGroupIds":[],"childChannelIds":[],"monitors":[{"id":"2M","skipDefault":true}],"services":[]}`
	if got := string(s.Requests()[0].Body); got != sent {
		t.Errorf("sent %s", got)
	}
	made.NotificationLevel, made.Monitors = mackerel.LevelCritical, nil
	made.Services = []mackerel.NotificationGroupService{{Name: "Shop"}}
	updated, err := c.UpdateNotificationGroup(t.Context(), made)
	if err != nil || updated.NotificationLevel != mackerel.LevelCritical || len(updated.Monitors) != 0 || len(updated.Services) != 1 {
		t.Errorf("%+v, %v", updated, err)
	}
	if gone, err := c.DeleteNotificationGroup(t.Context(), made.ID); err != nil || gone.Name != "db team" {
		t.Errorf("%+v, %v", gone, err)
	}
	if left := s.NotificationGroups(); len(left) != 1 {
		t.Errorf("left: %s", left)
	}
}

// The default group has no monitors and services, and Mackerel refuses to rename or to delete it.
func TestTheDefaultNotificationGroup(t *testing.T) {
	s, c := newFake(t)
	groups, err := c.ListNotificationGroups(t.Context())
	if err != nil || len(groups) != 1 || groups[0].Type != mackerel.NotificationGroupDefault {
		t.Fatalf("%+v, %v", groups, err)
	}
	g := groups[0]
	g.NotificationLevel = mackerel.LevelCritical
	if _, err := c.UpdateNotificationGroup(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	body := string(s.Requests()[1].Body)
	if strings.Contains(body, "monitors") || strings.Contains(body, "services") || !strings.Contains(body, `"childChannelIds":[]`) {
		t.Errorf("sent %s", body)
	}
	g.Name = "Everybody"
	if _, err := c.UpdateNotificationGroup(t.Context(), g); !isRefusal(err, 400, mackerel.ErrInvalid) {
		t.Errorf("renamed: %v", err)
	}
	if _, err := c.DeleteNotificationGroup(t.Context(), g.ID); !isRefusal(err, 400, mackerel.ErrInvalid) {
		t.Errorf("deleted: %v", err)
	}
}

// isRefusal reports whether an error is an answer of the service with its words.
func isRefusal(err error, status int, kind error) bool {
	var e *mackerel.Error
	return errors.As(err, &e) && errors.Is(err, kind) && e.Status == status && e.Message != ""
}

func TestRefusalsOfNotificationGroups(t *testing.T) {
	s, c := newFake(t)
	reader := newClient(t, s, mackereltest.ReadOnlyAPIKey)
	g := mackerel.NotificationGroup{ID: "3none", Name: "g"}
	_, createErr := reader.CreateNotificationGroup(t.Context(), g)
	_, updateErr := reader.UpdateNotificationGroup(t.Context(), g)
	_, deleteErr := reader.DeleteNotificationGroup(t.Context(), g.ID)
	for _, err := range []error{createErr, updateErr, deleteErr} {
		if !isRefusal(err, 403, mackerel.ErrUnauthorized) {
			t.Errorf("a key that only reads: %v", err)
		}
	}
	_, updateErr = c.UpdateNotificationGroup(t.Context(), g)
	_, deleteErr = c.DeleteNotificationGroup(t.Context(), g.ID)
	for _, err := range []error{updateErr, deleteErr} {
		if !isRefusal(err, 404, mackerel.ErrNotFound) {
			t.Errorf("an unknown group: %v", err)
		}
	}
	g.NotificationLevel = "loud"
	if _, err := c.CreateNotificationGroup(t.Context(), g); !isRefusal(err, 400, mackerel.ErrInvalid) {
		t.Errorf("an unknown level: %v", err)
	}
	before := len(s.Requests())
	_, err := c.UpdateNotificationGroup(t.Context(), mackerel.NotificationGroup{
		Name: " ", Monitors: []mackerel.NotificationGroupMonitor{{ID: "2"}, {}}, Services: []mackerel.NotificationGroupService{{}},
	})
	var e *mackerel.Error
	if !errors.As(err, &e) || e.Message != "ID: required; Name: required; Monitors[1].ID: required; Services[0].Name: required" {
		t.Errorf("%v", err)
	}
	_, err = c.CreateNotificationGroup(t.Context(), mackerel.NotificationGroup{})
	if !errors.As(err, &e) || e.Message != "Name: required" || e.Op != "create notification group" {
		t.Errorf("%v", err)
	}
	if _, err := c.DeleteNotificationGroup(t.Context(), ""); !errors.Is(err, mackerel.ErrInvalid) || len(s.Requests()) != before {
		t.Errorf("%v; %d requests", err, len(s.Requests())-before)
	}
}

// A group that cannot be read changes nothing.
func TestAGroupOfAWrongType(t *testing.T) {
	g := mackerel.NotificationGroup{ID: "3G", Name: "g"}
	if err := json.Unmarshal([]byte(`{"id":"3H","name":7}`), &g); err == nil || g.ID != "3G" || g.Name != "g" {
		t.Errorf("%v, %+v", err, g)
	}
}

func TestAGroupWithUnknownMembersIsWrittenBack(t *testing.T) {
	const group = `{"id":"3G","type":"group","name":"g","notificationLevel":"loud","childNotificationGroupIds":["3H"],"childChannelIds":["4C"],` +
		`"monitors":[{"id":"2M","skipDefault":true,"until":1.50},{"id":"2N","skipDefault":false}],"services":[{"name":"Shop","roles":["app"]}],"colour":{"r":2.50}}`
	g := listGroups(t, "["+group+"]")[0]
	written, err := json.Marshal(g)
	if err != nil || string(written) != group {
		t.Errorf("%v; written\n%s, want\n%s", err, written, group)
	}
	s, c := newFake(t)
	g.Monitors = append(g.Monitors[1:2:2], mackerel.NotificationGroupMonitor{ID: "2M"})
	_, _ = c.UpdateNotificationGroup(t.Context(), g) // the fake has no such group
	const want = `{"name":"g","notificationLevel":"loud","childNotificationGroupIds":["3H"],"childChannelIds":["4C"],` +
		`"monitors":[{"id":"2N","skipDefault":false},{"id":"2M","skipDefault":false,"until":1.50}],"services":[{"name":"Shop","roles":["app"]}],"colour":{"r":2.50}}`
	if got := string(s.Requests()[0].Body); got != want {
		t.Errorf("sent\n%s, want\n%s", got, want)
	}
}

// Older answers have no type, no lists, null in place of lists, or names in another case.
func TestOlderFormsOfGroups(t *testing.T) {
	groups := listGroups(t, `[{"id":"3A","name":"Default","notificationLevel":"all","childNotificationGroupIDs":["3B"],"childChannelIDs":["4C"]},
		{"id":"3B","name":"b","notificationLevel":"critical","childNotificationGroupIds":null,"childChannelIds":[],"monitors":null,"services":null}]`)
	a, b := groups[0], groups[1]
	if len(a.ChildNotificationGroupIDs) != 1 || len(a.ChildChannelIDs) != 1 || a.Type != "" {
		t.Errorf("%+v", a)
	}
	written, err := json.Marshal(b)
	if err != nil || string(written) != `{"id":"3B","name":"b","notificationLevel":"critical","childNotificationGroupIds":[],"childChannelIds":[],"monitors":[],"services":[]}` {
		t.Errorf("%s, %v", written, err)
	}
}

func TestAnAnswerWithoutGroupsIsNotAnEmptyOrganization(t *testing.T) {
	for _, body := range []string{`{}`, `{"notificationGroups":null}`, `[]`, ``} {
		s, _ := newFake(t)
		s.Inject(fakehttp.Fault{Status: 200, Body: body, Times: -1})
		_, err := oneAttempt(t, s).ListNotificationGroups(t.Context())
		if !errors.Is(err, mackerel.ErrUnavailable) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// oneAttempt returns a client that repeats nothing.
func oneAttempt(t *testing.T, s *mackereltest.Server) *mackerel.Client {
	t.Helper()
	config := s.Config()
	config.Call.MaxAttempts = 1
	c, err := mackerel.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What creates or closes is done once. Everything else is done again after a lost answer.
func TestLostAnswers(t *testing.T) {
	once := map[string]bool{"create notification group": true, "close alert": true}
	for name, do := range map[string]func(context.Context, *mackerel.Client) error{
		"list notification groups": func(ctx context.Context, c *mackerel.Client) error {
			_, err := c.ListNotificationGroups(ctx)
			return err
		},
		"create notification group": func(ctx context.Context, c *mackerel.Client) error {
			_, err := c.CreateNotificationGroup(ctx, mackerel.NotificationGroup{Name: "new"})
			return err
		},
		"update notification group": func(ctx context.Context, c *mackerel.Client) error {
			_, err := c.UpdateNotificationGroup(ctx, mackerel.NotificationGroup{ID: "3G", Name: "new"})
			return err
		},
		"delete notification group": func(ctx context.Context, c *mackerel.Client) error {
			if _, err := c.DeleteNotificationGroup(ctx, "3G"); !errors.Is(err, mackerel.ErrNotFound) {
				return err // the repeat finds no group
			}
			return nil
		},
		"list alerts": func(ctx context.Context, c *mackerel.Client) error {
			_, err := collect(c.ListAlerts(ctx, mackerel.ListAlertsOptions{}))
			return err
		},
		"get alert": func(ctx context.Context, c *mackerel.Client) error {
			_, err := c.GetAlert(ctx, "5A")
			return err
		},
		"close alert": func(ctx context.Context, c *mackerel.Client) error {
			_, err := c.CloseAlert(ctx, "5A", "")
			return err
		},
		"update alert memo": func(ctx context.Context, c *mackerel.Client) error { return c.UpdateAlertMemo(ctx, "5A", "m") },
		"list alert logs": func(ctx context.Context, c *mackerel.Client) error {
			_, err := collect(c.AlertLogs(ctx, "5A"))
			return err
		},
		"get organization": func(ctx context.Context, c *mackerel.Client) error {
			_, err := c.GetOrganization(ctx)
			return err
		},
		"list users": func(ctx context.Context, c *mackerel.Client) error {
			_, err := c.ListUsers(ctx)
			return err
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, c := inBubble(t, mackerel.CallOptions{})
			s.AddNotificationGroup(`{"id":"3G","name":"g"}`)
			s.AddAlert(`{"id":"5A"}`)
			s.Inject(fakehttp.Fault{Handled: true, Break: fakehttp.ResetConnection})
			err := do(t.Context(), c)
			if !once[name] {
				if err != nil || len(s.Requests()) != 2 {
					t.Errorf("%s: %v after %d requests", name, err, len(s.Requests()))
				}
				return
			}
			var e *mackerel.Error
			if _, again := mackerel.Retry(err); !errors.Is(err, mackerel.ErrAmbiguous) || again || len(s.Requests()) != 1 || !errors.As(err, &e) || e.Op != name {
				t.Errorf("%s: %v after %d requests", name, err, len(s.Requests()))
			}
		})
	}
}

func TestOrganizationAndUsers(t *testing.T) {
	s, c := newFake(t)
	s.SetOrganization("acme")
	s.AddUsers("5U1", "5U2")
	if o, err := c.GetOrganization(t.Context()); err != nil || o != (mackerel.Organization{Name: "acme"}) {
		t.Errorf("%+v, %v", o, err)
	}
	users, err := c.ListUsers(t.Context())
	if err != nil || len(users) != 2 || users[1].ID != "5U2" || users[1].Authority == "" {
		t.Errorf("%+v, %v", users, err)
	}
	s.Inject(fakehttp.Fault{Status: http.StatusForbidden})
	if users, err := c.ListUsers(t.Context()); !errors.Is(err, mackerel.ErrUnauthorized) || users != nil {
		t.Errorf("%+v, %v", users, err)
	}
	s.Inject(fakehttp.Fault{Status: http.StatusOK, Body: `{"name":"acme","displayName":"Acme, Inc."}`})
	if o, err := c.GetOrganization(t.Context()); err != nil || o.DisplayName != "Acme, Inc." {
		t.Errorf("%+v, %v", o, err)
	}
}
