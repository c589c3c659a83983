package provider

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/oneline"
)

// How much a call says in one pass, and of one name: the name of a monitor or of a host.
const (
	maxSpeech, maxSpeechJapanese         = 300, 120 // bytes of English, characters of Japanese
	maxSpokenName, maxSpokenNameJapanese = 80, 30   // the same
	maxHeard                             = 1000     // bytes at the beginning of a text that are made into words
)

// Speech returns what a call says about an alert in one pass: the status, the monitor, the host and the first line, in
// words. Addresses, the memo, brackets, emoji and other signs are not said. Speech has at most 300 bytes of English or
// 120 characters of Japanese.
//
// Words that do not fit are left out whole, and "and so on" stands in their place. A measurement is said as a whole or
// not at all. The cut says how much was left out; it is the zero Cut if that is nothing.
func Speech(a mackerel.Alert, t mackerel.Text) (string, mackerel.Cut) {
	s := newSpeaker(t)
	status := a.StatusLabel()
	switch {
	case a.Event == mackerel.EventSample:
		s.say(s.pick("Mackerel test notification", "マカレルのテスト通知です"))
	case status == "":
		s.say(s.pick("Mackerel", "マカレルの通知です"))
		s.say(s.words(withoutStatus(s.title(a, ""), ""), s.room()))
	default:
		s.say(s.pick("Mackerel alert", "マカレルのアラートです"))
		s.say(s.status(status))
		s.say(s.subject(a, status))
		s.say(s.detail(a, status))
	}
	return s.said, s.cut()
}

// SpeechOf returns texts in words, as [Speech] does for an alert. Each text is a sentence.
func SpeechOf(language mackerel.Language, texts ...string) (string, mackerel.Cut) {
	s := newSpeaker(mackerel.Text{Language: language})
	for _, text := range texts {
		s.say(s.words(text, s.room()))
	}
	return s.said, s.cut()
}

// A speaker collects the sentences of one pass.
type speaker struct {
	writer
	unit     Unit   // of the limits
	most     int    // units of a pass
	mostName int    // units of a name
	gap, end string // between two sentences, and at the end of each
	said     string
	left     int // units that were left out
}

func newSpeaker(t mackerel.Text) *speaker {
	s := &speaker{writer: newWriter(t), unit: Bytes, most: maxSpeech, mostName: maxSpokenName, gap: " ", end: "."}
	if s.japanese {
		s.unit, s.most, s.mostName, s.gap, s.end = Runes, maxSpeechJapanese, maxSpokenNameJapanese, "", "。"
	}
	return s
}

// say adds a sentence. An English sentence begins with a capital letter.
func (s *speaker) say(text string) {
	if text = strings.Trim(text, " ,.、。"); text == "" {
		return
	}
	if !s.japanese {
		r, size := utf8.DecodeRuneInString(text)
		text = string(unicode.ToUpper(r)) + text[size:]
	}
	s.said = Join(s.gap, s.said, text+s.end)
}

// room returns how many units the next sentence may have.
func (s *speaker) room() int {
	return max(0, s.most-s.unit.Len(s.said)-s.unit.Len(s.gap)-s.unit.Len(s.end))
}

// cut returns what was left out.
func (s *speaker) cut() mackerel.Cut {
	if s.left == 0 {
		return mackerel.Cut{}
	}
	n := s.unit.Len(s.said)
	return mackerel.Cut{Field: "speech", Unit: s.unit.Name, From: n + s.left, To: n}
}

// kana are the labels of the statuses as they are said in Japanese.
var kana = map[string]string{
	"CRITICAL": "クリティカル", "WARNING": "ワーニング", "UNKNOWN": "アンノウン", "OK": "オーケー", "CLOSED": "クローズ",
}

var kanaOfLabels = strings.NewReplacer(
	"CRITICAL", kana["CRITICAL"], "WARNING", kana["WARNING"], "UNKNOWN", kana["UNKNOWN"], "OK", kana["OK"],
	"CLOSED", kana["CLOSED"],
)

// status says the label of a status.
func (s *speaker) status(label string) string {
	switch {
	case s.japanese:
		return cmp.Or(kana[label], s.words(label, s.mostName))
	case label == mackerel.StatusOK.Label():
		return label
	}
	return strings.ToLower(s.words(label, s.mostName))
}

