// SPDX-License-Identifier: GPL-2.0
/*
 * The line is a stream: it has no positions. And what it does not have at all.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "line.h"

TEST(seek, "a line has no position: lseek gives ESPIPE")
{
	static const int whences[] = {
		SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE
	};
	int fd = open_line(O_RDWR);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(whences); i++) {
		CHECK_ERR(lseek(fd, 0, whences[i]), ESPIPE);
		CHECK_ERR(lseek(fd, 1, whences[i]), ESPIPE);
	}
}

TEST(positions, "calls that name a position give ESPIPE and move no byte")
{
	int fd = open_line(O_RDWR);
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	off_t offset = 0;

	wait_for_letters(fd, 1);
	CHECK_ERR(pread(fd, &byte, 1, 0), ESPIPE);
	CHECK_ERR(pread(fd, &byte, 1, 1), ESPIPE);
	CHECK_ERR(preadv(fd, &iov, 1, 0), ESPIPE);
	CHECK_ERR(pwrite(fd, &byte, 1, 0), ESPIPE);
	CHECK_ERR(pwritev(fd, &iov, 1, 0), ESPIPE);
	CHECK_ERR(sendfile(fd, fd, &offset, 1), ESPIPE);
	CHECK_EQ(tx_queued(fd), 0);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(read(fd, &byte, 1), 1);
}

TEST(no_position, "a position of -1 means none: preadv2 and pwritev2 work")
{
	__u64 written = counter("tx_written");
	int fd = open_line(O_RDWR);
	char byte = 'x';
	struct iovec iov = { &byte, 1 };

	CHECK_EQ(pwritev2(fd, &iov, 1, -1, 0), 1);
	CHECK_EQ(counter("tx_written"), written + 1);
	CHECK_EQ(preadv2(fd, &iov, 1, -1, 0), 1);
	CHECK(byte >= 'A' && byte <= 'Z');
}

TEST(sendfile, "sendfile takes nothing out of a line into a file: EINVAL")
{
	int file = memfd_create("file", 0);
	int fd = open_line(O_RDONLY);

	CHECK(file >= 0);
	CHECK_ERR(sendfile(file, fd, NULL, 1), EINVAL);
}

TEST(not_a_file, "what only files on a disk have is EINVAL, mmap is ENODEV")
{
	int fd = open_line(O_RDWR);
	size_t page = sysconf(_SC_PAGESIZE);

	CHECK_ERR(ftruncate(fd, 0), EINVAL);
	CHECK(mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENODEV);
}
