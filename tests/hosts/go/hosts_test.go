package hosts

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sogov.internal/sogov"

	"sogov.test/hosts/callback"
)

// Ten thousand goroutines call while versions change; each answer is that of the version that the call names, none is
// lost, and all are counted.
func TestTenThousandGoroutines(t *testing.T) {
	const goroutines, calls = 10_000, 10
	engine, service := open(t, "stamp", "v1", "v2")
	var running sync.WaitGroup
	var failures sync.Map
	for g := 0; g < goroutines; g++ {
		running.Add(1)
		go func(g int) {
			defer running.Done()
			answer := &sogov.Answer{}
			for i := 0; i < calls; i++ {
				if err := checkedCall(service, g*calls+i, answer); err != nil {
					failures.Store(err.Error(), nil)
				}
				runtime.Gosched()
			}
		}(g)
	}
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	switchUntil(t, engine, done)
	failures.Range(func(failure, _ any) bool {
		t.Error(failure)
		return true
	})
	var counted uint64
	for _, version := range versions(t, engine) {
		counted += version.Calls
		if version.Failures != 0 || version.InFlight != 0 {
			t.Errorf("expected no failure and nobody inside, found %+v", version)
		}
	}
	if counted != goroutines*calls {
		t.Errorf("expected %d calls counted, found %d", goroutines*calls, counted)
	}
}

