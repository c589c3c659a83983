package provider_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

var (
	spokenEnglish  = mackerel.Text{Language: mackerel.English}
	spokenJapanese = mackerel.Text{Language: mackerel.Japanese}
)

// spokenAlert is a critical alert of a monitor on a host.
func spokenAlert(monitor, host, message string) mackerel.Alert {
	a := mackerel.Alert{Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: monitor}, Message: message}
	if host != "" {
		a.Host = &mackerel.Host{Name: host}
	}
	return a
}

// ofType returns the alert of a monitor of the type.
func ofType(kind string, a mackerel.Alert) mackerel.Alert {
	a.Monitor.Type = kind
	return a
}

// spokenMetric is a critical alert of a metric.
func spokenMetric(monitor, host, label string, value float64, operator string, limit float64) mackerel.Alert {
	a := spokenAlert(monitor, host, "")
	a.Metric = &mackerel.Metric{Label: label, Value: &value, Operator: operator, Critical: &limit}
	return a
}

func TestSpeech(t *testing.T) {
	for _, c := range []struct {
		name, english, japanese string
		alert                   mackerel.Alert
	}{
		{
			"a metric",
			"Mackerel alert. Critical. C P U percent, on app 01. 96.5 percent, above 90 percent.",
			"マカレルのアラートです。クリティカル。app 01 の、CPU パーセント。96.5パーセント、しきい値90パーセントを超過。",
			spokenMetric("CPU %", "app01", "cpu%", 96.5123, ">", 90),
		},
		{
			"a check",
			"Mackerel alert. Critical. Check disk, on app 01. Disk critical, data 98 percent.",
			"マカレルのアラートです。クリティカル。app 01 の、check disk。DISK CRITICAL data 98パーセント。",
			spokenAlert("check-disk", "app01", "check-disk - DISK CRITICAL: /data 98%\n/data 98% of 500 GB"),
		},
		{
			"a host's name of two lines",
			"Mackerel alert. Critical. X, on web, app 01. Down.",
			"マカレルのアラートです。クリティカル。web、app 01 の、x。down。",
			spokenAlert("x", "web\n- app01", "down"),
		},
		{
			"a host that cannot be reached",
			"Mackerel alert. Critical. Connectivity, on db 01. Unreachable, no metrics from mackerel agent.",
			"マカレルのアラートです。クリティカル。db 01 の、死活監視。マカレル エージェントからのメトリック投稿がありません。",
			ofType("connectivity", spokenAlert("connectivity", "db01", "unreachable")),
		},
		{
			"connectivity with a name and a message of its own",
			"Mackerel alert. Critical. Ping, on db 01. Power failure.",
			"マカレルのアラートです。クリティカル。db 01 の、ping。power failure。",
			ofType("connectivity", spokenAlert("ping", "db01", "power failure")),
		},
		{
			"a check with the name connectivity",
			"Mackerel alert. Critical. Connectivity, on db 01. Unreachable.",
			"マカレルのアラートです。クリティカル。db 01 の、connectivity。unreachable。",
			ofType("check", spokenAlert("connectivity", "db01", "unreachable")),
		},
		{
			"another monitor that has the name of its type",
			"Mackerel alert. Critical. Host, on db 01. Load is 1.5.",
			"マカレルのアラートです。クリティカル。db 01 の、host。load is 1.5。",
			ofType("host", spokenAlert("host", "db01", "load is 1.5")),
		},
		{
			"a host that can be reached again",
			"Mackerel alert. OK. Connectivity, on db 01. Recovered after 1h.",
			"マカレルのアラートです。オーケー。db 01 の、死活監視。1時間で回復。",
			func() mackerel.Alert {
				a := ofType("connectivity", spokenAlert("connectivity", "db01", "unreachable"))
				a.Status, a.OpenedAt, a.ClosedAt = "ok", opened, opened.Add(time.Hour)
				return a
			}(),
		},
		{
			"an alert by hand",
			"Mackerel alert. Critical. Backup failed.",
			"マカレルのアラートです。クリティカル。backup failed。",
			mackerel.Alert{Status: mackerel.StatusCritical, Message: "backup failed"},
		},
		{
			"an alert group",
			"Mackerel alert. Critical. Alert group, db.",
			"マカレルのアラートです。クリティカル。アラートグループ、db。",
			mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "CRITICAL", Group: &mackerel.AlertGroup{Name: "db"}, URL: "https://x.test/"},
		},
		{
			"the Test button", "Mackerel test notification.", "マカレルのテスト通知です。", mackerel.Alert{Event: mackerel.EventSample},
		},
		{
			"a digest",
			"Mackerel alert. Critical. 3 alerts, 2 critical, 1 warning. Critical ping on db1, db2.",
			"マカレルのアラートです。クリティカル。アラート3件、クリティカル 2、ワーニング 1。クリティカル、ping db1、db2。",
			mackerel.Digest([]mackerel.Alert{
				spokenAlert("ping", "db1", ""), spokenAlert("ping", "db2", ""),
				{Status: mackerel.StatusWarning, Monitor: mackerel.Monitor{Name: "CPU"}},
			}),
		},
		{
			"a digest of alerts that are over",
			"Mackerel alert. OK. 2 alerts, 2 OK. OK ping on db1, db2.",
			"マカレルのアラートです。オーケー。アラート2件、オーケー 2。オーケー、ping db1、db2。",
			func() mackerel.Alert {
				one, two := spokenAlert("ping", "db1", ""), spokenAlert("ping", "db2", "")
				one.Status, one.OpenedAt, one.ClosedAt = "ok", opened, opened.Add(time.Hour)
				two.Status = "ok"
				d := mackerel.Digest([]mackerel.Alert{one, two})
				d.Message = "a note"
				return d
			}(),
		},
		{
			"a digest that names a host, and has a status of tomorrow",
			"Mackerel alert. Critical. 2 alerts, 2 paused. Paused ping on db1, db2.",
			"マカレルのアラートです。クリティカル。アラート2件、PAUSED 2。PAUSED ping db1、db2。",
			func() mackerel.Alert {
				d := mackerel.Alert{Event: mackerel.EventDigest, Status: "critical", Host: &mackerel.Host{Name: "app01"}}
				for _, host := range []string{"db1", "db2"} {
					a := spokenAlert("ping", host, "")
					a.Status = "paused"
					d.Alerts = append(d.Alerts, a)
				}
				return d
			}(),
		},
		{
			"not a number",
			"Mackerel alert. Critical. X. NaN at or above 1.",
			"マカレルのアラートです。クリティカル。x。NaN、1以上。",
			spokenMetric("x", "", "x", math.NaN(), ">=", 1),
		},
		{
			"an infinite number",
			"Mackerel alert. Critical. X. Inf above 1.",
			"マカレルのアラートです。クリティカル。x。Inf、1を超過。",
			spokenMetric("x", "", "x", math.Inf(1), ">", 1),
		},
		{
			"an infinite threshold",
			"Mackerel alert. Critical. X. 2.",
			"マカレルのアラートです。クリティカル。x。2。",
			spokenMetric("x", "", "x", 2, ">", math.Inf(-1)),
		},
		{
			"an operator of tomorrow",
			"Mackerel alert. Critical. X. 2.",
			"マカレルのアラートです。クリティカル。x。2。",
			spokenMetric("x", "", "x", 2, "!=", 1),
		},
		{
			"marks stay on their letters",
			"Mackerel alert. Critical. Cafe\u0301\u0323s. か\u3099.",
			"マカレルのアラートです。クリティカル。cafe\u0301\u0323s。か\u3099。",
			spokenAlert("cafe\u0301\u0323s", "", "か\u3099 \u0301"),
		},
		{
			"bytes in a second",
			"Mackerel alert. Critical. Network. 2.5 megabytes per second, above 1 megabytes per second.",
			"マカレルのアラートです。クリティカル。network。毎秒2.5メガバイト、しきい値毎秒1メガバイトを超過。",
			func() mackerel.Alert {
				a := spokenMetric("network", "", "interface.eth0.rxBytes.delta", 2_500_000, ">", 1_000_000)
				a.Monitor.Type = "host"
				return a
			}(),
		},
		{
			"negative numbers",
			"Mackerel alert. Critical. Temperature. Minus 20.5, below minus 18.",
			"マカレルのアラートです。クリティカル。temperature。マイナス20.5、しきい値マイナス18を下回る。",
			spokenMetric("temperature", "", "t", -20.5, "<", -18),
		},
		{
			"small numbers keep two digits, and numbers that would sound alike keep more",
			"Mackerel alert. Critical. X. 0.054, above 0.051.",
			"マカレルのアラートです。クリティカル。x。0.054、しきい値0.051を超過。",
			spokenMetric("x", "", "x", 0.0541, ">", 0.0512),
		},
		{
			"a value without its threshold",
			"Mackerel alert. Critical. C P U. 99.1 percent.",
			"マカレルのアラートです。クリティカル。CPU。99.1パーセント。",
			func() mackerel.Alert {
				a := spokenMetric("CPU", "", "cpu%", 99.12, ">", 90)
				a.Metric.Critical = nil
				return a
			}(),
		},
		{
			"comparisons and units in a text",
			"Mackerel alert. Critical. Latency. P99 5 milliseconds above 3 milliseconds, 2 gigabytes at or below 4 gigabytes, minus 3 below 0.",
			"マカレルのアラートです。クリティカル。latency。p99 5ミリ秒、3ミリ秒を超過、2ギガバイト、4ギガバイト以下、マイナス3、0を下回る。",
			spokenAlert("latency", "", "p99 5ms > 3 ms, 2 GB <= 4 GB, -3 < 0"),
		},
		{
			"seconds and binary units in a text",
			"Mackerel alert. Critical. Slow, on k 8 s. 30 seconds above 2.5 seconds, 1.2 gibibytes at or above 512 mebibytes per second, 9 above 5 seconds.",
			"マカレルのアラートです。クリティカル。k 8 s の、slow。30秒、2.5秒を超過、1.2ギビバイト、毎秒512メビバイト以上、9、5 secondsを超過。",
			spokenAlert("slow", "k8s", "30s > 2.5s, 1.2GiB >= 512 MiB/s, 9 > 5 seconds"),
		},
		{
			"minutes and seconds, and letters that are no units",
			"Mackerel alert. Critical. X. K8s v1s up 5 minutes 10 seconds, web 2s 1h2m3s 7 kiB s 応答30 seconds.",
			"マカレルのアラートです。クリティカル。x。k8s v1s up 5分10秒、web 2s 1h2m3s 7 kiB s 応答30秒。",
			spokenAlert("x", "", "k8s v1s up 5m 10s, web-2s 1h2m3s 7 kiB/s 応答30s"),
		},
		{
			"other binary units",
			"Mackerel alert. Critical. X. 1 kibibytes, 2 tebibytes.",
			"マカレルのアラートです。クリティカル。x。1キビバイト、2テビバイト。",
			spokenAlert("x", "", "1 KiB, 2TiB"),
		},
		{
			"ranges of numbers",
			"Mackerel alert. Critical. X. 10 to 20秒, 5 percent to 10 percent, minus 3 to minus 1, 1 seconds to 2 seconds, 障害 2.",
			"マカレルのアラートです。クリティカル。x。10から20秒、5パーセントから10パーセント、マイナス3からマイナス1、1秒から2秒、障害 2。",
			spokenAlert("x", "", "10〜20秒, 5% ～ 10%, -3〜-1, 1s〜2s, 障害〜2"),
		},
		{
			"rates in a text",
			"Mackerel alert. Critical. X. 10-20 megabytes per second, minus 5 kilobytes per second, 1 to 2 gigabytes per second above 3 megabytes per second.",
			"マカレルのアラートです。クリティカル。x。毎秒10-20メガバイト、毎秒マイナス5キロバイト、毎秒1から2ギガバイト、毎秒3メガバイトを超過。",
			spokenAlert("x", "", "10-20MB/s, -5 kB/s, 1〜2 GB/s > 3 MB/s"),
		},
		{
			"arrows",
			"Mackerel alert. Critical. X. A to b to c, to d.",
			"マカレルのアラートです。クリティカル。x。a、b、c、d。",
			spokenAlert("x", "", "a -> b→c, -> d"),
		},
		{
			"brackets, addresses, emoji and signs",
			"Mackerel alert. Critical. Shop, prod, orders and items. See it's at 10:30, no 1.",
			"マカレルのアラートです。クリティカル。Shop、prod、orders と items。see it's at 10:30、no 1。",
			spokenAlert("[Shop] (prod) - orders & items", "", "🔥 see https://x.test/?a=1 <it's> at *10:30* -- `no` 1️⃣"),
		},
		{
			"words in capitals",
			"Mackerel alert. Critical. D N S down, not OK. I O on disk, S Q L.",
			"マカレルのアラートです。クリティカル。DNS DOWN NOT OK。IO ON DISK SQL。",
			spokenAlert("DNS DOWN: NOT OK", "", "IO ON DISK: SQL"),
		},
		{
			"an event of the future", "Mackerel. Event rain.", "マカレルの通知です。Event rain。", mackerel.Alert{Event: "rain"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for text, want := range map[mackerel.Text]string{spokenEnglish: c.english, spokenJapanese: c.japanese} {
				if got, cut := provider.Speech(c.alert, text); got != want || cut != (mackerel.Cut{}) {
					t.Errorf("%s\nit says %q\n   want %q, cut %+v", text.Language, got, want, cut)
				}
			}
		})
	}
}

