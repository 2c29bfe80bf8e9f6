// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that was reserved at boot (memmap=): which ranges the module takes, and
 * the descriptor by which programs read, write and map them.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"

#define PAGE	4096
#define RANGE	"reserved=" RESERVED
#define FIRMWARE	"/sys/firmware/memmap"

static int get_memory(int fd)
{
	struct io_demo_reserved reserved = { 0 };
	int memory = ioctl(fd, VS_IO_RESERVED, &reserved);

	CHECK(memory >= 0);
	CHECK_EQ(reserved.size, RESERVED_SIZE);
	CHECK_EQ(reserved.start, 0);

	return memory;
}

static unsigned char *map(int memory, int protection)
{
	void *mapped = mmap(NULL, RESERVED_SIZE, protection, MAP_SHARED, memory, 0);

	CHECK(mapped != MAP_FAILED);

	return mapped;
}

TEST(refused, "a range that is not a reserved one is refused at load, and says why")
{
	static const struct {
		const char *parameters;
		int error;
		const char *reason;
	} rows[] = {
		{ "reserved=", EINVAL, "not of the form" },
		{ "reserved=8M", EINVAL, "not of the form" },
		{ "reserved=@0x1f000000", EINVAL, "not of the form" },
		{ "reserved=8M@", EINVAL, "not of the form" },
		{ "reserved=8M@0x1f000000x", EINVAL, "not of the form" },
		{ "reserved=8M@0x1f000800", EINVAL, "not whole pages" },
		{ "reserved=100@0x1f000000", EINVAL, "not whole pages" },
		{ "reserved=0@0x1f000000", EINVAL, "not whole pages" },
		{ "reserved=8M@0xfffffffffffff000", EINVAL, "beyond the last" },
		{ "reserved=4k@0x1000000", EPERM, "as RAM" },
		{ "reserved=16M@0x1e800000", EPERM, "as RAM" },
		{ "reserved=9M@0x1f000000", EPERM, "as RAM" },
		/* Where there is nothing. */
		{ "reserved=4k@0x800000000", EPERM, "not all of it is RAM" },
		/* The last: a kernel that has an x2APIC does not claim its memory. */
		{ "reserved=4k@0xfee00000", EBUSY, "a driver or a device" },
	};
	size_t n = ARRAY_SIZE(rows), i;
	char line[120];

	unload_lab();
	if (!file_has("/proc/iomem", " Local APIC\n"))
		n--;
	for (i = 0; i < n; i++) {
		tap_row(rows[i].parameters);
		clear_log();
		CHECK_EQ(try_load_lab(rows[i].parameters), rows[i].error);
		snprintf(line, sizeof(line), "io_demo: %s: ", rows[i].parameters);
		CHECK(log_has(line));
		CHECK(log_has(rows[i].reason));
		CHECK(!file_has("/proc/iomem", "io_demo\n"));
	}
}

/* A file of an entry of the firmware's map. */
static void read_entry(int entry, const char *name, char *text, size_t size)
{
	char path[80];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), FIRMWARE "/%d/%s", entry, name);
	fd = open_path(path, O_RDONLY);
	length = read(fd, text, size - 1);
	CHECK(length > 0);
	text[length - 1] = '\0';
	close(fd);
}

/* Finds the pages with which what is not RAM begins; returns how many. */
static size_t firmware_pages(__u64 *pages, size_t room)
{
	char path[80], type[40], start[40];
	size_t entry, n = 0;

	for (entry = 0; n < room; entry++) {
		snprintf(path, sizeof(path), FIRMWARE "/%zu", entry);
		if (!exists(path))
			break;
		read_entry(entry, "type", type, sizeof(type));
		read_entry(entry, "start", start, sizeof(start));
		if (strcmp(type, "System RAM") != 0)
			pages[n++] = strtoull(start, NULL, 0) & -(__u64)PAGE;
	}

	return n;
}

