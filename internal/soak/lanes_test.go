package soak

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/jsm"
	"github.com/mackerel-notify/mackerel/jsm/jsmtest"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
	"github.com/mackerel-notify/mackerel/opsgenie"
	"github.com/mackerel-notify/mackerel/opsgenie/opsgenietest"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/teams/teamstest"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// A lane is a service with its notifiers. All workers share a notifier for each delivery mode; only email has a server
// and notifiers for each worker, because its faults cannot be planned for an alert.
type lane struct {
	name      string
	incidents bool // an alert is an incident, which a second call may close
	drops     bool // the service drops repeats of a message
	bodiless  bool // the answer to a message has no body
	nameless  bool // samples and digests are told without the names of the alerts
	modes     []mackerel.Delivery
	notifiers map[mackerel.Delivery]mackerel.Deliverer
	gate      *gate
	holds     func() []held

	mail  []*emailtest.Server // one for each worker; nil except for email
	mails []map[mackerel.Delivery]mackerel.Deliverer
}

// held is a message, an incident or a call that a service has.
type held struct {
	text   string
	closed bool // an incident that is over
}

var bothModes = []mackerel.Delivery{mackerel.AtLeastOnce, mackerel.AtMostOnce}

// pace is that of the notifiers of a round: their own or none.
var pace mackerel.Pace

// A setup makes the options of a notifier whose requests go through the gate.
type setup func(c *mackerel.CallOptions)

// over returns the lane of a service that speaks HTTP.
func over[N mackerel.Deliverer](
	t *testing.T, name string, fake http.Handler, create func(setup) (N, error), holds func() []held,
) *lane {
	l := &lane{name: name, modes: bothModes, holds: holds, notifiers: map[mackerel.Delivery]mackerel.Deliverer{}}
	l.gate = &gate{service: fake, plans: map[string]plan{}, trips: map[string][]*trip{}}
	front := fakehttp.NewServer(l.gate)
	t.Cleanup(front.Close)
	for _, mode := range append(bothModes, 0) {
		n, err := create(func(c *mackerel.CallOptions) {
			c.Client, c.Delivery, c.Pace = front.Client(), mode, pace
		})
		if err != nil {
			t.Fatal(err)
		}
		l.notifiers[mode] = n
	}
	return l
}

func (l *lane) notifier(worker int, mode mackerel.Delivery) mackerel.Deliverer {
	if l.mail != nil {
		return l.mails[worker][mode]
	}
	return l.notifiers[mode]
}

// begin prepares a call. What it returns is for end.
func (l *lane) begin(marker string, worker int, p plan) int {
	if l.mail == nil {
		return l.gate.begin(marker, p)
	}
	for _, i := range p {
		if i >= 0 {
			l.mail[worker].Inject(mailFaults[i])
		}
	}
	return 0
}

// end returns the requests that the call has made; nothing for email.
func (l *lane) end(marker string, worker, before int) []trip {
	if l.mail == nil {
		return l.gate.since(marker, before)
	}
	l.mail[worker].Clear()
	return nil
}

// each makes a text of everything in a list.
func each[T any](all []T, text func(T) string) []held {
	var texts []held
	for _, one := range all {
		texts = append(texts, held{text: text(one)})
	}
	return texts
}

func inJSON[T any](v T) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the fakes' types can be marshalled
	}
	return string(b)
}

// copiesOf returns what the services hold, by the marker of the alert.
func copiesOf(lanes []*lane) map[string][]held {
	copies := map[string][]held{}
	for _, l := range lanes {
		for _, h := range l.holds() {
			marker := markerIn(h.text)
			copies[marker] = append(copies[marker], h)
		}
	}
	return copies
}

// lanes returns the lanes of all services.
func lanes(t *testing.T) []*lane {
	return append(append(chats(t), incidents(t)...), others(t)...)
}

func chats(t *testing.T) []*lane {
	chatworks, hipchats := servicetest.Start(t, chatworktest.New()), servicetest.Start(t, hipchattest.New())
	slacks, flows := servicetest.Start(t, slacktest.New()), servicetest.Start(t, teamstest.New())
	lines, typetalks := servicetest.Start(t, linetest.New()), servicetest.Start(t, typetalktest.New())
	ofLine := over(t, "line", lines, func(s setup) (*line.Notifier, error) {
		c := lines.MemoryConfig()
		s(&c.Call)
		return line.New(c)
	}, func() []held { return each(lines.Deliveries(), inJSON) })
	ofLine.drops = true
	ofHipChat := over(t, "hipchat", hipchats, func(s setup) (*hipchat.Notifier, error) {
		c := hipchats.MemoryConfig()
		s(&c.Call)
		return hipchat.New(c)
	}, func() []held {
		return each(hipchats.Messages(hipchattest.RoomID), func(m hipchattest.Message) string { return m.Text })
	})
	ofHipChat.bodiless = true
	return []*lane{
		ofLine,
		ofHipChat,
		over(t, "chatwork", chatworks, func(s setup) (*chatwork.Notifier, error) {
			c := chatworks.MemoryConfig()
			s(&c.Call)
			return chatwork.New(c)
		}, func() []held {
			return each(chatworks.Messages(chatworktest.RoomID), func(m chatworktest.Message) string { return m.Body })
		}),
		over(t, "slack", slacks, func(s setup) (*slack.Notifier, error) {
			c := slacks.MemoryConfig()
			s(&c.Call)
			return slack.New(c)
		}, func() []held { return each(slacks.Messages(), inJSON) }),
		over(t, "teams", flows, func(s setup) (*teams.Notifier, error) {
			c := flows.MemoryConfig()
			s(&c.Call)
			return teams.New(c)
		}, func() []held { return each(flows.Cards(), inJSON) }),
		over(t, "typetalk", typetalks, func(s setup) (*typetalk.Notifier, error) {
			c := typetalks.MemoryConfig()
			s(&c.Call)
			return typetalk.New(c)
		}, func() []held {
			return each(typetalks.Posts(typetalktest.TopicID), func(p typetalktest.Post) string { return p.Message })
		}),
	}
}