// subject says what the alert is about: the monitor and the host, the alert group, or the numbers of a digest.
func (s *speaker) subject(a mackerel.Alert, status string) string {
	switch subject, host := withoutStatus(s.title(a, status), status), hostOf(a); {
	case a.Event == mackerel.EventAlertGroup:
		name := ""
		if a.Group != nil {
			name = s.words(a.Group.Name, s.mostName)
		}
		return Join(s.pick(", ", "、"), s.pick("alert group", "アラートグループ"), name)
	case a.Event == mackerel.EventDigest && s.japanese:
		return s.words(kanaOfLabels.Replace(subject), s.room())
	case host == "" || a.Event == mackerel.EventDigest:
		return s.words(subject, 2*s.mostName)
	default:
		monitor := s.words(s.monitor(a, strings.TrimSuffix(subject, " on "+oneline.Of(host))), s.mostName)
		host = s.inWords(host, s.mostName, apart)
		if s.japanese {
			return Join(" の、", host, monitor)
		}
		return Join(", on ", monitor, host)
	}
}

// monitor returns the name of a monitor. In Japanese, connectivity monitors that have the name that Mackerel gives them
// are called by their kind.
func (s *speaker) monitor(a mackerel.Alert, name string) string {
	if s.japanese && a.Monitor.Type == "connectivity" && name == a.Monitor.Type {
		return s.kind(a.Monitor.Type)
	}
	return name
}

// detail says how bad it is. Of an alert group only the name is known.
func (s *speaker) detail(a mackerel.Alert, status string) string {
	if a.Event == mackerel.EventAlertGroup {
		return ""
	}
	if a.Event == mackerel.EventDigest {
		return s.words(s.worst(a), s.room())
	}
	if s.japanese && !a.Closed() && isUnreachable(a, ownMessage(a)) {
		return s.words("マカレル エージェントからのメトリック投稿がありません", s.room()) // the first line begins in English
	}
	f := s.firstLine(a, status)
	isMeasured := f.measured && a.Metric != nil && a.Metric.Value != nil && isFinite(*a.Metric.Value)
	if a.Closed() || !isMeasured {
		return s.words(cmp.Or(f.brief, f.line), s.room())
	}
	measurement := s.measurement(a)
	if n := s.unit.Len(measurement); n > s.room() {
		s.left += n
		return "" // a part of a number would be another number
	}
	return measurement
}

// worst returns the first line of a digest: the monitor with the most alerts of the worst status, and its hosts.
func (s *speaker) worst(a mackerel.Alert) string {
	s.digest(a)
	line := firstOf(s.lines)
	status, rest, _ := strings.Cut(line, " ")
	if s.japanese && kana[status] != "" {
		return kana[status] + "、" + rest
	}
	return line
}

// measurement says the value of a metric and the threshold that it passed: "96.5 percent, above 90 percent".
func (s *speaker) measurement(a mackerel.Alert) string {
	m, in := a.Metric, measureOfAlert(a)
	limit := thresholdOf(a)
	relation, known := relations[m.Operator]
	if limit == nil || !known || !isFinite(*limit) || !holds(*m.Value, m.Operator, *limit) {
		divisor, unit := in.unitOf(*m.Value)
		v := *m.Value / divisor
		return s.quantity(s.signed(number(v, spokenDecimals(v))), unit)
	}
	divisor, unit := in.unitOf(*m.Value, *limit)
	v, passed := *m.Value/divisor, *limit/divisor
	value, threshold := different(v, passed, number, spokenDecimals(v), spokenDecimals(passed))
	value, threshold = s.quantity(s.signed(value), unit), s.quantity(s.signed(threshold), unit)
	if s.japanese {
		// A voice may read the label 閾値 as いきち, so the word is in kana here.
		return value + "、しきい値" + threshold + relation.japanese
	}
	return value + ", " + relation.english + " " + threshold
}

// spokenDecimals returns with how many decimals a number is said: one, or as many as two digits of a number below 1
// need.
func spokenDecimals(v float64) int { return decimals(v) - 1 }

// relations are comparisons in words. The Japanese words stand behind the number.
var relations = map[string]struct{ english, japanese string }{
	">": {"above", "を超過"}, "<": {"below", "を下回る"}, ">=": {"at or above", "以上"}, "<=": {"at or below", "以下"},
}

// signed says the sign of a negative number.
func (s *speaker) signed(number string) string {
	return strings.Replace(number, "-", s.pick("minus ", "マイナス"), 1)
}

