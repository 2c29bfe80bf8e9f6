// SPDX-License-Identifier: GPL-2.0
/*
 * A client of the teaching driver: it knows the frame format as "struct option"
 * and compiles and works unchanged when VSER_LEGACY_NAMES is defined.
 */
#define VSER_LEGACY_NAMES

#include <sys/ioctl.h>
#include <unistd.h>

#include "line.h"

TEST(client, "an old client sets speed and format and reads them back")
{
	struct option opt = { 7, 2, 2 };
	struct option was = { 0 };
	unsigned int baud;
	int fd;

	fd = open("/dev/vser", O_RDWR);
	CHECK(fd >= 0);
	baud = 9600;
	CHECK_EQ(ioctl(fd, VS_SET_BAUD, &baud), 0);
	baud = 0;
	CHECK_EQ(ioctl(fd, VS_GET_BAUD, &baud), 0);
	CHECK_EQ(baud, 9600);
	CHECK_EQ(ioctl(fd, VS_SET_FMT, &opt), 0);
	CHECK_EQ(ioctl(fd, VS_GET_FMT, &was), 0);
	CHECK_EQ(was.datab, 7);
	CHECK_EQ(was.parity, 2);
	CHECK_EQ(was.stopb, 2);
	close(fd);
}

TEST(fields, "the old format has its three fields in their order")
{
	struct option opt = { .datab = 1, .parity = 2, .stopb = 3 };
	const unsigned int *fields = &opt.datab;

	CHECK_EQ(sizeof(opt), 3 * sizeof(unsigned int));
	CHECK_EQ(fields[0], 1);
	CHECK_EQ(fields[1], 2);
	CHECK_EQ(fields[2], 3);
}

TEST(numbers, "the ioctls have the numbers that old binaries carry")
{
	CHECK_EQ(VS_SET_BAUD, 0x40047300);
	CHECK_EQ(VS_GET_BAUD, 0x80047301);
	CHECK_EQ(VS_SET_FMT, 0x400c7302);
	CHECK_EQ(VS_GET_FMT, 0x800c7303);
}
