# One command for each chore; `make` alone lists them. The work is done by CMake and by the scripts in tools/.

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run build install deb image test test-programs browser large flat quick bench microbench fuzz scan faults soak soak-imap simulate run-cluster faults-cluster faults-database memcheck fmt lint tidy asan tsan clang clean

JOBS ?= $(shell nproc)
SECONDS ?= 30
MINUTES ?= 10
STRIDE ?= 1
QUICK ?=
ROUNDS ?=
CASE ?=
ENDING ?=
CELL ?=
BENCH_PEERS := postfix exim4-daemon-light opensmtpd dovecot-core dovecot-pop3d dovecot-lmtpd dovecot-imapd postal opendkim
CTEST_JOBS ?= 2
CTEST := ctest --output-on-failure -j$(CTEST_JOBS) $(if $(V),-V)
BUILD := cmake --build
FLAGS := -j$(JOBS) $(if $(V),-v)

help: ## This list
	@echo "make TARGET [V=1] [JOBS=n]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

run: build ## Server with a demonstration mail, then in the foreground; ONCE=1 ends after the demonstration
	@tools/demo

build: ## The program: build/release/paquebot
	@tools/setup build
	@test -f build/release/build.ninja || cmake --preset release -DPAQUEBOT_TESTS=OFF
	@$(BUILD) build/release --target paquebot $(FLAGS)

install: ## What `make build` made, for the system: PREFIX=/usr/local, DESTDIR= (docs/operations.md)
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" tools/install build/release/paquebot

deb: build ## A Debian package of what `make build` made: build/deb/paquebot_VERSION_ARCH.deb, looked over by lintian
	@tools/setup package
	@tools/deb

image: deb ## A container's image of that package, as an OCI archive: build/paquebot.oci.tar (as root)
	@tools/setup package
	@tools/image "$$(ls -t build/deb/*.deb | head -n 1)"

test: ## All tests, with third-party mail programs unpacked under build/peers
	@tools/setup build test
	@tools/peers
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release $(FLAGS)
	@$(CTEST) --test-dir build/release

test-programs: ## Programs that people send with, those too that are large (Go, Thunderbird: 80 MB each), against a server with its default settings
	@tools/setup build test
	@tools/peers
	@tools/peers golang-1.19-go golang-1.19-src prometheus pebble thunderbird xvfb unbound iproute2
	@{ command -v node && command -v npm && command -v chromium; } >/dev/null || tools/setup programs
	@tools/modules
	@tools/modules sink
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release --target paquebot $(FLAGS)
	@PROGRAMS_ALL=1 PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot /usr/bin/python3 tests/browser/console_test.py
	@PROGRAMS_ALL=1 PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot \
	  /usr/bin/python3 tests/e2e/programs_test.py -v
	@PROGRAMS_ALL=1 PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot \
	  /usr/bin/python3 tests/e2e/bypass_test.py -v BypassTest.test_what_programs_show
	@PROGRAMS_ALL=1 PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot \
	  /usr/bin/python3 tests/e2e/monitoring_test.py -v MonitoringTest.test_promtool
	@PROGRAMS_ALL=1 PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot \
	  /usr/bin/python3 tests/e2e/certificates_test.py -v
	@PROGRAMS_ALL=1 PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot \
	  /usr/bin/python3 tests/e2e/api_document_test.py -v
	@PROGRAMS_ALL=1 PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot \
	  /usr/bin/python3 tests/e2e/hooks_test.py -v
	@PROGRAMS_ALL=1 PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot \
	  /usr/bin/python3 tests/e2e/imap_clients_test.py -v
	@PROGRAMS_ALL=1 PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot \
	  /usr/bin/python3 tests/e2e/mbsync_test.py -v
	@PROGRAMS_ALL=1 PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot \
	  /usr/bin/python3 tests/e2e/thunderbird_test.py -v
	@PROGRAMS_ALL=1 PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot \
	  /usr/bin/python3 tests/e2e/sink_recipes_test.py -v
	@$(MAKE) run-cluster
	@$(MAKE) run-cluster TWO=1
	@tools/setup package
	@PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot /usr/bin/python3 tests/packages/packages_test.py -v
	@PROGRAMS_ALL=1 PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot /usr/bin/python3 tests/packages/first_domain_test.py -v

