package hipchattest_test

import (
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

func TestCheckHTML(t *testing.T) {
	for _, c := range []struct {
		name, message string
		problem       string // "" if it is good
	}{
		{"plain text", "disk 91 %", ""},
		{"an empty text", "", ""},
		{"allowed tags", `<b>a</b><i>b</i><em>c</em><strong>d</strong><br><br/><BR /><code>e</code><pre>f</pre><ul><li>g</li></ul>`, ""},
		{"a table", `<table><tr valign="top"><td colspan=2>a</td></tr></table>`, ""},
		{"a link", `<a href="https://x.test/?a=1&amp;b=2">x</a>`, ""},
		{"a link in entities", `<a href="https&#58;//x.test/">x</a>`, ""},
		{"a picture", `<img src='https://x.test/a.png' alt="graph">`, ""},
		{"a span's colour", `<span style="color: red; font-weight:bold">x</span>`, ""},
		{"entities", "&lt;&amp;&#39;&#x27;&quot;&nbsp;&copy;&semi;", ""},
		{"a script", "<script>alert(1)</script>", "<script> is not allowed"},
		{"a heading", "<h1>x</h1>", "<h1> is not allowed"},
		{"an event handler", `<b onclick="x">y</b>`, `onclick="x" of <b> is not allowed`},
		{"a link that runs", `<a href="javascript:x">y</a>`, "is not allowed"},
		{"a link that runs, disguised", `<a href=" jAva&#115;cript:x">y</a>`, "is not allowed"},
		{"a link to a mail address", `<a href="mailto:ops@x.test">y</a>`, ""},
		{"a picture at a mail address", `<img src="mailto:ops@x.test">`, "is not allowed"},
		{"a span's position", `<span style="color:red;position:fixed">x</span>`, "is not allowed"},
		{"a tag that stays open", "<b>x", "<b> is never closed"},
		{"a tag that closes nothing", "x</b>", "</b> closes nothing"},
		{"tags that cross", "<b><i>x</b></i>", "</b> closes nothing"},
		{"a bare ampersand", "a & b", "unescaped &"},
		{"an ampersand before letters", "a&b", "unescaped &"},
		{"an unknown entity", "&foo;", "unescaped &"},
		{"an entity with a tail", "&ampfoo;", "unescaped &"},
		{"a bare less-than sign", "a < b", "unescaped <"},
		{"half a tag", "x<b", "unescaped <"},
		{"a comment", "<!-- x -->", "unescaped <"},
		{"a bare greater-than sign", "a > b", "unescaped >"},
		{"a bare ampersand in an attribute", `<a href="https://x.test/?a&b">x</a>`, "href of <a>: unescaped &"},
		{"an end tag of br", "<br></br>", "</br> is no end tag"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := hipchattest.CheckHTML(c.message)
			if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("CheckHTML(%q) = %v, want %q", c.message, err, c.problem)
			}
		})
	}
}
