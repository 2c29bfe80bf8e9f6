# SPDX-License-Identifier: GPL-2.0
#
# The front door of vser; "make help" tells what there is. What kbuild reads is
# in Kbuild. Everything that is made here goes into build/, the modules into
# build/<kernel release>/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# What installs, and what has a machine, one after the other.
ifeq ($(MAKELEVEL),0)
.NOTPARALLEL:
endif

# The kernel of the virtual machine: a Debian series that test/vm/fetch knows, or
# with DEBUG=1, RACES=1 or RELEASE=1 one that is built with the kernel's own checkers.
lint_kernel := 6.1
VM_KERNEL ?= $(lint_kernel)
ifeq ($(DEBUG),1)
vm_kernel := test/vm/debug-kernel
else ifeq ($(RACES),1)
vm_kernel := test/vm/debug-kernel --races
else ifeq ($(RELEASE),1)
vm_kernel := test/vm/debug-kernel --release
else
vm_kernel := test/vm/fetch $(VM_KERNEL)
endif

slow_kernel := $(filter 1,$(DEBUG) $(RACES) $(RELEASE))

# The kernel that "make" builds for: this one's headers, if they are there.
native_kdir := $(wildcard /lib/modules/$(shell uname -r)/build)
KDIR ?= $(native_kdir)

# Its "uname -r". Debian's include/config/kernel.release says something else.
release_of = $$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	$(1)/include/generated/utsrelease.h)

# For recipes: $$kernel is the folder of the VM's kernel, $$modules ours for it.
with_vm_kernel = kernel=$$($(vm_kernel)); \
	modules=build/$$(cat "$$kernel/release")$(if $(COVERAGE),-gcov)
# $files is what has test/vm/run put all modules into that folder of the guest.
with_modules_in = files=(); for module in $$modules/*.ko; do \
	files+=(--file "$$module:$(1)/$${module\#\#*/}"); done

sudo := $(if $(filter 0,$(shell id -u)),,sudo)

