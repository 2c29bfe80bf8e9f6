// SPDX-License-Identifier: GPL-2.0
/*
 * A machine whose kernel was told that it has less memory than it has (mem=): the
 * rest is nobody's, until the module takes it. Of what the kernel has, a part is a
 * device that keeps data (memmap=1M!0x18000000), and that nobody drives.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io.h"

/* The kernel has 448 MiB; this is behind it, and in front of the firmware's. */
#define RANGE	"reserved=32M@0x1c000000"
#define SIZE	(32 << 20)

TEST(taken, "memory behind what mem= leaves is taken, and all of it is memory")
{
	struct io_demo_reserved reserved = { 0 };
	int fd, memory;
	__u32 *word;
	size_t i;

	unload_lab();
	CHECK(!file_has("/proc/iomem", "1c000000-"));
	fd = lab(RANGE);
	CHECK(file_has("/proc/iomem", "1c000000-1dffffff : io_demo\n"));
	memory = ioctl(fd, VS_IO_RESERVED, &reserved);
	CHECK(memory >= 0);
	CHECK_EQ(reserved.size, SIZE);
	word = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	CHECK(word != MAP_FAILED);
	for (i = 0; i < SIZE / sizeof(*word); i++)
		word[i] = i * 2654435761u;
	for (i = 0; i < SIZE / sizeof(*word); i++)
		if (word[i] != (__u32)(i * 2654435761u))
			break;
	CHECK_EQ(i, SIZE / sizeof(*word));
}

TEST(owners, "no memory is claimed that anything but a bus has, be it a device without a driver")
{
	struct io_demo_claim claim = {
		.space = IO_DEMO_MEMORY, .map = IO_DEMO_MAP_UC, .size = 4096,
	};
	int fd = lab("");

	CHECK(file_has("/proc/iomem", " : Persistent Memory (legacy)\n"));
	check_owners(fd, "/proc/iomem", claim);
	claim.flags = IO_DEMO_MANAGED;
	check_owners(fd, "/proc/iomem", claim);
	close(fd);
	unload_lab();
	clear_log();
	CHECK_EQ(try_load_lab("reserved=64k@0x18000000"), EBUSY);
	CHECK(log_has("io_demo: reserved=64k@0x18000000: a driver or a device has"));
}

TEST(refused, "what the kernel still has is refused")
{
	unload_lab();
	CHECK_EQ(try_load_lab("reserved=32M@0x1a000000"), EPERM);
	CHECK_EQ(try_load_lab("reserved=32M@0x1b000000"), EPERM);
}
