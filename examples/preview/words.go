package main

import "github.com/mackerel-notify/mackerel"

// words are what the page itself says, in one language.
type words struct {
	Title, Intro, LiveIntro, Phone, Call, NotSent, Cut, Top, Failed string

	Theme, Auto, Light, Dark string // the switch between light and dark

	Paste, Language, Draw, Samples, Pasted string // the form of the live page
	TooLong, NotRead, OddMember, BadForm   string // what it says about a body

	Sound, Silent, Resolved, Closed, Program string // about messages, where the request has no text to show
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
	Program: "JSON for a program",
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
	Program: "プログラムが読むJSON",
}
