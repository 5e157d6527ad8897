package hosts

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sogov.internal/sogov"
)

// Eight callers, each a sequence of goroutines whose OS threads end with them and leave a lease behind, while versions
// are loaded, promoted, rolled back and unloaded. Every answer is checked; afterwards the process holds what it held
// before. SOGOV_STORM_CYCLES is how many versions come and go (100); with SOGOV_STORM_SECONDS it runs for so long.
func TestStorm(t *testing.T) { stormAndCensus(t, sogov.EngineOptions{}, func(int) {}) }

// stormAndCensus storms twice, `disturb` between two versions, and compares what the process holds after each.
func stormAndCensus(t *testing.T, options sogov.EngineOptions, disturb func(cycle int)) {
	storm(t, options, disturb, 10, 0)
	before := takeCensus(t)
	calls, cycles := storm(t, options, disturb, setting("SOGOV_STORM_CYCLES", 100),
		time.Duration(setting("SOGOV_STORM_SECONDS", 0))*time.Second)
	before.expect(t)
	t.Logf("storm of Go: %d versions, %d calls", cycles, calls)
}

func storm(t *testing.T, options sogov.EngineOptions, disturb func(cycle int), cycles int, duration time.Duration) (calls int64, cycle int) {
	const callers = 8
	labels := []string{"v1", "v2", "v3", "v4", "v5", "v6"}
	engine := openEngine(t, options)
	load(t, engine, "stamp", labels[0])
	promote(t, engine, "stamp", labels[0])
	service, err := engine.Service("stamp")
	must(t, err)

	var over atomic.Bool
	var made atomic.Int64
	// Leases of threads that are no more, given back by another.
	left, given := make(chan sogov.Lease, callers), make(chan struct{})
	go func() {
		defer close(given)
		for lease := range left {
			if err := lease.Release(sogov.Success); err != nil {
				t.Error(err)
			}
		}
	}()
	var running sync.WaitGroup
	for c := 0; c < callers; c++ {
		running.Add(1)
		go func() {
			defer running.Done()
			for !over.Load() {
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					// Not unlocked: the thread ends with the goroutine.
					runtime.LockOSThread()
					callAndLeave(t, service, &made, &over, left)
				}()
				<-ended
			}
		}()
	}
	begin := time.Now()
	for ; (duration == 0 && cycle < cycles) || (duration > 0 && time.Since(begin) < duration); cycle++ {
		old, new := labels[cycle%len(labels)], labels[(cycle+1)%len(labels)]
		disturb(cycle)
		load(t, engine, "stamp", new)
		promote(t, engine, "stamp", new)
		awaitACall(t, &made)
		rollback(t, engine, "stamp")
		expect(t, sogov.ErrBusy, unload(engine, "stamp", old, time.Millisecond))
		awaitACall(t, &made)
		promote(t, engine, "stamp", new)
		must(t, unload(engine, "stamp", old, deadline))
		if t.Failed() {
			break
		}
	}
	over.Store(true)
	running.Wait()
	close(left)
	<-given
	must(t, engine.Close())
	expect(t, sogov.ErrClosed, checkedCall(service, 0, &sogov.Answer{}))
	must(t, service.Close())
	return made.Load(), cycle
}

func callAndLeave(t *testing.T, service *sogov.Service, made *atomic.Int64, over *atomic.Bool, left chan<- sogov.Lease) {
	answer := &sogov.Answer{}
	for i := 0; i < 200 && !over.Load(); i++ {
		if err := checkedCall(service, i, answer); err != nil {
			t.Error(err)
			return
		}
		if err := dereferenceNil(); err == nil {
			t.Error("expected a panic, found none")
			return
		}
		made.Add(1)
	}
	lease, err := service.Route(nil)
	if err != nil {
		t.Error(err)
		return
	}
	left <- lease
}

func awaitACall(t *testing.T, made *atomic.Int64) {
	end := time.Now().Add(deadline)
	for seen := made.Load(); made.Load() == seen; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("no call ended within %v", deadline)
		}
	}
}

// census is what a process holds. Go keeps its own threads for later, so those are not compared one by one.
type census struct{ plugins, descriptors, threads int }

func takeCensus(t *testing.T) census {
	// What crashed stays mapped for ever.
	plugins := lines(t, "/proc/self/maps", "/memfd:") - lines(t, "/proc/self/maps", "/memfd:"+crashed)
	descriptors, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	threads, err := os.ReadDir("/proc/self/task")
	must(t, err)
	return census{plugins, len(descriptors), len(threads)}
}

// lines counts the lines of a file that have `text` in them.
func lines(t *testing.T, file, text string) int {
	content, err := os.ReadFile(file)
	must(t, err)
	count := 0
	for _, line := range strings.Split(string(content), "\n") {
		if strings.Contains(line, text) {
			count++
		}
	}
	return count
}

func (before census) expect(t *testing.T) {
	const spareThreads = 16
	end := time.Now().Add(deadline)
	for {
		after := takeCensus(t)
		if after.plugins <= before.plugins && after.descriptors <= before.descriptors &&
			after.threads <= before.threads+spareThreads {
			return
		}
		if time.Now().After(end) {
			maps, _ := os.ReadFile("/proc/self/maps")
			t.Fatalf("expected what the process held before, %+v, found %+v\n%s", before, after, maps)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func setting(variable string, otherwise int) int {
	if number, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return number
	}
	return otherwise
}
