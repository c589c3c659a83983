package transport

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ReadError reads the code and the words of an error's body that is not in the service's own form. Gateways and proxies
// in front of a service have forms of their own. ReadError knows JSON with the usual members, problem+json (RFC 9457),
// XML such as that of AWS, and plain text. JSON without any usual member is returned as it is. A page of HTML has no
// words. A code that repeats the status is left out. The result may contain secrets: see [Cleaner.Line].
func ReadError(status int, body []byte) (code, message string) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	switch v := jsontext.Value(body); {
	case v.IsValid(lenient):
		if code, message = readJSON(v, 0); code == "" && message == "" && !isEmpty(v, 0) {
			message = string(body)
		}
	case bytes.HasPrefix(body, []byte("<")):
		code, message = readXML(body)
	default:
		message = string(body)
	}
	if code == strconv.Itoa(status) {
		code = ""
	}
	return code, message
}

// The usual names of members and elements, in lower case. The texts of wordNames are put together in this order.
var (
	codeNames = []string{"code", "errorcode", "error_code", "__type"}
	wordNames = []string{
		"title", "error", "fault", "message", "msg", "errormessage", "error_message", "error_description", "description",
		"reason", "faultstring", "detail", "details", "errors", "errormessages",
	}
)

// fieldNames name the member of the request that is wrong. The words follow the name.
var fieldNames = []string{"field", "property", "param"}

// A part is a member of an object or an element without children.
type part struct{ name, code, text string }

// assemble returns the code and the words of an object.
func assemble(parts []part) (code, text string) {
	for _, p := range parts {
		if slices.Contains(codeNames, p.name) {
			code = cmp.Or(code, p.text)
		}
	}
	var words []string
	for _, name := range wordNames {
		for _, p := range parts {
			if p.name != name {
				continue
			}
			code = cmp.Or(code, p.code)
			if len(words) == 0 || words[len(words)-1] != p.text {
				words = appendText(words, p.text)
			}
		}
	}
	for _, p := range parts {
		if slices.Contains(fieldNames, p.name) && p.text != "" && len(words) > 0 {
			words = slices.Insert(words, 0, p.text)
			break
		}
	}
	return code, strings.Join(words, ": ")
}

var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// maxDepth is how deep values are read. Each level is read once more for the level above, so it bounds the time.
const maxDepth = 6

// readJSON returns the code and the words of a value. Only a string has words by itself.
func readJSON(v jsontext.Value, depth int) (code, text string) {
	if depth > maxDepth {
		return "", ""
	}
	switch v.Kind() {
	case '"':
		return "", strings.TrimSpace(scalar(v))
	case '[':
		var texts []string
		eachValue(v, func(_ string, element jsontext.Value) {
			elementCode, elementText := readJSON(element, depth+1)
			code, texts = cmp.Or(code, elementCode), appendText(texts, elementText)
		})
		return code, strings.Join(texts, "; ")
	case '{':
		var parts []part
		eachValue(v, func(name string, value jsontext.Value) {
			parts = append(parts, readMember(strings.ToLower(name), value, depth+1))
		})
		return assemble(parts)
	default:
		return "", ""
	}
}

// readMember reads what the names know. The member "errors" may be an object with a member for each wrong field.
func readMember(name string, value jsontext.Value, depth int) part {
	p := part{name: name}
	switch {
	case slices.Contains(codeNames, name), slices.Contains(fieldNames, name):
		p.text = scalar(value)
	case name == "errors" && value.Kind() == '{':
		var fields []string
		eachValue(value, func(field string, problem jsontext.Value) {
			if _, text := readJSON(problem, depth); text != "" {
				fields = append(fields, field+": "+text)
			}
		})
		p.text = strings.Join(fields, "; ")
	case slices.Contains(wordNames, name):
		p.code, p.text = readJSON(value, depth)
	}
	return p
}

// scalar returns the text of a string and the digits of a number, "" for any other value.
func scalar(v jsontext.Value) string {
	switch v.Kind() {
	case '0':
		return string(v)
	case '"':
		var s string
		_ = json.Unmarshal(v, &s, lenient) // it is a valid string
		return s
	default:
		return ""
	}
}

// eachValue calls f with each member of an object, or with each element of an array. The value is valid JSON.
func eachValue(v jsontext.Value, f func(name string, value jsontext.Value)) {
	d := jsontext.NewDecoder(bytes.NewReader(v), lenient)
	_, err := d.ReadToken() // the bracket
	for err == nil {        // until the closing bracket, which is no value
		var name, value jsontext.Value
		if v.Kind() == '{' {
			name, _ = d.ReadValue() // the JSON is valid
			name = name.Clone()
		}
		if value, err = d.ReadValue(); err == nil {
			f(scalar(name), value)
		}
	}
}

// isEmpty reports whether a value is null, an empty text, or has only such values.
func isEmpty(v jsontext.Value, depth int) bool {
	switch v.Kind() {
	case 'n':
		return true
	case '"':
		return scalar(v) == ""
	case '[', '{':
		empty := depth <= maxDepth
		eachValue(v, func(_ string, value jsontext.Value) { empty = empty && isEmpty(value, depth+1) })
		return empty
	default:
		return false
	}
}

// appendText appends s unless it is empty.
func appendText(texts []string, s string) []string {
	if s == "" {
		return texts
	}
	return append(texts, s)
}

// readXML returns the code and the words of the elements without children, at any depth. Without an element of a usual
// name, the words are all the text. Text that only begins like XML is returned as it is.
func readXML(body []byte) (code, message string) {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict, d.Entity = false, xml.HTMLEntity
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var parts []part
	var all []string
	var inner []byte // the text since the last start or end of an element
	elements := 0
	for t, err := d.RawToken(); err == nil; t, err = d.RawToken() {
		switch t := t.(type) {
		case xml.CharData:
			inner = append(inner, t...)
		case xml.StartElement:
			elements++
			all, inner = appendText(all, text(inner)), nil
		case xml.EndElement:
			parts = append(parts, part{name: strings.ToLower(t.Name.Local), text: text(inner)})
			all, inner = appendText(all, text(inner)), nil
		}
		if elements <= 1 && beginsPage(t) {
			return "", ""
		}
	}
	if elements == 0 {
		return "", string(body)
	}
	if code, message = assemble(parts); message == "" {
		message = strings.Join(appendText(all, text(inner)), " ")
	}
	return code, message
}

func text(b []byte) string { return strings.TrimSpace(string(b)) }

// beginsPage reports whether a token is the beginning of a page of HTML.
func beginsPage(t xml.Token) bool {
	switch t := t.(type) {
	case xml.Directive:
		fields := bytes.Fields(t)
		return len(fields) > 1 && strings.EqualFold(string(fields[1]), "html")
	case xml.StartElement:
		return slices.Contains([]string{"html", "head", "body", "title", "meta", "center"}, strings.ToLower(t.Name.Local))
	}
	return false
}
