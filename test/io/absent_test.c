// SPDX-License-Identifier: GPL-2.0
/*
 * A machine without any of the devices: what needs one is ENODEV, all else
 * works.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <sys/ioctl.h>

#include "io.h"

TEST(edu, "what needs an edu device is ENODEV")
{
	struct io_demo_edu info = { .present = ~0u };
	struct io_demo_live live = { 0 };
	struct io_demo_raise raise = { .bits = 0x200 };
	struct io_demo_wait wait = { 0 };
	struct io_demo_irq irq = { .half = IO_DEMO_HALF_HARD, .count = 1 };
	struct io_demo_dma_cost cost = { .size = 1, .count = 1 };
	struct io_demo_dma buffer;
	int fd = lab("");

	CHECK_ERR(ioctl(fd, VS_IO_EDU, &info), ENODEV);
	CHECK_EQ(info.present, 0);
	CHECK_ERR(ioctl(fd, VS_IO_LIVE, &live), ENODEV);
	CHECK_ERR(try_factorial(fd, 0, 5, 100), ENODEV);
	CHECK_ERR(ioctl(fd, VS_IO_RAISE, &raise), ENODEV);
	CHECK_ERR(ioctl(fd, VS_IO_WAIT, &wait), ENODEV);
	CHECK_ERR(ioctl(fd, VS_IO_IRQ, &irq), ENODEV);
	CHECK_ERR(ioctl(fd, VS_IO_DMA_COST, &cost), ENODEV);
	CHECK_ERR(try_dma(fd, 0, IO_DEMO_DMA_COHERENT, 0, 16, &buffer), ENODEV);
}

TEST(reserved, "memory that is not reserved is ENODEV")
{
	struct io_demo_reserved reserved = { 0 };

	CHECK_ERR(ioctl(lab(""), VS_IO_RESERVED, &reserved), ENODEV);
}

TEST(rest, "ports, I/O memory and the layout are there, device or not")
{
	struct io_demo_layout layout = { 0 };
	int fd = lab("");
	__u32 handle;

	handle = claim_ports(fd, TEST_PORTS, 4);
	/* Where no device answers, a PC reads ones. */
	CHECK_EQ(get(fd, handle, IO_DEMO_BY_DEFAULT, 4, 0), 0xffffffff);
	put(fd, handle, IO_DEMO_BY_DEFAULT, 1, 0, 1);
	CHECK_EQ(get(fd, handle, IO_DEMO_BY_DEFAULT, 1, 0), 0xff);
	handle = claim(fd, IO_DEMO_MEMORY, IO_DEMO_MAP_UC, TEST_MEMORY, 4096);
	put(fd, handle, IO_DEMO_BY_DEFAULT, 8, 0, 0x1234);
	CHECK(get(fd, handle, IO_DEMO_BY_DEFAULT, 8, 0) != 0x1234);
	CHECK_EQ(ioctl(fd, VS_IO_LAYOUT, &layout), 0);
	CHECK(layout.count);
}