// TestLongTextsAreSpokenInPart: what is left of a sentence must not say something else.
func TestLongTextsAreSpokenInPart(t *testing.T) {
	words, names := strings.Repeat("word ", 100), strings.Repeat("応答時間が長い", 30)
	huge := spokenMetric("load", "", "load", 1e300, ">", 1)
	pause := strings.Repeat("障", 27) + " " + strings.Repeat("害", 100)
	for _, c := range []struct {
		name, english, japanese string
		alert                   mackerel.Alert
	}{
		{
			"a message",
			"Mackerel alert. Critical. X. Word" + strings.Repeat(" word", 50) + ", and so on.",
			"マカレルのアラートです。クリティカル。x。" + strings.Repeat("word ", 17) + "word、以下省略。",
			spokenAlert("x", "", words),
		},
		{
			"a monitor's name leaves room for the host and the value",
			"Mackerel alert. Critical. Word" + strings.Repeat(" word", 12) + ", and so on, on app 01. 2, above 1.",
			"マカレルのアラートです。クリティカル。app 01 の、" + strings.Repeat("word ", 4) + "word、以下省略。2、しきい値1を超過。",
			spokenMetric(words, "app01", "x", 2, ">", 1),
		},
		{
			"a word that is too long is not said", "Mackerel alert. Critical. Down.", "マカレルのアラートです。クリティカル。down。",
			spokenAlert(strings.Repeat("x", 500), "", "down"),
		},
		{
			"Japanese is cut between characters",
			"Mackerel alert. Critical. " + strings.Repeat("応答時間が長い", 7) + ", and so on. 2, above 1.",
			"マカレルのアラートです。クリティカル。" + strings.Repeat("応答時間が長い", 7) + "応答時間が長、以下省略。2、しきい値1を超過。",
			spokenMetric(names, "", "x", 2, ">", 1),
		},
		{
			"Japanese is cut at a blank in its second half", "Mackerel alert. Critical. " + pause[:81] + ", and so on. 2, above 1.",
			"マカレルのアラートです。クリティカル。" + pause[:81] + "、以下省略。2、しきい値1を超過。", spokenMetric(pause, "", "x", 2, ">", 1),
		},
		{
			"of a text of many blanks the beginning is heard", "Mackerel alert. Critical. X. Down, and so on.",
			"マカレルのアラートです。クリティカル。x。down、以下省略。", spokenAlert("x", "", "down"+strings.Repeat(" ", 2000)+"again"),
		},
		{
			"a word is heard as a whole or not at all", "Mackerel alert. Critical. X. Not, and so on.",
			"マカレルのアラートです。クリティカル。x。not、以下省略。", spokenAlert("x", "", "not "+strings.Repeat("-", 990)+" available"),
		},
		{"a part of a number would be another number", "Mackerel alert. Critical. Load.", "マカレルのアラートです。クリティカル。load。", huge},
	} {
		t.Run(c.name, func(t *testing.T) {
			for text, want := range map[mackerel.Text]string{spokenEnglish: c.english, spokenJapanese: c.japanese} {
				got, cut := provider.Speech(c.alert, text)
				if got != want || cut.Field != "speech" || cut.From <= cut.To {
					t.Errorf("%s\nit says %q\n   want %q, cut %+v", text.Language, got, want, cut)
				}
			}
		})
	}
}

