// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem dma: memory that a device reaches, and whose turn it is
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "device.h"
#include "mem.h"
#include "table.h"
#include "vserctl.h"

enum dma_column {
	DMA_ALLOCATOR,
	DMA_MASK,
	DMA_SIZE,
	DMA_ZONE,
	DMA_ADDRESS,
	DMA_PHYSICAL,
	DMA_DMA,
	DMA_EXTENTS,
	DMA_ENTRIES,
	DMA_OWNER,
	DMA_TURNS,
	DMA_COHERENT,
	DMA_REQUIRED,
	DMA_NOTE,
};

static const struct column dma_columns[] = {
	[DMA_ALLOCATOR] = { "allocator", "ALLOCATOR", COLUMN_TEXT, false },
	[DMA_MASK] = { "mask_bits", "MASK", COLUMN_NUMBER, false },
	[DMA_SIZE] = { "size", "SIZE", COLUMN_NUMBER, true },
	[DMA_ZONE] = { "zone", "ZONE", COLUMN_TEXT, false },
	[DMA_ADDRESS] = { "address", "VIRTUAL", COLUMN_TEXT, false },
	[DMA_PHYSICAL] = { "physical", "PHYSICAL", COLUMN_TEXT, false },
	[DMA_DMA] = { "dma", "DMA", COLUMN_TEXT, false },
	[DMA_EXTENTS] = { "extents", "EXTENTS", COLUMN_NUMBER, true },
	[DMA_ENTRIES] = { "sg_entries", "ENTRIES", COLUMN_NUMBER, false },
	[DMA_OWNER] = { "owner", "OWNER", COLUMN_TEXT, false },
	[DMA_TURNS] = { "turns_kept", "TURNS-KEPT", COLUMN_TRUTH, false },
	[DMA_COHERENT] = { "coherent", "COHERENT", COLUMN_TRUTH, false },
	[DMA_REQUIRED] = { "required_mask", "REQUIRED-MASK", COLUMN_TEXT, true },
	[DMA_NOTE] = { "note", "NOTE", COLUMN_NOTE, false },
};

static void set_place(struct table *table, const struct mem_show *show)
{
	const char *zone = mem_zone_name(show->zone);
	bool raw = show->flags & MEM_SHOW_RAW;

	if (zone)
		table_set(table, DMA_ZONE, "%s", zone);
	if (show->region != MEM_REGION_NONE)
		table_set(table, DMA_ADDRESS, "%s",
			  mem_address_text(show->address, raw));
	if (show->flags & MEM_SHOW_PHYSICAL)
		table_set(table, DMA_PHYSICAL, "%s",
			  mem_address_text(show->physical, raw));
	if (show->flags & MEM_SHOW_DMA)
		table_set(table, DMA_DMA, "%s", mem_address_text(show->dma, raw));
	table_set_number(table, DMA_EXTENTS, show->extents);
	if (show->owner == MEM_OWNER_DEVICE)
		table_set(table, DMA_OWNER, "device");
	else if (show->owner == MEM_OWNER_CPU)
		table_set(table, DMA_OWNER, "CPU");
}

/* May the CPU read the first byte now? The laboratory knows whose turn it is. */
static bool cpu_may_read(int fd, __u64 handle)
{
	char byte;
	struct mem_io io = { .handle = handle, .buffer = (uintptr_t)&byte,
			     .length = 1 };

	if (ioctl(fd, MEM_READ, &io) == 0)
		return true;
	if (errno == EBUSY)
		return false;
	err(EXIT_FAILURE, "MEM_READ");
}

/* Passes the buffer to the CPU and back to the device. */
static void take_turns(int fd, struct table *table, __u64 handle)
{
	struct mem_dma_sync sync = { .handle = handle, .op = MEM_SYNC_FOR_CPU };
	bool before, between, after;

	before = cpu_may_read(fd, handle);
	device_ioctl(fd, MEM_DMA_SYNC, &sync, "MEM_DMA_SYNC");
	between = cpu_may_read(fd, handle);
	sync.op = MEM_SYNC_FOR_DEVICE;
	device_ioctl(fd, MEM_DMA_SYNC, &sync, "MEM_DMA_SYNC");
	after = cpu_may_read(fd, handle);

	table_set_truth(table, DMA_TURNS, !before && between && !after);
	table_set_number(table, DMA_ENTRIES, sync.entries);
	if (sync.coherent != MEM_UNKNOWN)
		table_set_truth(table, DMA_COHERENT, sync.coherent == MEM_YES);
	table_set(table, DMA_REQUIRED, "0x%llx", sync.required_mask);
}

static void try_mask(int fd, struct table *table,
		     const struct mem_allocator *allocator,
		     const struct mem_request *request, __u32 bits)
{
	struct mem_alloc alloc = mem_alloc_for(request, allocator);
	struct mem_show show = { 0 };

	alloc.dma_bits = bits;
	/* What was not zeroed is not for reading. */
	alloc.gfp |= MEM_GFP_ZERO;
	table_add_row(table);
	table_set(table, DMA_ALLOCATOR, "%s", allocator->name);
	table_set_number(table, DMA_MASK, bits);
	table_set_number(table, DMA_SIZE, alloc.size);
	if (ioctl(fd, MEM_ALLOC, &alloc)) {
		table_set(table, DMA_NOTE, "mask of %u bits: %s", bits,
			  mem_explain(fd, &alloc, errno));
		return;
	}
	show.handle = alloc.handle;
	device_ioctl(fd, MEM_SHOW, &show, allocator->name);
	set_place(table, &show);
	if (allocator->caps & MEM_CAP_SYNC)
		take_turns(fd, table, alloc.handle);
	else
		table_set(table, DMA_NOTE,
			  "coherent: both sides may use it at any time, so it has no owner");
	mem_must_free(fd, alloc.handle, 1);
}

int mem_dma_command(int argc, char **argv)
{
	static const char doc[] =
		"Allocate memory for DMA under masks of 24, 32 and 64 bits, on a device "
		"of the laboratory's own, and show its virtual, physical and DMA address "
		"side by side. Streaming buffers are passed to the CPU and back."
		"\vA streaming buffer (dma_map_single, dma_map_sg) belongs to the device "
		"from when it is mapped; the CPU may touch it only after a sync for the "
		"CPU, until a sync for the device. TURNS-KEPT: the laboratory let the CPU "
		"read it then and only then. COHERENT: the device sees the CPU's caches, "
		"so that a sync has nothing to do. ENTRIES are those of the scatter list "
		"after mapping. DMA and physical addresses differ behind an IOMMU.\n\n"
		"A buffer that lies above the mask is refused, as the kernel would have to "
		"copy it (bounce); with --gfp kernel,dma it lies below 16 MiB.\n\n"
		"  sysctl kernel.kptr_restrict=1; vserctl mem dma";
	static const __u32 masks[] = { 24, 32, 64 };
	struct mem_request request = { 0 };
	struct mem_selection selection;
	struct table *table;
	size_t i, mask;
	int fd;

	mem_parse_request(argc, argv, doc, &request);
	fd = mem_open();
	mem_select(fd, &request, MEM_CAP_ALLOC | MEM_CAP_DMA, &selection);
	table = table_new("dma", TABLE_ROWS, dma_columns, ARRAY_SIZE(dma_columns));
	for (i = 0; i < selection.count; i++) {
		for (mask = 0; mask < ARRAY_SIZE(masks); mask++) {
			if (!request.dma_bits || request.dma_bits == masks[mask])
				try_mask(fd, table, &selection.allocators[i],
					 &request, masks[mask]);
		}
	}
	table_print(table);
	return EXIT_SUCCESS;
}
