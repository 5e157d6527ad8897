package sogov_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sogov.internal/sogov"
)

func TestWhatIsRevokedLeavesService(t *testing.T) {
	r := newRelease(t)
	var lock sync.Mutex
	revoked := 0
	engine := r.open(sogov.EngineOptions{TrustCheck: -1, Event: func(event sogov.Event) {
		lock.Lock()
		defer lock.Unlock()
		if event.Kind == sogov.EventRevoked && event.Version == "v2" && event.Detail != "" {
			revoked++
		}
	}})
	r.load(engine, fee("v1"), "fee", "v1")
	second := r.load(engine, fee("v2"), "fee", "v2")
	for _, version := range []string{"v1", "v2"} {
		_, err := engine.Promote("fee", version, nil)
		must(t, err)
	}
	before, err := engine.RefreshTrust(nil)
	must(t, err)
	if before.DenylistNumber != 0 || before.RootSet != 0 || before.Clock != sogov.ClockBelieved || before.Durable {
		t.Errorf("expected no deny-list in the development mode, found %+v", before)
	}
	list := fmt.Sprintf(`{"schema":1,"number":3,"artifacts":[{"digest":"sm3:%v","reason":"CVE-2026-1"}]}`, second.Digest)
	must(t, os.WriteFile(filepath.Join(r.directory, "trust", "denylist.json"), []byte(list), 0o600))
	after, err := engine.RefreshTrust(&sogov.ChangeOptions{Actor: "tests", Reason: "a finding"})
	must(t, err)
	if after.DenylistNumber != 3 || after.RevokedServing != 0 || after.DocumentEpoch != before.DocumentEpoch {
		t.Errorf("expected deny-list 3, found %+v", after)
	}
	if age := time.Since(after.Time); age > time.Hour || age < -time.Hour {
		t.Errorf("expected the time of now, found %v", after.Time)
	}
	versions, err := engine.Versions("fee")
	must(t, err)
	if versions[0].Version != "v1" || versions[0].Standing != sogov.StandingStable {
		t.Errorf("expected v1 to serve, found %+v", versions)
	}
	lock.Lock()
	if revoked != 1 {
		t.Errorf("expected one event, found %d", revoked)
	}
	lock.Unlock()

	_, err = engine.ConfirmTime(nil)
	expect(t, sogov.ErrInvalidArgument, err)
	confirmed, err := engine.ConfirmTime(&sogov.ChangeOptions{Actor: "tests", Reason: "to see"})
	must(t, err)
	if confirmed.Before(after.Time) {
		t.Errorf("expected a time after %v, found %v", after.Time, confirmed)
	}
}
