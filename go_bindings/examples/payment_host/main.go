// Command payment_host prices transactions through the plugin "fee", from its first version to the rollback of a bad one.
//
//	payment_host [-v] DIRECTORY
//
// DIRECTORY holds what a release team hands over: trust/ (trust.json, its signature, public keys), root.id (the root key's
// identifier as text), the signed plugins fee-v1.so, fee-v2.so and fee-v3.so, and two files that must not run:
// fee-tampered.so and fee-unsigned.so. -v shows the engine's log on stderr.
//
// Exit status 0: every count was as it must be.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sogov.internal/sogov"
)

const (
	calls       = 100_000
	users       = 50_000
	ruleCalls   = 1_000
	grayPercent = 20
	actor       = "payment_host"

	tryV2 = `{"version": "try-v2", "epoch": 1, "stable": "v1", "weight": {"v1": 80, "v2": 20},
		"rules": [{"id": "testers", "priority": 1, "when": {"header": "x-env", "eq": "gray"}, "to": "v2"}]}`
	tryV3 = `{"version": "try-v3", "epoch": 2, "stable": "v2", "weight": {"v2": 80, "v3": 20}}`
)

func main() {
	verbose := flag.Bool("v", false, "show the engine's log on stderr")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: payment_host [-v] DIRECTORY")
		os.Exit(2)
	}
	report := newReport()
	if err := tell(flag.Arg(0), *verbose, report); err != nil {
		report.must(false, err.Error())
	}
	if report.wrong > 0 {
		report.say("end", "something is WRONG, see above")
		os.Exit(1)
	}
	report.say("end", "every count is as it must be")
}

// tell tells the story. An error is what nobody expected; what is merely wrong goes into the report.
func tell(directory string, verbose bool, report *report) error {
	engine, err := openEngine(directory, verbose)
	if err != nil {
		return err
	}
	defer engine.Close()
	report.say("open", "sogov %s; trust.json is signed by the root key", sogov.LibraryVersion())
	service, err := engine.Service("fee")
	if err != nil {
		return err
	}
	host := &host{engine: engine, service: service, directory: directory, report: report}
	host.refuse("fee-tampered.so", sogov.ErrModified)
	host.refuse("fee-unsigned.so", sogov.ErrUnsigned)

	story := []func() error{
		func() error { return host.load("v1") },
		func() error { return host.promote("v1", "first release") },
		func() error { return host.load("v2") },
		func() error { return host.applyPolicy(tryV2, "v1 80%, v2 20%; x-env: gray goes to v2") },
		host.checkSplit,
		host.checkHeaderRule,
		func() error { return host.promote("v2", "a day without failures") },

		func() error { return host.load("v3") },
		func() error {
			return host.exposeAndRollBack(func() error { return host.applyPolicy(tryV3, "v2 80%, v3 20%") })
		},
		func() error {
			return host.exposeAndRollBack(func() error { return host.promote("v3", "somebody insists") })
		},

		host.checkCounts,
		func() error { return host.unload("v3") },
		func() error { return host.unload("v1") },
	}
	for _, chapter := range story {
		if err := chapter(); err != nil {
			return err
		}
	}
	if err := engine.Close(); err != nil {
		return err
	}
	report.say("close", "the engine is closed")
	return nil
}

// openEngine opens an engine that trusts what the root key has signed. The root key's identifier comes with the program, not
// from the trust directory: whoever can change the directory must not be able to say whom to trust.
func openEngine(directory string, verbose bool) (*sogov.Engine, error) {
	text, err := os.ReadFile(filepath.Join(directory, "root.id"))
	if err != nil {
		return nil, err
	}
	root, err := sogov.ParseKeyID(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, err
	}
	options := &sogov.EngineOptions{
		TrustDirectory: filepath.Join(directory, "trust"),
		RootKeyIDs:     []sogov.KeyID{root},
	}
	if verbose {
		options.Log = func(level sogov.LogLevel, line string) { fmt.Fprintf(os.Stderr, "log %v: %s\n", level, line) }
	}
	return sogov.Open(options)
}
