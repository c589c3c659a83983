package provider

import "github.com/mackerel-notify/mackerel"

// labels are the words of one language: Mackerel's own words, where Mackerel has a word.
type labels struct {
	metric, expression, labels, host, role, hostMemo, service, opened, closed, user, trigger, reason, lastState string
	organization, memo, graph, status, message                                                                  string

	muted, threshold, interruption, attempts, certificate, gone, scope, excluded, interval, sensitivity string

	day, hour, minute, second, gap string // of durations
	list, bracket, endBracket      string
}

var (
	english = &labels{
		metric: "Metric", expression: "Expression", labels: "Labels", host: "Host", role: "Role", hostMemo: "Host memo",
		service: "Service", opened: "Opened", closed: "Closed", user: "By", trigger: "Trigger", reason: "Reason",
		lastState: "Last state", organization: "Organization", memo: "Memo", graph: "Graph", status: "Status", message: "Message",
		muted: "Muted", threshold: "Threshold", interruption: "Interruption", attempts: "Maximum attempts",
		certificate: "Certificate", gone: "Alert status", scope: "Scope", excluded: "Excluded", interval: "Re-sent every",
		sensitivity: "Sensitivity",
		day:         "d", hour: "h", minute: "m", second: "s", gap: " ", list: ", ", bracket: " (", endBracket: ")",
	}
	japanese = &labels{
		metric: "メトリック", expression: "式", labels: "ラベル", host: "ホスト", role: "ロール", hostMemo: "ホストのメモ",
		service: "サービス", opened: "発生", closed: "クローズ", user: "ユーザー", trigger: "トリガー", reason: "理由",
		lastState: "クローズ前の状態", organization: "オーガニゼーション", memo: "メモ", graph: "グラフ", status: "ステータス", message: "メッセージ",
		muted: "ミュート", threshold: "閾値", interruption: "途切れ監視", attempts: "最大試行回数",
		certificate: "証明書の有効期限", gone: "アラートステータス", scope: "対象", excluded: "除外", interval: "通知の再送間隔",
		sensitivity: "感度",
		day:         "日", hour: "時間", minute: "分", second: "秒", gap: "", list: "、", bracket: "（", endBracket: "）",
	}
)

func labelsOf(l mackerel.Language) *labels {
	if l == mackerel.Japanese {
		return japanese
	}
	return english
}

// pick returns the words of the writer's language.
func (w *writer) pick(english, japanese string) string {
	if w.japanese {
		return japanese
	}
	return english
}

// StatusLabel is the label of the status, for services that show it apart from the title.
func StatusLabel(t mackerel.Text) string { return labelsOf(t.Language).status }

// MessageLabel is the label of a text, for services whose details all have labels.
func MessageLabel(l mackerel.Language) string { return labelsOf(l).message }

// GraphLabel is the label of the address of a graph, which is the first to go from a message that is too long.
func GraphLabel(l mackerel.Language) string { return labelsOf(l).graph }

// OpenLabel is the text of a button that opens an address.
func OpenLabel(address string, t mackerel.Text) string {
	japanese := t.Language == mackerel.Japanese
	switch ofMackerel := isMackerels(address); {
	case ofMackerel && japanese:
		return "Mackerelで開く"
	case ofMackerel:
		return "Open in Mackerel"
	case japanese:
		return "開く"
	}
	return "Open"
}
