package chatworktest

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// maxFile is the largest file, in bytes: the larger reading of "5 MB".
const maxFile = 5 << 20

// offerTime is how long the address of a file is good.
// See https://developer.chatwork.com/reference/get-rooms-room_id-files-file_id.
const offerTime = 30 * time.Second

// A File is a file in a room.
type File struct {
	FileID      int64
	AccountID   int64  // of who uploaded it
	MessageID   string // of a message that the fake does not list
	Filename    string
	ContentType string // of the file's part in the upload
	Content     []byte
	Message     string // posted along with it
	UploadTime  time.Time
}

// Files returns the files of a room, the oldest first. It panics if there is no such room. What the Contents hold is
// the server's own.
func (s *Server) Files(roomID int64) []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mustRoom("Files", roomID).files)
}

// AddFile adds a file to a room and returns its id. A FileID of 0, an empty MessageID and a zero UploadTime are replaced
// by new ones. It panics if there is no such room or account, or the id is taken.
func (s *Server) AddFile(roomID int64, f File) (fileID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.mustRoom("AddFile", roomID)
	s.mustAccount("AddFile", f.AccountID)
	if f.FileID != 0 && s.fileTaken(f.FileID) {
		panic("chatworktest: AddFile: the id " + strconv.FormatInt(f.FileID, 10) + " is taken")
	}
	return s.addFile(r, f)
}

func (s *Server) addFile(r *room, f File) (fileID int64) {
	for f.FileID == 0 || s.fileTaken(f.FileID) {
		f.FileID = s.newID()
	}
	if f.MessageID == "" {
		f.MessageID = s.newMessageID()
	}
	if f.UploadTime.IsZero() {
		f.UploadTime = s.Now()
	}
	r.files = append(r.files, f)
	r.updated = f.UploadTime
	return f.FileID
}

func (s *Server) fileTaken(id int64) bool {
	return slices.ContainsFunc(s.rooms, func(r *room) bool {
		return slices.ContainsFunc(r.files, func(f File) bool { return f.FileID == id })
	})
}

type fileView struct {
	FileID      int64       `json:"file_id"`
	Account     accountView `json:"account"`
	MessageID   string      `json:"message_id"`
	Filename    string      `json:"filename"`
	Filesize    int         `json:"filesize"`
	UploadTime  int64       `json:"upload_time"`
	DownloadURL string      `json:"download_url,omitzero"`
}

func (s *Server) fileView(f File) fileView {
	return fileView{
		FileID: f.FileID, Account: s.accounts[f.AccountID].view(), MessageID: f.MessageID, Filename: f.Filename,
		Filesize: len(f.Content), UploadTime: f.UploadTime.Unix(),
	}
}

// listFiles is https://developer.chatwork.com/reference/get-rooms-room_id-files.
func (s *Server) listFiles(c *call) (any, error) {
	var views []fileView
	for _, f := range c.room.files {
		if by := c.params.Get(byAccount.name); by == "" || by == strconv.FormatInt(f.AccountID, 10) {
			views = append(views, s.fileView(f))
		}
	}
	return list(views, maxList)
}

var errNoFile = &apiError{http.StatusNotFound, "File not found"}

// getFile is https://developer.chatwork.com/reference/get-rooms-room_id-files-file_id.
func (s *Server) getFile(c *call) (any, error) {
	i := slices.IndexFunc(c.room.files, func(f File) bool { return strconv.FormatInt(f.FileID, 10) == c.ids["file_id"] })
	if i < 0 {
		return nil, errNoFile
	}
	view := s.fileView(c.room.files[i])
	if c.params.Get(createURL.name) == "1" {
		view.DownloadURL = s.offer(c.room.files[i], c.host)
	}
	return view, nil
}

// uploadFile is https://developer.chatwork.com/reference/post-rooms-room_id-files.
func (s *Server) uploadFile(c *call) (any, error) {
	if err := c.writes(); err != nil {
		return nil, err
	}
	f := *c.file
	f.AccountID, f.Message = c.account.AccountID, c.params.Get(fileMessage.name)
	return struct {
		FileID int64 `json:"file_id"`
	}{s.addFile(c.room, f)}, nil
}

