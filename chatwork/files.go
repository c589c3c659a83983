package chatwork

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A File is a file in a room.
type File struct {
	FileID      int64   `json:"file_id"`
	Account     Account `json:"account"` // who uploaded it
	MessageID   string  `json:"message_id"`
	Filename    string  `json:"filename"`
	Filesize    int64   `json:"filesize"`              // bytes
	UploadTime  int64   `json:"upload_time"`           // Unix seconds
	DownloadURL string  `json:"download_url,omitzero"` // only if it was asked for; whoever has it can download the file
}

func (f File) documented() bool { return f.FileID != 0 }

// FilesParams selects from a room's files. The zero value selects all.
type FilesParams struct {
	AccountID int64 `url:"account_id,omitempty"` // of who uploaded it
}

// GetFileParams says what to say of a file.
type GetFileParams struct {
	CreateDownloadURL bool `url:"create_download_url,int,omitempty"` // with an address for it, which lasts 30 seconds
}

var (
	listFiles    = operation{"list files", http.MethodGet, transport.Replay}
	uploadFile   = operation{"upload file", http.MethodPost, transport.Once}
	getFile      = operation{"get file", http.MethodGet, transport.Replay}
	downloadFile = operation{"download file", http.MethodGet, transport.Replay}
)

// ListFiles returns files of a room, at most 100: GET /rooms/{room_id}/files. None gives an empty list. It may be
// repeated.
func (c *Client) ListFiles(ctx context.Context, roomID int64, p FilesParams) ([]File, error) {
	return list[File](ctx, c, listFiles, p, "rooms", pathID(roomID), "files")
}

// UploadFile uploads a file to a room, with a message if there is one, and returns the file's id:
// POST /rooms/{room_id}/files. The content is read as it is sent; Call.Timeout limits how long nothing may move, not the
// upload. It is never repeated after a lost answer.
func (c *Client) UploadFile(ctx context.Context, roomID int64, u Upload) (fileID int64, err error) {
	var answer fileIDAnswer
	r, err := c.request(uploadFile, nil, "rooms", pathID(roomID), "files")
	if err != nil {
		return 0, err
	}
	body, problem := u.body()
	if problem != "" {
		return 0, c.service.Invalid(uploadFile.name, problem)
	}
	r.Header = r.Header.Clone()
	r.Header.Set("Content-Type", body.contentType)
	r.Stream, r.Judge, r.Limit = body.stream(u.Progress), c.watch(decodeOne(&answer)), transport.MessageLimit
	_, err = c.do(ctx, r)
	return answer.FileID, err
}

type fileIDAnswer struct {
	FileID int64 `json:"file_id"`
}

func (a fileIDAnswer) documented() bool { return a.FileID != 0 }

// GetFile returns what is known of a file: GET /rooms/{room_id}/files/{file_id}. It may be repeated. To have the file
// itself, see [Client.DownloadFile].
func (c *Client) GetFile(ctx context.Context, roomID, fileID int64, p GetFileParams) (File, error) {
	return one[File](ctx, c, getFile, p, "rooms", pathID(roomID), "files", pathID(fileID))
}

// DownloadFile writes a file's content to w, and returns what is known of the file: it asks for an address with
// [Client.GetFile] and fetches that. Never more is written than the file's Filesize; if there is more, that is an error.
// The address is at another host, which gets no token, and redirects are refused. Call.Timeout limits how long nothing
// may move, not the download.
//
// It may be repeated, but DownloadFile itself does not once something was written: after an error w may hold a part.
func (c *Client) DownloadFile(ctx context.Context, roomID, fileID int64, w io.Writer) (File, error) {
	f, err := c.GetFile(ctx, roomID, fileID, GetFileParams{CreateDownloadURL: true})
	if err != nil {
		return f, err
	}
	r, err := c.downloadRequest(f, w)
	f.DownloadURL = "" // it has served
	if err != nil {
		return f, err
	}
	_, err = c.service.Do(ctx, r) // without a token
	return f, expired(err)
}

// downloadRequest is the request for a file at the address that was given for it. The address is a credential.
func (c *Client) downloadRequest(f File, w io.Writer) (transport.Request, error) {
	u, problem := transport.ParseURL(f.DownloadURL)
	if problem == "" && c.base.Scheme == "https" && u.Scheme != "https" {
		problem = "not an https URL"
	}
	if problem != "" {
		return transport.Request{}, c.service.Invalid(downloadFile.name, "the download_url is "+problem)
	}
	return transport.Request{
		Op: downloadFile.name, Method: downloadFile.method, Repeat: downloadFile.repeat, URL: u,
		Header: c.service.Header()(), Sink: &transport.Sink{Writer: w, Limit: f.Filesize},
		Clean: transport.NewCleaner(provider.URLSecrets(u)...),
	}, nil
}

// expired makes of a refused download what it is: the credential was the address, and another one may be had.
func expired(err error) error {
	var e *mackerel.Error
	if errors.As(err, &e) && e.Status == http.StatusForbidden {
		e.Kind, e.Message = mackerel.ErrUnavailable, "the download_url is refused, it lasts 30 seconds"
	}
	return err
}
