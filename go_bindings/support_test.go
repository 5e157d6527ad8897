package sogov_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sogov.internal/sogov"
)

// deadline is generous: it ends what hangs, and measures nothing.
const deadline = 60 * time.Second

// root is the repository.
const root = ".."

const payment = "amount=1234.56 currency=CNY"

// prices are what the plugin fee answers to the payment.
var prices = map[string]string{
	"v1": "fee=6.17 currency=CNY tariff=v1",
	"v2": "fee=5.56 currency=CNY tariff=v2",
}

// Where the built plugins are.
var feeDirectory, zooDirectory string

// TestMain builds the plugins that the environment does not name: SOGOV_TEST_PLUGINS (libfee_v1.so, ...), SOGOV_TEST_ZOO.
func TestMain(m *testing.M) {
	flag.Parse()
	if _, err := sogov.GenerateKey(); errors.Is(err, sogov.ErrUnsupported) {
		_ = flag.Set("test.run", "^TestWithoutCgo$")
		os.Exit(m.Run())
	}
	directory, err := os.MkdirTemp("", "sogov-go-")
	if err != nil {
		panic(err)
	}
	feeDirectory = built("SOGOV_TEST_PLUGINS", directory+"/fee", "make", "-s", "-C", root+"/c_examples/plugins",
		"OUT="+directory+"/fee")
	zooDirectory = built("SOGOV_TEST_ZOO", directory+"/zoo", "sh", root+"/tests/zoo/build.sh", directory+"/zoo")
	status := m.Run()
	_ = os.RemoveAll(directory)
	os.Exit(status)
}

func built(variable, directory string, command ...string) string {
	if given := os.Getenv(variable); given != "" {
		return given
	}
	if printed, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %v\n%s", command, err, printed))
	}
	return directory
}

func fee(version string) string { return filepath.Join(feeDirectory, "libfee_"+version+".so") }

func zoo(name string) string { return filepath.Join(zooDirectory, name+".so") }

// release is a trust directory in the development mode, with one key that may sign for every service.
type release struct {
	t         testing.TB
	directory string
	trust     string
	key       *sogov.PrivateKey
}

func newRelease(t testing.TB) *release {
	t.Helper()
	key, err := sogov.GenerateKey()
	must(t, err)
	directory := t.TempDir()
	r := &release{t, directory, filepath.Join(directory, "trust"), key}
	must(t, os.MkdirAll(filepath.Join(r.trust, "keys"), 0o700))
	must(t, os.Chmod(r.trust, 0o700))
	r.addKey(key)
	id, err := key.ID()
	must(t, err)
	r.write(map[string]interface{}{"id": id, "scheme": "sm2-sm3", "services": []string{"*"}})
	return r
}

// addKey puts a public key into the trust directory.
func (r *release) addKey(key *sogov.PrivateKey) {
	public, err := key.Public()
	must(r.t, err)
	pem, err := public.PEM()
	must(r.t, err)
	id, err := public.ID()
	must(r.t, err)
	must(r.t, os.WriteFile(filepath.Join(r.trust, "keys", hex.EncodeToString(id[:])+".pem"), pem, 0o600))
}

// write writes trust.json with these keys.
func (r *release) write(keys ...map[string]interface{}) {
	document, err := json.Marshal(map[string]interface{}{"schema": 1, "epoch": 1, "keys": keys})
	must(r.t, err)
	must(r.t, os.WriteFile(filepath.Join(r.trust, "trust.json"), document, 0o600))
}

// signed is a signed copy of a plugin.
func (r *release) signed(plugin, service, version string) string {
	r.t.Helper()
	target := filepath.Join(r.directory, service+"-"+version+".so")
	_, err := r.key.SignFile(plugin, target, sogov.FileFacts{Service: service, Version: version, Epoch: 1})
	must(r.t, err)
	return target
}

// open opens an engine that trusts the release, and closes it at the end.
func (r *release) open(options sogov.EngineOptions) *sogov.Engine {
	r.t.Helper()
	options.TrustDirectory = r.trust
	engine, err := sogov.Open(&options)
	must(r.t, err)
	r.t.Cleanup(func() { must(r.t, engine.Close()) })
	return engine
}

// load loads a signed copy of a plugin.
func (r *release) load(engine *sogov.Engine, plugin, service, version string) sogov.VersionInfo {
	r.t.Helper()
	info, err := engine.Load(service, version, r.signed(plugin, service, version), nil)
	must(r.t, err)
	return info
}

// feeEngine is an engine with the service fee: v1 stable, v2 loaded.
func feeEngine(t testing.TB) (*sogov.Engine, *sogov.Service) {
	t.Helper()
	r := newRelease(t)
	engine := r.open(sogov.EngineOptions{})
	for _, version := range []string{"v1", "v2"} {
		r.load(engine, fee(version), "fee", version)
	}
	return engine, stable(t, engine, "fee", "v1")
}

// stable promotes a version, and looks its service up.
func stable(t testing.TB, engine *sogov.Engine, name, version string) *sogov.Service {
	t.Helper()
	_, err := engine.Promote(name, version, nil)
	must(t, err)
	service, err := engine.Service(name)
	must(t, err)
	t.Cleanup(func() { must(t, service.Close()) })
	return service
}

func generate(t testing.TB) (*sogov.PrivateKey, *sogov.PublicKey) {
	t.Helper()
	key, err := sogov.GenerateKey()
	must(t, err)
	public, err := key.Public()
	must(t, err)
	return key, public
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, status sogov.Status, err error) {
	t.Helper()
	if !errors.Is(err, status) {
		t.Fatalf("expected %v, found %v", status, err)
	}
}

// await waits until done is closed, or fails at the deadline.
func await(t testing.TB, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(deadline):
		t.Fatalf("%s: still waiting after %v", what, deadline)
	}
}

// vectors reads a file of tests/vectors.
func vectors(t testing.TB, name string, into interface{}) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "tests/vectors", name))
	must(t, err)
	must(t, json.Unmarshal(content, into))
}

// hexBytes are bytes that stand in JSON as hexadecimal digits.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}
