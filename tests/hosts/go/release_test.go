package hosts

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"sogov.internal/sogov"
)

// deadline is generous: it ends what hangs, and measures nothing.
const deadline = 60 * time.Second

// released is a file of the release that run.sh made.
func released(t testing.TB, name string) string {
	directory := os.Getenv("SOGOV_HOSTS")
	if directory == "" {
		t.Fatal("SOGOV_HOSTS is not set: start the tests by run.sh")
	}
	return filepath.Join(directory, name)
}

// open opens an engine with these versions of a service, the first of them stable.
func open(t testing.TB, service string, versions ...string) (*sogov.Engine, *sogov.Service) {
	return openWith(t, sogov.EngineOptions{}, service, versions...)
}

func openWith(t testing.TB, options sogov.EngineOptions, service string, versions ...string) (*sogov.Engine, *sogov.Service) {
	engine := openEngine(t, options)
	for _, version := range versions {
		load(t, engine, service, version)
	}
	promote(t, engine, service, versions[0])
	handle, err := engine.Service(service)
	must(t, err)
	t.Cleanup(func() { must(t, handle.Close()) })
	return engine, handle
}

// openEngine opens an engine that trusts the release.
func openEngine(t testing.TB, options sogov.EngineOptions) *sogov.Engine {
	options.TrustDirectory = released(t, "trust")
	engine, err := sogov.Open(&options)
	must(t, err)
	t.Cleanup(func() { must(t, engine.Close()) })
	return engine
}

func load(t testing.TB, engine *sogov.Engine, service, version string) {
	t.Helper()
	_, err := engine.Load(service, version, released(t, service+"-"+version+".so"), nil)
	must(t, err)
}

func promote(t testing.TB, engine *sogov.Engine, service, version string) {
	t.Helper()
	_, err := engine.Promote(service, version, nil)
	must(t, err)
}

func rollback(t testing.TB, engine *sogov.Engine, service string) {
	t.Helper()
	_, err := engine.Rollback(service, nil)
	must(t, err)
}

func unload(engine *sogov.Engine, service, version string, drain time.Duration) error {
	return engine.Unload(context.Background(), service, version, &sogov.UnloadOptions{Drain: drain})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, status sogov.Status, err error) {
	t.Helper()
	if found := sogov.StatusOf(err); found != status {
		t.Fatalf("expected %v, found %v (%v)", status, found, err)
	}
}

// checkedCall is one call of the service stamp, whose answer must be that of the version that the call names.
func checkedCall(service *sogov.Service, number int, answer *sogov.Answer) error {
	var place [32]byte
	request := strconv.AppendInt(append(place[:0], "request "...), int64(number), 10)
	if err := service.CallInto(answer, request, nil); err != nil {
		return err
	}
	if version, sent, found := bytes.Cut(answer.Data, []byte(":")); !found || string(version) != answer.Version ||
		!bytes.Equal(sent, request) {
		return fmt.Errorf("request %q to %s: found the answer %q", request, answer.Version, answer.Data)
	}
	return nil
}

// await waits until `done` is closed, or fails at the deadline.
func await(t testing.TB, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(deadline):
		t.Fatalf("%s: still waiting after %v", what, deadline)
	}
}