// Leases are taken on one OS thread, used on a second and released on a third, and one survives its thread.
func TestLeasesChangeThreads(t *testing.T) {
	const leases = 200
	engine, service := open(t, "stamp", "v1", "v2")
	type held struct {
		lease  sogov.Lease
		thread int
	}
	taken, used := make(chan held), make(chan held)
	go func() {
		defer close(taken)
		for i := 0; i < leases; i++ {
			handed := make(chan held)
			// A goroutine that ends while it is locked to its thread takes the thread with it.
			go func() {
				runtime.LockOSThread()
				lease, err := service.Route(nil)
				if err != nil {
					t.Error(err)
				}
				handed <- held{lease, syscall.Gettid()}
			}()
			taken <- <-handed
		}
	}()
	go func() {
		defer close(used)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for one := range taken {
			if version, err := one.lease.Version(); err != nil || version != "v1" {
				t.Errorf("expected a lease on v1, found %q (%v)", version, err)
			}
			if one.thread == syscall.Gettid() {
				t.Error("expected the lease to come from another thread")
			}
			used <- one
		}
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for one := range used {
		if one.thread == syscall.Gettid() {
			t.Error("expected the lease to come from another thread")
		}
		must(t, one.lease.Release(sogov.Success))
		expect(t, sogov.ErrLeaseGone, one.lease.Release(sogov.Success))
	}
	if v1 := versions(t, engine)[0]; v1.Calls != leases || v1.InFlight != 0 {
		t.Errorf("expected %d leases, all given back, found %+v", leases, v1)
	}
}

// An unload waits for a lease, whatever thread gives it back in the end.
func TestUnloadWaitsForALeaseOfAThreadThatIsGone(t *testing.T) {
	engine, service := open(t, "stamp", "v1", "v2")
	handed := make(chan sogov.Lease)
	go func() {
		runtime.LockOSThread()
		lease, err := service.Route(nil)
		if err != nil {
			t.Error(err)
		}
		handed <- lease
	}()
	lease := <-handed
	promote(t, engine, "stamp", "v2")
	expect(t, sogov.ErrBusy, unload(engine, "stamp", "v1", time.Millisecond))
	unloaded := make(chan struct{})
	go func() {
		defer close(unloaded)
		if err := unload(engine, "stamp", "v1", deadline); err != nil {
			t.Error(err)
		}
	}()
	must(t, lease.Release(sogov.Success))
	await(t, unloaded, "the unload")
}

// Faults of Go's own code stay Go's: a nil dereference is a panic that can be recovered, on threads that are between
// calls, inside a callback from a plugin, and while other threads are inside of plugins.
func TestNilDereferencesStayGos(t *testing.T) { nilDereferencesStayGos(t, sogov.EngineOptions{}) }

func nilDereferencesStayGos(t *testing.T, options sogov.EngineOptions) {
	engine, service := openWith(t, options, "stamp", "v1", "v2")
	load(t, engine, "reentrant", "v1")
	promote(t, engine, "reentrant", "v1")
	reentrant, err := engine.Service("reentrant")
	must(t, err)
	defer reentrant.Close()

	var running sync.WaitGroup
	for g := 0; g < 8; g++ {
		running.Add(1)
		go func(g int) {
			defer running.Done()
			answer := &sogov.Answer{}
			for i := 0; i < 500; i++ {
				if err := checkedCall(service, i, answer); err != nil {
					t.Error(err)
				}
				if err := dereferenceNil(); err == nil {
					t.Error("expected a panic, found none")
				}
			}
			status := int32(-1)
			outer, err := reentrant.Call(callback.Request(func() int32 {
				err := dereferenceNil()
				if err != nil && strings.Contains(err.Error(), "nil pointer") && checkedCall(service, g, answer) == nil {
					status = 0
				}
				return status
			}), nil)
			if err != nil || outer.PluginStatus != 0 || status != 0 {
				t.Errorf("expected a recovered panic and an answer inside the plugin, found %v (%v)", status, err)
			}
		}(g)
	}
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	switchUntil(t, engine, done)
}

func dereferenceNil() (err error) {
	defer func() { err, _ = recover().(runtime.Error) }()
	var nowhere *struct{ field [64]int }
	runtime.KeepAlive(nowhere.field[3])
	return nil
}

// The signals of Go's scheduler and profiler hit threads inside the library and inside of plugins.
func TestSignalsDoNoHarm(t *testing.T) {
	engine, service := open(t, "stamp", "v1", "v2")
	var profile bytes.Buffer
	must(t, pprof.StartCPUProfile(&profile))
	defer pprof.StopCPUProfile()

	var over atomic.Bool
	var running sync.WaitGroup
	running.Add(1)
	go func() {
		defer running.Done()
		for !over.Load() {
			threads, err := os.ReadDir("/proc/self/task")
			if err != nil {
				t.Error(err)
				return
			}
			for _, thread := range threads {
				id, _ := strconv.Atoi(thread.Name())
				// Between the listing and this a thread may have ended.
				_, _, _ = syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(id),
					uintptr(syscall.SIGURG))
			}
		}
	}()
	callers := make(chan struct{})
	var calling sync.WaitGroup
	for g := 0; g < 8; g++ {
		calling.Add(1)
		go func() {
			defer calling.Done()
			answer := &sogov.Answer{}
			for i := 0; i < 2000; i++ {
				if err := checkedCall(service, i, answer); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	go func() {
		calling.Wait()
		close(callers)
	}()
	for cycle := 0; ; cycle++ {
		label := []string{"v3", "v4"}[cycle%2]
		load(t, engine, "stamp", label)
		promote(t, engine, "stamp", label)
		rollback(t, engine, "stamp")
		must(t, unload(engine, "stamp", label, deadline))
		select {
		case <-callers:
			over.Store(true)
			running.Wait()
			return
		default:
		}
	}
}

// A plugin that waits in a system call gets on with its work whatever signals come.
func TestASlowCallHoldsUpItsOwnVersionOnly(t *testing.T) {
	engine, slow := open(t, "slow", "v1")
	load(t, engine, "stamp", "v1")
	promote(t, engine, "stamp", "v1")
	stamp, err := engine.Service("stamp")
	must(t, err)
	defer stamp.Close()
	goOnRead, goOnWrite, err := os.Pipe()
	must(t, err)
	enteredRead, enteredWrite, err := os.Pipe()
	must(t, err)
	for _, file := range []*os.File{goOnRead, goOnWrite, enteredRead, enteredWrite} {
		defer file.Close()
	}
	request := strconv.Itoa(int(goOnRead.Fd())) + " " + strconv.Itoa(int(enteredWrite.Fd()))
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		answer, err := slow.Call([]byte(request), nil)
		if err != nil || string(answer.Data) != "done" {
			t.Errorf("expected done, found %q (%v)", answer.Data, err)
		}
	}()
	one := make([]byte, 1)
	if _, err := enteredRead.Read(one); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 1000; i++ {
		must(t, checkedCall(stamp, i, &sogov.Answer{}))
	}
	runtime.GC()
	if _, err := goOnWrite.Write(one); err != nil {
		t.Fatal(err)
	}
	await(t, answered, "the slow call")
}

// Answers that do not fit into the caller's room come whole, and so does the failure of a plugin.
func TestAnswersOfAnySize(t *testing.T) {
	engine, service := open(t, "stamp", "v1")
	answer := &sogov.Answer{Data: make([]byte, 0, 64)}
	for _, size := range []int{0, 1, 60, 61, 62, 4096, 1 << 20} {
		request := bytes.Repeat([]byte{'x'}, size)
		must(t, service.CallInto(answer, request, &sogov.Request{UserKey: "user"}))
		if !bytes.Equal(answer.Data, append([]byte("v1:"), request...)) {
			t.Errorf("%d bytes: found an answer of %d bytes", size, len(answer.Data))
		}
	}
	load(t, engine, "slow", "v1")
	promote(t, engine, "slow", "v1")
	slow, err := engine.Service("slow")
	must(t, err)
	failed, err := slow.Call([]byte("no descriptor"), nil)
	expect(t, sogov.ErrPluginFailed, err)
	if failed.PluginStatus != 1 || failed.Version != "v1" {
		t.Errorf("expected the failure 1 of v1, found %d of %s", failed.PluginStatus, failed.Version)
	}
	must(t, slow.Close())
	_, err = slow.Call(nil, nil)
	expect(t, sogov.ErrClosed, err)
}

// A plugin with a Go runtime is refused before it is mapped: two of them share neither heap nor scheduler, and both
// would install handlers for all signals.
func TestASecondGoRuntimeIsRefused(t *testing.T) {
	engine, service := open(t, "stamp", "v1")
	_, err := engine.Load("go", "v1", released(t, "go-v1.so"), nil)
	expect(t, sogov.ErrImageRejected, err)
	if !strings.Contains(err.Error(), "Go runtime") {
		t.Errorf("expected the Go runtime to be the reason, found %v", err)
	}
	if mapped := lines(t, "/proc/self/maps", "/memfd:go@"); mapped != 0 {
		t.Errorf("expected no mapping of the plugin, found %d", mapped)
	}
	must(t, checkedCall(service, 1, &sogov.Answer{}))
	if err := dereferenceNil(); err == nil {
		t.Error("expected a panic, found none")
	}
}

// Children of the process get nothing of the plugins: no descriptor of their sealed memory.
func TestChildrenInheritNoDescriptors(t *testing.T) {
	engine, service := open(t, "stamp", "v1", "v2")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; i < 20; i++ {
			listed, err := exec.Command("ls", "-l", "/proc/self/fd").CombinedOutput()
			if err != nil || bytes.Contains(listed, []byte("memfd:")) {
				t.Errorf("expected no sealed memory among a child's descriptors, found %v\n%s", err, listed)
			}
		}
	}()
	loadUntil(t, engine, service, done)
}

// switchUntil promotes v2 and rolls back to v1 until `done` is closed.
func switchUntil(t *testing.T, engine *sogov.Engine, done <-chan struct{}) {
	end := time.After(deadline)
	for {
		promote(t, engine, "stamp", "v2")
		rollback(t, engine, "stamp")
		select {
		case <-done:
			return
		case <-end:
			t.Fatalf("the callers are not done after %v", deadline)
		default:
		}
	}
}

// loadUntil loads and unloads v3 until `done` is closed.
func loadUntil(t *testing.T, engine *sogov.Engine, service *sogov.Service, done <-chan struct{}) {
	for {
		load(t, engine, "stamp", "v3")
		must(t, checkedCall(service, 1, &sogov.Answer{}))
		must(t, unload(engine, "stamp", "v3", deadline))
		select {
		case <-done:
			return
		default:
		}
	}
}

func versions(t *testing.T, engine *sogov.Engine) []sogov.VersionInfo {
	list, err := engine.Versions("stamp")
	must(t, err)
	return list
}
