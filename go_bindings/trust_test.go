package sogov_test

import (
	"context"
	"encoding/asn1"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sogov.internal/sogov"
)

func TestWhatIsNotAsItWasSignedIsRefused(t *testing.T) {
	r := newRelease(t)
	engine := r.open(sogov.EngineOptions{})
	good := r.signed(fee("v1"), "fee", "v1")
	content, err := os.ReadFile(good)
	must(t, err)
	content[4352] ^= 1
	tampered := filepath.Join(r.directory, "tampered.so")
	must(t, os.WriteFile(tampered, content, 0o600))
	stranger, _ := generate(t)
	strange := filepath.Join(r.directory, "strange.so")
	_, err = stranger.SignFile(fee("v1"), strange, sogov.FileFacts{Service: "fee", Version: "v1"})
	must(t, err)

	for _, refusal := range []struct {
		service, version, path string
		status                 sogov.Status
	}{
		{"fee", "v1", fee("v1"), sogov.ErrUnsigned},
		{"fee", "v1", tampered, sogov.ErrModified},
		{"fee", "v2", good, sogov.ErrWrongService},
		{"tax", "v1", good, sogov.ErrWrongService},
		{"fee", "v1", strange, sogov.ErrUntrustedKey},
		{"fee", "v1", filepath.Join(r.directory, "none.so"), sogov.ErrNotFound},
	} {
		_, err := engine.VerifyFile(refusal.service, refusal.version, refusal.path)
		expect(t, refusal.status, err)
		_, err = engine.Load(refusal.service, refusal.version, refusal.path, nil)
		expect(t, refusal.status, err)
	}
	digest, err := engine.VerifyFile("fee", "", good)
	must(t, err)
	info, err := engine.Load("fee", "", good, &sogov.LoadOptions{
		ChangeOptions: sogov.ChangeOptions{Actor: "tests", Reason: "to see"},
	})
	must(t, err)
	if info.Digest != digest || info.Version != "v1" || info.Epoch != 1 || !info.Development {
		t.Errorf("expected v1 with the digest %v, found %+v", digest, info)
	}
}

func TestTheFactsAreThoseThatWereGiven(t *testing.T) {
	r := newRelease(t)
	engine := r.open(sogov.EngineOptions{})
	now := time.Now()
	facts := func(change func(*sogov.FileFacts)) sogov.FileFacts {
		facts := sogov.FileFacts{Service: "fee", Version: "v1", Epoch: 7, Name: "pkg:generic/fee@1", Semver: "1.0.0",
			Issuer: "tests"}
		change(&facts)
		return facts
	}
	for name, test := range map[string]struct {
		facts  sogov.FileFacts
		status sogov.Status
	}{
		"valid":   {facts(func(f *sogov.FileFacts) { f.NotBefore, f.NotAfter = now.Add(-time.Hour), now.Add(time.Hour) }), sogov.OK},
		"expired": {facts(func(f *sogov.FileFacts) { f.NotAfter = now.Add(-time.Hour) }), sogov.ErrExpired},
		"early":   {facts(func(f *sogov.FileFacts) { f.NotBefore = now.Add(time.Hour) }), sogov.ErrNotYetValid},
		"user id": {facts(func(f *sogov.FileFacts) { f.UserID = []byte("alice") }), sogov.ErrModified},
	} {
		path := filepath.Join(r.directory, name+".so")
		_, err := r.key.SignFile(fee("v1"), path, test.facts)
		must(t, err)
		if _, err := engine.VerifyFile("fee", "v1", path); sogov.StatusOf(err) != test.status {
			t.Errorf("%s: expected %v, found %v", name, test.status, err)
		}
	}
	for _, wrong := range []sogov.FileFacts{
		facts(func(f *sogov.FileFacts) { f.NotAfter = time.Unix(-5, 0) }),
		facts(func(f *sogov.FileFacts) { f.Service = "a\x00b" }),
		facts(func(f *sogov.FileFacts) { f.Issuer = strings.Repeat("x", 70_000) }),
		facts(func(f *sogov.FileFacts) { f.UserID = make([]byte, 8192) }),
	} {
		if _, err := r.key.SignFile(fee("v1"), filepath.Join(r.directory, "wrong.so"), wrong); err == nil {
			t.Errorf("expected %+v to be refused", wrong)
		}
	}
}

func TestDetachedAndFurtherSignatures(t *testing.T) {
	r := newRelease(t)
	second, _ := generate(t)
	r.addKey(second)
	plugin := filepath.Join(r.directory, "plain.so")
	content, err := os.ReadFile(fee("v1"))
	must(t, err)
	must(t, os.WriteFile(plugin, content, 0o600))
	signature := filepath.Join(r.directory, "elsewhere.sogsig")
	_, err = r.key.SignFile(plugin, signature, sogov.FileFacts{Service: "fee", Version: "v1", Detached: true})
	must(t, err)
	must(t, second.AddSignature(signature, nil))
	expect(t, sogov.ErrBusy, second.AddSignature(signature, nil))
	expect(t, sogov.ErrUnsigned, second.AddSignature(plugin, nil))
	engine := r.open(sogov.EngineOptions{})
	_, err = engine.Load("fee", "v1", plugin, nil)
	expect(t, sogov.ErrUnsigned, err)
	_, err = engine.Load("fee", "v1", plugin, &sogov.LoadOptions{SignaturePath: signature})
	must(t, err)
}