// What is left out is counted in the units of the limit, also of texts that are not looked at to their end.
func TestWhatIsNotSpokenIsCounted(t *testing.T) {
	for _, n := range []int{500, 5000} {
		said, cut := provider.Speech(spokenAlert(strings.Repeat("x", n), "", "down"), spokenEnglish)
		want := mackerel.Cut{Field: "speech", Unit: "bytes", From: len(said) + n, To: len(said)}
		if said != "Mackerel alert. Critical. Down." || cut != want {
			t.Errorf("it says %q, cut %+v, want %+v", said, cut, want)
		}
	}
}

func TestSpeechUsesAllOfItsRoom(t *testing.T) {
	said, cut := provider.Speech(spokenAlert("x", "", strings.Repeat("word ", 53)+"words"), spokenEnglish)
	if len(said) != 300 || cut != (mackerel.Cut{}) {
		t.Errorf("%d bytes: %q, cut %+v", len(said), said, cut)
	}
	longest := 0
	for digits := 190; digits < 220; digits++ {
		for _, name := range []string{"x", "xx", "xxx"} {
			said, _ := provider.Speech(spokenMetric(name, "", "load", math.Pow(10, float64(digits)), "<", 1), spokenEnglish)
			longest = max(longest, len(said))
		}
	}
	if longest != 300 {
		t.Errorf("the longest measurement makes %d bytes", longest)
	}
}

