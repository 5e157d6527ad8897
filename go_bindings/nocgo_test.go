package sogov_test

import (
	"errors"
	"strings"
	"testing"

	"sogov.internal/sogov"
)

// What a program gets that was built without cgo; TestMain runs nothing else then.
func TestWithoutCgo(t *testing.T) {
	if _, err := sogov.GenerateKey(); err == nil {
		return // This build has cgo.
	}
	engine, err := sogov.Open(nil)
	if !errors.Is(err, sogov.ErrUnsupported) || !strings.Contains(err.Error(), "CGO_ENABLED=1") {
		t.Errorf("expected the reason, found %v", err)
	}
	if _, err := engine.Service("fee"); !errors.Is(err, sogov.ErrUnsupported) {
		t.Errorf("expected ErrUnsupported, found %v", err)
	}
}
