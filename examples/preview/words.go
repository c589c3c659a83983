package main

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

// words are what the page itself says, in one language.
type words struct {
	Title, Intro, LiveIntro, Phone, Call, NotSent, Cut, Top, Failed string

	Theme, Auto, Light, Dark string // the switch between light and dark

	Paste, Language, Draw, Samples, Pasted string // the form of the live page
	TooLong, NotRead, OddMember, BadForm   string // what it says about a body

	Sound, Silent, Resolved, Closed, Program string // about messages, where the request has no text to show

	comma    string
	sections map[string]string // the names of the samples
	terms    map[string]string // the words of a Cut
	reasons  map[string]string // why nothing is sent; % stands for the event
}

// in returns a word in the language of the page, or the English word if the page has none.
func in(own map[string]string, word, english string) piece {
	if text := own[word]; text != "" {
		return piece{Text: text}
	}
	return piece{english, mackerel.English}
}

// Section returns the heading of a sample or of the body that was pasted.
func (w words) Section(name string) []piece {
	if name == w.Pasted {
		return []piece{{Text: name}}
	}
	return []piece{in(w.sections, name, strings.ReplaceAll(name, "-", " "))}
}

var quotedEvent = regexp.MustCompile(`^the event "([^"]*)"`)

// Reason says why a notifier sends nothing.
func (w words) Reason(skipped string) []piece {
	p := in(w.reasons, quotedEvent.ReplaceAllString(skipped, "the event %"), skipped)
	if found := quotedEvent.FindStringSubmatch(skipped); found != nil && p.Lang == "" {
		p.Text = strings.Replace(p.Text, "%", found[1], 1)
	}
	return []piece{p}
}

// Shortened says what was cut: "text, 164 → 150 bytes".
func (w words) Shortened(c mackerel.Cut) []piece {
	lengths := w.comma + strconv.Itoa(c.From) + " → " + strconv.Itoa(c.To) + " "
	return []piece{in(w.terms, c.Field, c.Field), {Text: lengths}, in(w.terms, c.Unit, c.Unit)}
}

func wordsOf(language mackerel.Language) words {
	if language == mackerel.Japanese {
		return japaneseWords
	}
	return englishWords
}

var englishWords = words{
	Title: "What people read",
	Intro: "Each message is drawn from the request alone, about as the service would show it. The gray box is what a phone " +
		"shows on its lock screen. The last line opens the whole request. Nothing was sent. Graphs are placeholders.",
	LiveIntro: "Paste the body of a Mackerel webhook and see what each service would show. Each message is drawn from the " +
		"request alone. Nothing is sent. Graphs are placeholders.",
	Phone: "On a phone", Call: "A voice says", NotSent: "Not sent", Cut: "Cut", Top: "Top", Failed: "Cannot be sent",
	Theme: "Colors", Auto: "Auto", Light: "Light", Dark: "Dark",
	Paste: "Body of the webhook (JSON)", Language: "Language", Draw: "Draw", Samples: "Samples", Pasted: "Your webhook",
	TooLong: "The body is longer than 256 KiB.", NotRead: "This is not the body of a webhook.",
	OddMember: "The alert is drawn without what could not be read.", BadForm: "The form could not be read.",
	Sound: "with a sound", Silent: "without a sound", Resolved: "The incident is resolved", Closed: "The alert is closed",
	Program: "JSON for a program", comma: ", ",
}

var japaneseWords = words{
	Title: "各サービスに届くアラート",
	Intro: "リクエストの内容だけから、サービスでの見え方に近い形で描いています。灰色の欄は、スマートフォンの通知に表示される内容です。" +
		"下の行を開くと、リクエストの全体が見られます。送信はしていません。グラフは仮の画像です。",
	LiveIntro: "Mackerelのwebhookの本文を貼り付けると、各サービスでの見え方を表示します。リクエストの内容だけから描いています。" +
		"送信はしません。グラフは仮の画像です。",
	Phone: "スマートフォンの通知", Call: "電話の音声", NotSent: "送信しない", Cut: "切り詰め", Top: "先頭へ", Failed: "送信できない",
	Theme: "配色", Auto: "自動", Light: "ライト", Dark: "ダーク",
	Paste: "webhookの本文 (JSON)", Language: "言語", Draw: "表示", Samples: "サンプル", Pasted: "貼り付けたwebhook",
	TooLong: "本文が256 KiBを超えています。", NotRead: "webhookの本文ではありません。",
	OddMember: "読み取れなかった項目を除いて表示しています。", BadForm: "フォームを読み取れませんでした。",
	Sound: "音あり", Silent: "音なし", Resolved: "インシデントは解決済みです", Closed: "アラートはクローズされました",
	Program: "プログラムが読むJSON", comma: "、",
	sections: map[string]string{
		"warning": "警告", "escalation": "悪化", "recovery": "回復", "check": "チェック監視", "unknown": "UNKNOWN",
		"external": "外形監視", "connectivity": "死活監視", "service": "サービスメトリック", "expression": "式による監視",
		"anomaly": "ロール内異常検知", "query": "クエリによる監視", "manual-close": "手動クローズ", "retirement": "ホストの退役",
		"alert-group": "アラートグループ", "host-status": "ホストのステータス変更", "monitor-muted": "監視ルールの更新（ミュート中）",
		"monitor-external": "監視ルールの更新（外形監視）", "sample": "テスト通知", "made-by-hand": "手書きのアラート",
		"digest": "まとめ通知",
	},
	terms: map[string]string{
		"title": "タイトル", "text": "本文", "facts": "項目", "memo": "メモ", "url": "リンク", "image": "グラフ", "speech": "音声",
		"alerts": "アラート", "bytes": "バイト", "runes": "文字", "characters": "文字", "utf-16 units": "UTF-16単位", "items": "件",
	},
	reasons: map[string]string{
		"a digest, and the service needs each alert by itself":    "このサービスにはアラートを1件ずつ送るため",
		"the alert is closed, and no call is made for a recovery": "クローズされたアラートには電話をかけないため",
		"the event %, and calls are made for alerts only":         "アラートのときだけ電話をかけるため（イベント: %）",
		"the event %, and the service takes only alerts":          "このサービスにはアラートだけを送るため（イベント: %）",
	},
}
