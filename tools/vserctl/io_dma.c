// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl io dma, cost: memory that a device reaches
 */
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "device.h"
#include "io.h"
#include "plot.h"
#include "progress.h"
#include "table.h"
#include "vserctl.h"

/* How the device reaches the buffer. */
static const char *state_text(__u32 state)
{
	if (state & IO_DEMO_DMA_IOMMU)
		return "IOMMU";
	return state & IO_DEMO_DMA_BOUNCED ? "bounce buffer" : "direct";
}

enum {
	DMA_KIND,
	DMA_SIZE,
	DMA_VIRTUAL,
	DMA_PHYSICAL,
	DMA_BUS,
	DMA_HOW,
	DMA_SAME,
	DMA_TIME,
	DMA_NOTE,
};

static const struct column dma_columns[] = {
	[DMA_KIND] = { "kind", "KIND", COLUMN_TEXT, false },
	[DMA_SIZE] = { "size", "SIZE", COLUMN_NUMBER, false },
	[DMA_VIRTUAL] = { "virtual", "VIRTUAL", COLUMN_TEXT, false },
	[DMA_PHYSICAL] = { "physical", "PHYSICAL", COLUMN_TEXT, false },
	[DMA_BUS] = { "bus", "BUS", COLUMN_TEXT, false },
	[DMA_HOW] = { "reached", "REACHED", COLUMN_TEXT, false },
	[DMA_SAME] = { "data_same", "DATA-SAME", COLUMN_TRUTH, false },
	[DMA_TIME] = { "transfer_ns", "TRANSFER-NS", COLUMN_NUMBER, false },
	[DMA_NOTE] = { "note", "NOTE", COLUMN_NOTE, false },
};

static void copy(int fd, __u32 handle, __u32 op, void *data, __u32 size)
{
	struct io_demo_dma_copy copy = {
		.handle = handle, .op = op, .buffer = (uintptr_t)data,
		.size = size,
	};

	io_ioctl(fd, VS_IO_DMA_COPY, &copy, "copy");
}

static __u64 run(int fd, __u32 handle, __u32 op, __u32 size)
{
	struct io_demo_dma_run run = { .handle = handle, .op = op, .size = size };

	io_ioctl(fd, VS_IO_DMA_RUN, &run, "transfer");
	return run.ns;
}

/* Sends a pattern to the device, wipes the buffer, and gets it back. */
static bool round_trip(int fd, __u32 handle, __u32 size, __u64 *ns)
{
	unsigned char sent[IO_DEMO_EDU_MEMORY], got[IO_DEMO_EDU_MEMORY];
	__u32 i;

	for (i = 0; i < size; i++)
		sent[i] = i * 7 + i / 256;
	memset(got, 0, size);
	copy(fd, handle, IO_DEMO_WRITE, sent, size);
	*ns = run(fd, handle, IO_DEMO_WRITE, size);
	copy(fd, handle, IO_DEMO_WRITE, got, size);
	run(fd, handle, IO_DEMO_READ, size);
	copy(fd, handle, IO_DEMO_READ, got, size);
	return memcmp(sent, got, size) == 0;
}

