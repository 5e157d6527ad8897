# The two commands of the README: `make demo` runs the main job, `make test` passes every test.
# Everything is built once, in release mode, under $(CARGO_TARGET_DIR).

CARGO_TARGET_DIR ?= target
override CARGO_TARGET_DIR := $(abspath $(CARGO_TARGET_DIR))
export CARGO_TARGET_DIR

RELEASE := $(CARGO_TARGET_DIR)/release
LIBRARY := $(RELEASE)/libsogov.so.0
PLUGINS := $(CARGO_TARGET_DIR)/plugins
HOSTS := $(CARGO_TARGET_DIR)/hosts
VENV := $(CARGO_TARGET_DIR)/venv/bin
export SOGOV_LIBRARY := $(LIBRARY)
export SOGOV_TEST_PLUGINS := $(PLUGINS)

.PHONY: setup build header examples demo test test-rust test-loom test-plugins test-python lint soak \
        bench bench-runtime bench-crypto deny clean

setup:
	@tools/setup.sh "$(CARGO_TARGET_DIR)"

build: setup
	cargo build --release --workspace --locked
	@ln -sf libsogov.so "$(LIBRARY)"

# Writes include/sogov.h anew after a change in src/capi/.
header: build
	cp "$$(ls -t "$(RELEASE)"/build/sogov-*/out/sogov.h | head -1)" include/sogov.h

examples: build
	@$(MAKE) -s -C c_examples/plugins OUT="$(PLUGINS)" all rust
	@$(MAKE) -s -C c_examples OUT="$(HOSTS)" LIBDIR="$(RELEASE)"

demo: examples
	@tools/demo.sh "$(CARGO_TARGET_DIR)"

test: test-rust test-loom test-plugins test-python

test-rust: build
	cargo test --release --workspace --locked

# The concurrency models run with loom's atomics, which are a build of their own.
test-loom: setup
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/loom" cargo test --release --lib --locked loom

test-plugins: examples
	@$(MAKE) -s -C c_examples/plugins OUT="$(PLUGINS)" check

test-python: examples
	$(VENV)/python -m pytest -q python_bindings

lint: setup
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --locked --quiet
	$(VENV)/ruff check python_bindings
	$(VENV)/ruff check --isolated --line-length 110 tests
	$(VENV)/ruff format --check python_bindings
	$(VENV)/ruff format --check --isolated --line-length 110 tests
	$(VENV)/mypy --strict python_bindings/src

# Long forms, not in CI: more cycles and more cases of what the tests do once.
soak: build
	SOGOV_SOAK=1 cargo test --release --workspace --locked -- --nocapture

bench: bench-crypto bench-runtime

bench-crypto: build
	cargo bench --bench crypto --locked

bench-runtime: examples
	cargo bench --bench runtime --locked

# Bans, licences and sources of the dependencies, where cargo-deny is installed.
deny:
	@if cargo deny --version >/dev/null 2>&1; then cargo deny --all-features check bans licenses sources; \
	else echo "make deny: cargo-deny is not installed (cargo install cargo-deny)" >&2; exit 1; fi

clean:
	rm -rf "$(CARGO_TARGET_DIR)"
