# The two commands of the README: `make demo` runs the main job, `make test` passes every test.
# Everything is built once, in release mode, under $(CARGO_TARGET_DIR).

CARGO_TARGET_DIR ?= target
override CARGO_TARGET_DIR := $(abspath $(CARGO_TARGET_DIR))
export CARGO_TARGET_DIR

RELEASE := $(CARGO_TARGET_DIR)/release
LIBRARY := $(RELEASE)/libsogov.so.0
PLUGINS := $(CARGO_TARGET_DIR)/plugins
HOSTS := $(CARGO_TARGET_DIR)/hosts
TEST_HOSTS := $(CARGO_TARGET_DIR)/test-hosts
VENV := $(CARGO_TARGET_DIR)/venv/bin
export SOGOV_LIBRARY := $(LIBRARY)
export SOGOV_TEST_PLUGINS := $(PLUGINS)

.PHONY: setup build header examples demo test test-rust test-faults test-loom test-constant-time test-plugins \
        test-python test-hosts test-c test-cpp test-go test-java jar test-avx512 vectors fuzz-short miri lint soak bench \
        bench-crypto bench-payment bench-plot bench-runtime bench-instructions bench-timing deny clean \
        install uninstall dist test-packages test-openssl

setup:
	@tools/setup.sh "$(CARGO_TARGET_DIR)"

build: setup
	cargo build --release --workspace --locked
	@ln -sf libsogov.so "$(LIBRARY)"

# Writes include/sogov.h anew after a change in src/capi/.
header: build
	cp "$$(ls -t "$(RELEASE)"/build/sogov-*/out/sogov.h | head -1)" include/sogov.h

examples: build
	@$(MAKE) -s -C c_examples/plugins OUT="$(PLUGINS)" all rust cpp go
	@$(MAKE) -s -C c_examples OUT="$(HOSTS)" LIBDIR="$(RELEASE)"
	@$(MAKE) -s -C go_bindings payment_host OUT="$(HOSTS)" LIBDIR="$(RELEASE)"
	@$(JAVA_MAKE) examples

demo: examples
	@tools/demo.sh "$(CARGO_TARGET_DIR)"

test: test-rust test-faults test-loom test-constant-time test-plugins test-python test-hosts test-cpp \
      test-openssl test-packages

test-rust: build
	cargo test --release --workspace --locked

# Every step at which the runtime can fail. A build of its own, with the feature that puts the steps in.
test-faults: setup
	CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/faults" cargo test --test faults --features failpoints --locked

# The concurrency models run with loom's atomics, which are a build of their own.
test-loom: setup
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/loom" cargo test --release --lib --locked loom

# No branch and no address may depend on private keys and nonces: valgrind looks at what the compiler made of the code.
test-constant-time: setup
	@tools/constant_time.sh "$(CARGO_TARGET_DIR)/ctgrind"

test-plugins: examples
	@$(MAKE) -s -C c_examples/plugins OUT="$(PLUGINS)" check

# Two versions of a library that nobody wrote for sogov, in a host without it and in one that is linked against it.
test-openssl: examples
	@library=$$(tools/fetch_openssl.sh "$(CARGO_TARGET_DIR)") && for host in two_openssl two_openssl_linked; do \
	    work=$$(mktemp -d) && "$(HOSTS)/$$host" "$$work" "$$library" && rm -rf "$$work" || exit 1; done

test-python: examples
	$(VENV)/python -m pytest -q python_bindings

# Hosts in C, Go and Java over the public header, each with a storm of changes; that of C also under sanitizers.
HOSTS_MAKE = $(MAKE) -s -C tests/hosts OUT="$(TEST_HOSTS)" LIBDIR="$(RELEASE)" PYTHON="$(abspath $(VENV)/python)"
test-hosts: test-c test-go test-java

test-c: build
	@$(HOSTS_MAKE) c c-sanitized

# include/sogov.hpp: the tests plainly and under sanitizers, by each standard of C++, and without exceptions.
test-cpp: examples
	@$(MAKE) -s -C tests/cpp OUT="$(CARGO_TARGET_DIR)/test-cpp" LIBDIR="$(RELEASE)" PLUGINS="$(PLUGINS)"

# The Go module, and the hosts that use it.
GO_MAKE = $(MAKE) -s -C go_bindings OUT="$(TEST_HOSTS)" LIBDIR="$(RELEASE)"
test-go: examples
	@$(GO_MAKE) test
	@$(HOSTS_MAKE) go

test-java: examples
	@SOGOV_TEST_ZOO="$(TEST_HOSTS)/zoo" && export SOGOV_TEST_ZOO && tests/zoo/build.sh "$$SOGOV_TEST_ZOO" && $(JAVA_MAKE) test
	@$(JAVA_MAKE) javadoc
	@$(HOSTS_MAKE) java