int io_dma_command(int argc, char **argv)
{
	static const char doc[] =
		"Make a buffer of each kind that a device can reach, show its three "
		"addresses, and send data through the device and back."
		"\vVIRTUAL is what the CPU uses, PHYSICAL what the memory bus does, BUS "
		"what the device is told. The last two are the same unless an IOMMU "
		"translates, or the device works on a bounce buffer: that is a copy in "
		"memory that it reaches. Memory above the device's mask that is neither "
		"is refused before it is mapped. QEMU's device takes 100 ms for any "
		"transfer.\n\n"
		"  sysctl kernel.kptr_restrict=1; vserctl io dma";
	static const struct {
		const char *name;
		__u32 kind, flags;
		__u64 size;
	} kinds[] = {
		{ "coherent", IO_DEMO_DMA_COHERENT, 0, 4096 },
		{ "write-combining", IO_DEMO_DMA_WC, 0, 4096 },
		{ "pool", IO_DEMO_DMA_POOL, 0, IO_DEMO_POOL_SIZE },
		{ "streaming", IO_DEMO_DMA_STREAM, 0, 4096 },
		{ "streaming, above the mask", IO_DEMO_DMA_STREAM,
		  IO_DEMO_DMA_ABOVE, 4096 },
	};
	struct io_options options = { 0 };
	struct table *table;
	__u64 ns;
	size_t i;
	int fd;

	io_parse(argc, argv, doc, &options);
	fd = io_open();
	table = table_new("dma", TABLE_ROWS, dma_columns, ARRAY_SIZE(dma_columns));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct io_demo_dma dma = {
			.index = options.device, .kind = kinds[i].kind,
			.flags = kinds[i].flags, .size = kinds[i].size,
		};
		bool raw;

		table_add_row(table);
		table_set(table, DMA_KIND, "%s", kinds[i].name);
		table_set_number(table, DMA_SIZE, kinds[i].size);
		if (ioctl(fd, VS_IO_DMA, &dma)) {
			if (errno == ENODEV || errno == EPERM)
				errx(EXIT_FAILURE, "dma: %s",
				     io_error(VS_IO_DMA, errno));
			table_set(table, DMA_NOTE, "%s",
				  io_error(VS_IO_DMA, errno));
			continue;
		}
		raw = dma.state & IO_DEMO_DMA_RAW;
		table_set(table, DMA_VIRTUAL, "%s", io_address(dma.virt, raw));
		table_set(table, DMA_PHYSICAL, "%s", io_address(dma.phys, raw));
		table_set(table, DMA_BUS, "%s", io_address(dma.bus, raw));
		table_set(table, DMA_HOW, "%s", state_text(dma.state));
		table_set_truth(table, DMA_SAME,
				round_trip(fd, dma.handle, IO_DEMO_POOL_SIZE, &ns));
		table_set_number(table, DMA_TIME, ns);
	}
	table_print(table);
	return EXIT_SUCCESS;
}

/* Cost */

enum {
	COST_SIZE,
	COST_COUNT,
	COST_HOW,
	COST_MAP,
	COST_FOR_DEVICE,
	COST_FOR_CPU,
	COST_UNMAP,
	COST_COPY,
	COST_NOTE,
};

static const struct column cost_columns[] = {
	[COST_SIZE] = { "size", "SIZE", COLUMN_NUMBER, false },
	[COST_COUNT] = { "count", "COUNT", COLUMN_NUMBER, false },
	[COST_HOW] = { "reached", "REACHED", COLUMN_TEXT, false },
	[COST_MAP] = { "map_ns", "MAP", COLUMN_NUMBER, false },
	[COST_FOR_DEVICE] = { "for_device_ns", "FOR-DEVICE", COLUMN_NUMBER, false },
	[COST_FOR_CPU] = { "for_cpu_ns", "FOR-CPU", COLUMN_NUMBER, false },
	[COST_UNMAP] = { "unmap_ns", "UNMAP", COLUMN_NUMBER, false },
	[COST_COPY] = { "copy_ns", "COPY", COLUMN_NUMBER, false },
	[COST_NOTE] = { "note", "NOTE", COLUMN_NOTE, false },
};

#define COSTS	(COST_COPY - COST_MAP + 1)

/* Sizes: this, and each four times the one before, to IO_DEMO_MAX_BUFFER. */
#define COST_FIRST	64
#define COST_ROWS	9

/* The nanoseconds of one, in the order of the columns. */
static void means(const struct io_demo_dma_cost *cost, __u64 *ns)
{
	ns[0] = cost->map_ns / cost->done;
	ns[1] = cost->for_device_ns / cost->done;
	ns[2] = cost->for_cpu_ns / cost->done;
	ns[3] = cost->unmap_ns / cost->done;
	ns[4] = cost->copy_ns / cost->done;
}

