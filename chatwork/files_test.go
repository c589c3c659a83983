package chatwork_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

func upload(t *testing.T, c *chatwork.Client, u chatwork.Upload) int64 {
	t.Helper()
	id, err := c.UploadFile(t.Context(), room, u)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAFileArrivesAsItIs(t *testing.T) {
	fake, c := connect(t)
	content := bytes.Repeat([]byte("0123456789\r\n--\x00\xff"), 1000)
	id := upload(t, c, chatwork.Upload{
		Filename: "グラフ 1.png", Content: bytes.NewReader(content), ContentType: "image/png", Message: `<b>&"障害"` + "\r\n[info]",
	})
	files := fake.Files(room)
	if len(files) != 1 {
		t.Fatalf("%d files", len(files))
	}
	f := files[0]
	if f.FileID != id || f.AccountID != chatworktest.AccountID || f.UploadTime.IsZero() || f.Filename != "グラフ 1.png" || f.ContentType != "image/png" || f.Message != `<b>&"障害"`+"\r\n[info]" || !bytes.Equal(f.Content, content) {
		t.Errorf("uploaded %d %q %q %q, %d bytes", f.FileID, f.Filename, f.ContentType, f.Message, len(f.Content))
	}
	r := fake.Requests()[0]
	if n := r.Header.Get("Transfer-Encoding"); n != "" || !bytes.HasSuffix(r.Body, []byte("--\r\n")) || bytes.HasSuffix(r.Body, []byte("\r\n\r\n")) {
		t.Errorf("sent as %q, and ends in %q", n, r.Body[len(r.Body)-10:])
	}
}

func TestTheSizeOfAFileIsFoundOut(t *testing.T) {
	fake, c := connect(t)
	path := filepath.Join(t.TempDir(), "log.txt")
	if err := os.WriteFile(path, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	opened, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if _, err := io.Copy(io.Discard, opened); err != nil { // its position does not matter
		t.Fatal(err)
	}
	type unknown struct{ io.ReaderAt }
	for _, u := range []chatwork.Upload{
		{Content: opened}, {Content: strings.NewReader("from a file")}, {Content: bytes.NewReader([]byte("from a file"))},
		{Content: unknown{strings.NewReader("from a file and more")}, Size: 11},
	} {
		u.Filename = "log.txt"
		upload(t, c, u)
	}
	for _, f := range fake.Files(room) {
		if string(f.Content) != "from a file" || f.ContentType != "application/octet-stream" || f.Message != "" {
			t.Errorf("uploaded %q as %q", f.Content, f.ContentType)
		}
	}
	_, err = c.UploadFile(t.Context(), room, chatwork.Upload{Filename: "x", Size: 1})
	if !errors.Is(err, mackerel.ErrInvalid) || !strings.Contains(err.Error(), "Content: missing") {
		t.Errorf("without content: %v", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	closed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, content := range []io.ReaderAt{unknown{strings.NewReader("x")}, dir, closed} {
		_, err = c.UploadFile(t.Context(), room, chatwork.Upload{Filename: "x", Content: content})
		if !errors.Is(err, mackerel.ErrInvalid) || !strings.Contains(err.Error(), "Size") {
			t.Errorf("of an unknown size: %v", err)
		}
	}
}

func TestFilenamesAreMadeSafe(t *testing.T) {
	for name, want := range map[string]string{
		"a.txt":                       "a.txt",
		"/etc/ssh/key.pem":            "key.pem",
		`C:\Users\taro\a.txt`:         "a.txt",
		"../../a.txt":                 "a.txt",
		"a\"; name=\"message":         "a_; name=_message",
		"a\r\nX-Evil: 1\r\n\r\nb":     "a__X-Evil: 1____b",
		"\xff.txt":                    "_.txt",
		"invoice\u202egnp.exe":        "invoice_gnp.exe",
		"日本語 (1) 'x' %22;=.tar.gz":    "日本語 (1) 'x' %22;=.tar.gz",
		strings.Repeat("a", 300) + "": strings.Repeat("a", 300),
	} {
		fake, c := connect(t)
		upload(t, c, chatwork.Upload{Filename: name, Content: strings.NewReader("x")})
		if got := fake.Files(room)[0].Filename; got != want {
			t.Errorf("%q arrives as %q, want %q", name, got, want)
		}
	}
	fake, c := connect(t)
	for _, name := range []string{"", "/", "a/", "..", "a/."} {
		if _, err := c.UploadFile(t.Context(), room, chatwork.Upload{Filename: name, Content: strings.NewReader("x")}); !errors.Is(err, mackerel.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if n := len(fake.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestAFileHasUpTo5MB(t *testing.T) {
	fake, c := connect(t)
	upload(t, c, chatwork.Upload{Filename: "x", Content: bytes.NewReader(make([]byte, (5 << 20)))})
	_, err := c.UploadFile(t.Context(), room, chatwork.Upload{Filename: "x", Content: bytes.NewReader(make([]byte, (5<<20)+1))})
	if !errors.Is(err, mackerel.ErrInvalid) || len(fake.Requests()) != 1 {
		t.Errorf("one byte more: %v after %d requests", err, len(fake.Requests()))
	}
	upload(t, c, chatwork.Upload{Filename: "empty", Content: strings.NewReader("")})
	if files := fake.Files(room); len(files) != 2 || len(files[0].Content) != (5<<20) || len(files[1].Content) != 0 {
		t.Errorf("%d files", len(files))
	}
}

func TestAnUploadTellsHowFarItIs(t *testing.T) {
	fake, c := connect(t)
	var mu sync.Mutex // it is called in another goroutine
	var told []int64
	const size = 1 << 20
	fake.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"0"}}, Body: `{"errors":["Rate limit exceeded"]}`})
	returned := false
	upload(t, c, chatwork.Upload{Filename: "x", Content: bytes.NewReader(make([]byte, size)), Message: "hello", Progress: func(sent, total int64) {
		mu.Lock()
		defer mu.Unlock()
		if returned || total != size {
			t.Errorf("told %d of %d; after the return: %v", sent, total, returned)
		}
		told = append(told, sent)
	}})
	mu.Lock()
	defer mu.Unlock()
	returned = true
	restarts := 0
	for i := 1; i < len(told); i++ {
		if told[i] < told[i-1] {
			restarts++
		}
	}
	if len(told) < 4 || told[0] != 0 || told[len(told)-1] != size || restarts != 1 {
		t.Errorf("told %d times, %d restarts, first %d, at last %d", len(told), restarts, told[0], told[len(told)-1])
	}
}

func TestAnUploadIsNeverRepeatedAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t)
		fake.Inject(fakehttp.Fault{Handled: true, Break: fakehttp.CloseConnection})
		_, err := c.UploadFile(t.Context(), room, chatwork.Upload{Filename: "x", Content: strings.NewReader("x")})
		if !errors.Is(err, mackerel.ErrAmbiguous) || len(fake.Files(room)) != 1 || len(fake.Requests()) != 1 {
			t.Errorf("%v, %d files", err, len(fake.Files(room)))
		}
	})
}