# The example programs.
clients := $(patsubst test/%.c,build/bin/%,$(wildcard test/*_client.c))

# The interfaces of the modules.
uapi := vser.h $(wildcard *_demo.h)

CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -I.
ALL_SHELL := $(shell grep -lE -d skip '^#!/bin/.*sh$$|^\# shellcheck shell=' \
		.ci/* tools/* test/* test/*/*)

.PHONY: all
all: ## build the modules, for this kernel if its headers are here, else for the VM's; KDIR=, W=1, C=2
ifneq ($(KDIR),)
	+@modules=build/$(call release_of,$(KDIR)); \
	tools/build-modules $(KDIR) $$modules; ls $$modules/*.ko
else
	@echo "no headers for kernel $$(uname -r): building for the virtual machine's kernel"
	+@$(MAKE) --no-print-directory vm-modules
endif

.PHONY: run
run: ## show what vser does, in a virtual machine; NATIVE=1: on this kernel
.PHONY: check
check: ## build, lint and run every test in a virtual machine; VM_KERNEL=, DEBUG=1, RACES=1: on another kernel; STRESS_HOST=6: beside six busy loops
.PHONY: check-kernels
check-kernels: vm-deps test-programs ## run every test on Debian's kernels 5.10, 6.1, 6.12 and the newest; KERNELS=, TESTS=
	+@KERNELS="$(KERNELS)" test/vm/check-kernels $(TESTS)
.PHONY: check-debug
check-debug: ## "make check" on a kernel that is built with the kernel's own checkers
	+@$(MAKE) --no-print-directory DEBUG=1 check
.PHONY: check-races
check-races: ## run tests that do many things at once on a kernel that watches for data races
	+@$(MAKE) --no-print-directory RACES=1 check-vm \
		TESTS="$(or $(TESTS),books stress flow wire poll transfer ring ring_hostile \
			unload io_remove io_wait mem_alloc mem_bench)"
.PHONY: check-release
check-release: ## load and unload the modules on a kernel that releases every object seconds late
	+@$(MAKE) --no-print-directory RELEASE=1 check-vm \
		$(if $(CYCLES),,CYCLES=10) TESTS="$(or $(TESTS),module)"
.PHONY: check-harness
check-harness: ## plant bugs, each of which must make the tests fail on the debug kernel, or on that for races
	+@$(MAKE) --no-print-directory DEBUG=1 harness-finds-bugs
	+@$(MAKE) --no-print-directory RACES=1 harness-finds-bugs
.PHONY: harness-finds-bugs
harness-finds-bugs: vm-modules
	@tools/need perl
	@$(with_vm_kernel); prove --exec '' test/vm/check-harness :: $$kernel $$modules
.PHONY: check-vm check-vserctl shell soak
shell: ## an interactive shell in a virtual machine, with the modules loaded; MACHINE=, LAB=: as docs/hardware.md has them

ifeq ($(NATIVE),1)
run: all $(clients) build/bin/vserctl
	@modules=build/$$(uname -r); cp $(clients) build/bin/vserctl $$modules/; \
	$(sudo) test/demo $$modules
else
run: vm-modules $(clients) build/bin/vserctl
	@$(with_vm_kernel); $(call with_modules_in,/demo); \
	test/vm/run --kernel $$kernel $(devices) "$${files[@]}" \
		$(foreach client,$(clients),--file $(client):/demo/$(notdir $(client))) \
		--program build/bin/vserctl:/demo/vserctl \
		--file test/demo:/demo/demo -- /demo/demo /demo
endif

check: lint unit $(if $(TESTS),,check-vserctl) check-vm

check-vm: vm-modules test-programs ## the test programs alone; TESTS= names some of them
	@$(with_vm_kernel); test/vm/check --kernel $$kernel --modules $$modules \
		--tests build/test $(if $(slow_kernel),--debug) \
		$(if $(CYCLES),--more-time $(CYCLES) --env TEST_CYCLES=$(CYCLES)) \
		$(if $(SWEEP),--more-time $(SWEEP) --env TEST_SWEEP=$(SWEEP) \
			--env TEST_TIMEOUT_SCALE=100) $(TESTS)

check-vserctl: vm-modules build/bin/vserctl ## the tests of vserctl alone
	@tools/need jq perl
	@$(with_vm_kernel); prove --exec '' test/vserctl_test :: \
		$$kernel $$modules build/bin/vserctl

.PHONY: coverage
coverage: ## run the 64-bit tests on the debugging kernel, and tell which lines none of them has run
ifeq ($(COVERAGE),1)
coverage: vm-modules test-programs
	@tools/need perl gcovr jq
	@$(with_vm_kernel); rm -rf build/coverage; mkdir -p build/coverage; \
	test/vm/check --debug --kernel $$kernel --modules $$modules \
		--tests build/test --coverage build/coverage $(or $(TESTS),$(tests)); \
	test/vm/coverage $$kernel/build $$modules build/coverage
else
	+@$(MAKE) --no-print-directory DEBUG=1 COVERAGE=1 coverage
endif

# On one CPU, storm runs after soak, on the same machine: hence twice the time.
SOAK := 1800
soak: vm-modules build/soak/soak build/soak/storm ## use everything at once for SOAK=1800 seconds, and look if memory stays, beside a storm of killed processes; DEBUG=1
	@tools/need perl
	@$(with_vm_kernel); test/vm/check --kernel $$kernel --modules $$modules \
		--tests build/soak $(if $(slow_kernel),--debug) --verbose \
		--more-time $$((2 * $(SOAK))) --env TEST_SOAK=$(SOAK)

STRESS := 60
.PHONY: stressors
stressors: vm-modules ## have stress-ng and trinity use the lines, for STRESS=60 seconds each; DEBUG=1
	@tools/need stress-ng trinity
	@$(with_vm_kernel); $(call with_modules_in,/modules); \
	test/vm/run --kernel $$kernel --memory 1G $(devices) \
		$(if $(slow_kernel),--append acpi=noirq) \
		--time-limit $$((4 * $(STRESS) + 7200)) \
		--silence $$((2 * $(STRESS) + 600)) "$${files[@]}" \
		--program /usr/bin/stress-ng:/bin/stress-ng \
		--program /usr/bin/trinity:/bin/trinity \
		--file test/stressors:/stressors -- /stressors /modules $(STRESS)

FUZZ := 1000000
SEED := 1
REPLAY :=
.PHONY: fuzz fuzz-here
fuzz: ## make FUZZ=1000000 calls at random, led by what they reach, on the debug kernel; SEED=, REPLAY=FILE, DEBUG=0
	+@$(MAKE) --no-print-directory DEBUG=$(or $(DEBUG),1) fuzz-here

# KCOV_INSTRUMENT has the modules say what they run through, if the kernel can.
fuzz-here: vm-deps build/fuzz/fuzz
	@tools/need perl
	+@$(with_vm_kernel); \
	tools/build-modules $$kernel/build $$modules-fuzz KCOV_INSTRUMENT=y
	@$(with_vm_kernel); modules+=-fuzz; \
	test/vm/check --kernel $$kernel --modules $$modules --tests build/fuzz \
		$(if $(slow_kernel),--debug) --verbose --console build/fuzz/console \
		--more-time $$(($(FUZZ) / 50)) --env TEST_FUZZ=$(FUZZ) \
		--env TEST_FUZZ_SEED=$(SEED) $(if $(REPLAY),--file $(REPLAY):/replay \
		--env TEST_FUZZ_REPLAY=/replay)

# What docs/hardware.md uses; the bytes written to port 0xe9 land in build/port-e9.
devices := --append 'memmap=8M$$0x1f000000' --device pc-testdev \
	   --chardev file,id=port-e9,path=build/port-e9 \
	   --device isa-debugcon,iobase=0xe9,chardev=port-e9 \
	   --device edu,addr=4 --device edu,addr=8

# The shell's machine, as options of test/vm/run, and what io_demo is loaded with there:
# some chapters of docs/hardware.md need others.
MACHINE := $(devices)
LAB := reserved=8M@0x1f000000

shell: vm-modules $(clients) build/bin/vserctl
	@$(with_vm_kernel); $(call with_modules_in,/modules); \
	test/vm/run --kernel $$kernel --shell $(MACHINE) "$${files[@]}" \
		$(foreach client,$(clients),--file $(client):/bin/$(notdir $(client))) \
		--program build/bin/vserctl:/bin/vserctl \
		-- sh -c 'cd /modules && insmod vser.ko && insmod mem_demo.ko && \
			insmod io_demo.ko $(LAB) && cd / && exec sh'

.PHONY: load unload
load: all ## load the module on this machine
	$(sudo) insmod build/$$(uname -r)/vser.ko
unload: ## unload it
	$(sudo) rmmod vser

# "make install" puts things here; a packager's DESTDIR comes before each path.
prefix := /usr/local
module_dir = $(DESTDIR)/lib/modules/$$release/updates/vser
header_dir := $(DESTDIR)$(prefix)/include
rules_dir := $(DESTDIR)$(prefix)/lib/udev/rules.d
program_dir := $(DESTDIR)$(prefix)/bin
man_dir := $(DESTDIR)$(prefix)/share/man/man8

# For recipes: $$release is the kernel's that things are installed for. What
# goes into DESTDIR needs no root, and is told to the system by others.
with_release = release=$(if $(KDIR),$(call release_of,$(KDIR)),$$(uname -r))
as_root := $(if $(DESTDIR),,$(sudo))
run_depmod := $(if $(DESTDIR),:,$(sudo) depmod)

.PHONY: install uninstall
install: ## install modules, headers, udev rule, vserctl; KDIR=, DESTDIR=, prefix=
ifeq ($(KDIR),)
	@echo "install: the headers of kernel $$(uname -r) are not here; KDIR= names others" >&2
	@exit 1
else
	+@$(MAKE) --no-print-directory all build/bin/vserctl build/man/vserctl.8
	@$(with_release); \
	$(as_root) install -D -m 644 -t $(module_dir) build/$$release/*.ko; \
	$(as_root) install -D -m 644 -t $(header_dir) $(uapi); \
	$(as_root) install -D -m 644 -t $(rules_dir) tools/60-vser.rules; \
	$(as_root) install -D -t $(program_dir) build/bin/vserctl; \
	$(as_root) install -D -m 644 -t $(man_dir) build/man/vserctl.8; \
	$(run_depmod) $$release
endif
uninstall: ## remove what install has installed; KDIR=, DESTDIR=, prefix=
	@$(with_release); \
	$(as_root) rm -rf $(module_dir); \
	$(as_root) rm -f $(addprefix $(header_dir)/,$(uapi)); \
	$(as_root) rm -f $(rules_dir)/60-vser.rules $(program_dir)/vserctl \
		$(man_dir)/vserctl.8; \
	$(run_depmod) $$release

# What the kernel's own macros do all the time.
sparse_off := -Wno-shadow -Wno-sizeof-bool -Wno-pointer-arith \
	      -Wno-flexible-array-sizeof -Wno-tautological-compare

kernel_sources := $(wildcard *.[ch] line/*.[ch] mem/*.[ch] io/*.[ch] test/bench/peers/*.c)
program_sources := $(wildcard test/*.[ch] test/*/*.[ch] tools/*/*.[ch])

.PHONY: lint
lint: vm-deps build/coccicheck build/clang-tidy build/man/vserctl.8 ## static checks: W=1, sparse, clang, checkpatch, Coccinelle, kernel-doc, cppcheck, clang-tidy, shellcheck, the headers alone
	@tools/need sparse clang lld llvm g++ gcc-multilib perl cppcheck mandoc shellcheck \
		codespell dwarves
	+@kernel=$$(test/vm/fetch $(lint_kernel)); \
	sparse=(C=2 CF='-Wsparse-all -Wsparse-error $(sparse_off)'); \
	tools/build-modules --strict $$kernel/build build/lint "$${sparse[@]}"; \
	tools/build-modules --strict --source test/bench/peers $$kernel/build \
		build/lint/peers "$${sparse[@]}"; \
	tools/build-modules --strict $$kernel/build build/lint-clang LLVM=1
	@scripts=$$(tools/kernel-scripts); \
	tools/checkpatch $$scripts $(kernel_sources) $(program_sources); \
	perl $$scripts/kernel-doc -none -Werror $(kernel_sources)
	@cppcheck --quiet --error-exitcode=1 --std=c11 -I. -Itest/lib \
		--enable=warning,performance,portability -i test/planted test tools/vserctl
	@tools/check-headers $(uapi)
	@$(CC) $(CFLAGS) $(vserctl_flags) -m32 -D_TIME_BITS=64 -fsyntax-only \
		tools/vserctl/*.c
	@mandoc -Tlint -Wwarning build/man/vserctl.8
	@tools/check-docs README.md CHANGELOG.md docs/*.md
	@diff <(sed -n 's/^obj-m.*= *//p' Kbuild | tr ' ' '\n' | sort) \
		<(sed -n 's/^BUILT_MODULE_NAME.*="\(.*\)"/\1.o/p' dkms.conf | sort)
	@shellcheck -x $(ALL_SHELL)
	@said=$$(perl -cw test/bench/profile 2>&1); \
	[[ $$said == 'test/bench/profile syntax OK' ]] || { echo "$$said"; exit 1; }
	@codespell --skip=./build,./.git,./LICENSE -L filp,fro .

.PHONY: unit
unit: $(patsubst test/unit/%.c,build/unit/%,$(wildcard test/unit/*_test.c)) ## tests of the pure logic, and of the harness, on this machine
	@tools/need perl busybox-static cpio
	@prove --exec '' $^ $(addprefix test/unit/,need_test cache_test run_test)

# NATIVE=1: on this machine, REPEAT times, on two of its CPUS.
REPEAT := 20
CPUS := 0,1
native_benches := transfer scale cost ways
benches := transfer ways pacing cost bounded memory
peers := plain_fifo plain_loop wake_up

# For recipes: all benches, one after the other; with $(1), --json, for programs.
run_benches = $(call with_modules_in,/modules); \
	test/vm/run --icount --cpus 1 --kernel $$kernel --silence 3600 \
		"$${files[@]}" \
		$(foreach peer,$(peers),\
			--file $$modules/peers/$(peer).ko:/modules/$(peer).ko) \
		$(foreach bench,$(benches),--file build/bench/$(bench):/bin/$(bench)) \
		-- sh -c 'cd /modules && insmod plain_fifo.ko && \
			insmod vser.ko lines=128 && transfer $(1) && echo && rmmod vser && \
			ways $(1) vser.ko && echo && \
			insmod vser.ko lines=128 && pacing $(1) && echo && \
			cost $(1) wake_up.ko && echo && \
			bounded $(1) 1 4 16 64 && echo && \
			insmod mem_demo.ko && insmod plain_loop.ko && memory $(1)'

.PHONY: bench
bench: ## measure in virtual time: figures repeat; NATIVE=1, REPEAT=20, CPUS=0,1: on this machine
ifeq ($(NATIVE),1)
bench: all $(native_benches:%=build/bench/%)
	+@$(if $(native_kdir),tools/build-modules --source test/bench/peers $(native_kdir) \
		build/$$(uname -r)/peers)
	@$(sudo) test/bench/native build/$$(uname -r) build/bench $(REPEAT) $(CPUS)
else
bench: vm-modules bench-peers $(benches:%=build/bench/%)
	@$(with_vm_kernel); $(call run_benches)
endif

.PHONY: bench-peers
bench-peers: vm-modules
	+@$(with_vm_kernel); tools/build-modules --source test/bench/peers \
		$$kernel/build $$modules/peers

# What instruction counts depend on.
bench_key = $$(cat $$kernel/release), gcc $$(gcc-12 -dumpfullversion), \
	$$(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/QEMU \1/p')

.PHONY: bench-json bench-check bench-plot bench-profile
bench-json: vm-modules bench-peers $(benches:%=build/bench/%) ## the same for programs, into build/bench/bench.json
	@tools/need jq
	@$(with_vm_kernel); $(call run_benches,--json) | \
		jq --slurp 'reduce .[] as $$figure ({}; . * $$figure)' >build/bench/bench.json

bench-check: bench-json ## compare that with test/bench/baseline.json
	@tools/need jq
	@$(with_vm_kernel); test/bench/compare build/bench/bench.json \
		test/bench/baseline.json "$(bench_key)"

CASE := trip
bench-profile: vm-modules bench-peers build/bench/profile ## where the instructions go of a round trip, or of CASE=64 bytes written and read; FUNCTIONS=1
	@tools/need perl binutils
	@$(with_vm_kernel); test/bench/profile $$kernel $$modules build/bench/profile \
		$(CASE) $(if $(FUNCTIONS),--functions)

PLOT := build/bench/transfer.svg
bench-plot: bench-json ## draw it; PLOT=FILE.svg or FILE.png
	@tools/need jq gnuplot-nox
	@test/bench/plot build/bench/bench.json $(PLOT); echo $(PLOT)

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@awk -F ' ?## ' '/^[a-z-]+:.*##/ { split($$1, t, ":"); printf "%-14s %s\n", t[1], $$2 }' $(MAKEFILE_LIST)

# What the above stand on.

.PHONY: vm-deps vm-modules build-deps vserctl-deps test-programs all-test-programs
build-deps:
	@tools/need gcc libc6-dev

# It takes a while, hence only when something has changed.
build/coccicheck: tools/coccicheck $(kernel_sources)
	@tools/need coccinelle
	@tools/coccicheck "$$(tools/kernel-scripts)" $(kernel_sources)
	@mkdir -p $(@D) && touch $@

# So does this.
build/clang-tidy: .clang-tidy $(wildcard tools/vserctl/*.[ch]) $(uapi) | vserctl-deps
	@tools/need clang-tidy
	@clang-tidy --quiet tools/vserctl/*.c -- $(CFLAGS) $(vserctl_flags) 2>&1 | \
		sed '/warnings\? generated\.$$/d'
	@mkdir -p $(@D) && touch $@

vserctl_flags := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
vserctl-deps: build-deps
	@tools/need libsmartcols-dev

vm-deps: build-deps
	@tools/need gcc-12 libelf-dev qemu-system-x86 busybox-static cpio

vm-modules: vm-deps
	+@$(with_vm_kernel); tools/build-modules $$kernel/build $$modules \
		$(if $(COVERAGE),GCOV_PROFILE=y)

# Every test is built twice: a 32-bit program must find the same interface. All at
# once, as there are many.
tests_in = $(patsubst test/$(1)/%_test.c,$(2)%,$(wildcard test/$(1)/*_test.c))
tests := $(call tests_in,line) $(call tests_in,mem,mem_) $(call tests_in,io,io_)
test_programs := $(tests:%=build/test/%) $(tests:%=build/test/%-32bit)
test-programs: build-deps
	@tools/need perl gcc-multilib
	+@$(MAKE) --no-print-directory -j "$$(nproc)" all-test-programs
all-test-programs: $(test_programs)
.PHONY: test-names
test-names: ## print the names of the test programs that check-vm runs
	@echo $(tests)

test_headers := $(wildcard test/lib/*.h) $(uapi)
test_flags := $(CFLAGS) -Itest/lib -pthread
test_flags_32bit := $(test_flags) -m32 -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
# What the tests share.
test_common := $(patsubst test/lib/%.c,%.o,$(wildcard test/lib/*.c))
test_objects := $(test_common:%=build/test-objects/%)
test_objects_32bit := $(test_common:%=build/test-objects/32bit/%)
.SECONDARY: $(test_objects) $(test_objects_32bit)

build/test-objects/%.o: test/lib/%.c $(test_headers) | build-deps
	@mkdir -p $(@D)
	$(CC) $(test_flags) -c -o $@ $<

build/test-objects/32bit/%.o: test/lib/%.c $(test_headers) | build-deps
	@mkdir -p $(@D)
	$(CC) $(test_flags_32bit) -c -o $@ $<

# The programs of the folder $(1); their names begin with $(2).
define test_program_rules
build/test/$(2)%: test/$(1)/%_test.c $$(test_objects) $$(test_headers) | build-deps
	@mkdir -p $$(@D)
	$$(CC) $$(test_flags) -static -o $$@ $$(filter %.c %.o,$$^)

build/test/$(2)%-32bit: test/$(1)/%_test.c $$(test_objects_32bit) $$(test_headers) | build-deps
	@mkdir -p $$(@D)
	$$(CC) $$(test_flags_32bit) -static -o $$@ $$(filter %.c %.o,$$^)
endef
$(eval $(call test_program_rules,line,))
$(eval $(call test_program_rules,mem,mem_))
$(eval $(call test_program_rules,io,io_))

build/soak/%: test/soak/%_test.c $(test_objects) $(test_headers) | build-deps
	@mkdir -p $(@D)
	$(CC) $(test_flags) -static -o $@ $(filter %.c %.o,$^)

fuzz_sources := $(wildcard test/fuzz/*.c)
build/fuzz/fuzz: $(fuzz_sources) $(test_objects) $(wildcard test/fuzz/*.h) \
		$(test_headers) | build-deps
	@mkdir -p $(@D)
	$(CC) $(test_flags) -static -o $@ $(filter %.c %.o,$^)

build/unit/hist_test: mem/hist.c
build/unit/%: test/unit/%.c test/lib/tap.c test/lib/tap.h line/frame.h line/fault.h mem/hist.h $(uapi) | build-deps
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itest/lib -fsanitize=address,undefined \
		-fno-sanitize-recover=all -o $@ $(filter %.c,$^)

build/bench/%: test/bench/%.c $(wildcard test/bench/*.h) test/lib/ring.h $(uapi) | build-deps
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -static -pthread -o $@ $< -lm

build/bin/vserctl: $(wildcard tools/vserctl/*.[ch]) $(uapi) | vserctl-deps
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(vserctl_flags) -o $@ $(filter %.c,$^) -lsmartcols

build/man/vserctl.8: tools/man-page build/bin/vserctl
	@mkdir -p $(@D)
	tools/man-page build/bin/vserctl >$@

build/bin/%: test/%.c test/lib/ring.h vser.h | build-deps
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -static -o $@ $<
