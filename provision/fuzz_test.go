package provision_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/provision"
)

// FuzzRead reads any content as a file. What can be read stays the same when it is written and read again; what cannot
// be read is an error that has a line and no secret.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{"channels":[{"name":"ops","type":"slack","url":"${HOOK}","mentions":{"ok":"x"},"enabledGraphImage":true,"events":["alert"]}],` +
			`"notificationGroups":[{"name":"all","notificationLevel":"all","childNotificationGroupIds":[],"childChannelIds":["ops"],` +
			`"monitors":[{"id":"2M","skipDefault":true}],"services":[{"name":"Shop"}]}]}`,
		`{"channels":[{"name":"m","type":"email","emails":["a@x.test"],"userIds":[],"events":[]}],"notificationGroups":[]}`,
		`{"channels":[{"name":"w","type":"webhook","url":"https://x.test/${HOOK}/${HOOK","events":null}]}`,
		`{"channels":[{"name":"l","type":"line"},{"id":"3","name":"l","type":"new","x":1}]}`,
		"", "{}", "null", "[]", `{"channels":{}}`, "{\n\n\"x\":1}", `{"channels":[],"channels":[]}`, "{}\n{}", "\xff",
	} {
		f.Add([]byte(s))
	}
	const secret = "https://hooks.test/T0/kept-secret"
	lookup := func(name string) (string, bool) { return secret, name == "HOOK" }
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := provision.Read(content, lookup)
		if err != nil {
			if strings.Contains(err.Error(), secret) || !errors.Is(err, mackerel.ErrInvalid) || !strings.Contains(err.Error(), "line ") {
				t.Errorf("%v", err)
			}
			return
		}
		written, err := s.Write()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := provision.Read(written, lookup)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, written)
		}
		if twice, err := again.Write(); err != nil || string(twice) != string(written) {
			t.Errorf("%s\nbecame\n%s\n%v", written, twice, err)
		}
	})
}
