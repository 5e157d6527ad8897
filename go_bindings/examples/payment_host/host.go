package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sogov.internal/sogov"
)

// host is the service "fee" of one engine, and every call that was made through it.
type host struct {
	engine    *sogov.Engine
	service   *sogov.Service
	directory string
	report    *report
	total     tally
}

// refuse loads a file that must not run; the refusal says why.
func (h *host) refuse(file string, expected sogov.Status) {
	_, err := h.engine.Load("fee", "v1", filepath.Join(h.directory, file), &sogov.LoadOptions{ChangeOptions: because("")})
	if err == nil {
		h.report.must(false, file+": expected a refusal, and it was loaded")
		return
	}
	h.report.say("refuse", "%s: %v", file, err)
	h.report.must(errors.Is(err, expected), fmt.Sprintf("%s: expected %v", file, expected))
}

// load loads a version beside those already there.
func (h *host) load(version string) error {
	watch := start()
	path := filepath.Join(h.directory, "fee-"+version+".so")
	info, err := h.engine.Load("fee", version, path, &sogov.LoadOptions{ChangeOptions: because("release")})
	if err != nil {
		return err
	}
	h.report.say("load", "%s in %v: digest %x..., epoch %d", info.Version, watch, info.Digest[:4], info.Epoch)
	h.report.must(!info.Development, "the engine is in development mode")
	return nil
}

// promote makes a version the stable one, for everybody.
func (h *host) promote(version, reason string) error {
	watch, options := start(), because(reason)
	_, err := h.engine.Promote("fee", version, &options)
	if err == nil {
		h.report.say("promote", "%s in %v", version, watch)
	}
	return err
}

// applyPolicy puts a route policy in force.
func (h *host) applyPolicy(policy, what string) error {
	watch, options := start(), because(what)
	err := h.engine.ApplyRoutePolicy("fee", []byte(policy), &options)
	if err == nil {
		h.report.say("policy", "%s: in force after %v", what, watch)
	}
	return err
}

// checkSplit makes 100,000 calls: the share of v2, and that every user stays where the first call went.
func (h *host) checkSplit() error {
	watch, onV2, moved := start(), 0, 0
	caller := caller{service: h.service}
	first := make(map[string]string, users)
	for number := 0; number < calls; number++ {
		user := fmt.Sprintf("user-%d", number%users)
		version, _ := caller.price(uint64(number), sogov.Request{UserKey: user})
		if version == "v2" {
			onV2++
		}
		if before, known := first[user]; !known {
			first[user] = version
		} else if before != version {
			moved++
		}
	}
	percent := 100 * float64(onV2) / calls
	h.report.say("split", "%d calls by %d users in %v: asked %d%% on v2, found %.2f%%", calls, users, watch, grayPercent, percent)
	h.report.say("sticky", "%d of %d users changed their version", moved, users)
	h.report.must(percent > grayPercent-1 && percent < grayPercent+1, "split: expected within one point of 20%")
	h.report.must(moved == 0, "sticky: expected no user to change")
	h.total.add(caller.tally)
	return nil
}

// checkHeaderRule is about testers, who send a header: they are on v2 whatever their bucket is.
func (h *host) checkHeaderRule() error {
	caller, byRule := caller{service: h.service}, 0
	gray := []sogov.Header{{Name: "x-env", Value: "gray"}}
	for number := uint64(0); number < ruleCalls; number++ {
		version, reason := caller.price(number, sogov.Request{UserKey: fmt.Sprintf("user-%d", number), Headers: gray})
		if version == "v2" && reason == sogov.ReasonRule {
			byRule++
		}
	}
	h.report.say("header", "%d calls with x-env: gray: %d on v2", ruleCalls, byRule)
	h.report.must(byRule == ruleCalls, "header: expected all of them on v2")
	h.total.add(caller.tally)
	return nil
}

// exposeAndRollBack has goroutines call without a pause while v3 is put into service, fails, and is taken back.
func (h *host) exposeAndRollBack(expose func() error) error {
	traffic := startTraffic(h.service)
	defer traffic.stop()
	if err := expose(); err != nil {
		return err
	}
	hasFailed := traffic.awaitFailure()
	h.report.say("failing", "v3 fails; rolling back under load")
	watch, options := start(), because("v3 fails on large amounts")
	restored, err := h.engine.Rollback("fee", &options)
	if err != nil {
		return err
	}
	h.report.say("rollback", "%s restored in %v under the load of %d goroutines", restored.Version, watch, goroutines)
	tally := traffic.stop()

	h.report.say("traffic", "%d calls: %d right, %d failed by v3's defect, %d lost", tally.calls, tally.right,
		tally.knownDefect, tally.lost)
	h.report.say("after", "%d calls began after the rollback: %d met v3", tally.afterRollback, tally.tooLate)
	h.report.must(hasFailed, "v3: expected a failure to be seen")
	h.report.must(restored.Version == "v2", "rollback: expected v2")
	h.report.must(tally.tooLate == 0, "rollback: expected no later call on v3")
	h.total.add(tally)
	return nil
}

// checkCounts holds the engine's own counts against those of the callers.
func (h *host) checkCounts() error {
	infos, err := h.engine.Versions("fee")
	if err != nil {
		return err
	}
	var counted [3]uint64
	for _, info := range infos {
		h.report.say("version", "%s: %v, %d calls, %d failures", info.Version, info.Standing, info.Calls, info.Failures)
		counted[0] += info.Calls
		counted[1] += info.Failures
		counted[2] += info.InFlight
	}
	h.report.say("total", "%d calls, %d of them right, lost calls: %d", h.total.calls, h.total.right, h.total.lost)
	h.report.must(h.total.lost == 0, "expected no lost call")
	expected := [3]uint64{h.total.calls, h.total.knownDefect, 0}
	h.report.must(counted == expected,
		fmt.Sprintf("expected the engine to count %v (calls, failures, in flight), found %v", expected, counted))
	return nil
}

// unload has the engine prove that the image is gone, and looks into the memory map too.
func (h *host) unload(version string) error {
	before, err := mapped(version)
	if err != nil {
		return err
	}
	watch := start()
	options := &sogov.UnloadOptions{ChangeOptions: because("no longer needed")}
	if err := h.engine.Unload(context.Background(), "fee", version, options); err != nil {
		return err
	}
	took := watch.String()
	after, err := mapped(version)
	if err != nil {
		return err
	}
	h.report.say("unload", "%s in %s: its mapping was there: %v, and is: %v", version, took, before, after)
	h.report.must(before && !after, version+": expected its image to go")
	return nil
}

// mapped is whether an image of that name is mapped: the engine names its mappings service@version.
func mapped(version string) (bool, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	return strings.Contains(string(maps), "/memfd:fee@"+version+" "), err
}

func because(reason string) sogov.ChangeOptions {
	return sogov.ChangeOptions{Actor: actor, Reason: reason}
}
