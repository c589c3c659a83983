package main

import "github.com/mackerel-notify/mackerel"

// words are what the page itself says, in one language.
type words struct {
	Title, Intro, Phone, Call, NotSent, Cut, Top string
}

func wordsOf(language mackerel.Language) words {
	if language == mackerel.Japanese {
		return words{
			Title: "各サービスに届くアラート",
			Intro: "リクエストの内容だけから、サービスでの見え方に近い形で描いています。灰色の欄は、スマートフォンの通知に表示される内容です。" +
				"下の行を開くと、リクエストの全体が見られます。送信はしていません。グラフは仮の画像です。",
			Phone: "スマートフォンの通知", Call: "電話の音声", NotSent: "送信しない", Cut: "切り詰め", Top: "先頭へ",
		}
	}
	return words{
		Title: "What people read",
		Intro: "Each message is drawn from the request alone, about as the service would show it. The gray box is what a phone " +
			"shows on its lock screen. The last line opens the whole request. Nothing was sent. Graphs are placeholders.",
		Phone: "On a phone", Call: "A voice says", NotSent: "Not sent", Cut: "Cut", Top: "Top",
	}
}
