package chatwork

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"os"
	"strings"
	"unicode"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// maxFile is the size of the largest file that can be uploaded, in bytes. The reference says 5 MB. This is the larger
// reading of that.
// See https://developer.chatwork.com/reference/post-rooms-room_id-files.
const maxFile = 5 << 20

// An Upload is a file to upload. Filename and Content are required.
type Upload struct {
	// Filename is the name of the file in the room. Only the part behind the last slash or backslash is sent. Quotation
	// marks and control characters become "_".
	Filename string
	// Content is the file, such as an [os.File], a [bytes.Reader] or a [strings.Reader]. Each attempt reads it from its
	// start; its position does not matter. It must not change until UploadFile returns.
	Content io.ReaderAt
	// Size is the length of Content in bytes, at most 5 MB. It need not be set for the types above and for other
	// types that have a Size method.
	Size int64
	// ContentType is application/octet-stream unless set.
	ContentType string
	// Message is posted with the file, in Chatwork's notation, up to 65,535 bytes; [Escape] text from elsewhere.
	Message string
	// Progress, if set, is called while the file is sent, with the number of bytes that were read for sending and the
	// size. If the upload is repeated, the number becomes smaller again. It is called in another goroutine, never twice
	// at once and never after UploadFile has returned. It must not wait for UploadFile.
	Progress func(sent, size int64)
}

// size returns the size of the content. It reports false if the size is not known.
func (u Upload) size() (int64, bool) {
	if u.Size != 0 {
		return u.Size, true
	}
	switch content := u.Content.(type) {
	case interface{ Size() int64 }:
		return content.Size(), true
	case interface{ Stat() (os.FileInfo, error) }:
		info, err := content.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return 0, false
		}
		return info.Size(), true
	}
	return 0, false
}

// safeFilename returns a name that can stand between quotation marks in a header, without its path.
func safeFilename(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	return strings.Map(func(r rune) rune {
		if r == '"' || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
}

// A multipartBody is the body of an upload: the content between two texts that are the same for each attempt.
type multipartBody struct {
	before, after []byte
	content       io.ReaderAt
	size          int64
	contentType   string
}

// body returns the multipart body, or what is wrong with the upload.
func (u Upload) body() (b multipartBody, problem string) {
	filename := safeFilename(u.Filename)
	if u.ContentType == "" {
		u.ContentType = "application/octet-stream"
	}
	contentType, params, err := mime.ParseMediaType(u.ContentType)
	switch {
	case u.Content == nil:
		return b, "Content: missing"
	case filename == "" || filename == "." || filename == "..":
		return b, "Filename: empty"
	case err != nil:
		return b, "ContentType: not a media type"
	}
	size, known := u.size()
	switch {
	case !known || size < 0:
		return b, "Size: required for this Content"
	case size > maxFile:
		return b, "Content: larger than 5 MB"
	}
	b = multipartBody{content: u.Content, size: size}
	b.frame(u.Message, filename, mime.FormatMediaType(contentType, params))
	return b, ""
}

// frame makes the texts before and after the content. The service accepts only the closing boundary and one line
// break at the end.
func (b *multipartBody) frame(message, filename, contentType string) {
	var buf bytes.Buffer // writing to it never fails
	w := multipart.NewWriter(&buf)
	if message != "" {
		_ = w.WriteField("message", message)
	}
	_, _ = w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + filename + `"`},
		"Content-Type":        {contentType},
	})
	start := buf.Len()
	_ = w.Close()
	b.before, b.after = buf.Bytes()[:start:start], buf.Bytes()[start:]
	b.contentType = w.FormDataContentType()
}

// stream returns the body as a stream that can be read from its start for each attempt.
func (b multipartBody) stream(progress func(sent, size int64)) *transport.Stream {
	s := &transport.Stream{
		Length: int64(len(b.before)) + b.size + int64(len(b.after)),
		Open: func() io.Reader {
			content := io.NewSectionReader(b.content, 0, b.size)
			return io.MultiReader(bytes.NewReader(b.before), content, bytes.NewReader(b.after))
		},
	}
	if progress != nil {
		s.Progress = func(sent int64) { progress(min(max(sent-int64(len(b.before)), 0), b.size), b.size) }
	}
	return s
}
