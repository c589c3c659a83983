package chatwork

import (
	"fmt"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A Builder writes a message in Chatwork's notation. Text that it is given stays text. Tags that it opens are closed.
// The message never has more than Limit bytes. The zero Builder is ready to use.
//
//	var b chatwork.Builder
//	b.To(1484814).Text("please have a look\n")
//	b.Info(func() {
//		b.Title("app01: disk full").Text(output).HR().URL(link)
//	})
//	id, err := client.PostMessage(ctx, roomID, chatwork.PostMessageParams{Body: b.String()})
//
// Text that does not fit is cut, with an ellipsis, and everything that comes after it is left out. A Builder is not
// safe for concurrent use, and must not be copied after its first use.
// See https://developer.chatwork.com/docs/message-notation.
type Builder struct {
	Limit  int  // bytes; 65,535 unless set
	Strict bool // escape text as EscapeStrict does

	body   strings.Builder
	closer int  // bytes of the tags that close what is open
	inInfo bool // a box is open
	cut    bool
	wrongs []string
}

// String returns the message so far. Within the function of Info its box is still open.
func (b *Builder) String() string { return b.body.String() }

// Cut reports whether something did not fit.
func (b *Builder) Cut() bool { return b.cut }

// Err returns an error for the ids that are not possible, as one [mackerel.ErrInvalid]. Their tags were left out.
func (b *Builder) Err() error {
	if len(b.wrongs) == 0 {
		return nil
	}
	return &mackerel.Error{
		Provider: name, Op: "build message", Kind: mackerel.ErrInvalid, Message: strings.Join(b.wrongs, "; "),
	}
}

// Text adds text, which may have line breaks.
func (b *Builder) Text(text string) *Builder { return b.enclose("", text, "", b.escape) }

// To mentions an account. Usually it stands at the start of a line, with the name of the account behind it.
func (b *Builder) To(accountID int64) *Builder { return b.account("To", "[To:%d]", accountID) }

// ToAll mentions everybody in the room.
func (b *Builder) ToAll() *Builder { return b.tag("[toall]") }

// Reply mentions the author of a message and links to the message.
func (b *Builder) Reply(accountID, roomID int64, messageID string) *Builder {
	if accountID <= 0 || roomID <= 0 || number(messageID) == 0 {
		return b.wrong("Reply: not the ids of an account, a room and a message")
	}
	return b.tag(fmt.Sprintf("[rp aid=%d to=%d-%s]", accountID, roomID, messageID))
}

// Quote quotes an account. The text is plain and cannot call people. The time is left out if it is zero.
func (b *Builder) Quote(accountID int64, sent time.Time, text string) *Builder {
	if accountID <= 0 {
		return b.wrong("Quote: not the id of an account")
	}
	meta := "[qt][qtmeta aid=" + id(accountID)
	if !sent.IsZero() {
		meta += " time=" + id(sent.Unix())
	}
	return b.enclose(meta+"]", text, "[/qt]", b.escape)
}

// Info puts everything that the function adds into a box.
func (b *Builder) Info(inside func()) *Builder {
	const open, end = "[info]", "[/info]"
	if !b.fits(len(open) + len(end)) {
		return b
	}
	outer := b.inInfo
	b.body.WriteString(open)
	b.closer += len(end)
	b.inInfo = true
	inside()
	b.inInfo = outer
	b.closer -= len(end)
	b.body.WriteString(end)
	return b
}

// Title adds the title of a box. It is meant for the beginning of Info. Outside of Info it is a box of its own.
func (b *Builder) Title(text string) *Builder {
	if b.inInfo {
		return b.enclose("[title]", text, "[/title]", b.escape)
	}
	return b.enclose("[info][title]", text, "[/title][/info]", b.escape)
}

// Code adds text that is shown as it is, in a font of fixed width. Chatwork looks for no tags in it. Only tags that
// would end it, and to be safe tags that call people, are escaped. With Strict all brackets are escaped.
func (b *Builder) Code(text string) *Builder {
	if b.Strict {
		return b.enclose("[code]", text, "[/code]", EscapeStrict)
	}
	return b.enclose("[code]", text, "[/code]", escapeCode)
}

// HR adds a rule across the message or the box.
func (b *Builder) HR() *Builder { return b.tag("[hr]") }

// Icon shows an account's picture.
func (b *Builder) Icon(accountID int64) *Builder { return b.account("Icon", "[picon:%d]", accountID) }

// Name shows an account's name.
func (b *Builder) Name(accountID int64) *Builder { return b.account("Name", "[pname:%d]", accountID) }

// IconName shows an account's picture and name.
func (b *Builder) IconName(accountID int64) *Builder {
	return b.account("IconName", "[piconname:%d]", accountID)
}

// URL adds a link. A link is never cut; if it does not fit, it is left out. An address that is not http or https
// becomes text.
func (b *Builder) URL(address string) *Builder {
	if !provider.Linkable(address, maxBody) {
		return b.Text(address)
	}
	return b.tag("[url]" + inURL.Replace(strings.ToValidUTF8(address, "%EF%BF%BD")) + "[/url]")
}

var inURL = strings.NewReplacer("[", "%5B", "]", "%5D")

func (b *Builder) account(method, tag string, accountID int64) *Builder {
	if accountID <= 0 {
		return b.wrong(method + ": not the id of an account")
	}
	return b.tag(fmt.Sprintf(tag, accountID))
}

func (b *Builder) wrong(problem string) *Builder {
	b.wrongs = append(b.wrongs, problem)
	return b
}

// tag adds a tag, which is never cut.
func (b *Builder) tag(tag string) *Builder {
	if b.fits(len(tag)) {
		b.body.WriteString(tag)
	}
	return b
}

// fits reports whether n bytes fit. Once something did not fit, nothing fits.
func (b *Builder) fits(n int) bool {
	b.cut = b.cut || n > b.room()
	return !b.cut
}

// room returns how many bytes are left if everything is closed now.
func (b *Builder) room() int {
	limit := b.Limit
	if limit <= 0 {
		limit = maxBody
	}
	return limit - b.closer - b.body.Len()
}

// enclose adds two tags and as much of a text between them as fits. If the tags do not fit, it adds nothing.
func (b *Builder) enclose(open, text, end string, escape func(string) string) *Builder {
	if !b.fits(len(open) + len(end)) {
		return b
	}
	b.body.WriteString(open)
	b.closer += len(end)
	b.body.WriteString(b.shorten(text, escape))
	b.closer -= len(end)
	b.body.WriteString(end)
	return b
}

// shorten returns the longest beginning of a text that fits after it was escaped.
func (b *Builder) shorten(text string, escape func(string) string) string {
	text = provider.Plain(text)
	escaped, cuts := provider.Bytes.Fit(b.room(), func() string { return escape(text) }, provider.Part{Text: &text})
	b.cut = b.cut || len(cuts) > 0
	return escaped
}

// escape escapes a text. A bracket that the text does not close could become a tag with what is added next, so it is
// escaped as well.
func (b *Builder) escape(text string) string {
	if b.Strict {
		return EscapeStrict(text)
	}
	return escapeEnd(Escape(text))
}

// escapeEnd escapes the brackets that are open at the end of a text.
func escapeEnd(text string) string {
	end := strings.LastIndexByte(text, ']') + 1
	return text[:end] + strings.ReplaceAll(text[end:], "[", "［")
}

// escapeCode is escape for a piece of code.
func escapeCode(text string) string { return escapeEnd(escapeTags(text, true)) }
