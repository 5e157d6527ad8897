package sogov_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// handedOver is what a release team hands over: see examples/payment_host.
func handedOver(t *testing.T) string {
	t.Helper()
	r := newRelease(t)
	must(t, os.WriteFile(filepath.Join(r.directory, "root.id"), []byte(r.signTrust().String()+"\n"), 0o600))
	for _, version := range []string{"v1", "v2", "v3"} {
		r.signed(fee(version), "fee", version)
	}
	copyFile(t, fee("v1"), filepath.Join(r.directory, "fee-unsigned.so"), func([]byte) {})
	copyFile(t, filepath.Join(r.directory, "fee-v1.so"), filepath.Join(r.directory, "fee-tampered.so"),
		func(content []byte) { content[4352] ^= 1 })
	return r.directory
}

func copyFile(t *testing.T, from, to string, change func([]byte)) {
	t.Helper()
	content, err := os.ReadFile(from)
	must(t, err)
	change(content)
	must(t, os.WriteFile(to, content, 0o600))
}

func TestThePaymentHostTellsItsStory(t *testing.T) {
	directory := handedOver(t)
	printed, err := exec.Command(buildIn(t, ".", "./examples/payment_host"), "-v", directory).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	for _, line := range []string{
		`refuse +fee-tampered\.so: SOGOV_STATUS_MODIFIED: `,
		`refuse +fee-unsigned\.so: SOGOV_STATUS_UNSIGNED: `,
		`split +100000 calls by 50000 users in .* asked 20% on v2, found (19|20)\.\d\d%`,
		`sticky +0 of 50000 users`,
		`header +1000 calls with x-env: gray: 1000 on v2`,
		`rollback  v2 restored in`,
		`lost calls: 0`,
		`end +every count is as it must be`,
		`log info: promote fee: v2 by payment_host \(a day without failures\)`,
	} {
		if !regexp.MustCompile(line).Match(printed) {
			t.Errorf("expected a line %s, found\n%s", line, printed)
		}
	}
}

func TestThePaymentHostFailsWhenSomethingIsNotRefused(t *testing.T) {
	host := buildIn(t, ".", "./examples/payment_host")
	for _, spoil := range [][3]string{
		{"fee-v1.so", "fee-tampered.so", "fee-tampered.so: expected a refusal"},
		{"fee-tampered.so", "fee-unsigned.so", "fee-unsigned.so: expected SOGOV_STATUS_UNSIGNED"},
	} {
		directory := handedOver(t)
		copyFile(t, filepath.Join(directory, spoil[0]), filepath.Join(directory, spoil[1]), func([]byte) {})
		printed, err := exec.Command(host, directory).CombinedOutput()
		if err == nil || !strings.Contains(string(printed), spoil[2]) {
			t.Errorf("expected %q and a failure, found %v\n%s", spoil[2], err, printed)
		}
	}
}

func TestTheProgramOfTheReadmeRuns(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	must(t, err)
	_, after, _ := strings.Cut(string(readme), "```go\n")
	program, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatal("expected a program in README.md")
	}
	directory := handedOver(t)
	here, err := os.Getwd()
	must(t, err)
	module := "module readme\n\ngo 1.19\n\nrequire sogov.internal/sogov v0.1.0\n\nreplace sogov.internal/sogov => " + here + "\n"
	must(t, os.WriteFile(filepath.Join(directory, "go.mod"), []byte(module), 0o600))
	must(t, os.WriteFile(filepath.Join(directory, "main.go"), []byte(program), 0o600))
	command := exec.Command(buildIn(t, directory, "."))
	command.Dir = directory
	printed, err := command.CombinedOutput()
	expected := `^v[12] fee=(6\.17|5\.56) currency=CNY tariff=v[12] (stable|fraction)\nSOGOV_STATUS_UNSIGNED: fee-unsigned\.so: .*\n$`
	if err != nil || !regexp.MustCompile(expected).Match(printed) {
		t.Errorf("found %v\n%s", err, printed)
	}
}

// buildIn builds a program with the toolchain that runs the tests, and answers where it is.
func buildIn(t *testing.T, directory, what string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	command := exec.Command("go", "build", "-o", program, what)
	command.Dir = directory
	if printed, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	return program
}
