package chatworktest

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// offerTime is how long the address of a file can be used.
// See https://developer.chatwork.com/reference/get-rooms-room_id-files-file_id.
const offerTime = 30 * time.Second

// A File is a file in a room.
type File struct {
	FileID      int64
	AccountID   int64  // of the uploader
	MessageID   string // of a message that the fake does not list
	Filename    string
	ContentType string // of the file's part in the upload
	Content     []byte
	Message     string // posted with the file
	UploadTime  time.Time
}

// Files returns the files of a room, oldest first, nil if the room is unknown. The Contents are shared with the server.
func (s *Server) Files(roomID int64) []File {
	return look(s, roomID, func(r *chat) []File { return slices.Clone(r.files) })
}

// AddFile adds a file to a room and returns its id. An UploadTime that is not set is the time of the server's clock.
func (s *Server) AddFile(roomID int64, f File) (fileID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addFile(s.room(roomID), f)
}

func (s *Server) addFile(r *chat, f File) (fileID int64) {
	f.FileID, f.AccountID = s.claim("file", f.FileID), s.account(f.AccountID).AccountID
	if f.MessageID == "" {
		f.MessageID = s.claimMessage("")
	}
	if f.UploadTime.IsZero() {
		f.UploadTime = s.Now()
	}
	r.files = append(r.files, f)
	r.updated = f.UploadTime
	return f.FileID
}

func (s *Server) fileView(f File) object {
	return object{
		"file_id": f.FileID, "account": s.view(f.AccountID), "message_id": f.MessageID, "filename": f.Filename,
		"filesize": len(f.Content), "upload_time": f.UploadTime.Unix(),
	}
}

// listFiles is https://developer.chatwork.com/reference/get-rooms-room_id-files.
func (s *Server) listFiles(c *call) (any, error) {
	var views []object
	for _, f := range c.room.files {
		if c.isParam("account_id", f.AccountID) {
			views = append(views, s.fileView(f))
		}
	}
	return list(views, maxItems)
}

var errNoFile = refuse(http.StatusNotFound, "File not found")

// getFile is https://developer.chatwork.com/reference/get-rooms-room_id-files-file_id.
func (s *Server) getFile(c *call) (any, error) {
	i := slices.IndexFunc(c.room.files, func(f File) bool { return text(f.FileID) == c.ids["file_id"] })
	if i < 0 {
		return nil, errNoFile
	}
	view := s.fileView(c.room.files[i])
	if c.params.Get("create_download_url") == "1" {
		view["download_url"] = s.offer(c.room.files[i], c.host)
	}
	return view, nil
}

// uploadFile is https://developer.chatwork.com/reference/post-rooms-room_id-files.
func (s *Server) uploadFile(c *call) (any, error) {
	c.file.AccountID, c.file.Message = c.account.AccountID, c.params.Get("message")
	return object{"file_id": s.addFile(c.room, *c.file)}, nil
}

const (
	downloads = "/files/" // the path below which files are, on another host than the API
	signature = "signature=secret-of-the-address"
)

// An offer is what an address of a file gives.
type offer struct {
	content []byte
	expires time.Time
}

// offer makes an address for a file. Over the loopback interface the fake has no other host.
func (s *Server) offer(f File, host string) (address string) {
	path := downloads + text(f.FileID) + "-" + text(s.claim("offer", 0))
	s.offers[path] = offer{f.Content, s.Now().Add(offerTime)}
	base := "https://files.fake.test"
	if _, err := netip.ParseAddrPort(host); err == nil {
		base = "http://" + host
	}
	return base + path + "?" + signature
}

// download answers the address of a file with its content. A request with a token is refused, because a token must
// not be sent to that host.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	offered := s.offers[r.URL.Path]
	status, answer := http.StatusOK, []byte(nil)
	switch {
	case r.Method != http.MethodGet:
		status = http.StatusMethodNotAllowed
	case r.Header.Get("X-ChatWorkToken") != "" || r.Header.Get("Authorization") != "":
		status, answer = http.StatusBadRequest, []byte("<Error><Code>InvalidArgument</Code></Error>")
	case r.URL.RawQuery != signature || !s.Now().Before(offered.expires):
		status, answer = http.StatusForbidden, []byte("<Error><Code>AccessDenied</Code></Error>")
	default:
		answer = offered.content
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(status)
	_, _ = w.Write(answer) // fails only if the client has gone
}
