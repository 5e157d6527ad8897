package sogov_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sogov.internal/sogov"
	"sogov.internal/sogov/internal/cfunc"
)

func TestAnAnswerSaysWhatBecameOfTheCall(t *testing.T) {
	engine, service := feeEngine(t)
	if service.Name() != "fee" {
		t.Errorf("expected fee, found %s", service.Name())
	}
	answer, err := service.Call([]byte(payment), nil)
	must(t, err)
	if string(answer.Data) != prices["v1"] || answer.Version != "v1" || answer.Reason != sogov.ReasonStable {
		t.Errorf("expected the price of v1, found %+v", answer)
	}
	_, err = engine.Promote("fee", "v2", nil)
	must(t, err)
	must(t, service.CallInto(&answer, []byte(payment), &sogov.Request{UserKey: "user-7"}))
	if string(answer.Data) != prices["v2"] || answer.Version != "v2" {
		t.Errorf("expected the price of v2, found %+v", answer)
	}
	err = service.CallInto(&answer, []byte("nonsense"), nil)
	expect(t, sogov.ErrPluginFailed, err)
	if answer.Version != "v2" || answer.PluginStatus == 0 {
		t.Errorf("expected the failure to be that of v2, found %+v", answer)
	}
}

func TestAnAnswerKeepsItsMemory(t *testing.T) {
	engine, service := routed(t, "echo", []string{"v1"}, "v1")
	answer := sogov.Answer{}
	for _, size := range []int{0, 1, 100, 5, 2 << 20, 0, 99} {
		input := bytes.Repeat([]byte{'x'}, size)
		must(t, service.CallInto(&answer, input, nil))
		if !bytes.Equal(answer.Data, input) {
			t.Errorf("%d bytes: found %d", size, len(answer.Data))
		}
	}
	input := make([]byte, 64)
	request := &sogov.Request{UserKey: "user"}
	if allocated := testing.AllocsPerRun(100, func() { must(t, service.CallInto(&answer, input, request)) }); allocated != 0 {
		t.Errorf("expected no allocation, found %v", allocated)
	}
	must(t, engine.Close())
	expect(t, sogov.ErrClosed, service.CallInto(&answer, input, nil))
	if len(answer.Data) != 0 || answer.Version != "" {
		t.Errorf("expected an empty answer, found %+v", answer)
	}
}

func TestHeadersOfAnyKind(t *testing.T) {
	engine, service := routed(t, "echo", []string{"v1", "v2"}, "v1")
	must(t, engine.ApplyRoutePolicy("echo", []byte(`{"version": "1", "stable": "v1", "weight": {"v1": 100, "v2": 0},
		"rules": [{"id": "r", "priority": 1, "when": {"header": "x-env", "eq": "gray"}, "to": "v2"}]}`), nil))
	many := make([]sogov.Header, 63, 65)
	for i := range many {
		many[i] = sogov.Header{Name: fmt.Sprintf("h%d", i), Value: "\x00\xff" + strings.Repeat("v", i)}
	}
	many = append(many, sogov.Header{Name: "X-Env", Value: "gray"})
	for _, test := range []struct {
		headers []sogov.Header
		version string
	}{
		{nil, "v1"}, {many, "v2"}, {[]sogov.Header{{Name: "x-env", Value: ""}}, "v1"},
		{[]sogov.Header{{Name: "x-env", Value: "gray"}, {Name: "x-env", Value: "other"}}, "v2"},
	} {
		answer, err := service.Call(nil, &sogov.Request{UserKey: "u", Headers: test.headers})
		if err != nil || answer.Version != test.version {
			t.Errorf("%v: expected %s, found %s (%v)", test.headers, test.version, answer.Version, err)
		}
	}
	request := &sogov.Request{Headers: append(many, sogov.Header{})}
	_, err := service.Call(nil, request)
	expect(t, sogov.ErrLimitExceeded, err)
	_, err = service.Route(request)
	expect(t, sogov.ErrLimitExceeded, err)
}

func TestServicesWithoutVersionsAndClosedOnes(t *testing.T) {
	engine, service := feeEngine(t)
	empty, err := engine.Service("empty")
	must(t, err)
	_, err = empty.Call(nil, nil)
	expect(t, sogov.ErrNoVersion, err)
	_, err = empty.Route(nil)
	expect(t, sogov.ErrNoVersion, err)
	for _, name := range []string{"", ".", "a/b", strings.Repeat("x", 65)} {
		_, err := engine.Service(name)
		expect(t, sogov.ErrInvalidArgument, err)
	}
	lease, err := service.Route(nil)
	must(t, err)
	must(t, service.Close())
	must(t, service.Close())
	_, err = service.Call([]byte(payment), nil)
	expect(t, sogov.ErrClosed, err)
	_, err = service.Route(nil)
	expect(t, sogov.ErrClosed, err)
	must(t, lease.Release(sogov.Success))
	again, err := engine.Service("fee")
	must(t, err)
	_, err = again.Call([]byte(payment), nil)
	must(t, err)
}

