package transport

import (
	"net/http"
	"testing"
)

func TestWithoutATransportOfItsOwnAClientHasThePacerOfTheProcess(t *testing.T) {
	shared := pacerOf(nil)
	if shared == nil || pacerOf(new(http.Client)) != shared || pacerOf(&http.Client{Transport: new(http.Transport)}) == shared {
		t.Errorf("the pacer of the process is %p", shared)
	}
}
