package sogov

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
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
func open(t testing.TB, service string, versions ...string) (*Engine, *Service) {
	return openWith(t, Options{}, service, versions...)
}

func openWith(t testing.TB, options Options, service string, versions ...string) (*Engine, *Service) {
	engine, err := Open(released(t, "trust"), options)
	must(t, err)
	t.Cleanup(engine.Close)
	for _, version := range versions {
		must(t, engine.Load(service, version, released(t, service+"-"+version+".so")))
	}
	must(t, engine.Promote(service, versions[0]))
	handle, err := engine.Service(service)
	must(t, err)
	t.Cleanup(handle.Close)
	return engine, handle
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, status Status, err error) {
	t.Helper()
	if found := StatusOf(err); found != status {
		t.Fatalf("expected %v, found %v (%v)", status, found, err)
	}
}

// checkedCall is one call of the service stamp, whose answer must be that of the version that the call names.
func checkedCall(service *Service, number int, room []byte) error {
	var place [32]byte
	var info CallInfo
	request := strconv.AppendInt(append(place[:0], "request "...), int64(number), 10)
	answer, err := service.Call(nil, request, room, &info)
	if err != nil {
		return err
	}
	if version, sent, found := bytes.Cut(answer, []byte(":")); !found || string(version) != info.Version() ||
		!bytes.Equal(sent, request) {
		return fmt.Errorf("request %q to %s: found the answer %q", request, info.Version(), answer)
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
