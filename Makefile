# SPDX-License-Identifier: GPL-2.0
#
# The front door of vser; "make help" tells what there is. What kbuild reads is
# in Kbuild. Everything that is made here goes into build/, the modules into
# build/<kernel release>/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# The kernel of the virtual machine: a Debian series, or with DEBUG=1 one that
# is built with the kernel's own checkers.
VM_KERNEL ?= 6.1
ifeq ($(DEBUG),1)
vm_kernel := test/vm/debug-kernel
else
vm_kernel := test/vm/fetch $(VM_KERNEL)
endif

# The kernel that "make" builds for: this one's headers, if they are there.
native_kdir := $(wildcard /lib/modules/$(shell uname -r)/build)
KDIR ?= $(native_kdir)
release_of = $$(cat $(1)/include/config/kernel.release)

# For recipes: $$kernel is the folder of the VM's kernel, $$modules ours for it.
with_vm_kernel = kernel=$$($(vm_kernel)); modules=build/$$(cat "$$kernel/release")

sudo := $(if $(filter 0,$(shell id -u)),,sudo)

CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -I.
ALL_SHELL := test/demo tools/need tools/build-modules .ci/run \
	     $(filter-out %.config %/complaints %.md,$(wildcard test/vm/*))

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
check: ## build, lint and run every test in a virtual machine; DEBUG=1: on the debug kernel
.PHONY: shell
shell: ## an interactive shell in a virtual machine, with the module loaded

ifeq ($(NATIVE),1)
run: all build/bin/vser_client
	@modules=build/$$(uname -r); cp build/bin/vser_client $$modules/; \
	$(sudo) test/demo $$modules
else
run: vm-modules build/bin/vser_client
	@$(with_vm_kernel); test/vm/run --kernel $$kernel \
		--file $$modules/vser.ko:/demo/vser.ko \
		--file build/bin/vser_client:/demo/vser_client \
		--file test/demo:/demo/demo -- /demo/demo /demo
endif

check: lint unit vm-modules test-programs
	@$(with_vm_kernel); test/vm/check --kernel $$kernel --modules $$modules \
		--tests build/test $(if $(filter 1,$(DEBUG)),--debug) $(TESTS)

shell: vm-modules build/bin/vser_client
	@$(with_vm_kernel); test/vm/run --kernel $$kernel --shell \
		--file $$modules/vser.ko:/modules/vser.ko \
		--file build/bin/vser_client:/bin/vser_client \
		-- sh -c 'insmod /modules/vser.ko && exec sh'

.PHONY: load unload
load: all ## load the module on this machine
	$(sudo) insmod build/$$(uname -r)/vser.ko
unload: ## unload it
	$(sudo) rmmod vser

# What the kernel's own macros do all the time.
sparse_off := -Wno-shadow -Wno-sizeof-bool -Wno-pointer-arith \
	      -Wno-flexible-array-sizeof

.PHONY: lint
lint: vm-deps ## static checks: W=1, sparse, the headers alone, shellcheck
	@tools/need sparse g++ gcc-multilib shellcheck codespell
	+@kernel=$$(test/vm/fetch $(VM_KERNEL)); \
	tools/build-modules $$kernel/build build/lint W=1 C=2 KCFLAGS=-Werror \
		CF='-Wsparse-all -Wsparse-error $(sparse_off)'
	@tools/check-headers vser.h
	@shellcheck -x $(ALL_SHELL)
	@codespell --skip=./build,./.git,./LICENSE .

.PHONY: unit
unit: $(patsubst test/unit/%.c,build/unit/%,$(wildcard test/unit/*_test.c)) ## tests of the pure logic, on this machine
	@prove --exec '' $^

.PHONY: bench
bench: vm-modules build/bench/pacing ## measure in virtual time: figures are exact and repeat
	@$(with_vm_kernel); test/vm/run --icount --cpus 1 --kernel $$kernel \
		--time-limit 600 --file $$modules/vser.ko:/modules/vser.ko \
		--file build/bench/pacing:/bin/pacing \
		-- sh -c 'insmod /modules/vser.ko lines=16 && pacing'

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@awk -F ' ?## ' '/^[a-z]+:.*##/ { split($$1, t, ":"); printf "%-8s %s\n", t[1], $$2 }' $(MAKEFILE_LIST)

# What the above stand on.

.PHONY: vm-deps vm-modules build-deps test-programs
build-deps:
	@tools/need gcc libc6-dev

vm-deps: build-deps
	@tools/need gcc-12 libelf-dev qemu-system-x86 busybox-static cpio \
		$(if $(filter 1,$(DEBUG)),flex bison bc libssl-dev xz-utils)

vm-modules: vm-deps
	+@$(with_vm_kernel); tools/build-modules $$kernel/build $$modules

# Every test is built twice: a 32-bit program must find the same interface.
tests := $(patsubst test/%_test.c,%,$(wildcard test/*_test.c))
test-programs: $(tests:%=build/test/%) $(tests:%=build/test/%-32bit)
	@tools/need perl

test_sources := $(filter-out %_test.c test/vser_client.c,$(wildcard test/*.c))

build/test/%: test/%_test.c $(test_sources) $(wildcard test/*.h) vser.h | build-deps
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -static -pthread -o $@ $< $(test_sources)

build/test/%-32bit: test/%_test.c $(test_sources) $(wildcard test/*.h) vser.h | build-deps
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -m32 -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
		-static -pthread -o $@ $< $(test_sources)

build/unit/%: test/unit/%.c test/tap.c test/tap.h vser_frame.h vser.h | build-deps
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itest -fsanitize=address,undefined \
		-fno-sanitize-recover=all -o $@ $< test/tap.c

build/bench/%: test/bench/%.c vser.h | build-deps
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -static -o $@ $<

build/bin/%: test/%.c vser.h | build-deps
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -static -o $@ $<
