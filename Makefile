# Everything a developer types. `make` alone explains itself.
PREFIX     ?= /usr/local
DESTDIR    ?=
SYSCONFDIR ?= /etc
SBINDIR    ?= /sbin
UNITDIR    ?= $(PREFIX)/lib/systemd/system

MOUNTPOINT := Mountpoints/iscsi
RELEASE    := .build/release/iscsifs
SOURCES    := Package.swift Sources Tests
SWIFT      ?= swift
SUDO       := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Two at a time: the build must leave a small machine usable.
JOBS       ?= 2
RING_SWITCH := /sys/module/fuse/parameters/enable_uring
# Static: what is tried with `make run` is what is installed, and needs no toolchain to run.
STATIC_RELEASE := -c release --static-swift-stdlib --jobs $(JOBS)
RELEASE_FLAGS := --product iscsifs $(STATIC_RELEASE)

BUILD_PACKAGES := libfuse3-dev fuse3 liburing-dev pkg-config
TEST_PACKAGES  := tgt istgt fio e2fsprogs qemu-utils qemu-system-common qemu-block-extra libiscsi-bin \
                  tshark strace util-linux
BENCH_PACKAGES := qemu-utils qemu-system-common qemu-block-extra tgt fio libiscsi-bin fuse3 util-linux
INTEROP_PACKAGES := tgt istgt fio tshark qemu-system-x86 xz-utils fuse3 psmisc util-linux
DRILL_PACKAGES := tgt fio e2fsprogs qemu-system-common qemu-block-extra qemu-system-x86 xz-utils \
                  fuse3 psmisc util-linux
GUEST_PACKAGES := qemu-system-x86 iproute2 xz-utils tgt fio qemu-system-common qemu-block-extra

# What `make bench` takes from the command line.
WORKLOAD ?=
ROUNDS   ?=
SECONDS  ?=
RECORD   ?=
RING     ?=
# And `make bench-kernel`: the release of Debian whose kernel the guest runs.
KERNEL   ?=
# And `make interop`: one of tgt, tgt-tuned, istgt, lio.
TARGET   ?=
# And `make drills`: some of them, in seconds instead of minutes.
DRILL    ?=
SHORT    ?=
# And `make fuzz`: one of the directories of Tests/Fuzz/Corpus; all of them, one after the other.
FUZZ     ?=

# And `make sim`: how many seeds, or one to be shown, or a bug to plant.
RUNS     ?=
SEED     ?=
BUG      ?=

