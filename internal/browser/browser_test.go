package browser_test

import (
	"bufio"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var shots = flag.String("shots", "", "write screenshots to this folder")

//go:embed check.js
var check string

var (
	languages = []string{"en", "ja"}
	themes    = []string{"light", "dark"}
	widths    = []int64{400, 900, 1600}
)

// height is the height of the window, in pixels. Pages are longer.
const height = 1000

// build builds the example and returns its file.
func build(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "preview")
	command := exec.CommandContext(t.Context(), "go", "build", "-o", file, "./examples/preview")
	command.Dir = "../.."
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return file
}

// serve runs the live page and returns its address.
func serve(t *testing.T, file string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), file, "-http", ":0")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // it was killed, because the context of the test has ended
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(line)[1] // "serving http://127.0.0.1:1234/ until ..."
}

// open starts Chromium. The tests are skipped if it is not installed.
func open(t *testing.T) context.Context {
	t.Helper()
	var chromium string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		t.Skip("Chromium is not installed")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(time.Minute))
	if os.Geteuid() == 0 { // Chromium has no sandbox for root
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(stop)
	return ctx
}

// do runs actions in the browser.
func do(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// evaluate returns the value of a JavaScript expression.
func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// resize sets the width of the window, and what the system prefers: light or dark.
func resize(t *testing.T, ctx context.Context, width int64, theme string) {
	t.Helper()
	do(t, ctx, chromedp.EmulateViewport(width, height))
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// shoot writes a screenshot of the upper part of an element, at most depth pixels.
func shoot(t *testing.T, ctx context.Context, name, selector string, depth float64) {
	t.Helper()
	if *shots == "" {
		return
	}
	const drawn = `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](drawn, chromedp.EvalAwaitPromise)); err != nil {
		t.Fatal(err)
	}
	clip := evaluate[page.Viewport](t, ctx, `document.querySelector("`+selector+`").getBoundingClientRect().toJSON()`)
	clip.Y += evaluate[float64](t, ctx, `scrollY`)
	clip.Height, clip.Scale = min(clip.Height, depth), 1
	yes := true
	result, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Clip: &clip, CaptureBeyondViewport: &yes, OptimizeForSpeed: &yes,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(*shots, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), result.Data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// inspect looks at the page that is open, at all widths, light and dark. The contrast depends on no width.
func inspect(t *testing.T, ctx context.Context, name, language string, depth float64) {
	t.Helper()
	for _, theme := range themes {
		for _, width := range widths {
			resize(t, ctx, width, theme)
			shoot(t, ctx, fmt.Sprintf("%s-%s-%d-%s", name, language, width, theme), "body", depth)
			problems := evaluate[[]string](t, ctx, fmt.Sprintf("(%s)(%t)", check, width == widths[0]))
			for i, problem := range problems {
				if i == 10 {
					t.Errorf("and %d more", len(problems)-i)
					break
				}
				t.Errorf("%s in %s at %d pixels, %s: %s", name, language, width, theme, problem)
			}
		}
	}
	if got := evaluate[string](t, ctx, `document.documentElement.lang`); got != language {
		t.Errorf("%s: the page is in %q, want %q", name, got, language)
	}
	if n := evaluate[int](t, ctx, `document.querySelectorAll("article").length`); n < 14 { // Twilio has two
		t.Errorf("%s in %s: %d messages", name, language, n)
	}
}

func TestPagesInABrowser(t *testing.T) {
	ctx := open(t)
	file := build(t)
	address := serve(t, file)
	t.Run("the page with all alerts", func(t *testing.T) { testFile(t, ctx, file) })
	t.Run("the live page", func(t *testing.T) { testLive(t, ctx, address) })
	t.Run("a bad body", func(t *testing.T) { testBadBody(t, ctx, address) })
	t.Run("the switch between light and dark", func(t *testing.T) { testSwitch(t, ctx, address) })
}

func testFile(t *testing.T, ctx context.Context, file string) {
	for _, language := range languages {
		path := filepath.Join(t.TempDir(), "page.html")
		out, err := exec.CommandContext(t.Context(), file, "-o", path, "-lang", language).CombinedOutput()
		if err != nil || string(out) != "wrote "+path+"\n" {
			t.Fatalf("%v: %s", err, out)
		}
		do(t, ctx, chromedp.Navigate("file://"+path))
		inspect(t, ctx, "all", language, 3500)
		if *shots == "" {
			continue
		}
		for _, theme := range themes { // the pictures of the README: five messages beside each other
			resize(t, ctx, 1772, theme)
			shoot(t, ctx, "readme-"+language+"-"+theme, "#escalation", 3000)
			shrink(t, filepath.Join(*shots, "readme-"+language+"-"+theme+".png"))
		}
	}
}

// hostile is the body of a webhook with texts that would be a program if the page took them for HTML, and with words
// that have no place to break.
var hostile = `{"event":"alert","orgName":"acme","type":"host",
"message":"<img src=x onerror=\"document.title='run'\"> 9 > 4",
"memo":"` + strings.Repeat("障害対応手順", 40) + strings.Repeat("w", 300) + `",
"imageUrl":"https://mackerel.io/embed/public/alert/sample.png",
"host":{"id":"1","name":"` + strings.Repeat("host-", 30) + `","url":"javascript:document.title='run'","roles":[]},
"alert":{"id":"2","status":"unknown","isOpen":true,"trigger":"monitor","url":"https://mackerel.io/orgs/acme/alerts/2",
"monitorName":"<script>document.title='run'</script></textarea>応答時間"}}`

// paste fills in the form and sends it.
func paste(t *testing.T, ctx context.Context, body, language string) {
	t.Helper()
	do(t, ctx, chromedp.SetValue(chromedp.CSS("#body"), body), chromedp.SetValue(chromedp.CSS("select"), language))
	submit(t, ctx)
}

// submit sends the form, and waits for the next page.
func submit(t *testing.T, ctx context.Context) {
	t.Helper()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS("button"))); err != nil {
		t.Fatal(err)
	}
}

func testLive(t *testing.T, ctx context.Context, address string) {
	for _, language := range languages {
		do(t, ctx, chromedp.Navigate(address+"?lang="+language))
		inspect(t, ctx, "live", language, 12000)
		paste(t, ctx, hostile, language)
		inspect(t, ctx, "pasted", language, 12000)
		heading := evaluate[string](t, ctx, `document.querySelector("h2").textContent`)
		if !strings.Contains(heading, "<script>document.title='run'</script>") {
			t.Errorf("the heading is %q", heading)
		}
		if title := evaluate[string](t, ctx, `document.title`); title == "run" {
			t.Error("the page ran a program of the alert")
		}
		const active = `document.querySelectorAll("script, img, iframe, [onerror], a[href^=javascript]").length`
		if n := evaluate[int](t, ctx, active); n != 0 {
			t.Errorf("%d elements could run a program", n)
		}
	}
}

func testBadBody(t *testing.T, ctx context.Context, address string) {
	do(t, ctx, chromedp.Navigate(address))
	resize(t, ctx, 400, "light")
	paste(t, ctx, "<b>no JSON</b>", "ja")
	shoot(t, ctx, "bad-ja-400-light", "body", 2000)
	alert := evaluate[string](t, ctx, `document.querySelector("[role=alert]").textContent`)
	if !strings.Contains(alert, "JSON") {
		t.Errorf("the page says %q", alert)
	}
	if body := evaluate[string](t, ctx, `document.querySelector("#body").value`); body != "<b>no JSON</b>" {
		t.Errorf("the form has %q", body)
	}
	if n := evaluate[int](t, ctx, `document.querySelectorAll("article").length`); n != 0 {
		t.Errorf("%d messages are drawn", n)
	}
}

// The choice of the switch counts, not what the system prefers, and the next page has it too.
func testSwitch(t *testing.T, ctx context.Context, address string) {
	const background = `getComputedStyle(document.body).backgroundColor`
	do(t, ctx, chromedp.Navigate(address))
	resize(t, ctx, 900, "light")
	before := evaluate[string](t, ctx, background)
	do(t, ctx, chromedp.Click(chromedp.CSS("#dark")))
	after := evaluate[string](t, ctx, background)
	submit(t, ctx)
	next := evaluate[string](t, ctx, background)
	if before == after || after != next {
		t.Errorf("the background was %s; dark it is %s, and %s on the next page", before, after, next)
	}
}
