// SPDX-License-Identifier: GPL-2.0
/*
 * A machine with an IOMMU: the device's addresses are not the physical ones, and
 * it reaches memory wherever that is.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "io.h"

#define MASK	((1ULL << 28) - 1)

static int translated_lab(void)
{
	int fd = lab("");

	CHECK(edu(fd, 0).state & IO_DEMO_EDU_IOMMU);

	return fd;
}

TEST(different, "bus and physical address differ, and the transfer works")
{
	static const struct {
		const char *name;
		__u32 kind, flags;
		__u64 size;
	} rows[] = {
		{ "stream", IO_DEMO_DMA_STREAM, 0, 4096 },
		{ "stream, above the mask", IO_DEMO_DMA_STREAM,
		  IO_DEMO_DMA_ABOVE, 4096 },
		{ "coherent", IO_DEMO_DMA_COHERENT, 0, 65536 },
		{ "pool", IO_DEMO_DMA_POOL, 0, IO_DEMO_POOL_SIZE },
	};
	int fd = translated_lab();
	struct io_demo_dma buffer;
	size_t i;

	write_file(KPTR, "1");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].name);
		CHECK_EQ(try_dma(fd, 0, rows[i].kind, rows[i].flags,
				 rows[i].size, &buffer), 0);
		CHECK(buffer.state & IO_DEMO_DMA_IOMMU);
		CHECK(!(buffer.state & (IO_DEMO_DMA_SAME | IO_DEMO_DMA_BOUNCED)));
		CHECK(buffer.bus != buffer.phys);
		CHECK(buffer.bus + buffer.size - 1 <= MASK);
		if (rows[i].flags)
			CHECK(buffer.phys > MASK);
		check_round_trip(fd, &buffer, rows[i].size < 4000 ?
				 rows[i].size : 4000, i);
	}
	write_file(KPTR, "0");
}

TEST(cost, "translated mappings are measured")
{
	struct io_demo_dma_cost cost = { .size = 65536, .count = 50 };

	CHECK_EQ(ioctl(translated_lab(), VS_IO_DMA_COST, &cost), 0);
	CHECK(cost.state & IO_DEMO_DMA_IOMMU);
	CHECK(!(cost.state & IO_DEMO_DMA_SAME));
}

TEST(interrupts, "interrupts come all the same")
{
	CHECK_EQ(try_factorial(translated_lab(), 0, 10, 10000), 0);
}
