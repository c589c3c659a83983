package provider

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
)

// How much a call says in one pass.
const (
	maxSpoken         = 300  // bytes of English
	maxSpokenJapanese = 120  // characters
	maxHeard          = 1000 // bytes of a text that are looked at
)

// Speech returns what a call says about an alert: the status, the monitor, the host and the first line in words, without
// addresses, memo and signs.
func Speech(a mackerel.Alert, t mackerel.Text) string {
	w := newWriter(t)
	s := speaker{writer: w}
	if a.Event == mackerel.EventSample {
		return w.pick("Mackerel test notification.", "マカレルのテスト通知です。")
	}
	status := a.StatusLabel()
	if status == "" {
		return s.whole(w.pick("Mackerel.", "マカレルの通知です。"), s.sentence(s.words(w.title(a, ""))))
	}
	return s.whole(
		w.pick("Mackerel alert.", "マカレルのアラートです。"), s.sentence(s.status(status)),
		s.sentence(s.subject(a, status)), s.sentence(s.detail(a, status)),
	)
}

// A speaker makes speech of texts.
type speaker struct{ writer }

// whole joins sentences. The last is cut if there are too many words.
func (s speaker) whole(sentences ...string) string {
	unit, most, gap := Bytes, maxSpoken, " "
	if s.japanese {
		unit, most, gap = Runes, maxSpokenJapanese, ""
	}
	text := Join(gap, sentences...)
	if unit.Len(text) <= most {
		return text
	}
	end := s.pick(".", "。")
	cut := unit.Cut(text, most-unit.Len(end))
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)/2 && !s.japanese {
		cut = cut[:i] // not within a word
	}
	return strings.TrimRight(cut, " ,.、。") + end
}

// sentence ends a text as a sentence. An English sentence begins with a capital letter.
func (s speaker) sentence(text string) string {
	if text = strings.Trim(text, " ,.、。"); text == "" {
		return ""
	}
	if s.japanese {
		return text + "。"
	}
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[size:] + "."
}

func (s speaker) status(label string) string {
	kana := map[string]string{
		"CRITICAL": "クリティカル", "WARNING": "ワーニング", "UNKNOWN": "アンノウン", "OK": "オーケー", "CLOSED": "クローズ",
	}[label]
	switch {
	case s.japanese:
		return cmp.Or(kana, s.words(label))
	case label == mackerel.StatusOK.Label():
		return s.words(label)
	}
	return strings.ToLower(s.words(label))
}

// subject says what the alert is about: the monitor and the host, or the group.
func (s speaker) subject(a mackerel.Alert, status string) string {
	host := hostOf(a)
	if a.Event == mackerel.EventAlertGroup {
		name := ""
		if a.Group != nil {
			name = s.words(a.Group.Name)
		}
		return Join(s.pick(", ", "、"), s.pick("alert group", "アラートグループ"), name)
	}
	subject := withoutStatus(s.title(a, status), status)
	if host == "" || a.Event == mackerel.EventDigest {
		return s.words(subject)
	}
	monitor, name := s.words(strings.TrimSuffix(subject, " on "+OneLine(host))), s.words(apart(host))
	return s.pick(monitor+", on "+name, name+" の、"+monitor)
}

// detail says how bad it is.
func (s speaker) detail(a mackerel.Alert, status string) string {
	m := a.Metric
	f := s.writer.firstLine(a, status)
	if a.Event == mackerel.EventAlertGroup || a.Event == mackerel.EventDigest {
		return ""
	}
	limit := (*float64)(nil)
	if m != nil {
		limit = thresholdOf(a)
	}
	if a.Closed() || !f.measured || m == nil || m.Value == nil || limit == nil || !isFinite(*m.Value) ||
		!holds(*m.Value, m.Operator, *limit) {
		return s.words(cmp.Or(f.brief, f.line))
	}
	in := measureOfAlert(a)
	all, unit := in.scaled(*m.Value, *limit)
	value, threshold := different(all[0], all[1], number, min(1, decimals(all[0])), min(1, decimals(all[1])))
	unit = s.unit(unit)
	if s.japanese {
		return value + unit + "、しきい値" + threshold + unit + map[string]string{">": "を超過", "<": "を下回る"}[m.Operator]
	}
	return value + unit + map[string]string{">": ", above ", "<": ", below "}[m.Operator] + threshold + unit
}

