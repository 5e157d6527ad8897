package hosts

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sogov.internal/sogov"
)

// crashed is how the mappings of the plugin that crashes are named.
const crashed = "crash@v2"

// faults are requests that make the zoo's plugin "crash" do what they say, and the signals that come of it.
var faults = []struct{ request, signal string }{
	{"write_null", "SIGSEGV"}, {"read_far", "SIGSEGV"}, {"call_null", "SIGSEGV"}, {"call_data", "SIGSEGV"},
	{"overflow", "SIGSEGV"}, {"untidy", "SIGSEGV"}, {"divide", "SIGFPE"}, {"illegal", "SIGILL"},
	{"truncated", "SIGBUS"},
}

// A plugin that crashes ends its call, the version before it serves again, and goroutines on all other threads go on
// calling and recovering from nil dereferences of their own.
func TestACrashEndsItsCallAlone(t *testing.T) {
	if !isChild(t) {
		return
	}
	_, service := openWith(t, sogov.EngineOptions{ContainCrashes: true}, "stamp", "v1")
	var over atomic.Bool
	var running sync.WaitGroup
	for g := 0; g < 8; g++ {
		running.Add(1)
		go func() {
			defer running.Done()
			for i := 0; !over.Load(); i++ {
				if err := checkedCall(service, i, &sogov.Answer{}); err != nil {
					t.Error(err)
				}
				if err := dereferenceNil(); err == nil {
					t.Error("expected a panic, found none")
				}
			}
		}()
	}
	for _, fault := range faults {
		crash(t, fault.request, fault.signal)
	}
	over.Store(true)
	running.Wait()
}

// Containment takes nothing from Go: its nil dereferences are recovered from between calls and inside a callback, where
// the thread is inside of a contained call.
func TestNilDereferencesStayGosUnderContainment(t *testing.T) {
	if isChild(t) {
		nilDereferencesStayGos(t, sogov.EngineOptions{ContainCrashes: true})
	}
}

// The storm under containment, with a plugin that crashes after every tenth version.
func TestStormWithCrashes(t *testing.T) {
	if !isChild(t) {
		return
	}
	// Nothing that a crash was doing is undone: the last fault leaves a descriptor open, and the census would find it.
	faults, crashes := faults[:len(faults)-1], 0
	stormAndCensus(t, sogov.EngineOptions{ContainCrashes: true}, func(cycle int) {
		if cycle%10 == 0 {
			fault := faults[crashes%len(faults)]
			crash(t, fault.request, fault.signal)
			crashes++
		}
	})
	if mapped := lines(t, "/proc/self/maps", "/memfd:"+crashed); mapped < crashes {
		t.Errorf("expected all %d images that crashed to stay mapped, found %d mappings", crashes, mapped)
	}
}

// crash has a version crash that was promoted over a sound one, in an engine of its own.
func crash(t *testing.T, request, signal string) {
	t.Helper()
	engine := openEngine(t, sogov.EngineOptions{ContainCrashes: true})
	defer engine.Close()
	for _, version := range []string{"v1", "v2"} {
		load(t, engine, "crash", version)
		promote(t, engine, "crash", version)
	}
	service, err := engine.Service("crash")
	must(t, err)
	defer service.Close()
	answer, err := service.Call([]byte("fine"), nil)
	if err != nil || string(answer.Data) != "fine" || answer.Version != "v2" {
		t.Fatalf("expected fine of v2, found %q of %s (%v)", answer.Data, answer.Version, err)
	}
	answer, err = service.Call([]byte(request), nil)
	expect(t, sogov.ErrPluginCrashed, err)
	if answer.Version != "v2" || !strings.Contains(err.Error(), signal) {
		t.Errorf("%s: expected %s in v2, found %v in %s", request, signal, err, answer.Version)
	}
	must(t, checkedCall(service, 1, &sogov.Answer{}))
	versions, err := engine.Versions("crash")
	must(t, err)
	for _, version := range versions {
		if version.Version == "v2" && !strings.HasPrefix(version.PinReason, "crash: "+signal) {
			t.Errorf("%s: expected v2 in quarantine, found %+v", request, version)
		}
	}
}

// isChild runs this test in a process of its own, and answers there that it is the one: handlers of signals stay, and so
// does what crashed.
func isChild(t *testing.T) bool {
	const variable = "SOGOV_TEST_CHILD"
	if os.Getenv(variable) == t.Name() {
		return true
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), variable+"="+t.Name())
	printed, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(printed), "--- PASS: "+t.Name()) {
		t.Fatalf("%v\n%s", err, printed)
	}
	t.Logf("%s", printed)
	return false
}
