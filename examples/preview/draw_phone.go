package main

import (
	"encoding/xml"
	"net/url"
	"slices"

	"github.com/mackerel-notify/mackerel"
)

// drawSMS draws a text message below the numbers of its sender and its receiver.
func drawSMS(r mackerel.PreviewRequest, _ words) (d drawing, err error) {
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		return drawing{}, err
	}
	d.Phone.Text = firstLine(form.Get("Body"))
	d.Blocks.text("small", plain(form.Get("From")+" → "+form.Get("To")))
	var text blocks
	text.text("", linked(form.Get("Body")))
	d.Blocks.frame("sms", "", text)
	return d, nil
}

// drawCall draws what a voice says. A text that is said several times is drawn once.
func drawCall(r mackerel.PreviewRequest, _ words) (d drawing, err error) {
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		return drawing{}, err
	}
	var response struct {
		Say []struct {
			Language string `xml:"language,attr"`
			Text     string `xml:",chardata"`
		}
	}
	if err := xml.Unmarshal([]byte(form.Get("Twiml")), &response); err != nil {
		return drawing{}, err
	}
	d.Blocks.text("small", plain("☎ "+form.Get("From")+" → "+form.Get("To")))
	var all []string
	for _, say := range response.Say {
		if say.Text == response.Say[0].Text {
			d.Phone.Spoken++
		}
		if !slices.Contains(all, say.Text) {
			all = append(all, say.Text)
			d.Blocks.text("", plain("“"+say.Text+"”"))
			d.Blocks.members("language", say.Language)
		}
	}
	d.Phone.Text = join(all...)
	return d, nil
}
