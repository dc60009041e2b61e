# One command for each chore. `make help` lists them; `make test` is what CI does.

SHELL := /bin/bash
MINUTES ?= 10
N ?= 200
SECONDS_EACH ?= 600
FUZZ_SECONDS ?= 30
TOOLS := $(CURDIR)/target/tools
export PATH := $(TOOLS)/bin:$(PATH)

GATE := target/release/bartizan
STEP := scripts/step.sh
PYTHON := .venv/bin/python
NODE := .venv/bin/node
FMT := cargo fmt --all -- --config imports_granularity=Module,group_imports=StdExternalCrate

# The steps share one target folder and print one after the other.
.NOTPARALLEL:
.PHONY: help up test bench eval leaks bench-leaks bench-peers bench-streams eval-peers eval-subjects soak fuzz crash real-model leaks-mutants profile fmt lint tools \
	test-fmt test-typos test-tidy test-clippy test-rust test-docs test-deny test-machete test-release test-sdk test-npm test-judges test-leaks test-instructions test-fuzz instructions

help:
	@echo "make up          build the release binary and start the gate"
	@echo "make test        everything that CI does"
	@echo "make bench       cost of the gate against a bare proxy, of detection and of judging"
	@echo "make eval        accuracy on labelled sets and ordinary files beside the project; writes docs/evaluation.md; PACK=FOLDER: with an accuracy pack, too"
	@echo "make eval-subjects  what texts are about, on passages by hand and ordinary files"
	@echo "make eval-peers  the synthetic sentences with Presidio side by side (installs it); writes docs/evaluation-peers.md"
	@echo "make leaks       every field of every route in every encoding: nothing may leak"
	@echo "make bench-leaks  the public harness pii-leak-benchmark, every mode of it"
	@echo "make bench-peers  CPU per request beside LiteLLM, Portkey and TensorZero (installs them), then bench-streams"
	@echo "make bench-streams  delay and hold-back of each streaming route"
	@echo "make leaks-mutants   the same against gates that are broken on purpose: each must be caught"
	@echo "make soak        full speed for MINUTES=$(MINUTES), memory watched"
	@echo "make crash       SIGKILL under load, N=$(N) times, nothing may be lost"
	@echo "make fuzz        every fuzz target for SECONDS_EACH=$(SECONDS_EACH)"
	@echo "make real-model  the client tests through the gate against a real local model"
	@echo "make profile     take the profile anew by which the compiler lays out the release build"
	@echo "make fmt, make lint"

up: release
	exec $(GATE) up

# --- what CI does, cheap steps first -------------------------------------------------------------------------------

test: tools test-fmt test-typos test-tidy test-clippy test-rust test-docs test-deny test-machete test-release test-sdk test-npm test-judges test-leaks test-instructions test-fuzz
	@$(STEP) --table
	@echo "RESULT test=ok"

tools:
	@$(STEP) tools scripts/tools.sh

test-fmt:
	@$(STEP) fmt $(FMT) --check

test-typos:
	@$(STEP) typos .venv/bin/typos

test-tidy:
	@$(STEP) tidy cargo run --quiet --package xtask -- tidy

test-clippy:
	@$(STEP) clippy cargo clippy --workspace --all-targets --locked -- -D warnings

test-rust:
	@$(STEP) tests scripts/rust-tests.sh
	@$(STEP) doctests cargo test --workspace --doc --locked --quiet

test-docs:
	@RUSTDOCFLAGS="-D warnings" $(STEP) rustdoc cargo doc --workspace --no-deps --document-private-items --locked --quiet

test-deny:
	@$(STEP) deny cargo deny --locked check --allow unused-wrapper bans licenses sources

test-machete:
	@$(STEP) machete cargo machete --skip-target-dir

test-release: release

test-sdk:
	@$(STEP) sdk $(PYTHON) -m pytest -q tests/sdk

test-npm:
	@$(STEP) npm $(NODE) --test --test-concurrency=1 --test-reporter=dot 'tests/npm/*.test.js'

test-judges:
	@$(STEP) judges scripts/judges.sh $(GATE)

# One cell of so many; `make leaks` tries them all.
test-leaks:
	@$(STEP) leaks target/release/leaks $(GATE) --one-of 8

test-instructions:
	@$(STEP) instructions scripts/instructions.sh

test-fuzz:
	@$(STEP) fuzz scripts/fuzz.sh $(FUZZ_SECONDS)

.PHONY: release
release:
	@$(STEP) release scripts/release.sh

# --- measurements --------------------------------------------------------------------------------------------------

# The last command judges the bars of all three, so that one RESULT line has everything.
bench:
	@mkdir -p out
	@$(STEP) release scripts/release.sh --examples
	@$(STEP) detection bash -c 'target/release/examples/throughput | tee out/throughput.txt'
	@$(STEP) exact bash -c 'target/release/examples/throughput --exact 10000000 | tee out/exact.txt'
	@$(STEP) judging bash -c 'target/release/examples/judge_cost | tee out/judge_cost.txt'
	@target/release/bench $(GATE) --result out/throughput.txt --result out/exact.txt --result out/judge_cost.txt

soak: release
	@target/release/soak $(GATE) --minutes $(MINUTES)

crash: release
	@target/release/crash $(GATE) --times $(N)

fuzz:
	@scripts/fuzz.sh $(SECONDS_EACH)

real-model: release
	@tests/real_model/run.sh $(GATE)

# Accuracy on data that lies beside the project; the tests pass without it.
eval:
	@[ -d ../shared/data/pii ] || { echo "there is no ../shared/data/pii; nothing was measured"; exit 2; }
	@scripts/eval.sh ../shared/data/pii --page docs/evaluation.md

# After changes to the way of a request; `profile/README.md` says when.
profile:
	@scripts/profile.sh

instructions: release
	@scripts/instructions.sh

# Every field of every route, both ways, at the raw sockets; writes docs/leak-matrix.md.
leaks: release
	@target/release/leaks $(GATE) --page docs/leak-matrix.md

# The matrix must turn red when the gate is broken on purpose.
leaks-mutants:
	@scripts/leaks-mutants.sh

# The public harness of others, every mode of it.
bench-leaks: release
	@scripts/bench_leaks.sh $(GATE)

# Beside other gateways, which it installs under target/peers; then the streams. Writes docs/bench-peers.md and docs/bench-streams.md.
bench-peers: release
	@status=0; scripts/bench_peers.sh $(GATE) --page docs/bench-peers.md || status=1; \
	$(MAKE) --no-print-directory bench-streams || status=1; exit $$status

bench-streams: release
	@target/release/streams $(GATE) --page docs/bench-streams.md

# The same sentences beside Presidio, which it installs under target/peers.
eval-subjects:
	@scripts/eval_subjects.sh

eval-peers:
	@[ -d ../shared/data/pii ] || { echo "there is no ../shared/data/pii; nothing was measured"; exit 2; }
	@scripts/eval_peers.sh ../shared/data/pii

# --- by hand -------------------------------------------------------------------------------------------------------

fmt:
	@$(FMT)

lint: test-fmt test-tidy test-clippy