# The jar with the natives in it: $(CARGO_TARGET_DIR)/java/sogov-0.1.0.jar
JAVA_MAKE = $(MAKE) -s -C java_bindings OUT="$(CARGO_TARGET_DIR)/java" LIBDIR="$(RELEASE)"
jar: build
	@$(JAVA_MAKE) jar

# The unit tests of the cryptography where AVX-512 IFMA is: on this processor or on an emulated one. Key files have
# nothing to do with it, and an encrypted one with HMAC-SHA1 that opens elsewhere does not under Bochs 2.7.
test-avx512: setup
	tests/bochs/run.py "$(CARGO_TARGET_DIR)" crypto:: --skip crypto::sm2::encoding

lint: setup
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --locked --quiet
	test -z "$$(gofmt -l go_bindings tests/hosts/go c_examples)" || { gofmt -d go_bindings tests/hosts/go c_examples; exit 1; }
	@$(GO_MAKE) vet
	@$(HOSTS_MAKE) vet-go
	$(VENV)/ruff check python_bindings
	$(VENV)/ruff check --isolated --line-length 110 tests
	$(VENV)/ruff format --check python_bindings
	$(VENV)/ruff check --isolated --line-length 110 packaging
	$(VENV)/ruff format --check --isolated --line-length 110 packaging
	$(VENV)/ruff format --check --isolated --line-length 110 tests
	$(VENV)/mypy --strict python_bindings/src

# Whether the committed vectors of SM2 and SM3 are what their script writes, and what OpenSSL says of them.
vectors: setup
	python3 tests/vectors/make_sm2_vectors.py --check

# The parsers of hostile input under libFuzzer, for FUZZ_SECONDS each; needs a nightly toolchain.
FUZZ_SECONDS ?= 30
fuzz-short:
	@tools/fuzz.sh "$(CARGO_TARGET_DIR)" "$(FUZZ_SECONDS)"

# The arithmetic at the portable level under Miri; needs a nightly toolchain with the component miri.
miri:
	@if cargo +nightly miri --version >/dev/null 2>&1; then \
	CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/miri" cargo +nightly miri test --lib --locked -- \
	    crypto::sm2::scalar crypto::sm2::window crypto::sm2::point crypto::sm2::complete; \
	else echo "make miri: Miri is not installed (rustup toolchain install nightly --component miri)" >&2; exit 1; fi

# Long forms, not in CI: more cycles and more cases of what the tests do once, and a storm of SOAK_SECONDS in each
# language.
SOAK_SECONDS ?= 1800
soak: examples
	SOGOV_SOAK=1 cargo test --release --workspace --locked -- --nocapture
	@SOGOV_STORM_SECONDS=$(SOAK_SECONDS) $(HOSTS_MAKE) c-storm go-storm java-storm
	SOGOV_STORM_SECONDS=$(SOAK_SECONDS) $(VENV)/python -m pytest -q -s python_bindings/tests/test_storm.py

bench: bench-crypto bench-payment bench-runtime

# The peers are fetched and built first, as far as this machine allows; the bench names those that are missing.
bench-crypto: build
	@tools/setup-bench.sh target/bench/peers
	cargo bench --bench crypto --locked

bench-payment: build
	cargo bench --bench payment --locked

# Whether the time of a signature depends on secrets; not part of bench: the machine should be idle.
bench-timing: build
	cargo bench --bench timing --locked

# Draws docs/sm2-verify.svg from what bench-crypto measured.
bench-plot:
	python3 tools/plot_bench.py target/bench/crypto.json docs/sm2-verify.svg

bench-runtime: examples
	cargo bench --bench runtime --locked
	@$(HOSTS_MAKE) bench-go
	@$(HOSTS_MAKE) bench-java
	@$(HOSTS_MAKE) bench-python

# How many instructions a request takes, by function.
bench-instructions: examples
	@tools/count_instructions.py

# Bans, licences and sources of the dependencies, where cargo-deny is installed.
deny:
	@if cargo deny --version >/dev/null 2>&1; then cargo deny --all-features check bans licenses sources; \
	else echo "make deny: cargo-deny is not installed (cargo install cargo-deny)" >&2; exit 1; fi

# PREFIX, LIBDIR, INCLUDEDIR, BINDIR and DESTDIR are those of packaging/Makefile. Nothing is built: root need not do that.
install uninstall:
	@$(MAKE) -s -C packaging $@ RELEASE="$(RELEASE)" $(if $(DESTDIR),DESTDIR="$(abspath $(DESTDIR))")

# Everything that is handed out, into $(CARGO_TARGET_DIR)/dist.
dist: build
	@packaging/dist.sh "$(CARGO_TARGET_DIR)" "$(CARGO_TARGET_DIR)/dist"

# Each package, used from a clean place.
test-packages: dist
	@packaging/test.sh "$(CARGO_TARGET_DIR)"

clean:
	rm -rf "$(CARGO_TARGET_DIR)"