// units are units in words. The English words have a blank in front.
var units = map[string]struct{ english, japanese string }{
	"%": {" percent", "パーセント"}, "ms": {" milliseconds", "ミリ秒"}, "iops": {" operations per second", "アイオプス"},
	"B": {" bytes", "バイト"}, "kB": {" kilobytes", "キロバイト"}, "KB": {" kilobytes", "キロバイト"},
	"MB": {" megabytes", "メガバイト"}, "GB": {" gigabytes", "ギガバイト"}, "TB": {" terabytes", "テラバイト"},
	"KiB": {" kibibytes", "キビバイト"}, "MiB": {" mebibytes", "メビバイト"}, "GiB": {" gibibytes", "ギビバイト"},
	"TiB": {" tebibytes", "テビバイト"},
}

// quantity says a number and its unit. In Japanese "per second" stands before the number.
func (s *speaker) quantity(number, unit string) string {
	name, isRate := strings.CutSuffix(strings.TrimSpace(unit), "/s")
	words := number + s.pick(units[name].english, units[name].japanese)
	switch {
	case isRate && s.japanese:
		return "毎秒" + words
	case isRate:
		return words + " per second"
	}
	return words
}

// Parts of the patterns below. A number may be a range: "10-20", "10から20".
const (
	aNumber = `(?:minus |マイナス)?\d(?:(?:[\d.,-]| to |から)*\d)?`
	aUnit   = `%|(?:ms|[kKMGT]B|[KMGT]iB)\b(?:/s\b)?`
)

var (
	addresses = regexp.MustCompile(`(?i)https?://\S*`)
	minus     = regexp.MustCompile(`(^|[ (=〜～])-(\d)`)
	// tilde finds the sign of a range: "10〜20", "10秒〜20秒".
	tilde    = regexp.MustCompile(`(\d(?: ?(?:` + aUnit + `)|[\p{Han}\p{Katakana}ー]+|s)?) ?[〜～] ?((?:minus |マイナス)?\d)`)
	quantity = regexp.MustCompile(`(` + aNumber + `) ?(` + aUnit + `)`)
	// seconds finds "30s", but not the end of "k8s". Minutes may stand in front: "5m 10s".
	seconds        = regexp.MustCompile(`(^|[^A-Za-z\d.,_-])(` + aNumber + `)s\b`)
	minutesSeconds = regexp.MustCompile(`(^|[^A-Za-z\d.,_-])(\d+)m ?(\d+)s\b`)
	// comparison finds "> 90 percent". It is looked for when signs and units are words already.
	comparison = regexp.MustCompile(` ([<>]=?) ((?:minus |毎秒)?(?:マイナス)?\d[\d.,]*` +
		`(?: (?:percent|(?:milli)?seconds|\w+bytes)(?: per second)?|[\p{Katakana}ー秒毎]+)?)`)
	// pauses are signs at which a voice pauses. In Japanese a colon is a pause only beside a Japanese word, and an arrow is
	// a pause too: から alone would be a beginning without an end.
	pauses         = regexp.MustCompile(`[:;,.] | -+ | \(`)
	pausesJapanese = regexp.MustCompile(`(?:[;,.] | -+ | \(|[（：]|->|→)+`)
	colonJapanese  = regexp.MustCompile(`([\p{Han}\p{Hiragana}\p{Katakana}ー]): |: ([\p{Han}\p{Hiragana}\p{Katakana}])`)
	letterDigit    = regexp.MustCompile(`(\p{L})(\d)`)
	digitLetter    = regexp.MustCompile(`(\d)(\p{L})`)
	capitals       = regexp.MustCompile(`\b[A-Z]{2,}\b`)

	signs         = strings.NewReplacer("->", " to ", "→", " to ", "%", " percent ", "&", " and ")
	signsJapanese = strings.NewReplacer("%", "パーセント", "&", "と")
	tidy          = strings.NewReplacer(" ,", ",", " 、 ", "、", " 、", "、", "、 ", "、")
)

// apart puts a blank between the letters and the digits of a host's name: "app01" is said as "app 01".
func apart(name string) string {
	name = oneline.Of(name)
	return digitLetter.ReplaceAllString(letterDigit.ReplaceAllString(name, "$1 $2"), "$1 $2")
}

// heard returns the beginning of a text that is made into words. It ends at a blank if it has a blank, because the last
// word may be a part of a word.
func (s *speaker) heard(text string) string {
	first, all := beginning(text, maxHeard/bytesPerUnit)
	if i := strings.LastIndexByte(first, ' '); !all && i >= 0 {
		first = first[:i]
	}
	s.left += s.unit.Len(valid(text[len(first):]))
	return first
}

// words returns a text in words for a voice, in at most n units.
func (s *speaker) words(text string, n int) string { return s.inWords(text, n, oneline.Of) }

