package chatwork

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A File is a file in a room.
type File struct {
	FileID      int64   `json:"file_id"`
	Account     Account `json:"account"` // of the uploader
	MessageID   string  `json:"message_id"`
	Filename    string  `json:"filename"`
	Filesize    int64   `json:"filesize"`              // bytes
	UploadTime  int64   `json:"upload_time"`           // Unix seconds
	DownloadURL string  `json:"download_url,omitzero"` // only if it was asked for; it is enough to download the file
}

func (f File) documented() bool { return f.FileID != 0 }

// FilesParams selects files of a room. The zero value selects all files.
type FilesParams struct {
	AccountID int64 `url:"account_id,omitempty"` // of the uploader
}

// GetFileParams says what to return of a file.
type GetFileParams struct {
	CreateDownloadURL bool `url:"create_download_url,int,omitempty"` // to return a DownloadURL, for 30 seconds
}

// ListFiles returns files of a room, at most 100: GET /rooms/{room_id}/files.
func (c *Client) ListFiles(ctx context.Context, roomID int64, p FilesParams) ([]File, error) {
	return list[File](ctx, c, get("list files"), p, "rooms", pathID(roomID), "files")
}

// UploadFile uploads a file to a room and returns its id: POST /rooms/{room_id}/files. The content is read while it is
// sent. Call.Timeout limits the time in which no byte is sent, and not the whole upload.
func (c *Client) UploadFile(ctx context.Context, roomID int64, u Upload) (fileID int64, err error) {
	var answer ids
	r, err := c.request(post("upload file"), decode(&answer), nil, "rooms", pathID(roomID), "files")
	if err != nil {
		return 0, err
	}
	body, problem := u.body()
	if problem != "" {
		return 0, c.service.Invalid(r.Op, problem)
	}
	r.Header = r.Header.Clone()
	r.Header.Set("Content-Type", body.contentType)
	r.Stream, r.Limit = body.stream(u.Progress), transport.MessageLimit
	_, err = c.call(ctx, r)
	return answer.FileID, err
}

// GetFile returns what is known about a file: GET /rooms/{room_id}/files/{file_id}. [Client.DownloadFile] returns the
// content.
func (c *Client) GetFile(ctx context.Context, roomID, fileID int64, p GetFileParams) (File, error) {
	return call[File](ctx, c, get("get file"), p, "rooms", pathID(roomID), "files", pathID(fileID))
}

// DownloadFile writes the content of a file to w and returns what is known about the file. It asks for a DownloadURL
// with [Client.GetFile] and fetches it. It writes at most Filesize bytes. A longer content is an error, and so are a
// shorter content and any status except 200. The address leads to another host, which gets no token. Redirects are
// refused. Call.Timeout limits the time in which no byte comes, and not the whole download.
//
// DownloadFile itself repeats nothing once it has written a byte, so after an error w may hold a part of the content.
// If the address has expired or the content is incomplete, the error is [mackerel.ErrUnavailable].
func (c *Client) DownloadFile(ctx context.Context, roomID, fileID int64, w io.Writer) (File, error) {
	f, err := c.GetFile(ctx, roomID, fileID, GetFileParams{CreateDownloadURL: true})
	if err != nil {
		return f, err
	}
	r, err := c.downloadRequest(f, w)
	f.DownloadURL = "" // it is a credential, and not needed any more
	if err != nil {
		return f, err
	}
	result := c.service.Transport().Do(ctx, r) // without a token
	switch {
	case result.Status == http.StatusForbidden: // of the address, not of the account
		result.Class, result.Err = transport.Unavailable, errExpired
	case result.Class == transport.Done && (result.Status != http.StatusOK || r.Sink.Written != f.Filesize):
		result.Class, result.Err = transport.Unavailable, errIncomplete
	}
	return f, c.service.Outcome(r, result)
}

var (
	errExpired    = errors.New("the download_url is refused; it lasts 30 seconds")
	errIncomplete = errors.New("the content is not the whole file")
)

// downloadRequest returns the request for the content of a file. The address is a credential.
func (c *Client) downloadRequest(f File, w io.Writer) (transport.Request, error) {
	op := get("download file")
	u, problem := transport.ParseURL(f.DownloadURL)
	if problem == "" && c.base.Scheme == "https" && u.Scheme != "https" {
		problem = "not an https URL"
	}
	if problem != "" {
		return transport.Request{}, c.service.Invalid(op.name, "the download_url is "+problem)
	}
	return transport.Request{
		Op: op.name, Method: op.method, Repeat: op.repeat, URL: u,
		Header: c.service.Header()(), Sink: &transport.Sink{Writer: w, Limit: f.Filesize},
		Clean: transport.NewCleaner(provider.URLSecrets(u)...),
	}, nil
}
