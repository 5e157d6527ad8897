package sogov_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sogov.internal/sogov"
)

func TestAPackageGoesFromItsPackerToItsHost(t *testing.T) {
	for name, pair := range map[string]func(*testing.T) (private, public []byte){"sm2": sm2Pair, "rsa": rsaPair} {
		t.Run(name, func(t *testing.T) {
			private, public := pair(t)
			recipient, err := sogov.LoadRecipient(public)
			must(t, err)
			key, err := sogov.LoadRecipientKey(private, nil, nil)
			must(t, err)
			r := newRelease(t)
			plugin, target := r.signed(fee("v1"), "fee", "v1"), filepath.Join(r.directory, "fee.sogpkg")
			note := filepath.Join(r.directory, "fee.sbom.json")
			must(t, os.WriteFile(note, []byte("{}"), 0o600))
			facts := sogov.PackageFacts{Plugins: []string{plugin}, Files: []string{note}, Audiences: []string{"host-1"},
				Keys: []*sogov.PrivateKey{r.key}, Epoch: 4}
			_, err = sogov.Pack(target, facts)
			expect(t, sogov.ErrInvalidArgument, err)
			facts.Recipients = []*sogov.Recipient{recipient}
			id, err := sogov.Pack(target, facts)
			must(t, err)

			receipts, err := sogov.GenerateKeyOf("hmac-sha256")
			must(t, err)
			engine := r.open(sogov.EngineOptions{StateDirectory: filepath.Join(r.directory, "state"), ReceiptKey: receipts})
			_, err = engine.Install(target, key, "host-2", nil)
			expect(t, sogov.ErrWrongAudience, err)
			directory, err := engine.Install(target, key, "host-1", &sogov.ChangeOptions{Actor: "tests"})
			must(t, err)
			if !strings.HasSuffix(directory, "/fee-4-"+id.String()) {
				t.Errorf("found %s for %v", directory, id)
			}
			_, err = engine.Install(target, key, "host-1", nil)
			expect(t, sogov.ErrReplayed, err)
			_, err = engine.Load("fee", "v1", filepath.Join(directory, "fee-v1.so"), nil)
			must(t, err)
			for path, expected := range map[string]sogov.PackageStanding{
				"fee-v1.so": sogov.PackageUntouched, "fee.sbom.json": sogov.PackageReplaced,
			} {
				if expected == sogov.PackageReplaced {
					must(t, os.WriteFile(filepath.Join(directory, path), []byte("[]"), 0o600))
				}
				standing, err := engine.CheckPackage(filepath.Join(directory, path))
				must(t, err)
				if standing != expected {
					t.Errorf("%s: expected %v, found %v", path, expected, standing)
				}
			}
			_, err = engine.CheckPackage(plugin)
			expect(t, sogov.ErrNotFound, err)
			must(t, key.Close())
			_, err = engine.Install(target, key, "host-1", nil)
			expect(t, sogov.ErrClosed, err)
			must(t, recipient.Close())
			_, err = sogov.Pack(target, facts)
			expect(t, sogov.ErrClosed, err)
		})
	}
	_, err := sogov.LoadRecipient([]byte("no key"))
	expect(t, sogov.ErrKeyInvalid, err)
	_, err = sogov.LoadRecipientKey([]byte("no key"), nil, nil)
	expect(t, sogov.ErrKeyInvalid, err)
}

func sm2Pair(t *testing.T) (private, public []byte) {
	key, err := sogov.GenerateKey()
	must(t, err)
	private, err = key.PEM(nil)
	must(t, err)
	half, err := key.Public()
	must(t, err)
	public, err = half.PEM()
	must(t, err)
	return private, public
}

func rsaPair(t *testing.T) (private, public []byte) {
	directory := t.TempDir()
	command := exec.Command("openssl", strings.Fields("req -x509 -newkey rsa:3072 -nodes -keyout key -out cert -subj /CN=host-1")...)
	command.Dir = directory
	if printed, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	private, err := os.ReadFile(filepath.Join(directory, "key"))
	must(t, err)
	public, err = os.ReadFile(filepath.Join(directory, "cert"))
	must(t, err)
	return private, public
}