func TestAFileIsDownloadedWithoutTheToken(t *testing.T) {
	fake, c := connect(t)
	content := bytes.Repeat([]byte("\x00binary\xff"), 20000)
	id := fake.AddFile(room, chatworktest.File{AccountID: chatworktest.AccountID, Filename: "a.bin", Content: content})
	var got bytes.Buffer
	f, err := c.DownloadFile(t.Context(), room, id, &got)
	if err != nil || f.FileID != id || f.Filename != "a.bin" || f.Filesize != int64(len(content)) || f.DownloadURL != "" || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("got %+v, %d bytes, %v", f, got.Len(), err)
	}
	requests := fake.Requests()
	last := requests[len(requests)-1]
	if len(requests) != 2 || !strings.HasPrefix(last.Path, "/files/") || last.Header.Get("User-Agent") == "" {
		t.Errorf("the requests are %+v", requests)
	}
	for name, values := range last.Header {
		if strings.Contains(strings.Join(values, " "), chatworktest.Token) {
			t.Errorf("the token went to the file's host in %s", name)
		}
	}
}

func TestAFileThatIsMissing(t *testing.T) {
	fake, c := connect(t)
	var got bytes.Buffer
	if f, err := c.DownloadFile(t.Context(), room, 5, &got); !errors.Is(err, mackerel.ErrNotFound) || f != (chatwork.File{}) {
		t.Errorf("an unknown file: %+v, %v", f, err)
	}
	id := fake.AddFile(room, chatworktest.File{AccountID: chatworktest.AccountID, Filename: "a", Content: []byte("x")})
	fake.Inject(fakehttp.Fault{Path: "/files/*", Status: 404})
	f, err := c.DownloadFile(t.Context(), room, id, &got)
	if !errors.Is(err, mackerel.ErrNotFound) || f.FileID != id || got.Len() > 0 {
		t.Errorf("a file whose content is missing: %+v, %v", f, err)
	}
}

