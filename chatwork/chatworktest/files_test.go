package chatworktest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// part is a part of a multipart body with the boundary "b".
func part(disposition, content string) string {
	return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\nContent-Type: image/jpeg\r\n\r\n" + content + "\r\n"
}

// upload sends a multipart body as it stands.
func (c client) upload(t *testing.T, path, body string) answer {
	t.Helper()
	return c.send(t, "POST", path+"/files", body, "X-ChatWorkToken", c.token, "Content-Type", "multipart/form-data; boundary=b")
}

const example = `name="file"; filename="example.jpeg"`

func TestFilesAreListedByTheirUploader(t *testing.T) {
	s, c := start(t)
	c.do(t, "GET", room+"/files", "").want(t, 204, "")
	s.AddFile(0, chatworktest.File{FileID: 3, AccountID: 124, MessageID: "22", Filename: "README.md", Content: make([]byte, 2232), UploadTime: time.Unix(1384414750, 0)})
	const file = `{"file_id": 3, "account": {"account_id": 124, "name": "", "avatar_image_url": ""},
		"message_id": "22", "filename": "README.md", "filesize": 2232, "upload_time": 1384414750}`
	c.do(t, "GET", room+"/files?account_id=124", "").want(t, 200, "["+file+"]")
	c.do(t, "GET", room+"/files?account_id=123", "").want(t, 204, "")
	c.do(t, "GET", room+"/files/3?create_download_url=0", "").want(t, 200, file)
	c.do(t, "GET", room+"/files/4", "").refused(t, 404, "File not found")
}

func TestAnAddressGivesTheFileFor30SecondsToWhoeverHasNoToken(t *testing.T) {
	s, c := start(t)
	s.AddFile(chatworktest.RoomID, chatworktest.File{FileID: 3, AccountID: chatworktest.AccountID, Filename: "a", Content: []byte("content")})
	address := parse[map[string]any](t, c.do(t, "GET", room+"/files/3?create_download_url=1", ""))["download_url"].(string)
	get := func(address string, header ...string) answer {
		t.Helper()
		return answer(servicetest.Call(t, s.Client(), "GET", address, "", header...))
	}
	if a := get(address); a.Status != 200 || a.Body != "content" || a.Header.Get("X-Ratelimit-Limit") != "" {
		t.Errorf("got %d %q %v", a.Status, a.Body, a.Header)
	}
	for _, header := range []string{"X-ChatWorkToken", "Authorization"} {
		if a := get(address, header, "Bearer x"); a.Status != 400 {
			t.Errorf("with %s: %d", header, a.Status)
		}
	}
	if a := get(strings.TrimSuffix(address, "address")); a.Status != 403 {
		t.Errorf("half an address: %d", a.Status)
	}
	s.Advance(29 * time.Second)
	if a := get(address); a.Status != 200 {
		t.Errorf("after 29 seconds: %d", a.Status)
	}
	s.Advance(time.Second)
	if a := get(address); a.Status != 403 {
		t.Errorf("after 30 seconds: %d", a.Status)
	}
}

func TestUploadsAreRefused(t *testing.T) {
	for _, test := range []struct{ name, body, text string }{
		{"no file", part(`name="message"`, "x") + "--b--\r\n", "Parameter 'file' is required"},
		{"two files", part(example, "x") + part(example, "y") + "--b--\r\n", "Parameter 'file' is given twice"},
		{"an unknown part", part(example, "x") + part(`name="comment"`, "y") + "--b--\r\n", "Parameter 'comment' is unknown"},
		{"an empty message", part(example, "x") + part(`name="message"`, "") + "--b--\r\n", "Parameter 'message' must have 1 to 65535 bytes"},
		{"a file without a name", part(`name="file"`, "x") + "--b--\r\n", "Parameter 'file' must have a filename without a path"},
		{"a path", part(`name="file"; filename="../a"`, "x") + "--b--\r\n", "Parameter 'file' must have a filename without a path"},
		{"a file of more than 5 MB", part(example, strings.Repeat("x", 5<<20+1)) + "--b--\r\n", "Parameter 'file' must have up to 5 MB"},
		{"no end", part(example, "x"), "malformed multipart encoding"},
		{"a line break after the end", part(example, "x") + "--b--\r\n\r\n", "malformed multipart encoding"},
		{"nothing", "", "malformed multipart encoding"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, c := start(t)
			s.Strict(true)
			c.upload(t, room, test.body).refused(t, 400, test.text)
			if n := len(s.Files(chatworktest.RoomID)); n != 0 {
				t.Errorf("there are %d files", n)
			}
		})
	}
	s, c := start(t)
	c.as("anna").upload(t, shared(s), part(example, "x")+"--b--\r\n").refused(t, 403, "You don't have permission to send/edit message.")
	if a := c.upload(t, room, part(example, "x")+part(`name="comment"`, "y")+"--b--\r\n"); a.Status != 200 {
		t.Errorf("an unknown part, if the fake is not strict: %d %s", a.Status, a.Body)
	}
	if a := c.do(t, "POST", room+"/files", "file=x"); a.Status != 400 {
		t.Errorf("a form: %d", a.Status)
	}
	if a := c.upload(t, room, part(example, strings.Repeat("x", 5<<20))+"--b--\r\n"); a.Status != 200 {
		t.Errorf("5 MB: %d %s", a.Status, a.Body)
	}
}
