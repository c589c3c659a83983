package main

import (
	"encoding/xml"
	"net/url"
	"slices"

	"github.com/mackerel-notify/mackerel"
)

const twilioColor = "#f22f46"

// drawSMS draws a text message. A phone shows all of it.
func drawSMS(r mackerel.PreviewRequest) (drawing, error) {
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		return drawing{}, err
	}
	body := form.Get("Body")
	d := drawing{Color: twilioColor, Title: plain("SMS " + form.Get("To")), Phone: phone{Text: firstLine(body)}}
	d.Body.addressLast(body)
	return d, nil
}

// drawCall draws what a voice says. A text that is said several times is shown once.
func drawCall(r mackerel.PreviewRequest) (drawing, error) {
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
	d := drawing{Color: twilioColor, Title: plain("☎ " + form.Get("To"))}
	var all []string
	for _, say := range response.Say {
		if say.Text == response.Say[0].Text {
			d.Phone.Spoken++
		}
		if !slices.Contains(all, say.Text) {
			all = append(all, say.Text)
			d.Body.text("“" + say.Text + "”")
		}
	}
	d.Phone.Text = join(all...)
	if len(response.Say) > 0 {
		d.small("language", response.Say[0].Language)
	}
	return d, nil
}