// unit says a unit, in English with a blank in front.
func (s speaker) unit(unit string) string {
	rate := ""
	if strings.HasSuffix(unit, "/s") {
		unit, rate = strings.TrimSuffix(unit, "/s"), s.pick(" per second", "毎秒")
	}
	words, known := map[string][2]string{
		"%": {" percent", "パーセント"}, "ms": {" milliseconds", "ミリ秒"}, "B": {" bytes", "バイト"},
		"kB": {" kilobytes", "キロバイト"}, "MB": {" megabytes", "メガバイト"}, "GB": {" gigabytes", "ギガバイト"},
		"TB": {" terabytes", "テラバイト"}, "iops": {" operations per second", "アイオプス"},
	}[strings.TrimSpace(unit)]
	if !known {
		return rate
	}
	return s.pick(words[0], words[1]) + rate
}

var (
	spokenAddress = regexp.MustCompile(`https?://\S*`)
	// letterDigit finds where letters and digits of a name meet: "app01" is said as "app 01".
	letterDigit = regexp.MustCompile(`(\p{L})(\d)`)
	digitLetter = regexp.MustCompile(`(\d)(\p{L})`)
	// pausing finds a sign that ends a part of a sentence.
	arrows   = strings.NewReplacer("->", " to ", "→", " ")
	noBlanks = strings.NewReplacer(" 、", "、", "、 ", "、")
	pausing  = regexp.MustCompile(`[:;]( |$)| -+ `)
	capitals = regexp.MustCompile(`\b[A-Z]{2,}\b`)
)

func apart(name string) string {
	return digitLetter.ReplaceAllString(letterDigit.ReplaceAllString(name, "$1 $2"), "$1 $2")
}

// words makes a text fit for a voice, which stumbles over signs.
func (s speaker) words(text string) string {
	text, _ = beginning(text, maxHeard/bytesPerUnit)
	text = spokenAddress.ReplaceAllString(OneLine(text), " ")
	text = arrows.Replace(text)
	text = pausing.ReplaceAllString(text, s.pick(", ", "、"))
	var b strings.Builder
	runes := []rune(text)
	for i, r := range runes {
		var before, after rune
		if i > 0 {
			before = runes[i-1]
		}
		if i+1 < len(runes) {
			after = runes[i+1]
		}
		b.WriteString(s.sign(before, r, after))
	}
	text = strings.Join(strings.Fields(b.String()), " ")
	if s.japanese {
		return noBlanks.Replace(text)
	}
	text = strings.ReplaceAll(text, " ,", ",")
	return capitals.ReplaceAllStringFunc(text, spelled)
}

// sign says one character.
func (s speaker) sign(before, r, after rune) string {
	switch {
	case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
		return string(r)
	case strings.ContainsRune(",!?'、。ー・", r):
		return string(r)
	case r == '%':
		return s.pick(" percent ", "パーセント")
	case r == '&':
		return s.pick(" and ", "と")
	case r == '>' && before == ' ' && after == ' ':
		return s.pick("above", " ")
	case r == '<' && before == ' ' && after == ' ':
		return s.pick("below", " ")
	case (r == '.' || r == ':' || r == '-') && unicode.IsDigit(before) && unicode.IsDigit(after):
		return string(r) // a number, a time or a date
	case r == '.' && after == ' ':
		return s.pick(",", "、")
	}
	return " "
}

// spelled makes a word in capitals fit for a voice: "CPU" is said letter by letter, "DISK" and "CRITICAL" as words.
func spelled(word string) string {
	if len(word) > 4 || len(word) == 4 && strings.ContainsAny(word, "AEIOU") {
		return strings.ToLower(word)
	}
	return strings.Join(strings.Split(word, ""), " ")
}
