// SPDX-License-Identifier: GPL-2.0
/* What the tests of the hardware laboratory share. See io.h. */
#define _GNU_SOURCE

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"

/* The module */

int try_load_lab(const char *parameters)
{
	return try_load_module("io_demo", parameters);
}

void clear_log(void)
{
	CHECK_EQ(klogctl(5, NULL, 0), 0);
}

bool log_has(const char *text)
{
	static char log[1 << 20];
	int length = klogctl(3, log, sizeof(log) - 1);

	CHECK(length >= 0);
	log[length] = '\0';

	return strstr(log, text);
}

/* What a test before this one has left open may just be being closed. */
void unload_lab(void)
{
	WAIT_UNTIL(!syscall(SYS_delete_module, "io_demo", O_NONBLOCK) ||
		   errno == ENOENT);
}

int lab(const char *parameters)
{
	unload_lab();
	CHECK_EQ(try_load_lab(parameters), 0);

	return open_line(CONTROL_ONLY);
}

/* Regions */

int try_claim(int fd, struct io_demo_claim *claim)
{
	return ioctl(fd, VS_IO_CLAIM, claim);
}

__u32 claim(int fd, __u32 space, __u32 map, __u64 start, __u64 size)
{
	struct io_demo_claim claim = {
		.space = space, .map = map, .start = start, .size = size,
	};

	CHECK_EQ(try_claim(fd, &claim), 0);
	CHECK(claim.handle);

	return claim.handle;
}

__u32 claim_ports(int fd, __u64 start, __u64 size)
{
	return claim(fd, IO_DEMO_PORTS, IO_DEMO_MAP_NONE, start, size);
}

void release(int fd, __u32 handle)
{
	struct io_demo_release release = { .handle = handle };

	CHECK_EQ(ioctl(fd, VS_IO_RELEASE, &release), 0);
}

void check_owners(int fd, const char *path, struct io_demo_claim claim)
{
	FILE *file = fopen(path, "re");
	__u64 unit = claim.size;
	int owners = 0, at;
	char line[200];

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %llx-%*x : %n", &claim.start, &at) != 1)
			continue;
		if (!strncmp(line + at, "PCI Bus", strlen("PCI Bus")))
			continue;
		tap_row(line);
		claim.start &= -unit;
		CHECK_EQ(try_claim(fd, &claim), -1);
		CHECK(errno == EBUSY || errno == EPERM);
		owners++;
	}
	fclose(file);
	CHECK(owners);
	tap_row(NULL);
}

static int access_io(int fd, struct io_demo_access *access)
{
	return ioctl(fd, VS_IO_ACCESS, access);
}

int try_access(int fd, __u32 handle, __u32 op, __u32 by, __u32 width,
	       __u64 offset, __u64 value)
{
	struct io_demo_access access = {
		.handle = handle, .op = op, .by = by, .width = width,
		.offset = offset, .value = value,
	};

	return access_io(fd, &access);
}

__u64 get(int fd, __u32 handle, __u32 by, __u32 width, __u64 offset)
{
	struct io_demo_access access = {
		.handle = handle, .op = IO_DEMO_READ, .by = by, .width = width,
		.offset = offset,
	};

	CHECK_EQ(access_io(fd, &access), 0);

	return access.value;
}

void put(int fd, __u32 handle, __u32 by, __u32 width, __u64 offset, __u64 value)
{
	CHECK_EQ(try_access(fd, handle, IO_DEMO_WRITE, by, width, offset, value), 0);
}

int transfer(int fd, __u32 handle, __u32 op, __u32 form, __u32 width,
	     __u64 offset, void *buffer, __u32 count, __u32 *done)
{
	struct io_demo_transfer transfer = {
		.handle = handle, .op = op, .form = form, .width = width,
		.offset = offset, .buffer = address(buffer), .count = count,
		.done = UINT32_MAX,
	};
	int ret = ioctl(fd, VS_IO_TRANSFER, &transfer);

	if (done)
		*done = transfer.done;

	return ret;
}

__u64 address(const void *pointer)
{
	return (uintptr_t)pointer;
}

/* edu */