FUZZ_NAMES := $(or $(FUZZ),$(notdir $(wildcard Tests/Fuzz/Corpus/*)))
FUZZ_SCRATCH := .build-fuzz
FUZZ_OPTIONS := -max_total_time=$(or $(SECONDS),60) -rss_limit_mb=512 -timeout=5 -max_len=65536 \
                -print_final_stats=1 -dict=Tests/Fuzz/words.dict
# Sanitizers slow programs down, and what starts the installed binary is not sanitized.
SANITIZED_TESTS := --skip EndToEndTests --skip TidyTests
# What runs again on the release binary and through io_uring: not what tries other people's targets
# and anybody's patience, which `make test` has done.
BINARY_TESTS := --filter EndToEndTests --skip InteropTests --skip DrillTests --skip OutageTests

.DEFAULT_GOAL := help
.PHONY: help deps deps-test build run test test-release test-ring sim fuzz asan tsan bench bench-kernel interop drills lint format check install uninstall clean

help: ## Show what can be made
	@echo 'make TARGET, where TARGET is one of'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# Installs those of $(1) that dpkg does not know as installed; asks nothing and nobody otherwise.
define install_missing
	missing=; for package in $(1); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' \
	    || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing:$$missing"; \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $$missing </dev/null; \
	fi
endef

deps: ## Install what building needs, when missing (Debian, Ubuntu)
	@command -v $(SWIFT) >/dev/null || \
	  { echo 'Swift 6.3 is not on PATH; get it from https://www.swift.org/install/linux'; exit 1; }
	@$(call install_missing,$(BUILD_PACKAGES))

deps-test: deps ## Install what testing needs besides, when missing
	@$(call install_missing,$(TEST_PACKAGES))

build: deps ## Build the release binary
	$(SWIFT) build $(RELEASE_FLAGS)

run: build ## Mount Mountpoints/iscsi on the embedded target and print what to try
	@mkdir -p $(MOUNTPOINT)
	@if $(RELEASE) status | grep -qxF "$(CURDIR)/$(MOUNTPOINT) demo"; then \
	  echo "$(MOUNTPOINT) is mounted already."; \
	else \
	  $(RELEASE) demo $(MOUNTPOINT) && echo "Mounted $(MOUNTPOINT)."; \
	fi
	@echo
	@echo 'Try:'
	@echo '  ls -l $(MOUNTPOINT)/targets/*/'
	@echo '  cat $(MOUNTPOINT)/status'
	@echo '  dd if=/dev/urandom of=$$(ls $(MOUNTPOINT)/targets/*/lun? | head -1) bs=1M count=16 conv=notrunc,fsync'
	@echo '  echo logout > $$(ls -d $(MOUNTPOINT)/targets/* | head -1)/control'
	@echo 'Done:'
	@echo '  $(RELEASE) unmount $(MOUNTPOINT)'

test: deps-test ## Build and run every test
	$(SWIFT) build --build-tests --jobs $(JOBS)
	ISCSIFS_BINARY="$${ISCSIFS_BINARY:-$(CURDIR)/.build/debug/iscsifs}" \
	SWIFT_BACKTRACE=enable=no $(SWIFT) test --skip-build --num-workers $(JOBS) --parallel

test-release: deps-test build ## Run the end-to-end tests on the release binary, with its budgets
	$(SWIFT) build --build-tests --jobs $(JOBS)
	$(SWIFT) build --product AllocationCounter --jobs $(JOBS)
	ISCSIFS_BINARY="$(CURDIR)/$(RELEASE)" \
	SWIFT_BACKTRACE=enable=no $(SWIFT) test --skip-build $(BINARY_TESTS)

test-ring: deps-test build ## The same with every mount's requests through io_uring, where this kernel can
	$(SWIFT) build --build-tests --jobs $(JOBS)
	$(SWIFT) build --product AllocationCounter --jobs $(JOBS)
	@if [ -w $(RING_SWITCH) ]; then \
	  before=$$(cat $(RING_SWITCH)); trap 'echo $$before > $(RING_SWITCH)' EXIT; \
	  echo Y > $(RING_SWITCH); \
	  ISCSIFS_TEST_CHANNEL=uring ISCSIFS_BINARY="$(CURDIR)/$(RELEASE)" \
	  SWIFT_BACKTRACE=enable=no $(SWIFT) test --skip-build $(BINARY_TESTS); \
	else \
	  echo "skipped: the end-to-end tests through io_uring need root and $(RING_SWITCH)"; \
	fi

# Built apart, and for testing: a simulation looks into the reactor.
sim: deps ## Play kernel, network and target to the reactor: RUNS=n seeds of two families, SEED=n shows one, BUG=name
	$(SWIFT) build -c release -Xswiftc -enable-testing --scratch-path .build-sim \
	  --product Simulate --jobs $(JOBS)
	.build-sim/release/Simulate $(if $(RUNS),--runs $(RUNS)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(BUG),--bug $(BUG))

fuzz: deps ## Feed what reads bytes from outside with bytes nobody thought of: SECONDS=n FUZZ=name
	ISCSIFS_FUZZ=1 $(SWIFT) build -c release --sanitize address -Xswiftc -sanitize=fuzzer \
	  --scratch-path $(FUZZ_SCRATCH) --product Fuzz --jobs $(JOBS)
	@for name in $(FUZZ_NAMES); do \
	  mkdir -p $(FUZZ_SCRATCH)/corpus/$$name $(FUZZ_SCRATCH)/findings || exit 1; \
	  echo "fuzz: $$name"; \
	  ISCSIFS_FUZZ=$$name SWIFT_BACKTRACE=enable=no $(FUZZ_SCRATCH)/release/Fuzz $(FUZZ_OPTIONS) \
	    -artifact_prefix=$(FUZZ_SCRATCH)/findings/$$name- $(FUZZ_FLAGS) \
	    $(FUZZ_SCRATCH)/corpus/$$name Tests/Fuzz/Corpus/$$name \
	    >$(FUZZ_SCRATCH)/$$name.log 2>&1 \
	    || { tail -n 40 $(FUZZ_SCRATCH)/$$name.log; exit 1; }; \
	  grep -E '^Done|number_of_executed_units|new_units_added' $(FUZZ_SCRATCH)/$$name.log; \
	done

asan: deps-test ## Run the unit tests under AddressSanitizer
	$(call sanitized,address)

tsan: deps-test ## Run the unit tests under ThreadSanitizer
	$(call sanitized,thread)

# Builds everything for the sanitizer $(1) in a place of its own, and runs what can run there. No more
# tests begin than processors can serve: the time limit of a test counts from its beginning. Other
# programs, which wait for a sanitized target, have more time.
define sanitized
	$(SWIFT) build --build-tests --sanitize $(1) --scratch-path .build-$(1) --jobs $(JOBS)
	SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 ISCSIFS_TEST_PATIENCE=10 \
	  $(SWIFT) test --skip-build --sanitize $(1) --scratch-path .build-$(1) \
	  --parallel --experimental-maximum-parallelization-width $(JOBS) $(SANITIZED_TESTS)
endef

bench: build ## Measure beside the peer: WORKLOAD=name ROUNDS=n SECONDS=n RING=1 RECORD=1
	@$(call install_missing,$(BENCH_PACKAGES)) || \
	  echo 'bench: what is missing is left out'
	$(SWIFT) build --product benchmark $(STATIC_RELEASE)
	.build/release/benchmark $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) \
	  $(if $(RECORD),--record) $(if $(RING),--ring) $(BENCH_FLAGS) $(WORKLOAD)

bench-kernel: build ## Measure beside the kernel's initiator in a guest: KERNEL=trixie ROUNDS=n
	@$(call install_missing,$(GUEST_PACKAGES)) || \
	  echo 'bench-kernel: what is missing is told'
	$(SWIFT) build --product KernelBenchmark --jobs $(JOBS)
	.build/debug/KernelBenchmark --iscsifs $(RELEASE) $(if $(KERNEL),--kernel $(KERNEL)) \
	  $(if $(ROUNDS),--rounds $(ROUNDS)) $(BENCH_KERNEL_FLAGS)

interop: build ## Run against real targets: TARGET=tgt|tgt-tuned|istgt|lio RECORD=1
	@$(call install_missing,$(INTEROP_PACKAGES)) || \
	  echo 'interop: what is missing is told'
	$(SWIFT) build --product Interop --jobs $(JOBS)
	.build/debug/Interop --iscsifs $(RELEASE) $(if $(RECORD),--record) $(INTEROP_FLAGS) $(TARGET)

drills: build ## Bring faults about on real mounts: DRILL='4 5' SHORT=1 RECORD=1
	@$(call install_missing,$(DRILL_PACKAGES)) || \
	  echo 'drills: what is missing is told'
	$(SWIFT) build --product ClockJump --jobs $(JOBS)
	$(SWIFT) build --product Drills --jobs $(JOBS)
	.build/debug/Drills --iscsifs $(RELEASE) $(if $(SHORT),--short) $(if $(RECORD),--record) \
	  $(DRILL_FLAGS) $(DRILL)

lint: ## Check the sources against .swift-format
	$(SWIFT) format lint --strict --parallel --recursive --configuration .swift-format $(SOURCES)

format: ## Bring the sources into that form
	$(SWIFT) format --in-place --parallel --recursive --configuration .swift-format $(SOURCES)

check: lint test ## Everything a change must pass

install: build ## Install below PREFIX (/usr/local), as packages do below DESTDIR
	install -D -m 755 $(RELEASE) $(DESTDIR)$(PREFIX)/bin/iscsifs
	install -d $(DESTDIR)$(SBINDIR)
	ln -sf $(PREFIX)/bin/iscsifs $(DESTDIR)$(SBINDIR)/mount.iscsifs
	install -d $(DESTDIR)$(UNITDIR)
	sed 's|/usr/local/bin/|$(PREFIX)/bin/|' Mountpoints/systemd/iscsifs@.service \
	  > $(DESTDIR)$(UNITDIR)/iscsifs@.service
	[ -e $(DESTDIR)$(SYSCONFDIR)/iscsifs.conf ] || \
	  install -D -m 600 Mountpoints/iscsifs.conf $(DESTDIR)$(SYSCONFDIR)/iscsifs.conf
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(RELEASE) --generate-completion-script bash \
	  > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/iscsifs
	$(RELEASE) --generate-completion-script zsh \
	  > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_iscsifs
	$(RELEASE) --generate-completion-script fish \
	  > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/iscsifs.fish

uninstall: ## Remove what install installed, but the configuration
	rm -f $(DESTDIR)$(PREFIX)/bin/iscsifs $(DESTDIR)$(SBINDIR)/mount.iscsifs \
	  $(DESTDIR)$(UNITDIR)/iscsifs@.service \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/iscsifs \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_iscsifs \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/iscsifs.fish

clean: ## Remove what was built
	$(SWIFT) package clean