func checkSpeech(t *testing.T, name, said string, text mackerel.Text) {
	t.Helper()
	if n := len(said); text.Language == mackerel.English && n > 300 {
		t.Errorf("%s: %d bytes: %q", name, n, said)
	}
	if n := utf8.RuneCountInString(said); text.Language == mackerel.Japanese && n > 120 {
		t.Errorf("%s: %d characters: %q", name, n, said)
	}
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" ,.!?':-、。・", r)
	}
	if said == "" || strings.ContainsFunc(said, odd) || strings.Contains(said, "http:") || strings.Contains(said, "  ") {
		t.Errorf("%s: %q", name, said)
	}
}

func TestOnlySignsWithinNumbersAreSpoken(t *testing.T) {
	said, _ := provider.Speech(mackerel.Alert{Message: "at 1:02 x: 5 5: x a:7 7-a 8- 3/4 1:2-"}, spokenEnglish)
	if want := "At 1:02 x, 5 5, x a 7 7 a 8 3 4 1:2."; !strings.Contains(said, want) {
		t.Errorf("%q is not in %q", want, said)
	}
}

func TestWhatIsSpokenHasNoSigns(t *testing.T) {
	for _, e := range sample.Alerts() {
		for _, text := range []mackerel.Text{spokenEnglish, spokenJapanese} {
			said, cut := provider.Speech(e.Alert, text)
			if checkSpeech(t, e.Name, said, text); cut != (mackerel.Cut{}) && e.Name != "digest" {
				t.Errorf("%s: %+v", e.Name, cut)
			}
		}
	}
}

