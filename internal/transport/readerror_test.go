package transport_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

func TestTheWordsOfEveryDialect(t *testing.T) {
	for _, c := range []struct{ name, body, code, message string }{
		{"a message", `{"message":"no route"}`, "", "no route"},
		{"a message in capitals", `{"Message":"Forbidden"}`, "", "Forbidden"},
		{"an error", `{"error":"no token"}`, "", "no token"},
		{"an error and what it means", `{"status":400,"error":"Bad Request","message":"to is empty","path":"/x"}`, "", "Bad Request: to is empty"},
		{"an error of OAuth", `{"error":"invalid_token","error_description":"it expired"}`, "", "invalid_token: it expired"},
		{"an object with a code", `{"error":{"code":"TooLarge","message":"10 KB at most"}}`, "TooLarge", "10 KB at most"},
		{"a code that is a number", `{"code":40301,"message":"no"}`, "40301", "no"},
		{"a code that is the status", `{"code":400,"message":"no","status":400}`, "", "no"},
		{"a code alone", `{"code":"E7"}`, "E7", ""},
		{"a code of AWS", `{"__type":"ValidationException","Message":"no"}`, "ValidationException", "no"},
		{"a list of texts", `{"errors":["a is empty","b is long"]}`, "", "a is empty; b is long"},
		{"a list of objects", `{"errors":[{"code":"A","message":"first"},{"code":"B","message":"second"}],"data":null}`, "A", "first; second"},
		{"a list of JSON:API", `{"errors":[{"status":"422","code":"x","title":"Wrong","detail":"name is empty"}]}`, "x", "Wrong: name is empty"},
		{"fields with lists", `{"errors":{"name":["is empty","is short"],"to":"is wrong"}}`, "", "name: is empty; is short; to: is wrong"},
		{"a field with a usual name", `{"message":"Invalid","errors":{"title":["is empty"]}}`, "", "Invalid: title: is empty"},
		{"a list of messages", `{"statusCode":400,"message":["a","b"],"error":"Bad Request"}`, "", "Bad Request: a; b"},
		{"a field and a description", `{"error":{"field":"card","description":"no style"}}`, "", "card: no style"},
		{"a field without words", `{"field":"card"}`, "", `{"field":"card"}`},
		{"an empty field", `{"field":"","message":"no"}`, "", "no"},
		{"two fields", `{"field":"card","param":"style","message":"no"}`, "", "card: no"},
		{"a field without problems", `{"errors":{"name":[],"to":"is wrong"}}`, "", "to: is wrong"},
		{"a detail", `{"detail":"Not found."}`, "", "Not found."},
		{"a list of details", `{"detail":[{"loc":["body"],"msg":"Field required"}]}`, "", "Field required"},
		{"problem+json", `{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body is empty","instance":"/1"}`, "", "Bad Request: the body is empty"},
		{"the same words twice", `{"error":"Not Found","message":"Not Found"}`, "", "Not Found"},
		{"an error that is a flag", `{"error":true,"message":"no"}`, "", "no"},
		{"a fault", `{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"oauth.v2.InvalidApiKey"}}}`, "oauth.v2.InvalidApiKey", "Invalid ApiKey"},
		{"a reason", `{"error":{"root_cause":[],"reason":"no such index"}}`, "", "no such index"},
		{"a list around it", `[{"error":{"code":7,"message":"no"}}]`, "7", "no"},
		{"members that are not usual, the last without a value", `{"x":"y","z":null}`, "", `{"x":"y","z":null}`},
		{"a string", `"no such hook"`, "", "no such hook"},
		{"a mark of byte order", "\ufeff" + `{"message":"no"}`, "", "no"},
		{"escapes", `{"message":"\u9060\u3044\n\"x\""}`, "", "遠い\n\"x\""},
		{"doubled members", `{"message":"a","message":"b"}`, "", "a: b"},
		{"another form of JSON", ` {"ok":false} `, "", `{"ok":false}`},
		{"a message that has no words", `{"message":{"a":1}}`, "", `{"message":{"a":1}}`},
		{"JSON that is cut off", `{"error":`, "", `{"error":`},
		{"nothing", "", "", ""},
		{"blanks", " \n", "", ""},
		{"null", "null", "", ""},
		{"an empty object", "{ }", "", ""},
		{"an empty list", "[]", "", ""},
		{"an error that is null", `{"error":null,"errors":[{}]}`, "", ""},
		{"an empty string", `""`, "", ""},

		{"XML of S3", `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>AccessDenied</Code><Message>Access &lt;Denied&gt;</Message><RequestId>4</RequestId></Error>", "AccessDenied", "Access <Denied>"},
		{"XML of AWS's query protocol", `<ErrorResponse xmlns="http://x.test/"><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`, "Throttling", "Rate exceeded"},
		{"a fault of SOAP", `<s:Envelope><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>no key</faultstring></s:Fault></s:Body></s:Envelope>`, "", "no key"},
		{"problem+xml", `<problem xmlns="urn:ietf:rfc:7807"><title>Bad Request</title><detail>empty</detail></problem>`, "", "Bad Request: empty"},
		{"other XML", `<a><b>no</b><c>way</c></a>`, "", "no way"},
		{"a text with a mark", `Some <b>bold</b> words`, "", "Some <b>bold</b> words"},
		{"a fragment of HTML", `<p>Some <b>bold</b> words</p> follow`, "", "Some bold words follow"},
		{"CDATA", `<Error><Message><![CDATA[a < b]]></Message></Error>`, "", "a < b"},
		{"XML that is cut off", `<Error><Message>no</Message><Reque`, "", "no"},
		{"XML in another encoding", `<?xml version="1.0" encoding="Shift_JIS"?><Error><Message>no</Message></Error>`, "", "no"},
		{"XML that ends what it has not begun", `<Error></a></b><Message>no</Message>`, "", "no"},

		{"XML with text before an element", `<Error>it says <Message>no</Message></Error>`, "", "no"},
		{"XML with an entity of HTML", `<Error><Message>no&eacute;</Message></Error>`, "", "noé"},
		{"XML with a bare ampersand", `<Error><Message>a & b</Message></Error>`, "", "a & b"},
		{"XML with a DOCTYPE", `<!DOCTYPE note><note><message>no</message></note>`, "", "no"},
		{"XML with a directive of one word", `<!x><message>no</message>`, "", "no"},

		{"a page without the usual elements", `<!DOCTYPE html><h1>Bad Request</h1>`, "", ""},
		{"a page", `<!DOCTYPE html><title>400</title><h1>Bad Request</h1>`, "", ""},
		{"a page in capitals", "\n<HTML><HEAD><TITLE>400</TITLE></HEAD><BODY>no</BODY></HTML>", "", ""},
		{"a page after a comment", `<!-- proxy --><html><body>no`, "", ""},
		{"a page in XHTML", `<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x"><html xmlns="http://www.w3.org/1999/xhtml"/>`, "", ""},

		{"plain text", " Request Limit Exceeded\n", "", "Request Limit Exceeded"},
		{"plain text that begins with a bracket", "<5 items>: too few", "", "<5 items>: too few"},
		{"plain text in square brackets", "[error] no such hook", "", "[error] no such hook"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, message := transport.ReadError(400, []byte(c.body))
			check(t, "code", code, c.code)
			check(t, "message", message, c.message)
		})
	}
}

