// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that is locked down while the laboratory is open. That cannot be
 * undone, and no module is loaded after it: hence one test on a machine of its own.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "io.h"

#define LOCKDOWN	"/sys/kernel/security/lockdown"

TEST(locked, "a kernel that is locked down lets nobody touch hardware")
{
	struct io_demo_layout layout = { 0 };
	struct io_demo_reserved reserved = { 0 };
	struct io_demo_edu info = { 0 };
	int fd = -1, memory;
	unsigned char *mapped, byte = 0x63;
	__u32 handle;

	mount("none", "/sys/kernel/security", "securityfs", 0, NULL);
	if (!exists(LOCKDOWN))
		SKIP("this kernel knows no lockdown");
	fd = lab("reserved=" RESERVED);
	memory = ioctl(fd, VS_IO_RESERVED, &reserved);
	CHECK(memory >= 0);
	mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	CHECK(mapped != MAP_FAILED);
	CHECK_EQ(pwrite(memory, &byte, 1, 0), 1);
	handle = claim_ports(fd, TEST_PORTS, 4);
	CHECK_EQ(try_factorial(fd, 0, 5, 10000), 0);

	write_file(LOCKDOWN, "integrity");
	CHECK_ERR(try_access(fd, handle, IO_DEMO_READ, IO_DEMO_BY_DEFAULT, 1, 0,
			     0), EPERM);
	CHECK_ERR(ioctl(fd, VS_IO_EDU, &info), EPERM);
	CHECK_ERR(ioctl(fd, VS_IO_LAYOUT, &layout), EPERM);
	CHECK_ERR(try_factorial(fd, 0, 5, 10000), EPERM);

	/* So it is with the descriptor of reserved memory; its mapping stays. */
	CHECK_ERR(pread(memory, &byte, 1, 0), EPERM);
	CHECK_ERR(pwrite(memory, &byte, 1, 0), EPERM);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, memory, 0) == MAP_FAILED);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(mapped[0], 0x63);
}
