package hipchattest

import "testing"

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{
		"<b>x</b>", "<b><i>x</b></i>", "a & b &amp; &foo;", `<a href="javascript:x">`, "<script><b></script>", "<<b>>", "<b x='",
		`<span style="color:red;x">`, "<br></br>", "\xff<i", "&#0;&#xD800;", "<a href='\"'>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, message string) {
		kept := sanitize(message)
		if err := CheckHTML(kept); err != nil {
			t.Errorf("sanitize(%q) = %q: %v", message, kept, err)
		}
		if again := sanitize(kept); again != kept {
			t.Errorf("sanitize(%q) is %q the second time", kept, again)
		}
	})
}