func TestLeasesGiveSymbolsUntilTheirRelease(t *testing.T) {
	r := newRelease(t)
	engine := r.open(sogov.EngineOptions{})
	r.load(engine, zoo("plain_v1"), "plain", "v1")
	r.load(engine, zoo("versioned_symbol"), "versioned", "v1")
	plain, versioned := stable(t, engine, "plain", "v1"), stable(t, engine, "versioned", "v1")
	_, err := plain.Call(nil, nil)
	expect(t, sogov.ErrUnsupported, err)

	lease, err := plain.Route(&sogov.Request{UserKey: "u", Headers: []sogov.Header{{Name: "a", Value: "b"}}})
	must(t, err)
	address, err := lease.Symbol("answer", "")
	must(t, err)
	if found := cfunc.Int(address); found != 1 {
		t.Errorf("expected 1, found %d", found)
	}
	_, err = lease.Symbol("nothing", "")
	expect(t, sogov.ErrNotFound, err)
	_, _, err = lease.Plugin()
	expect(t, sogov.ErrUnsupported, err)
	must(t, lease.Release(sogov.Failure))
	expect(t, sogov.ErrLeaseGone, lease.Release(sogov.Success))
	_, err = lease.Symbol("answer", "")
	expect(t, sogov.ErrLeaseGone, err)
	_, err = lease.Version()
	expect(t, sogov.ErrLeaseGone, err)
	expect(t, sogov.ErrLeaseGone, sogov.Lease{}.Release(sogov.Neutral))

	lease, err = versioned.Route(nil)
	must(t, err)
	for version, expected := range map[string]int{"": 2, "V1": 1, "V2": 2} {
		address, err := lease.Symbol("answer", version)
		must(t, err)
		if found := cfunc.Int(address); found != expected {
			t.Errorf("%q: expected %d, found %d", version, expected, found)
		}
	}
	_, err = lease.Symbol("answer", "V3")
	expect(t, sogov.ErrNotFound, err)
	must(t, lease.Release(sogov.Success))

	infos, err := engine.Versions("plain")
	must(t, err)
	if infos[0].Calls != 1 || infos[0].Failures != 1 || infos[0].InFlight != 0 {
		t.Errorf("expected one failed lease, found %+v", infos[0])
	}
}

func TestALeaseGivesTheDescriptorOfALevel1Plugin(t *testing.T) {
	_, service := feeEngine(t)
	lease, err := service.Route(nil)
	must(t, err)
	descriptor, _, err := lease.Plugin()
	must(t, err)
	// Its first member is its size.
	if size := *(*uint32)(descriptor); size < 32 || size > 4096 {
		t.Errorf("expected a descriptor, found one of %d bytes", size)
	}
	must(t, lease.Release(sogov.Neutral))
	_, _, err = lease.Plugin()
	expect(t, sogov.ErrLeaseGone, err)
}

func TestErrorsAreFoundByStatusAndAsAWhole(t *testing.T) {
	engine, _ := feeEngine(t)
	_, err := engine.Promote("fee", "v9", nil)
	var failed *sogov.Error
	if !errors.Is(err, sogov.ErrNotFound) || errors.Is(err, sogov.ErrBusy) || !errors.As(err, &failed) {
		t.Fatalf("expected ErrNotFound, found %v", err)
	}
	if failed.Status != sogov.ErrNotFound || failed.Status.Family() != sogov.FamilyCall ||
		!strings.Contains(failed.Message, "v9") || !strings.HasPrefix(err.Error(), "SOGOV_STATUS_NOT_FOUND: ") {
		t.Errorf("found %#v", failed)
	}
	for wrapped, status := range map[error]sogov.Status{
		fmt.Errorf("promotion: %w", err): sogov.ErrNotFound, sogov.ErrBusy: sogov.ErrBusy, nil: sogov.OK,
		errors.New("other"): sogov.ErrInternal,
	} {
		if found := sogov.StatusOf(wrapped); found != status {
			t.Errorf("%v: expected %v, found %v", wrapped, status, found)
		}
	}
	if text := sogov.Status(699).String(); text != "SOGOV_STATUS_UNKNOWN(699)" || sogov.Status(699).Family() != sogov.FamilyRoute {
		t.Errorf("found %s", text)
	}
}