TEST_WITHIN(firmware, 120, "what is the firmware's is refused at load, and cannot be claimed")
{
	struct io_demo_claim claim = {
		.space = IO_DEMO_MEMORY, .map = IO_DEMO_MAP_CACHED, .size = PAGE,
	};
	char range[80];
	__u64 pages[64];
	size_t count = firmware_pages(pages, ARRAY_SIZE(pages)), i;
	int fd;

	CHECK(count);
	unload_lab();
	for (i = 0; i < count; i++) {
		snprintf(range, sizeof(range), "reserved=4k@%#llx", pages[i]);
		tap_row(range);
		clear_log();
		CHECK_EQ(try_load_lab(range), EPERM);
		CHECK(log_has("io_demo: reserved=4k@"));
	}
	fd = lab("");
	for (i = 0; i < count; i++) {
		claim.start = pages[i];
		CHECK_ERR(try_claim(fd, &claim), EPERM);
	}
}

TEST(none, "without such a range there is no such memory")
{
	struct io_demo_reserved reserved = { 0 };
	int fd = lab("");

	CHECK_ERR(ioctl(fd, VS_IO_RESERVED, &reserved), ENODEV);
	/* All else is there. */
	claim_ports(fd, TEST_PORTS, 4);
}

TEST(no_descriptor, "who has no descriptor left gets no memory")
{
	const struct rlimit none = { 0, 0 };
	struct io_demo_reserved reserved = { 0 };
	int fd = lab(RANGE);

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_ERR(ioctl(fd, VS_IO_RESERVED, &reserved), EMFILE);
}

TEST(not_stored, "who cannot be answered gets no memory, and no descriptor")
{
	void *answer = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = lab(RANGE), next;

	CHECK(answer != MAP_FAILED);
	next = dup(fd);
	CHECK(next >= 0);
	CHECK_EQ(close(next), 0);
	CHECK_ERR(ioctl(fd, VS_IO_RESERVED, answer), EFAULT);
	CHECK_EQ(dup(fd), next);
}

TEST(place, "where it is, is told to those who may see addresses")
{
	struct io_demo_reserved reserved = { 0 };
	int fd = lab(RANGE), memory;

	write_file(KPTR, "1");
	memory = ioctl(fd, VS_IO_RESERVED, &reserved);
	write_file(KPTR, "0");
	CHECK(memory >= 0);
	CHECK_EQ(reserved.flags, IO_DEMO_RESERVED_RAW);
	CHECK_EQ(reserved.start, RESERVED_START);
	CHECK_EQ(reserved.size, RESERVED_SIZE);

	reserved = (struct io_demo_reserved) { 0 };
	CHECK(ioctl(fd, VS_IO_RESERVED, &reserved) >= 0);
	CHECK_EQ(reserved.flags, 0);
	CHECK_EQ(reserved.start, 0);
}

TEST(claimed, "the range is ours while the module is loaded")
{
	close(lab(RANGE));
	CHECK(file_has("/proc/iomem", "  1f000000-1f7fffff : io_demo\n"));
	unload_lab();
	CHECK(!file_has("/proc/iomem", "  1f000000-1f7fffff : io_demo\n"));
}

TEST(file, "the memory is read and written as a file")
{
	static unsigned char sent[3 * PAGE], got[sizeof(sent)];
	int memory = get_memory(lab(RANGE));

	fill_pattern(sent, sizeof(sent), 8);
	CHECK_EQ(pwrite(memory, sent, sizeof(sent), 12345), sizeof(sent));
	CHECK_EQ(lseek(memory, 12345, SEEK_SET), 12345);
	CHECK_EQ(read(memory, got, sizeof(got)), sizeof(got));
	CHECK_EQ(memcmp(sent, got, sizeof(sent)), 0);
	CHECK_EQ(lseek(memory, 0, SEEK_END), RESERVED_SIZE);
	CHECK_EQ(read(memory, got, 1), 0);
	CHECK_ERR(write(memory, got, 1), ENOSPC);
	CHECK_EQ(pread(memory, got, sizeof(got), RESERVED_SIZE - 5), 5);
	CHECK_EQ(pwrite(memory, got, sizeof(got), RESERVED_SIZE - 5), 5);
	CHECK_ERR(lseek(memory, 1, SEEK_END), EINVAL);
	CHECK_ERR(lseek(memory, -1, SEEK_SET), EINVAL);
	CHECK_ERR(pread(memory, page_end(), 1, 0), EFAULT);
}

