package docs

import (
	_ "bytes"
	"context"
	_ "crypto/tls"
	_ "crypto/x509"
	_ "encoding/json"
	_ "errors"
	_ "fmt"
	_ "log"
	_ "log/slog"
	"net/http"
	_ "net/netip"
	"net/url"
	_ "os"
	_ "os/signal"
	_ "strings"
	_ "syscall"
	"testing"
	_ "testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	_ "go.yaml.in/yaml/v3"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	_ "github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/durable"
	_ "github.com/mackerel-notify/mackerel/durable/embedded"
	_ "github.com/mackerel-notify/mackerel/email"
	_ "github.com/mackerel-notify/mackerel/email/emailtest"
	_ "github.com/mackerel-notify/mackerel/eventbridge"
	_ "github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	_ "github.com/mackerel-notify/mackerel/hipchat"
	_ "github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	_ "github.com/mackerel-notify/mackerel/jsm"
	_ "github.com/mackerel-notify/mackerel/jsm/jsmtest"
	_ "github.com/mackerel-notify/mackerel/line"
	_ "github.com/mackerel-notify/mackerel/line/linetest"
	_ "github.com/mackerel-notify/mackerel/mackereltest"
	"github.com/mackerel-notify/mackerel/notifytest"
	_ "github.com/mackerel-notify/mackerel/opsgenie"
	_ "github.com/mackerel-notify/mackerel/opsgenie/opsgenietest"
	_ "github.com/mackerel-notify/mackerel/pagerduty"
	_ "github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
	_ "github.com/mackerel-notify/mackerel/provision"
	"github.com/mackerel-notify/mackerel/receiver"
	_ "github.com/mackerel-notify/mackerel/route"
	_ "github.com/mackerel-notify/mackerel/slack"
	_ "github.com/mackerel-notify/mackerel/slack/slacktest"
	_ "github.com/mackerel-notify/mackerel/teams"
	_ "github.com/mackerel-notify/mackerel/teams/teamstest"
	_ "github.com/mackerel-notify/mackerel/twilio"
	_ "github.com/mackerel-notify/mackerel/twilio/twiliotest"
	_ "github.com/mackerel-notify/mackerel/typetalk"
	_ "github.com/mackerel-notify/mackerel/typetalk/typetalktest"
	_ "github.com/mackerel-notify/mackerel/watch"
	_ "github.com/mackerel-notify/mackerel/webhook"
	_ "github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// A fragment of a page may use the packages that this file imports, and these variables. They stand for what the text
// around a fragment speaks of.
var (
	ctx   context.Context
	alert mackerel.Alert
	c     chatwork.Config
	tokyo *time.Location

	room     *chatwork.Notifier
	chat     mackerel.Notifier
	phone    mackerel.Notifier
	client   *mackerel.Client
	newPager func(testing.TB, notifytest.Env) mackerel.Notifier

	notifiers      map[string]mackerel.Notifier
	user, password mackerel.Secret
	lost           func(context.Context, mackerel.Alert, error)

	content, pem []byte
	proxy        *url.URL
	t            *testing.T

	all    mackerel.Notifier // of all services
	store  *durable.Store
	server *http.Server
	h      *receiver.Handler

	conn     *nats.Conn
	handler  http.Handler
	s        *fakehttp.Server
	err      error
	dir      string
	onResult func(context.Context, durable.Result)
)

func newFakePager() http.Handler { return nil }

// A Pager is the notifier of somebody else that notifytest speaks of.
type Pager struct {
	URL, Key string
	Client   *http.Client
	Delivery mackerel.Delivery
	Attempts int
}

// Notify makes a Pager a notifier.
func (*Pager) Notify(context.Context, mackerel.Alert) error { return nil }
