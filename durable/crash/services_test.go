package crash

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
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

// mail is the service that does not speak HTTP.
const mail = "email"

// A service is one of the thirteen.
type service struct {
	name     string
	fake     func() http.Handler                                     // nil for mail
	dial     func(set func(*mackerel.CallOptions)) mackerel.Notifier // makes the notifier of a fake of fake's kind
	drops    bool                                                    // it drops repeats
	overtake bool                                                    // WorkerConfig.Overtake
	once     bool                                                    // AtMostOnce
}

// over returns a service that speaks HTTP.
func over[F interface {
	http.Handler
	MemoryConfig() C
	Close()
}, C any, N mackerel.Notifier](name string, create func() F, build func(C) (N, error)) service {
	return service{
		name: name,
		fake: func() http.Handler { return create() },
		dial: func(set func(*mackerel.CallOptions)) mackerel.Notifier {
			fake := create() // all fakes of a kind have the same credentials
			config := fake.MemoryConfig()
			fake.Close()
			set(reflect.ValueOf(&config).Elem().FieldByName("Call").Addr().Interface().(*mackerel.CallOptions))
			n, err := build(config)
			if err != nil {
				panic(err) // the fakes' configurations are valid
			}
			return n
		},
	}
}

// services returns the thirteen services, the mail last.
func services() []service {
	all := []service{
		over("chatwork", chatworktest.New, chatwork.New),
		over("eventbridge", eventbridgetest.New, eventbridge.New),
		over("hipchat", hipchattest.New, hipchat.New),
		over("jsm", jsmtest.New, jsm.New),
		over("line", linetest.New, line.New),
		over("opsgenie", opsgenietest.New, opsgenie.New),
		over("pagerduty", pagerdutytest.New, pagerduty.New),
		over("slack", slacktest.New, slack.New),
		over("teams", teamstest.New, teams.New),
		over("twilio", twiliotest.New, twilio.New),
		over("typetalk", typetalktest.New, typetalk.New),
		over("webhook", signedFake, signed),
		{name: mail},
	}
	for i := range all {
		s := &all[i]
		switch s.name {
		case "jsm", "opsgenie", "pagerduty":
			s.overtake, s.drops = true, true
		case "twilio":
			s.once = true
		case "line", "webhook":
			s.drops = true
		}
	}
	return all
}

// signedFake returns a fake that drops repeats of a webhook-id.
func signedFake() *webhooktest.Server {
	s := webhooktest.New()
	s.RequireSignature(webhooktest.Secret)
	return s
}

func signed(c webhook.Config) (*webhook.Notifier, error) {
	c.SigningSecrets = []mackerel.Secret{mackerel.NewSecret(webhooktest.Secret)}
	return webhook.New(c)
}

// routes returns the services that the alerts of a key go to: so many, beginning anywhere in the list.
func routes(key, fan int) (names []string) {
	all := services()
	h := fnv.New32a()
	fmt.Fprint(h, key)
	for i := range fan {
		names = append(names, all[(int(h.Sum32()%1000)+i)%len(all)].name)
	}
	return names
}

var numbers = regexp.MustCompile(`crash([0-9]{8})x`)

// numberIn returns the number of the alert that a text is about, -1 if the text has no such number.
func numberIn(text string) int {
	m := numbers.FindStringSubmatch(text)
	if m == nil {
		return -1
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return -1
	}
	return n
}

// An event is an alert of a run: the state number seq of a key.
type event struct{ N, Key, Seq int }

// byHand reports whether the alerts of the key are made by hand, and not received.
func (e event) byHand() bool { return e.Key%10 == 9 }

// alert returns the alert. It is the same in all processes.
func (e event) alert() mackerel.Alert {
	status, closed := [...]string{"critical", "warning", "ok"}[e.Seq%3], "null"
	if status == "ok" {
		closed = "1767226500"
	}
	a, err := mackerel.ParseWebhook(fmt.Appendf(nil, `{"orgName":"acme","event":"alert","type":"host","message":"crash%08dx","memo":"",`+
		`"user":null,"imageUrl":null,"host":{"id":"4Host","name":"app01","url":"https://mackerel.io/orgs/acme/hosts/4Host",`+
		`"status":"working","memo":"","isRetired":false,"roles":[]},"alert":{"id":"5Key%05d",`+
		`"url":"https://mackerel.io/orgs/acme/alerts/5Key%05d","openedAt":1767225600,"closedAt":%s,"createdAt":1767225600123,`+
		`"status":%q,"isOpen":%t,"trigger":"monitor","monitorName":"CPU crash%08dx","metricLabel":"cpu%%","metricValue":96.5,`+
		`"criticalThreshold":90,"warningThreshold":80.5,"monitorOperator":">","duration":3}}`,
		e.N, e.Key, e.Key, closed, status, status != "ok", e.N))
	if err != nil {
		panic(err) // it is a webhook
	}
	if e.byHand() {
		a.Raw = nil
	}
	return a
}

// Headers that say what a request is about. Only the gates read them.
const (
	headerAlert    = "X-Crash-Alert"
	headerWorker   = "X-Crash-Worker"
	headerDelivery = "X-Crash-Delivery"
)

// notifiers returns the notifiers of the services behind the gates, whose addresses are given by service, and what
// closes their connections.
func notifiers(gates map[string]string, worker string) (all map[string]mackerel.Notifier, hangUp func()) {
	all = make(map[string]mackerel.Notifier)
	transport := &http.Transport{MaxIdleConnsPerHost: concurrency}
	for _, s := range services() {
		if s.name == mail {
			all[mail] = mailer(gates[mail], worker)
			continue
		}
		way := &way{address: gates[s.name], worker: worker, over: transport}
		all[s.name] = marked{s.dial(func(c *mackerel.CallOptions) {
			c.Client, c.MaxAttempts = &http.Client{Transport: way}, 1
		})}
	}
	return all, transport.CloseIdleConnections
}

// mailer returns the notifier that mails. Its sender is the worker.
func mailer(address, worker string) mackerel.Notifier {
	c := emailtest.New().MemoryConfig()
	c.TLS, c.TLSConfig, c.Username, c.Password = email.TLSNone, nil, "", mackerel.Secret{}
	c.From, c.Call.MaxAttempts = worker+"@example.com", 1
	c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
	}
	n, err := email.New(c)
	if err != nil {
		panic(err) // it is valid
	}
	return n
}

// marked is a notifier whose requests say which alert they are about.
type marked struct{ mackerel.Notifier }

type markKey struct{}

func (m marked) Notify(ctx context.Context, a mackerel.Alert) error {
	return m.Notifier.Notify(context.WithValue(ctx, markKey{}, numberIn(a.Message)), a)
}

// A way leads all requests to a gate.
type way struct {
	address, worker string
	over            *http.Transport
}

func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	to := r.Clone(ctx)
	to.Host, to.URL.Scheme, to.URL.Host = cmp.Or(r.Host, r.URL.Host), "http", w.address
	to.Header.Set(headerAlert, fmt.Sprint(ctx.Value(markKey{})))
	to.Header.Set(headerWorker, w.worker)
	to.Header.Set(headerDelivery, mackerel.DeliveryID(ctx))
	return w.over.RoundTrip(to)
}