TEST(whole, "every byte of it is memory")
{
	static unsigned char sent[RESERVED_SIZE], got[RESERVED_SIZE];
	int memory = get_memory(lab(RANGE));
	ssize_t n;
	size_t at;

	fill_pattern(sent, sizeof(sent), 77);
	for (at = 0; at < sizeof(sent); at += n) {
		n = pwrite(memory, sent + at, sizeof(sent) - at, at);
		CHECK(n > 0);
	}
	for (at = 0; at < sizeof(got); at += n) {
		n = pread(memory, got + at, sizeof(got) - at, at);
		CHECK(n > 0);
	}
	CHECK_EQ(memcmp(sent, got, sizeof(sent)), 0);
	CHECK_EQ(memcmp(sent, map(memory, PROT_READ), sizeof(sent)), 0);
}

TEST(mapped, "the memory is mapped, and shows the same bytes as the file")
{
	int fd = lab(RANGE);
	int memory = get_memory(fd), other = get_memory(fd);
	unsigned char *one = map(memory, PROT_READ | PROT_WRITE);
	unsigned char *two = map(other, PROT_READ);
	unsigned char byte;

	one[5 * PAGE + 1] = 0x42;
	CHECK_EQ(two[5 * PAGE + 1], 0x42);
	CHECK_EQ(pread(other, &byte, 1, 5 * PAGE + 1), 1);
	CHECK_EQ(byte, 0x42);
	byte = 0x43;
	CHECK_EQ(pwrite(memory, &byte, 1, RESERVED_SIZE - 1), 1);
	CHECK_EQ(one[RESERVED_SIZE - 1], 0x43);
	CHECK_EQ(two[RESERVED_SIZE - 1], 0x43);
}

TEST(map_invalid, "a mapping that is private or beyond the end is EINVAL")
{
	int memory = get_memory(lab(RANGE));

	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, memory, 0) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, memory,
		   RESERVED_SIZE - PAGE) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, memory,
		   RESERVED_SIZE) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, memory,
		   RESERVED_SIZE - PAGE) != MAP_FAILED);
}