// An upload has a header of its own.
func TestAnUploadChangesNoOtherCall(t *testing.T) {
	fake, c := connect(t)
	upload(t, c, chatwork.Upload{Filename: "x", Content: strings.NewReader("x")})
	if _, err := c.GetMe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := lastRequest(t, fake).Header.Get("Content-Type"); got != "" {
		t.Errorf("the next call has the content type %q", got)
	}
}

func TestTheAddressOfAFileLasts30Seconds(t *testing.T) {
	fake, c := connect(t)
	id := fake.AddFile(room, chatworktest.File{AccountID: chatworktest.AccountID, Filename: "a", Content: []byte("x")})
	fake.Inject(fakehttp.Fault{Path: "/files/*", Status: 403, Body: "<Error><Code>AccessDenied</Code></Error>"})
	var got bytes.Buffer
	_, err := c.DownloadFile(t.Context(), room, id, &got)
	if _, again := mackerel.Retry(err); !errors.Is(err, mackerel.ErrUnavailable) || !again || !strings.Contains(err.Error(), "30 seconds") {
		t.Errorf("an expired address: %v", err)
	}
	if f, err := c.GetFile(t.Context(), room, id, chatwork.GetFileParams{}); err != nil || f.DownloadURL != "" {
		t.Errorf("without being asked for: %q, %v", f.DownloadURL, err)
	}
}

func TestNoAddressOfAFileIsInAnError(t *testing.T) {
	for name, fault := range map[string]fakehttp.Fault{
		"a redirect":        {Status: 302, Header: http.Header{"Location": {"https://evil.example.com/?signature=secret-of-the-address"}}},
		"a broken body":     {Handled: true, Break: fakehttp.HalfBody},
		"no answer":         {Break: fakehttp.CloseConnection, Times: -1},
		"a quoting answer":  {Status: 400, Body: `{"errors":["signature=secret-of-the-address"]}`},
		"a longer document": {Status: 200, Body: strings.Repeat("x", 11)},
		"a short document":  {Status: 200, Body: strings.Repeat("x", 9)},
		"no document":       {Status: 200},
		"another success":   {Status: 203, Body: strings.Repeat("x", 10)},
		"nothing to send":   {Status: 204},
		"a part":            {Status: 206, Body: strings.Repeat("x", 10)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, c := connect(t)
				id := fake.AddFile(room, chatworktest.File{AccountID: chatworktest.AccountID, Filename: "a", Content: []byte("0123456789")})
				fault.Path = "/files/*"
				fake.Inject(fault)
				var got bytes.Buffer
				_, err := c.DownloadFile(t.Context(), room, id, &got)
				if err == nil || strings.Contains(err.Error(), "secret-of-the-address") || got.Len() > 10 {
					t.Errorf("%v; wrote %q", err, got.Bytes())
				}
			})
		})
	}
}

