package main

import (
	"io"
	"mime"
	"mime/multipart"
	"regexp"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

var mailColor = regexp.MustCompile(`border-left:5px solid (#[0-9A-Fa-f]{6})`)

// drawEmail draws the subject, the sender and the HTML part. A phone shows the subject and the beginning of the text
// part.
func drawEmail(r mackerel.PreviewRequest, _ words) (d drawing, err error) {
	text, html, err := mailParts(r)
	if err != nil {
		return drawing{}, err
	}
	message, err := readHTML(html)
	if err != nil {
		return drawing{}, err
	}
	subject := r.Header.Get("Subject")
	d.Phone = phone{Subject: subject, Text: firstLine(text)}
	d.Blocks.text("title", plain(subject))
	d.Blocks.members("From", r.Header.Get("From"), "To", r.Header.Get("To"))
	d.Blocks = append(d.Blocks, block{Look: "rule"})
	color := "" // no bar
	if m := mailColor.FindStringSubmatch(html); m != nil {
		color = m[1]
	}
	d.Blocks.frame("bar", color, message)
	return d, nil
}

func mailParts(r mackerel.PreviewRequest) (text, html string, err error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return "", "", err
	}
	parts := multipart.NewReader(strings.NewReader(r.Body), params["boundary"])
	for _, part := range []*string{&text, &html} {
		p, err := parts.NextPart()
		if err != nil {
			return "", "", err
		}
		var b strings.Builder
		if _, err := io.Copy(&b, p); err != nil {
			return "", "", err
		}
		*part = strings.ReplaceAll(b.String(), "\r\n", "\n")
	}
	return text, html, nil
}