__u64 pci_registers(const char *device)
{
	char path[80];
	__u64 start = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/resource", device);
	file = fopen(path, "re");
	CHECK(file);
	CHECK_EQ(fscanf(file, "%llx", &start), 1);
	fclose(file);

	return start;
}

static int open_of_pci(const char *name, const char *file)
{
	char path[80];

	snprintf(path, sizeof(path), PCI "%s/%s", name, file);

	return open_path(path, O_RDWR);
}

__u16 pci_command(const char *name)
{
	int config = open_of_pci(name, "config");
	__u16 command;

	CHECK_EQ(pread(config, &command, sizeof(command), 4), sizeof(command));
	close(config);

	return command;
}

void set_pci_command(const char *name, __u16 command)
{
	int config = open_of_pci(name, "config");

	CHECK_EQ(pwrite(config, &command, sizeof(command), 4), sizeof(command));
	close(config);
}

const volatile __u32 *map_pci_registers(const char *name)
{
	int fd = open_of_pci(name, "resource0");
	void *registers = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(registers != MAP_FAILED);
	close(fd);

	return registers;
}

struct io_demo_edu edu(int fd, __u32 index)
{
	struct io_demo_edu edu = { .index = index };

	CHECK_EQ(ioctl(fd, VS_IO_EDU, &edu), 0);

	return edu;
}

int try_factorial(int fd, __u32 index, __u32 n, __u32 timeout_ms)
{
	struct io_demo_factorial factorial = {
		.index = index, .n = n, .timeout_ms = timeout_ms,
	};

	return ioctl(fd, VS_IO_FACTORIAL, &factorial);
}

/* DMA */

int try_dma(int fd, __u32 index, __u32 kind, __u32 flags, __u64 size,
	    struct io_demo_dma *dma)
{
	*dma = (struct io_demo_dma) {
		.index = index, .kind = kind, .flags = flags, .size = size,
	};

	return ioctl(fd, VS_IO_DMA, dma);
}

struct io_demo_dma dma(int fd, __u32 kind, __u64 size)
{
	struct io_demo_dma dma;

	CHECK_EQ(try_dma(fd, 0, kind, 0, size, &dma), 0);
	CHECK(dma.handle);

	return dma;
}

int try_copy(int fd, __u32 handle, __u32 op, __u64 offset, void *buffer,
	     __u64 size)
{
	struct io_demo_dma_copy copy = {
		.handle = handle, .op = op, .offset = offset,
		.buffer = address(buffer), .size = size,
	};

	return ioctl(fd, VS_IO_DMA_COPY, &copy);
}

int try_run(int fd, __u32 handle, __u32 op, __u64 offset, __u32 device,
	    __u32 size)
{
	struct io_demo_dma_run run = {
		.handle = handle, .op = op, .offset = offset, .device = device,
		.size = size,
	};

	return ioctl(fd, VS_IO_DMA_RUN, &run);
}

void fill_pattern(unsigned char *memory, size_t size, unsigned int seed)
{
	while (size--) {
		*memory++ = seed >> 16;
		seed = seed * 1103515245 + 12345;
	}
}

void check_round_trip(int fd, const struct io_demo_dma *dma, __u32 size,
		      unsigned int seed)
{
	static unsigned char sent[IO_DEMO_EDU_MEMORY], got[IO_DEMO_EDU_MEMORY];
	__u64 end = dma->size - size;

	fill_pattern(sent, size, seed);
	CHECK_EQ(try_copy(fd, dma->handle, IO_DEMO_WRITE, 0, sent, size), 0);
	CHECK_EQ(try_run(fd, dma->handle, IO_DEMO_WRITE, 0, 0, size), 0);
	/* Nothing but the device has the pattern now. */
	memset(got, 0xee, size);
	CHECK_EQ(try_copy(fd, dma->handle, IO_DEMO_WRITE, 0, got, size), 0);
	CHECK_EQ(try_copy(fd, dma->handle, IO_DEMO_WRITE, end, got, size), 0);
	CHECK_EQ(try_run(fd, dma->handle, IO_DEMO_READ, end, 0, size), 0);
	CHECK_EQ(try_copy(fd, dma->handle, IO_DEMO_READ, end, got, size), 0);
	CHECK_EQ(memcmp(sent, got, size), 0);
}
