package chatwork_test

import (
	"errors"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestUpdateMembersReplacesThemAll(t *testing.T) {
	s, c := newClient(t)
	populate(s)
	got, err := c.UpdateMembers(t.Context(), full, chatwork.UpdateMembersParams{MembersAdminIDs: []int64{chatworktest.AccountID}, MembersMemberIDs: []int64{anna}})
	if err != nil || len(got.Admin) != 1 || len(got.Member) != 1 || len(got.Readonly) != 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	members, err := c.ListMembers(t.Context(), full)
	if err != nil || len(members) != 2 || members[0].Role != chatwork.RoleAdmin || members[1].AccountID != anna || members[1].Role != chatwork.RoleMember {
		t.Errorf("now there are %+v, %v", members, err)
	}
	_, err = c.UpdateMembers(t.Context(), full, chatwork.UpdateMembersParams{MembersAdminIDs: []int64{chatworktest.AccountID, 363}})
	if !errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("somebody who is no contact: %v", err)
	}
}
