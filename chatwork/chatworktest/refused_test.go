package chatworktest_test

import (
	"strconv"
	"testing"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestARoomIsNotCreatedWithTheCodeOfAnother(t *testing.T) {
	_, c := start(t)
	if a := c.do(t, "POST", room+"/link", "code=a"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	before := c.do(t, "GET", "/rooms", "").body
	c.do(t, "POST", "/rooms", "name=x&members_admin_ids=123&link=1&link_code=a").want(t, 400, refusal("The code is already used"))
	c.do(t, "GET", "/rooms", "").want(t, 200, before)
}

func TestOnlyAGroupChatHasANameAndALink(t *testing.T) {
	s, c := start(t)
	shared(s)
	direct := "/rooms/" + strconv.FormatInt(s.AddContact(chatworktest.AccountID, 124), 10)
	for _, path := range []string{direct, "/rooms/322"} {
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			c.do(t, method, path+"/link", "").want(t, 400, refusal("This room is not a group chat"))
		}
		c.do(t, "PUT", path, "name=x").want(t, 400, refusal("This room is not a group chat"))
	}
	c.as("bob").do(t, "POST", "/rooms/5/link", "").want(t, 403, refusal("You don't have permission to do this."))
	// The contact of a contact is none.
	s.AddContact(124, 456)
	contacts := parse[[]map[string]any](t, c.do(t, "GET", "/contacts", "").body)
	if len(contacts) != 1 || contacts[0]["name"] != "Bob" {
		t.Errorf("the contacts are %v", contacts)
	}
}
