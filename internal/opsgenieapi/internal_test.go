package opsgenieapi

import "testing"

// FuzzDecode reads answers that may be anything.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"data":{"isSuccess":true,"status":"Created alert"}}`, `{"isSuccess":false}`, `{"data":[]}`, `null`, `[]`, ``, `{"message":7}`,
		`{"message":"no","errors":{"a":"b"},"code":1}`, `{"data":{"isSuccess":true,"processedAt":"never"}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s, ok := decodeStatus([]byte(body))
		if !ok && s != (RequestStatus{}) {
			t.Errorf("%+v of what is no status", s)
		}
		for _, status := range []int{200, 400} {
			if code, _ := decodeError(status, []byte(body)); status == 200 && code != "" {
				t.Errorf("the code %q of a status", code)
			}
		}
	})
}