// TestHugeTextsAreSpokenQuickly has a bound that only work on the whole text would exceed.
func TestHugeTextsAreSpokenQuickly(t *testing.T) {
	t.Parallel() // it takes a second
	for _, unit := range []string{"a ", "障", "\n", "\xff", "https://x.test/", "> 1 "} {
		huge := strings.Repeat(unit, 10_000_000/len(unit))
		a := spokenAlert(huge, huge, huge)
		start := time.Now()
		for _, text := range []mackerel.Text{spokenEnglish, spokenJapanese} {
			said, _ := provider.Speech(a, text)
			checkSpeech(t, unit, said, text)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%q took %v", unit, d)
		}
	}
}

func TestSpeechOfTexts(t *testing.T) {
	for language, want := range map[mackerel.Language]string{
		mackerel.English:  "Critical, C P U percent on app01. 96.5 percent above 90 percent.",
		mackerel.Japanese: "CRITICAL CPU パーセント on app01。96.5パーセント、90パーセントを超過。",
	} {
		if got, _ := provider.SpeechOf(language, "CRITICAL: CPU % on app01", "", "96.5% > 90%"); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
	long := strings.Repeat("障", 114) + "、以下省略。"
	if got, _ := provider.SpeechOf(mackerel.Japanese, "\n  "+strings.Repeat("障", 2000)); got != long {
		t.Errorf("it says %q, want %q", got, long)
	}
	want := mackerel.Cut{Field: "speech", Unit: "bytes", From: 500}
	if got, cut := provider.SpeechOf(mackerel.English, strings.Repeat("x", 500)); got != "" || cut != want {
		t.Errorf("it says %q, %+v", got, cut)
	}
	if got, cut := provider.SpeechOf(mackerel.English, "🔥", "()"); got != "" || cut != (mackerel.Cut{}) {
		t.Errorf("it says %q, %+v", got, cut)
	}
}

func FuzzSpeech(f *testing.F) {
	for _, s := range []string{"", "CPU %", "</Say>", "a > 1 < 2", "-5 ms >= 3GB/s", "障害（本番）", "\u202e\xff", "👩‍💻", "http://x", "e\u0301\u0301"} {
		f.Add(s, s, s, 1.5)
	}
	f.Fuzz(func(t *testing.T, monitor, host, message string, value float64) {
		for _, text := range []mackerel.Text{spokenEnglish, spokenJapanese} {
			said, _ := provider.Speech(spokenMetric(monitor, host, message, value, ">", 1), text)
			checkSpeech(t, "a metric", said, text)
			said, _ = provider.Speech(spokenAlert(monitor, host, message), text)
			checkSpeech(t, "a message", said, text)
		}
	})
}