func TestADownloadThatBreaksOffIsNotWrittenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t)
		id := fake.AddFile(room, chatworktest.File{AccountID: chatworktest.AccountID, Filename: "a", Content: []byte("0123456789")})
		fake.Inject(fakehttp.Fault{Path: "/files/*", Handled: true, Break: fakehttp.HalfBody})
		var got bytes.Buffer
		_, err := c.DownloadFile(t.Context(), room, id, &got)
		if !errors.Is(err, mackerel.ErrUnavailable) || got.String() != "01234" || len(fake.Requests()) != 2 {
			t.Errorf("%v; wrote %q in %d requests", err, got.String(), len(fake.Requests()))
		}
		fake.Inject(fakehttp.Fault{Path: "/files/*", Status: 503})
		got.Reset()
		if _, err := c.DownloadFile(t.Context(), room, id, &got); err != nil || got.String() != "0123456789" {
			t.Errorf("before anything was written: %v; wrote %q", err, got.String())
		}
	})
}

func TestAnAddressThatIsNoneIsNotCalled(t *testing.T) {
	fake, c := connect(t, func(c *chatwork.ClientConfig) { c.BaseURL = "" }) // https://api.chatwork.com/v2
	for _, address := range []string{"", "ftp://example.com/x", "http://example.com/in-clear-text", "//example.com/x"} {
		fake.Inject(fakehttp.Fault{Status: 200, Body: `{"file_id":1,"filesize":1,"download_url":"` + address + `"}`})
		n := len(fake.Requests())
		f, err := c.DownloadFile(t.Context(), room, 1, io.Discard)
		if !errors.Is(err, mackerel.ErrInvalid) || len(fake.Requests()) != n+1 || f.FileID != 1 || f.DownloadURL != "" {
			t.Errorf("%q: %+v, %v", address, f, err)
		}
	}
	fake.AddFile(room, chatworktest.File{FileID: 2, AccountID: chatworktest.AccountID, Filename: "a", Content: []byte("x")})
	if _, err := c.DownloadFile(t.Context(), room, 2, io.Discard); err != nil {
		t.Errorf("an https address: %v", err)
	}
}

func TestALongTransferIsNotCutAsLongAsItMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, c := connect(t, once, func(c *chatwork.ClientConfig) { c.Call.Timeout = time.Second })
		slow := slowReader{strings.NewReader(strings.Repeat("x", 100<<10)), 300 * time.Millisecond}
		start := time.Now()
		_, err := c.UploadFile(t.Context(), room, chatwork.Upload{Filename: "x", Content: slow, Size: 100 << 10})
		if err != nil || time.Since(start) < time.Second || len(fake.Files(room)) != 1 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		slow.pause = 2 * time.Second
		_, err = c.UploadFile(t.Context(), room, chatwork.Upload{Filename: "x", Content: slow, Size: 100 << 10})
		if !errors.Is(err, mackerel.ErrAmbiguous) || !strings.Contains(err.Error(), "nothing moved for 1s") {
			t.Errorf("one that stalls: %v", err)
		}
	})
}

// slowReader takes its time for each piece of its content.
type slowReader struct {
	io.ReaderAt
	pause time.Duration
}

func (r slowReader) ReadAt(p []byte, at int64) (int, error) {
	<-time.After(r.pause)
	return r.ReaderAt.ReadAt(p, at)
}

func FuzzUploadsArrive(f *testing.F) {
	f.Add("a\"\r\n.txt", "text/plain; charset=utf-8", "\r\n--x--\r\n", "[info]\r\n&")
	f.Add(`..\グラフ.png`, "", "", "")
	f.Fuzz(func(t *testing.T, filename, contentType, content, message string) {
		fake, c := connect(t)
		_, err := c.UploadFile(t.Context(), room, chatwork.Upload{
			Filename: filename, Content: strings.NewReader(content), ContentType: contentType, Message: message,
		})
		if errors.Is(err, mackerel.ErrInvalid) {
			return
		}
		got := servicetest.Last(t, fake, fake.Files(room))
		if err != nil || string(got.Content) != content || got.Message != message || strings.ContainsAny(got.Filename+got.ContentType, "\r\n") {
			t.Errorf("%+v arrives, %v", got, err)
		}
	})
}
