package typetalk_test

import (
	"strconv"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

func TestConformance(t *testing.T) {
	for name, configure := range map[string]func(*typetalk.Config, string){
		"a bot's token": func(c *typetalk.Config, base string) {
			c.Token, c.TopicID, c.BaseURL = mackerel.NewSecret(typetalktest.Token), typetalktest.TopicID, base
		},
		"the address that Mackerel held": func(c *typetalk.Config, base string) {
			c.URL = mackerel.NewSecret(base + "/topics/" + strconv.Itoa(typetalktest.TopicID) + "?typetalkToken=" + typetalktest.Token)
		},
	} {
		t.Run(name, func(t *testing.T) {
			notifytest.Run(t, func(t testing.TB) notifytest.Harness { return harness(t, configure) })
		})
	}
}

func harness(t testing.TB, configure func(*typetalk.Config, string)) notifytest.Harness {
	fake := typetalktest.NewServer()
	t.Cleanup(fake.Close)
	return notifytest.Harness{
		New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
			c := typetalk.Config{Call: e.Call()}
			configure(&c, e.BaseURL+"/api/v1")
			n, err := typetalk.New(c)
			if err != nil {
				t.Fatal(err)
			}
			return n
		},
		Fake:    fake,
		Count:   func() int { return len(fake.Posts(typetalktest.TopicID)) },
		Secrets: []string{typetalktest.Token},
	}
}