// inWords is words for a text that line makes one line.
func (s *speaker) inWords(text string, n int, line func(string) string) string {
	text = strings.TrimSpace(text)
	heard := s.heard(text)
	words := s.spoken(addresses.ReplaceAllString(line(heard), " "))
	if len(heard) == len(text) && s.unit.Len(words) <= n {
		return words
	}
	first := s.fit(words, n)
	s.left += max(0, s.unit.Len(words)-s.unit.Len(first))
	return first
}

// spoken says the signs of a line.
func (s *speaker) spoken(line string) string {
	line = s.quantities(minus.ReplaceAllString(line, "${1}"+s.pick("minus ", "マイナス")+"$2"))
	line = comparison.ReplaceAllStringFunc(line, s.compared)
	if s.japanese {
		line = colonJapanese.ReplaceAllString(line, "$1、$2")
		line = signsJapanese.Replace(pausesJapanese.ReplaceAllString(line, "、"))
	} else {
		line = signs.Replace(pauses.ReplaceAllString(line, ", "))
	}
	line = tidy.Replace(strings.Join(strings.Fields(withoutSigns(line)), " "))
	if s.japanese {
		return line
	}
	return capitals.ReplaceAllStringFunc(line, spelled)
}

// quantities says the numbers that have a unit, and ranges of numbers.
func (s *speaker) quantities(line string) string {
	line = tilde.ReplaceAllString(line, "${1}"+s.pick(" to ", "から")+"$2")
	line = quantity.ReplaceAllStringFunc(line, func(found string) string {
		parts := quantity.FindStringSubmatch(found)
		return s.quantity(parts[1], parts[2])
	})
	line = minutesSeconds.ReplaceAllString(line, s.pick("${1}${2} minutes ${3} seconds", "${1}${2}分${3}秒"))
	return seconds.ReplaceAllString(line, s.pick("${1}${2} seconds", "${1}${2}秒"))
}

// compared says a comparison: "above 90", "90を超過".
func (s *speaker) compared(found string) string {
	operator, limit, _ := strings.Cut(found[1:], " ")
	if s.japanese {
		return "、" + limit + relations[operator].japanese
	}
	return " " + relations[operator].english + " " + limit
}

// withoutSigns replaces what a voice cannot say with blanks. The signs within numbers, times and dates stay.
func withoutSigns(line string) string {
	runes := []rune(line)
	var b strings.Builder
	before := ' ' // what was written
	for i, r := range runes {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune(",!?'、。・", r):
		case unicode.IsMark(r) && (unicode.IsLetter(before) || unicode.IsMark(before)):
		case strings.ContainsRune(".:-", r) && unicode.IsDigit(before) && i+1 < len(runes) && unicode.IsDigit(runes[i+1]):
		default:
			r = ' '
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// shortWords are not spelled when they are in capitals.
var shortWords = map[string]bool{
	"ALL": true, "AND": true, "AT": true, "BAD": true, "FOR": true, "IN": true, "IS": true, "LOG": true, "LOW": true,
	"NO": true, "NOT": true, "OF": true, "OFF": true, "ON": true, "OUT": true, "THE": true, "TO": true, "TOO": true, "UP": true,
}

// spelled says a word in capitals: "CPU" and "HTTP" letter by letter, "DISK" and "CRITICAL" as words.
func spelled(word string) string {
	switch {
	case word == mackerel.StatusOK.Label():
		return word
	case len(word) > 4, len(word) == 4 && strings.ContainsAny(word, "AEIOU"), shortWords[word]:
		return strings.ToLower(word)
	}
	return strings.Join(strings.Split(word, ""), " ")
}

// fit returns the first words of a text, in at most n units with the words that stand for the rest. It returns "" if
// not even the first word fits.
func (s *speaker) fit(text string, n int) string {
	more := s.pick(", and so on", "、以下省略")
	first := s.unit.Cut(text, max(0, n-s.unit.Len(more)))
	if len(first) < len(text) {
		first = wholeWords(first)
	}
	if first = strings.Trim(first, " ,.、。"); first == "" {
		return ""
	}
	return first + more
}

// wholeWords returns a text that was cut without its last word, of which a part may be missing. Between Chinese
// characters and Hiragana there are no blanks, so a text in them stays if a word would take more than half of it.
func wholeWords(cut string) string {
	i := max(0, strings.LastIndexAny(cut, " 、"))
	last, _ := utf8.DecodeLastRuneInString(cut)
	if i < len(cut)/2 && unicode.In(last, unicode.Han, unicode.Hiragana) {
		return cut
	}
	return cut[:i]
}