// readUpload reads a multipart body: one file, and the other parameters as texts. It must end with the closing boundary
// and one line break, as Chatwork accepts nothing else there.
func readUpload(r *http.Request, others params) (*File, url.Values, error) {
	mediaType, attributes, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" {
		return nil, nil, fakehttp.ErrContentType
	}
	data, err := io.ReadAll(r.Body)
	if err != nil || !bytes.HasSuffix(data, []byte("\r\n--"+attributes["boundary"]+"--\r\n")) {
		return nil, nil, errMultipart
	}
	var f *File
	values := make(url.Values)
	for parts := multipart.NewReader(bytes.NewReader(data), attributes["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, errMultipart
		}
		if err := readPart(part, &f, values, others); err != nil {
			return nil, nil, err
		}
	}
	if f == nil {
		return nil, nil, &fakehttp.FieldError{Field: "file", Problem: "is required"}
	}
	return f, values, others.check(values)
}

var (
	errMultipart = &apiError{http.StatusBadRequest, "malformed multipart encoding"}
	errFilename  = &fakehttp.FieldError{Field: "file", Problem: "must have a filename without a path"}
	errFilesize  = &fakehttp.FieldError{Field: "file", Problem: "must have up to 5 MB"}
)

func readPart(part *multipart.Part, f **File, values url.Values, others params) error {
	content, err := io.ReadAll(part)
	if err != nil {
		return errMultipart
	}
	name := part.FormName()
	switch {
	case name != "file" && !others.has(name):
		return &fakehttp.FieldError{Field: name, Problem: "is unknown"}
	case values.Has(name), name == "file" && *f != nil:
		return &fakehttp.FieldError{Field: name, Problem: "is given twice"}
	case name != "file":
		if !utf8.Valid(content) {
			return &fakehttp.FieldError{Field: name, Problem: "is not UTF-8"}
		}
		values.Set(name, string(content))
		return nil
	case len(content) > maxFile:
		return errFilesize
	}
	// The part's own FileName cuts a path off, which a client is to do.
	_, attributes, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	filename := attributes["filename"]
	if err != nil || filename == "" || !utf8.ValidString(filename) || strings.ContainsAny(filename, "/\\\"\r\n") {
		return errFilename
	}
	*f = &File{Filename: filename, ContentType: part.Header.Get("Content-Type"), Content: content}
	return nil
}

// downloads is the path below which files are, at another host than the API if there is a choice.
const downloads = "/files/"

// An offer is an address of a file, good for some time.
type offer struct {
	path    string
	file    File
	expires time.Time
}

// offer makes an address for a file. Of the two ways into the fake, the one through memory leads everywhere.
func (s *Server) offer(f File, host string) (address string) {
	s.ids++
	o := offer{downloads + strconv.FormatInt(f.FileID, 10) + "-" + strconv.FormatInt(s.ids, 10), f, s.Now().Add(offerTime)}
	s.offers = append(s.offers, o)
	name, _, err := net.SplitHostPort(host)
	if ip := net.ParseIP(name); err == nil && ip != nil && ip.IsLoopback() {
		return "http://" + host + o.path + "?signature=secret-of-the-address"
	}
	return "https://files.fake.test" + o.path + "?signature=secret-of-the-address"
}

// download gives a file to whoever has its address and nothing else: a token would be one too many, and is an error.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(s.offers, func(o offer) bool { return o.path == r.URL.Path })
	w.Header().Set("Content-Type", "application/xml")
	switch {
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case r.Header.Get("X-ChatWorkToken") != "" || r.Header.Get("Authorization") != "":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "<Error><Code>InvalidArgument</Code></Error>") // fails only if the client has gone
	case i < 0 || r.URL.RawQuery != "signature=secret-of-the-address" || !s.Now().Before(s.offers[i].expires):
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code></Error>") // as above
	default:
		content := s.offers[i].file.Content
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content) // as above
	}
}