TEST(map_part, "parts of a mapping are unmapped, protected and moved")
{
	int memory = get_memory(lab(RANGE));
	unsigned char *mapped = map(memory, PROT_READ | PROT_WRITE), *moved;
	unsigned char byte;

	mapped[2 * PAGE] = 0x51;
	mapped[5 * PAGE] = 0x52;
	moved = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(moved != MAP_FAILED);
	CHECK(mremap(mapped + 2 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		     moved) == moved);
	CHECK_EQ(*moved, 0x51);
	/* Touched only where it is now. */
	CHECK(mremap(mapped + 3 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		     mapped + 2 * PAGE) == mapped + 2 * PAGE);
	mapped[2 * PAGE] = 0x53;
	CHECK_EQ(pread(memory, &byte, 1, 3 * PAGE), 1);
	CHECK_EQ(byte, 0x53);
	CHECK_EQ(mprotect(mapped + 5 * PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(munmap(mapped, PAGE), 0);
	CHECK_EQ(munmap(mapped + RESERVED_SIZE - PAGE, PAGE), 0);
	CHECK_EQ(mapped[5 * PAGE], 0x52);
	/* It does not become larger than what there is. */
	CHECK(mremap(moved, PAGE, RESERVED_SIZE + PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK_EQ(munmap(moved, PAGE), 0);
	CHECK_EQ(munmap(mapped, RESERVED_SIZE), 0);
}

TEST(outlives, "the memory outlives the descriptor it came from, and keeps the module")
{
	int fd = lab(RANGE);
	int memory = get_memory(fd);
	unsigned char *mapped = map(memory, PROT_READ | PROT_WRITE);

	close(fd);
	CHECK_ERR(syscall(SYS_delete_module, "io_demo", O_NONBLOCK), EWOULDBLOCK);
	close(memory);
	mapped[0] = 0x12;
	CHECK_ERR(syscall(SYS_delete_module, "io_demo", O_NONBLOCK), EWOULDBLOCK);
	CHECK_EQ(mapped[0], 0x12);
	CHECK_EQ(munmap(mapped, RESERVED_SIZE), 0);
	unload_lab();
}

TEST(keeps, "what is in it stays over a reload of the module")
{
	int memory = get_memory(lab(RANGE));
	unsigned char sent = 0xc4, got;

	CHECK_EQ(pwrite(memory, &sent, 1, 99), 1);
	close(memory);
	close_range(3, ~0u, 0);
	memory = get_memory(lab(RANGE));
	CHECK_EQ(pread(memory, &got, 1, 99), 1);
	CHECK_EQ(got, sent);
}

TEST(flags, "the descriptor is closed on exec if that is wanted")
{
	struct io_demo_reserved reserved = { .flags = IO_DEMO_CLOEXEC };
	int fd = lab(RANGE), memory;

	memory = ioctl(fd, VS_IO_RESERVED, &reserved);
	CHECK(memory >= 0);
	CHECK_EQ(fcntl(memory, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(get_memory(fd), F_GETFD), 0);
	reserved.flags = 2;
	CHECK_ERR(ioctl(fd, VS_IO_RESERVED, &reserved), EINVAL);
	reserved.flags = 0;
	reserved.reserved = 1;
	CHECK_ERR(ioctl(fd, VS_IO_RESERVED, &reserved), EINVAL);
}

TEST(executed, "the memory is for data: no mapping of it is executable")
{
	int memory = get_memory(lab(RANGE));
	unsigned char *mapped = map(memory, PROT_READ | PROT_WRITE);

	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, memory, 0) ==
	      MAP_FAILED);
	CHECK_EQ(errno, EPERM);
	CHECK_ERR(mprotect(mapped, PAGE, PROT_READ | PROT_EXEC), EACCES);
	CHECK_EQ(mprotect(mapped, PAGE, PROT_READ), 0);
}

TEST(handed_over, "who is handed the descriptor needs the right to use it, at every call")
{
	struct io_demo_reserved reserved = { 0 };
	int fd = lab(RANGE);
	int memory = get_memory(fd);
	unsigned char *mapped = map(memory, PROT_READ | PROT_WRITE);
	unsigned char byte = 0x61;

	CHECK_EQ(pwrite(memory, &byte, 1, 0), 1);
	drop_capability(CAP_SYS_RAWIO);
	CHECK_ERR(pread(memory, &byte, 1, 0), EPERM);
	CHECK_ERR(pwrite(memory, &byte, 1, 0), EPERM);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, memory, 0) == MAP_FAILED);
	CHECK_EQ(errno, EPERM);
	CHECK_ERR(ioctl(fd, VS_IO_RESERVED, &reserved), EPERM);
	/* What it had mapped before it keeps, all of it. */
	CHECK_EQ(mapped[0], 0x61);
	mapped[RESERVED_SIZE - 1] = 0x62;
	CHECK_EQ(mapped[RESERVED_SIZE - 1], 0x62);
	CHECK(mremap(mapped, RESERVED_SIZE, RESERVED_SIZE + PAGE, MREMAP_MAYMOVE) ==
	      MAP_FAILED);
}
