// SPDX-License-Identifier: GPL-2.0
/*
 * A machine that has everything bounced (swiotlb=force), and a device that
 * reaches 4 GiB: streaming mappings go through the bounce buffer, and what the
 * device and the CPU see is kept in step by the sync calls. The bounce buffer is
 * a small one, of 4 MiB.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <unistd.h>

#include "io.h"

#define WIDE	"edu_mask_bits=32"

TEST(state, "the device says that it is bounced")
{
	struct io_demo_edu info = edu(lab(WIDE), 0);

	CHECK(info.state & IO_DEMO_EDU_BOUNCE);
	CHECK(info.state & IO_DEMO_EDU_FORCED);
	CHECK(!(info.state & IO_DEMO_EDU_IOMMU));
}

TEST_WITHIN(stream, 60, "what goes through the bounce buffer arrives")
{
	struct io_demo_dma buffer;
	int fd = lab(WIDE);
	__u64 size;

	for (size = 1; size <= 128 << 10; size *= 32) {
		buffer = dma(fd, IO_DEMO_DMA_STREAM, size);
		CHECK(buffer.state & IO_DEMO_DMA_BOUNCED);
		CHECK(!(buffer.state & IO_DEMO_DMA_SAME));
		check_round_trip(fd, &buffer, size < 4000 ? size : 4000, size);
		release(fd, buffer.handle);
	}
}

TEST(coherent, "coherent memory is not bounced")
{
	struct io_demo_dma buffer;
	int fd = lab(WIDE);

	buffer = dma(fd, IO_DEMO_DMA_COHERENT, 4096);
	CHECK(!(buffer.state & IO_DEMO_DMA_BOUNCED));
	check_round_trip(fd, &buffer, 4000, 1);
}

TEST(large, "what is larger than the bounce buffer takes is EIO, and is not mapped")
{
	struct io_demo_dma buffer;
	int fd = lab(WIDE);

	CHECK_ERR(try_dma(fd, 0, IO_DEMO_DMA_STREAM, 0, 1 << 20, &buffer), EIO);
}

TEST(narrow, "a device that may not reach the bounce buffer gets EIO")
{
	struct io_demo_dma buffer;
	int fd = lab("edu_mask_bits=28");

	CHECK(!(edu(fd, 0).state & IO_DEMO_EDU_BOUNCE));
	CHECK_ERR(try_dma(fd, 0, IO_DEMO_DMA_STREAM, 0, 4096, &buffer), EIO);
	buffer = dma(fd, IO_DEMO_DMA_COHERENT, 4096);
	check_round_trip(fd, &buffer, 100, 1);
}

TEST(full, "when the bounce buffer is full, that is EIO, and no news for the kernel's log")
{
	static char log[1 << 20];
	struct io_demo_dma buffer;
	int fd = lab(WIDE), i;

	for (i = 0; !try_dma(fd, 0, IO_DEMO_DMA_STREAM, 0, 128 << 10, &buffer); i++)
		;
	CHECK_EQ(errno, EIO);
	CHECK(i > 0 && i <= 32);
	CHECK(klogctl(3, log, sizeof(log) - 1) > 0);
	CHECK(!strstr(log, "is full"));
	close(fd);
	CHECK_EQ(try_dma(lab(WIDE), 0, IO_DEMO_DMA_STREAM, 0, 128 << 10,
			 &buffer), 0);
}

TEST(cost, "bouncing is measured")
{
	struct io_demo_dma_cost cost = { .size = 65536, .count = 50 };

	CHECK_EQ(ioctl(lab(WIDE), VS_IO_DMA_COST, &cost), 0);
	CHECK(cost.state & IO_DEMO_DMA_BOUNCED);
	CHECK(cost.map_ns && cost.for_cpu_ns && cost.for_device_ns);
}