browser: ## The console in chromium, every page for every role; pictures in build/pictures/console
	@tools/setup build test
	@{ command -v node && command -v npm && command -v chromium; } >/dev/null || tools/setup programs
	@tools/modules
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release --target paquebot $(FLAGS)
	@PROGRAMS_ALL=1 PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_BINARY=build/release/paquebot /usr/bin/python3 tests/browser/console_test.py

large: ## A mailbox of MESSAGES=n (1000000) over POP3: times and memory, a few minutes
	@tools/setup build test
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release --target paquebot --target fill_mailbox $(FLAGS)
	@POP3_MESSAGES=$(or $(MESSAGES),1000000) PYTHONPATH=tests/e2e /usr/bin/python3 tests/e2e/pop3_large_test.py

flat: ## MESSAGES=n (200000) of all kinds through one server: memory, descriptors, tables and log stay flat
	@tools/setup build test
	@tools/peers
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release --target paquebot $(FLAGS)
	@FLAT_MESSAGES=$(or $(MESSAGES),200000) PYTHONPATH=tests/e2e /usr/bin/python3 tests/e2e/flat_test.py -v

quick: ## Unit tests and checkers only, not optimised (build/debug)
	@tools/setup build test
	@cmake --preset debug
	@$(BUILD) build/debug $(FLAGS)
	@$(CTEST) --test-dir build/debug -LE e2e

bench: ## Beside Postfix, Exim, OpenSMTPD, Dovecot: about an hour, as root; CASE="accept pop3", QUICK=1, BASELINE=DIR (see docs/benchmarks.md)
	@tools/setup build bench
	@tools/peers $(BENCH_PEERS)
	@case " $(or $(CASE),console) " in *" console "*) tools/setup programs && tools/modules;; esac
	@cmake --preset release -DPAQUEBOT_TESTS=OFF -DPAQUEBOT_BENCH=ON
	@$(BUILD) build/release --target paquebot bench_tools $(FLAGS)
	@QUICK=$(QUICK) ROUNDS=$(ROUNDS) CELL="$(CELL)" /usr/bin/python3 bench/run.py $(CASE)

microbench: ## Google Benchmark programs of bench/, for single parts
	@tools/setup build bench
	@cmake --preset release -DPAQUEBOT_TESTS=OFF -DPAQUEBOT_BENCH=ON
	@$(BUILD) build/release --target benchmarks $(FLAGS)
	@tools/bench

fuzz: ## Each fuzzer of fuzz/ for SECONDS=n (30)
	@tools/setup build lint
	@cmake --preset fuzz
	@$(BUILD) --preset fuzz $(FLAGS)
	@tools/fuzz $(SECONDS)

scan: build ## TLS settings looked over by sslscan and testssl.sh (minutes)
	@tools/setup build test
	@tools/peers sslscan testssl.sh
	@PAQUEBOT_SCAN=long PAQUEBOT_BINARY=build/release/paquebot /usr/bin/python3 tests/e2e/tls_scan_test.py -v

faults: ## Crashes, errors and power cuts at every place (docs/durability.md); STRIDE=n: errors at every n-th place
	@tools/setup build test
	@tools/peers
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release --target paquebot fault_shim power_cut $(FLAGS)
	@FAULTS_FULL=1 FAULTS_STRIDE=$(STRIDE) ctest --test-dir build/release -V --timeout 14400 -L faults

soak: ## Random kills under load for MINUTES=n (10)
	@tools/setup build test
	@tools/peers
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release --target paquebot $(FLAGS)
	@SOAK_SECONDS=$$(( $(MINUTES) * 60 )) ctest --test-dir build/release -V --timeout $$(( $(MINUTES) * 60 + 900 )) -R '^faults_soak$$'

soak-imap: ## Ten IMAP clients at random under random kills for MINUTES=n (10), compared with a model
	@tools/setup build test
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release --target paquebot $(FLAGS)
	@IMAP_SOAK_SECONDS=$$(( $(MINUTES) * 60 )) ctest --test-dir build/release -V --timeout $$(( $(MINUTES) * 60 + 900 )) -R '^faults_imap_soak$$'

simulate: ## SEEDS=n (100) simulated fortnights with MESSAGES=n (10000) each and all that goes wrong in them; FIRST=seed, KEEP=directory for traces
	@tools/setup build test
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release --target simulate $(FLAGS)
	@build/release/tests/simulation/simulate --seeds $(or $(SEEDS),100) --first $(or $(FIRST),1) \
	  --messages $(or $(MESSAGES),10000) $(if $(KEEP),--keep $(KEEP)) $(if $(AGAIN),--again)

