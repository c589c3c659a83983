package main

import (
	"io"
	"mime"
	"mime/multipart"
	"regexp"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

var (
	mailColor = regexp.MustCompile(`border-left:5px solid (#[0-9A-Fa-f]{6})`)
	mailGraph = regexp.MustCompile(`<img src="([^"]*)"`)
)

// drawEmail draws the subject and the text part; the colour and the graph are those of the HTML part.
func drawEmail(r mackerel.PreviewRequest) (drawing, error) {
	text, html, err := mailParts(r)
	if err != nil {
		return drawing{}, err
	}
	d := drawing{Title: r.Header.Get("Subject")}
	if m := mailColor.FindStringSubmatch(html); m != nil {
		d.Color = m[1]
	}
	_, body, _ := strings.Cut(text, "\n") // the first line is the subject again
	if m := mailGraph.FindStringSubmatch(html); m != nil {
		d.Graph = m[1]
		body = strings.TrimSuffix(strings.TrimSpace(body), m[1])
	}
	d.text(strings.ReplaceAll(body, "\r\n", "\n"))
	d.small("from", r.Header.Get("From"))
	d.small("thread", r.Header.Get("References"))
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
		*part = b.String()
	}
	return text, html, nil
}
