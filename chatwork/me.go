package chatwork

import "context"

// Me is the profile of the account. Texts that the account has not filled in are "".
type Me struct {
	AccountID        int64  `json:"account_id"`
	RoomID           int64  `json:"room_id"` // of "My chat", the account's own room
	Name             string `json:"name"`
	ChatworkID       string `json:"chatwork_id"`
	OrganizationID   int64  `json:"organization_id"`
	OrganizationName string `json:"organization_name"`
	Department       string `json:"department"`
	Title            string `json:"title"`
	URL              string `json:"url"`
	Introduction     string `json:"introduction"`
	Mail             string `json:"mail"`
	TelOrganization  string `json:"tel_organization"`
	TelExtension     string `json:"tel_extension"`
	TelMobile        string `json:"tel_mobile"`
	Skype            string `json:"skype"`
	Facebook         string `json:"facebook"`
	Twitter          string `json:"twitter"`
	AvatarImageURL   string `json:"avatar_image_url"`
	LoginMail        string `json:"login_mail"`
}

func (m Me) documented() bool { return m.AccountID != 0 }

// MyStatus counts the unread messages, the mentions among them and the open tasks of the account in all rooms, and the
// rooms that have any of them.
type MyStatus struct {
	UnreadRoomNum  int `json:"unread_room_num"`
	MentionRoomNum int `json:"mention_room_num"`
	MytaskRoomNum  int `json:"mytask_room_num"`
	UnreadNum      int `json:"unread_num"`
	MentionNum     int `json:"mention_num"`
	MytaskNum      int `json:"mytask_num"`
}

func (MyStatus) documented() bool { return true }

// GetMe returns the profile of the account: GET /me.
func (c *Client) GetMe(ctx context.Context) (Me, error) {
	return call[Me](ctx, c, get("get profile"), nil, "me")
}

// GetMyStatus returns the numbers of unread messages and open tasks: GET /my/status.
func (c *Client) GetMyStatus(ctx context.Context) (MyStatus, error) {
	return call[MyStatus](ctx, c, get("get status"), nil, "my", "status")
}