CLUSTER := PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_SOURCE_DIR=$(CURDIR) PAQUEBOT_BINARY=build/release/paquebot

run-cluster: ## Three servers, three databases under Patroni; a database and a server die, all mail arrives; as root; STAY=1: stays up; TWO=1: two databases, one is lost
	@tools/setup build test cluster
	@tools/peers patroni etcd-server
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release --target paquebot $(FLAGS)
	@$(CLUSTER) /usr/bin/python3 tests/cluster/run.py $(if $(STAY),--stay) $(if $(TWO),--two)

faults-cluster: ## Servers, databases and links of a cluster fail for MINUTES=n (20); SEED=n: the same again; as root
	@tools/setup build test cluster
	@tools/peers patroni etcd-server
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release --target paquebot $(FLAGS)
	@MINUTES=$(if $(filter command line,$(origin MINUTES)),$(MINUTES),20) SEED=$(SEED) $(CLUSTER) /usr/bin/python3 tests/cluster/faults.py

faults-database: ## The connection to the database cut before and after each message to it; STEPS=a,b: only these steps of the dialogue
	@tools/setup build test
	@cmake --preset release -DPAQUEBOT_TESTS=ON
	@$(BUILD) build/release --target paquebot $(FLAGS)
	@FAULTS_FULL=1 $(CLUSTER) /usr/bin/python3 tests/faults/database_cut_test.py -v

memcheck: ## Sessions ended at every point of a dialogue, under valgrind; QUICK=1: every other point; ENDING=reset: one way only
	@tools/setup build test memcheck
	@cmake --preset memcheck
	@$(BUILD) build/memcheck --target paquebot --target fault_shim $(FLAGS)
	@QUICK=$(QUICK) ENDING=$(ENDING) PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 PAQUEBOT_SOURCE_DIR=. \
	  PAQUEBOT_BINARY=build/memcheck/paquebot PAQUEBOT_SHIM=build/memcheck/tests/faults/fault_shim.so \
	  /usr/bin/python3 tests/memcheck/endings.py

fmt: ## Formats all C++ in place
	@tools/setup lint
	@tools/format --write

lint: ## Format, include floors, co_await arguments, shell scripts, clang-tidy on what changed
	@tools/setup build test lint
	@tools/format --check
	@tools/floors --self-test
	@tools/floors
	@tools/lint-coawait --self-test
	@tools/lint-coawait
	@tools/lint-web --self-test
	@tools/lint-web
	@tools/sizes --self-test
	@tools/sizes
	@tools/documents --self-test
	@tools/documents
	@tools/reference --self-test
	@shellcheck -x .ci/run $$(grep -lE '^#!.*(bash|/sh)$$' tools/*)
	@tools/tidy --changed

tidy: ## clang-tidy on everything (minutes)
	@tools/setup build test lint
	@tools/tidy --all

asan: ## Tests under the address and undefined-behaviour sanitizers
	@tools/setup build test
	@tools/peers
	@cmake --preset asan
	@$(BUILD) build/asan $(FLAGS)
	@$(CTEST) --test-dir build/asan

# Live suites in which several threads of the server have work at once; all others walk one session after the other.
THREADED := backup|console|crowd|filter|flat|hooks|imap|load|pop3|relay|resolver|service|start|ways

tsan: ## Unit tests and the live suites with much at once under the thread sanitizer; ALL=1: every suite
	@tools/setup build test lint
	@tools/peers
	@cmake --preset tsan
	@$(BUILD) build/tsan $(FLAGS)
	@$(CTEST) --test-dir build/tsan $(if $(ALL),,-E '^(e2e|faults)_')
	@$(if $(ALL),,$(CTEST) --test-dir build/tsan -R '^e2e_($(THREADED))$$')

clang: ## Unit tests built with clang-19
	@tools/setup build test lint
	@cmake --preset clang
	@$(BUILD) build/clang $(FLAGS)
	@$(CTEST) --test-dir build/clang -LE e2e

clean: ## Removes what was built, keeps the unpacked peers
	@find build -mindepth 1 -maxdepth 1 ! -name peers -exec rm -rf {} + 2>/dev/null || true