func TestABillOfMaterialsIsBoundAndItsComponentsAreJudged(t *testing.T) {
	r := newRelease(t)
	sbom := filepath.Join(r.directory, "fee.cdx.json")
	must(t, os.WriteFile(sbom, []byte(`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[]}`), 0o600))
	plugin := func(version string) string {
		target := filepath.Join(r.directory, version+".so")
		_, err := r.key.SignFile(fee(version), target, sogov.FileFacts{Service: "fee", Version: version, SbomPath: sbom})
		must(t, err)
		return target
	}
	engine := r.open(sogov.EngineOptions{})
	_, err := engine.Load("fee", "v1", plugin("v1"), nil)
	expect(t, sogov.ErrSbomInvalid, err)
	_, err = engine.Load("fee", "v1", plugin("v1"), &sogov.LoadOptions{SbomPath: sbom})
	must(t, err)
	_, err = engine.Promote("fee", "v1", nil)
	must(t, err)
	_, err = engine.Update(context.Background(), "fee", "v2", plugin("v2"), nil)
	expect(t, sogov.ErrSbomInvalid, err)
	_, err = engine.Update(context.Background(), "fee", "v2", plugin("v2"), &sogov.UpdateOptions{SbomPath: sbom})
	must(t, err)
	must(t, os.WriteFile(sbom, []byte("{}"), 0o600))
	_, err = r.key.SignFile(fee("v1"), filepath.Join(r.directory, "v3.so"),
		sogov.FileFacts{Service: "fee", Version: "v3", SbomPath: sbom})
	expect(t, sogov.ErrSbomInvalid, err)
}

// With root keys, trust.json needs a signature by one of them.
func TestTheRootKeyVouchesForTheTrustDocument(t *testing.T) {
	r := newRelease(t)
	_, err := sogov.Open(&sogov.EngineOptions{TrustDirectory: r.trust, RootKeyIDs: []sogov.KeyID{{1}}})
	expect(t, sogov.ErrTrustInvalid, err)
	options := &sogov.EngineOptions{TrustDirectory: r.trust, RootKeyIDs: []sogov.KeyID{r.signTrust()}}
	engine, err := sogov.Open(options)
	must(t, err)
	defer engine.Close()
	if info := r.load(engine, fee("v1"), "fee", "v1"); info.Development {
		t.Errorf("expected no development mode, found %+v", info)
	}
	_, err = sogov.Open(&sogov.EngineOptions{TrustDirectory: r.trust, RootKeyIDs: []sogov.KeyID{{1}}})
	expect(t, sogov.ErrTrustInvalid, err)
	_, err = sogov.Open(&sogov.EngineOptions{TrustDirectory: filepath.Join(r.directory, "none")})
	if err == nil {
		t.Error("expected a missing directory to be refused")
	}
}

// signTrust signs the trust document by a new root key, and answers its id.
func (r *release) signTrust() sogov.KeyID {
	rootKey, _ := generate(r.t)
	r.addKey(rootKey)
	id, err := rootKey.ID()
	must(r.t, err)
	document, err := os.ReadFile(filepath.Join(r.trust, "trust.json"))
	must(r.t, err)
	signature := trustSignature(r.t, rootKey, id, document)
	must(r.t, os.WriteFile(filepath.Join(r.trust, "trust.json.sogsig"), signature, 0o600))
	return id
}

// trustSignature is trust.json.sogsig (docs/conventions.md). The module does not sign what vouches for trust documents: the
// program sogov does, and here OpenSSL.
func trustSignature(t testing.TB, key *sogov.PrivateKey, id sogov.KeyID, document []byte) []byte {
	t.Helper()
	signed := append([]byte("sogov.trust.v1\x00\x01"), id[:]...)
	signed = binary.LittleEndian.AppendUint64(signed, uint64(len(document)))
	signed = append(signed, document...)
	type entry struct {
		KeyID     []byte
		Scheme    int
		Signature []byte
	}
	container, err := asn1.Marshal(struct {
		Magic      string `asn1:"utf8"`
		Version    int
		Statement  []byte
		Signatures []entry
	}{"sogov-sigmeta", 1, []byte{}, []entry{{id[:], 1, opensslSign(t, key, signed)}}})
	must(t, err)
	return container
}

// opensslSign is R||S by OpenSSL, under the default user id.
func opensslSign(t testing.TB, key *sogov.PrivateKey, message []byte) []byte {
	t.Helper()
	directory := t.TempDir()
	pem, err := key.PEM(nil)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(directory, "key"), pem, 0o600))
	must(t, os.WriteFile(filepath.Join(directory, "message"), message, 0o600))
	command := exec.Command("openssl", "pkeyutl", "-sign", "-inkey", "key", "-rawin", "-in", "message", "-digest", "sm3",
		"-pkeyopt", "distid:1234567812345678")
	command.Dir = directory
	der, err := command.Output()
	must(t, err)
	var signature struct{ R, S asn1.RawValue }
	_, err = asn1.Unmarshal(der, &signature)
	must(t, err)
	raw := make([]byte, 64)
	for i, number := range [][]byte{signature.R.Bytes, signature.S.Bytes} {
		if len(number) == 33 {
			number = number[1:]
		}
		copy(raw[32*(i+1)-len(number):], number)
	}
	return raw
}