func incidents(t *testing.T) []*lane {
	pagers := servicetest.Start(t, pagerdutytest.New())
	opsgenies, jsms := servicetest.Start(t, opsgenietest.New()), servicetest.Start(t, jsmtest.New())
	all := []*lane{
		over(t, "pagerduty", pagers, func(s setup) (*pagerduty.Notifier, error) {
			c := pagers.MemoryConfig()
			s(&c.Call)
			return pagerduty.New(c)
		}, func() []held {
			var all []held
			for _, i := range pagers.Incidents(pagerdutytest.RoutingKey) {
				all = append(all, held{inJSON(i), i.Status == pagerdutytest.Resolved})
			}
			return all
		}),
		over(t, "opsgenie", opsgenies, func(s setup) (*opsgenie.Notifier, error) {
			c := opsgenies.MemoryConfig()
			s(&c.Call)
			return opsgenie.New(c)
		}, func() []held {
			var all []held
			for _, a := range opsgenies.Alerts() {
				all = append(all, held{inJSON(a), a.Closed})
			}
			return all
		}),
		over(t, "jsm", jsms, func(s setup) (*jsm.Notifier, error) {
			c := jsms.MemoryConfig()
			s(&c.Call)
			return jsm.New(c)
		}, func() []held {
			var all []held
			for _, a := range jsms.Alerts() {
				all = append(all, held{inJSON(a), a.Closed})
			}
			return all
		}),
	}
	for _, l := range all {
		l.incidents = true
	}
	return all
}

func others(t *testing.T) []*lane {
	hooks, buses := servicetest.Start(t, webhooktest.New()), servicetest.Start(t, eventbridgetest.New())
	phones := servicetest.Start(t, twiliotest.New())
	calls := over(t, "twilio calls", phones, func(s setup) (*twilio.Notifier, error) {
		c := phones.MemoryConfig()
		c.Kind = twilio.KindCall
		s(&c.Call)
		return twilio.New(c)
	}, func() []held { return each(phones.Calls(), func(c twiliotest.Call) string { return c.Said }) })
	calls.nameless = true
	calls.modes = []mackerel.Delivery{0, mackerel.AtMostOnce}
	ofWebhook := over(t, "webhook", hooks, func(s setup) (*webhook.Notifier, error) {
		c := hooks.MemoryConfig()
		s(&c.Call)
		return webhook.New(c)
	}, func() []held {
		return each(hooks.Deliveries(), func(d webhooktest.Delivery) string { return string(d.Body) })
	})
	ofWebhook.bodiless = true
	return []*lane{
		calls,
		ofWebhook,
		over(t, "twilio SMS", phones, func(s setup) (*twilio.Notifier, error) {
			c := phones.MemoryConfig()
			s(&c.Call)
			return twilio.New(c)
		}, func() []held {
			return each(phones.Messages(), func(m twiliotest.Message) string { return m.Body })
		}),
		over(t, "eventbridge", buses, func(s setup) (*eventbridge.Notifier, error) {
			c := buses.MemoryConfig()
			s(&c.Call)
			return eventbridge.New(c)
		}, func() []held {
			return each(buses.Events(eventbridgetest.DefaultBus), func(e eventbridgetest.Event) string { return e.Detail })
		}),
		mails(t),
	}
}

func mails(t *testing.T) *lane {
	l := &lane{name: "email", modes: bothModes}
	for range workers {
		server := servicetest.Start(t, emailtest.New())
		notifiers := map[mackerel.Delivery]mackerel.Deliverer{}
		for _, mode := range bothModes {
			c := server.MemoryConfig()
			c.Call.Delivery = mode
			n, err := email.New(c)
			if err != nil {
				t.Fatal(err)
			}
			notifiers[mode] = n
		}
		l.mail, l.mails = append(l.mail, server), append(l.mails, notifiers)
	}
	l.holds = func() []held {
		var all []held
		for _, server := range l.mail {
			all = append(all, each(server.Mails(), func(m emailtest.Mail) string { return m.Subject + m.Text })...)
		}
		return all
	}
	return l
}