// Bodies are as long as the transport reads them, and made to be read again and again.
func TestTheTimeForAHostileBodyIsLinear(t *testing.T) {
	repeated := func(s string) string { return strings.Repeat(s, transport.MessageLimit/len(s)) }
	nested := func(n int, begin, end string) string { return strings.Repeat(begin, n) + "1" + strings.Repeat(end, n) }
	for _, body := range []string{
		nested(6_000, `{"error":`, "}"), nested(9_000, `["a",`, "]"), nested(9_000, "[", "]"),
		repeated("["), repeated(`{"error":`), `{"error":` + repeated("[") + repeated("]") + "}", "[" + repeated(`{"message":"a"},`) + `""]`,
		`{` + repeated(`"message":"a","message":"b",`) + `"a":1}`, `{"errors":{` + repeated(`"a":["b"],`) + `"a":1}}`,
		repeated("<a>"), repeated("<a>b</c>"), "<a>" + repeated("<message>a</message><message>b</message>"), repeated("<!--"), "<a>" + repeated("b<!---->"), repeated("<![CDATA["), repeated("&lt;"),
		repeated("<a b='"), "<!DOCTYPE a [" + repeated(`<!ENTITY b "&b;&b;">`) + "]><message>&b;</message>",
	} {
		start := time.Now()
		_, message := transport.ReadError(400, []byte(body))
		// Twice the time for twice the body is milliseconds. The square would be minutes.
		if took := time.Since(start); took > 10*time.Second || len(message) > 3*len(body) {
			t.Errorf("%.40q: %v and %d bytes", body, took, len(message))
		}
	}
}

func FuzzReadError(f *testing.F) {
	for _, body := range []string{
		`{"error":"x"}`, "plain", "<html>", `{"message":1,"error":null}`, "", "null", "\xff", `{"errors":{"a":["b"]}}`, `[{"code":1}]`,
		"<Error><Code>a</Code><Message>b</Message></Error>", "<a>b</c>", `{"detail":[{"msg":"x","field":"y"}]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if code, message := transport.ReadError(400, body); len(code)+len(message) > 4*len(body) {
			t.Errorf("%q: %q, %q", body, code, message)
		}
	})
}
