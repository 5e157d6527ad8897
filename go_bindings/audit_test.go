package sogov_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sogov.internal/sogov"
)

func TestAChangeIsRecordedAndAnEditedRecordIsFound(t *testing.T) {
	r := newRelease(t)
	key, _ := generate(t)
	state := filepath.Join(r.directory, "state")
	engine := r.open(sogov.EngineOptions{StateDirectory: state, Audit: &sogov.AuditOptions{
		Required: true, CheckpointKey: key, PseudonymKey: []byte(strings.Repeat("k", 32)),
	}})
	_, err := engine.Load("fee", "v1", r.signed(fee("v1"), "fee", "v1"), &sogov.LoadOptions{
		ChangeOptions: sogov.ChangeOptions{Actor: "alice"},
	})
	must(t, err)
	kept, err := engine.AuditHead(true)
	must(t, err)
	must(t, engine.Close())
	report, err := sogov.VerifyAudit(state, []sogov.Key{key}, &kept)
	must(t, err)
	if report.First != 1 || kept.Record == 0 || report.Head.Record <= kept.Record ||
		report.SignedUpTo != report.Head.Record {
		t.Errorf("expected a trail that is signed up to its end, found %+v", report)
	}
	segment := filepath.Join(state, "machine/audit/00000000000000000001.ndjson")
	content, err := os.ReadFile(segment)
	must(t, err)
	if text := string(content); strings.Contains(text, "alice") || !strings.Contains(text, "hmac-sha256:") {
		t.Error("expected a code in place of the name")
	}
	stranger, _ := generate(t)
	_, err = sogov.VerifyAudit(state, []sogov.Key{stranger}, nil)
	expect(t, sogov.ErrAuditBroken, err)
	must(t, os.WriteFile(segment, []byte(strings.Replace(string(content), `"v1"`, `"v2"`, 1)), 0o600))
	_, err = sogov.VerifyAudit(state, nil, nil)
	expect(t, sogov.ErrAuditBroken, err)
}
