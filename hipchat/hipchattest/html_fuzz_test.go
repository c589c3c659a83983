package hipchattest_test

import (
	"html"
	"testing"

	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

func FuzzCheckHTML(f *testing.F) {
	for _, s := range []string{"<A A=\x0600", "&A;", "<<<<00", "0&&&&&&&&", "<<c>0", "&&\"\"&", "<b>x</b>", `<a href="https://x.test/">x</a>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := hipchattest.CheckHTML("<b>" + html.EscapeString(text) + "</b>"); err != nil {
			t.Errorf("escaped text is refused: %v", err)
		}
		if hipchattest.CheckHTML(text) == nil && hipchattest.CheckHTML("<i>"+text+"</i>"+text) != nil {
			t.Error("a good message is refused within a tag")
		}
		if hipchattest.CheckHTML("<script>"+text+"</script>") == nil {
			t.Error("a script is taken")
		}
	})
}