#define COST_BYTES	(16 << 20)	/* to copy for a row, if no count is given */
#define COST_LEAST	4		/* rounds of it, all the same */

/* A thousand of the largest would take minutes where the kernel copies them. */
static __u32 rounds(const struct io_options *options, __u64 size)
{
	__u64 most = COST_BYTES / size;

	if (options->counted || most >= options->count)
		return options->count;
	return most > COST_LEAST ? most : COST_LEAST;
}

/* A picture of it says how the device reaches memory. */
static const char *cost_title(int fd, __u32 device)
{
	struct io_demo_edu edu = { .index = device };

	io_ioctl(fd, VS_IO_EDU, &edu, "cost");
	if (edu.state & IO_DEMO_EDU_IOMMU)
		return "The cost of a DMA mapping: IOMMU";
	return edu.state & IO_DEMO_EDU_FORCED ?
	       "The cost of a DMA mapping: bounce buffer" :
	       "The cost of a DMA mapping: direct";
}

int io_cost_command(int argc, char **argv)
{
	static const char doc[] =
		"Measure what it costs to map memory for a device, to pass it between "
		"device and CPU, to unmap it, and to copy as much, over the size."
		"\vTimes are nanoseconds for one; each contains one reading of the clock. "
		"Where mapping costs more than copying, a driver copies instead. With a "
		"bounce buffer, the kernel copies at each step. Without --count, COUNT is "
		"1000, or as many as make 16 MiB; at least 4.\n\n"
		"  vserctl io cost --plot cost.svg";
	struct plot_axes axes = {
		.x = "bytes", .y = "ns", .scale_x = PLOT_BYTES,
		.scale_y = PLOT_TIME,
	};
	__u64 ns[COST_ROWS][COSTS], sizes[COST_ROWS];
	struct io_options options = { 0 };
	struct plot *plot = NULL;
	struct table *table;
	size_t rows = 0, done = 0, i;
	__u64 size;
	int fd, column;

	io_parse(argc, argv, doc, &options);
	fd = io_open();
	axes.title = cost_title(fd, options.device);
	if (options.plot)
		plot = plot_new(options.plot, &axes);
	table = table_new("cost", TABLE_ROWS, cost_columns,
			  ARRAY_SIZE(cost_columns));
	for (size = COST_FIRST; done < COST_ROWS; size *= 4) {
		struct io_demo_dma_cost cost = {
			.index = options.device, .size = size,
			.count = rounds(&options, size),
		};
		char what[40];

		snprintf(what, sizeof(what), "%llu bytes", size);
		progress(done++, COST_ROWS, what);
		table_add_row(table);
		table_set_number(table, COST_SIZE, size);
		if (ioctl(fd, VS_IO_DMA_COST, &cost)) {
			if (errno != EIO && errno != ENOMEM) {
				progress_end();
				errx(EXIT_FAILURE, "cost: %s",
				     io_error(VS_IO_DMA_COST, errno));
			}
			table_set(table, COST_NOTE, "%s",
				  io_error(VS_IO_DMA_COST, errno));
			continue;
		}
		means(&cost, ns[rows]);
		sizes[rows] = size;
		table_set_number(table, COST_COUNT, cost.done);
		table_set(table, COST_HOW, "%s", state_text(cost.state));
		for (column = COST_MAP; column <= COST_COPY; column++)
			table_set_number(table, column, ns[rows][column - COST_MAP]);
		rows++;
	}
	progress_end();
	table_print(table);
	for (column = 0; plot && column < COSTS; column++) {
		plot_curve(plot, cost_columns[COST_MAP + column].heading);
		for (i = 0; i < rows; i++)
			plot_point(plot, sizes[i], ns[i][column]);
	}
	if (plot)
		plot_finish(plot);
	return EXIT_SUCCESS;
}
