package mackerel_test

import (
	"encoding/json"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

// What was read of the API is written so that it is read again as the same.
func FuzzAPIObjects(f *testing.F) {
	for _, seed := range []string{
		`{"id":"3G","type":"group","name":"g","notificationLevel":"critical","childNotificationGroupIds":["3H"],"childChannelIds":["4C"],"monitors":[{"id":"2M","skipDefault":true,"until":1.50}],"services":[{"name":"Shop"}],"new":{}}`,
		`{"id":"3D","type":"group-default","name":"Default","notificationLevel":"all","childNotificationGroupIds":null,"childChannelIds":[]}`,
		`{"id":"3A","monitors":[{"id":"2M","a":1},{"id":"2M","b":2}],"services":null}`,
		`{"id":"5A","status":"CRITICAL","monitorId":"2M","type":"query","series":{"name":"s","labels":{"k":"v"}},"value":0,"openedAt":1.5}`,
		`{"id":"5B","status":"OK","monitorId":null,"type":"host","reason":"","memo":"m","openedAt":-1,"closedAt":1e300}`,
		`{"id":7}`, `null`, `[]`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		roundTripOf[mackerel.NotificationGroup](t, body)
		roundTripOf[mackerel.APIAlert](t, body)
		_ = json.Unmarshal(body, new(mackerel.AlertLog))
	})
}

func roundTripOf[T any](t *testing.T, body []byte) {
	t.Helper()
	var first, second T
	if json.Unmarshal(body, &first) != nil {
		return
	}
	written, err := json.Marshal(first)
	if err != nil {
		t.Fatalf("%q is read and cannot be written: %v", body, err)
	}
	if err := json.Unmarshal(written, &second); err != nil {
		t.Fatalf("%s, which was written, cannot be read: %v", written, err)
	}
	again, err := json.Marshal(second)
	if err != nil || string(again) != string(written) {
		t.Fatalf("%q is written as\n%s, and then as\n%s (%v)", body, written, again, err)
	}
}
