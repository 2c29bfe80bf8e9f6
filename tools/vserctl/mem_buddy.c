// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem buddy, fragment: free blocks, split, merged and out of reach
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "args.h"
#include "buddyinfo.h"
#include "device.h"
#include "mem.h"
#include "table.h"
#include "vserctl.h"

/* mem buddy */

enum buddy_column {
	BUDDY_NODE,
	BUDDY_ZONE,
	BUDDY_ORDER,
	BUDDY_SIZE,
	BUDDY_BEFORE,
	BUDDY_HELD,
	BUDDY_AFTER,
	BUDDY_WHAT,
};

static const struct column buddy_columns[] = {
	[BUDDY_NODE] = { "node", "NODE", COLUMN_NUMBER, false },
	[BUDDY_ZONE] = { "zone", "ZONE", COLUMN_TEXT, false },
	[BUDDY_ORDER] = { "order", "ORDER", COLUMN_NUMBER, false },
	[BUDDY_SIZE] = { "size", "SIZE", COLUMN_NUMBER, false },
	[BUDDY_BEFORE] = { "before", "BEFORE", COLUMN_NUMBER, false },
	[BUDDY_HELD] = { "held", "HELD", COLUMN_NUMBER, false },
	[BUDDY_AFTER] = { "after", "AFTER", COLUMN_NUMBER, false },
	[BUDDY_WHAT] = { "what", "WHAT", COLUMN_TEXT, false },
};

static const char *what_happened(long before, long held, long after)
{
	if (held < before)
		return after == before ? "taken or split, then whole again" :
					 "taken or split";
	if (held > before)
		return after == before ? "halves left over, then merged" :
					 "halves left over";
	return after == before ? "" : "changed by the free";
}

static void add_buddy_rows(struct table *table, size_t zone,
			   const struct buddyinfo *before,
			   const struct buddyinfo *held,
			   const struct buddyinfo *after)
{
	const struct zone_blocks *blocks = &before->zones[zone];
	long page = sysconf(_SC_PAGESIZE);
	size_t order;

	for (order = before->nr_orders; order-- > 0;) {
		long counts[] = {
			blocks->free[order],
			held->zones[zone].free[order],
			after->zones[zone].free[order],
		};

		table_add_row(table);
		table_set_number(table, BUDDY_NODE, blocks->node);
		table_set(table, BUDDY_ZONE, "%s", blocks->zone);
		table_set_number(table, BUDDY_ORDER, order);
		table_set_number(table, BUDDY_SIZE, (long long)page << order);
		table_set_number(table, BUDDY_BEFORE, counts[0]);
		table_set_number(table, BUDDY_HELD, counts[1]);
		table_set_number(table, BUDDY_AFTER, counts[2]);
		table_set(table, BUDDY_WHAT, "%s",
			  what_happened(counts[0], counts[1], counts[2]));
	}
}

static bool zone_changed(size_t zone, const struct buddyinfo *before,
			 const struct buddyinfo *held)
{
	return memcmp(before->zones[zone].free, held->zones[zone].free,
		      sizeof(held->zones[zone].free)) != 0;
}

struct buddy_options {
	struct mem_request request;
	unsigned int order;
	unsigned int count;
};

static error_t parse_buddy(int key, char *arg, struct argp_state *state)
{
	struct buddy_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->request;
		return 0;
	case 'o':
		options->order = parse_number(state, "--order", arg, 0, MAX_ORDERS - 1);
		return 0;
	case 'n':
		options->count = parse_number(state, "--count", arg, 1, 10000000);
		return 0;
	case ARGP_KEY_END:
		if (options->request.nr_names > 1)
			argp_error(state, "one allocator is enough");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Has a larger block been split, so that half of it was left over? */
static bool is_split(const struct buddyinfo *before, const struct buddyinfo *after,
		     unsigned int order)
{
	size_t zone, o;

	for (zone = 0; zone < before->nr_zones; zone++) {
		for (o = order; o < before->nr_orders; o++) {
			if (after->zones[zone].free[o] > before->zones[zone].free[o])
				return true;
		}
	}
	return false;
}

/*
 * Takes what there is, and holds it, until the next one will have to be split off
 * a larger block, or half of the quota is used.
 */
static void use_up(int fd, const struct mem_allocator *allocator,
		   const struct mem_alloc *wanted, unsigned int order)
{
	__u64 most = mem_get_info(fd).quota_file / 2 / wanted->size;
	struct buddyinfo before, after;
	__u64 i;

	buddyinfo_read(&after);
	for (i = 0; i < most; i++) {
		struct mem_alloc alloc = *wanted;

		before = after;
		mem_must_alloc(fd, allocator, &alloc);
		buddyinfo_read(&after);
		if (is_split(&before, &after, order)) {
			mem_must_free(fd, alloc.handle, 1);
			return;
		}
	}
}

int mem_buddy_command(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "order", 'o', "ORDER", 0,
		  "Allocate blocks of 2^ORDER pages (default: 8)", 0 },
		{ "count", 'n', "N", 0,
		  "How many (default: one, after so many that it must be split off a "
		  "larger block)", 0 },
		{ }
	};
	static const struct argp_child children[] = {
		MEM_REQUEST_OPTIONS, TABLE_OPTIONS, { }
	};
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_buddy,
		.children = children,
		.args_doc = "[ALLOCATOR]",
		.doc = "Allocate, and show from /proc/buddyinfo which free blocks were "
		       "split for it and how they merge again when it is freed."
		       "\vWith no ALLOCATOR, alloc_pages. The numbers are how many blocks "
		       "of an order are free, before, while the allocation is held, and "
		       "after its free; only zones that have changed are shown. Others "
		       "allocate at the same time: on a busy machine they are seen too.\n\n"
		       "Blocks up to order 3, and those of a huge page, come from lists that "
		       "each CPU keeps, which take from the buddy system and give back to it "
		       "in batches: try --order 0 --count 5000.",
	};
	struct buddy_options options = { .order = 8 };
	struct buddyinfo before, held, after;
	struct mem_selection selection;
	struct mem_allocator allocator;
	struct mem_alloc alloc;
	bool is_seen = false;
	struct table *table;
	size_t zone;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	fd = mem_open();
	mem_select(fd, &options.request, MEM_CAP_ALLOC, &selection);
	allocator = selection.named ? selection.allocators[0] :
				      mem_get_allocator(fd, MEM_ALLOC_PAGES);
	if (!options.request.size)
		options.request.size =
			(unsigned long long)sysconf(_SC_PAGESIZE) << options.order;
	alloc = mem_alloc_for(&options.request, &allocator);
	if (options.count)
		alloc.count = options.count;
	else
		use_up(fd, &allocator, &alloc, options.order);

	buddyinfo_read(&before);
	mem_must_alloc(fd, &allocator, &alloc);
	buddyinfo_read(&held);
	mem_must_free(fd, alloc.handle, alloc.count);
	buddyinfo_read(&after);

	table = table_new("buddy", TABLE_ROWS, buddy_columns,
			  ARRAY_SIZE(buddy_columns));
	for (zone = 0; zone < before.nr_zones; zone++) {
		if (zone_changed(zone, &before, &held)) {
			add_buddy_rows(table, zone, &before, &held, &after);
			is_seen = true;
		}
	}
	table_print(table);
	if (!is_seen && table_for_people())
		puts("No free list has changed: it came from what the CPU or the slab "
		     "allocator keeps.\nTry more, by --count.");
	return EXIT_SUCCESS;
}

/* mem fragment */

enum fragment_column {
	FRAGMENT_STATE,
	FRAGMENT_FREE,
	FRAGMENT_LARGE,
	FRAGMENT_HELD,
	FRAGMENT_BLOCK,
	FRAGMENT_VMALLOC,
	FRAGMENT_BLOCKS,
	FRAGMENT_NOTE,
};

static const struct column fragment_columns[] = {
	[FRAGMENT_STATE] = { "state", "STATE", COLUMN_TEXT, false },
	[FRAGMENT_FREE] = { "free", "FREE", COLUMN_NUMBER, false },
	[FRAGMENT_LARGE] = { "free_in_large", "IN-LARGE-BLOCKS", COLUMN_NUMBER,
			     false },
	[FRAGMENT_HELD] = { "held", "HELD", COLUMN_NUMBER, false },
	[FRAGMENT_BLOCK] = { "block_granted", "BLOCK", COLUMN_TRUTH, false },
	[FRAGMENT_VMALLOC] = { "vmalloc_granted", "VMALLOC", COLUMN_TRUTH, false },
	[FRAGMENT_BLOCKS] = { "free_blocks", "FREE BLOCKS, ORDER 0 AND UP",
			      COLUMN_TEXT, false },
	[FRAGMENT_NOTE] = { "note", "NOTE", COLUMN_NOTE, false },
};

/* The free blocks of each order, of all zones together. */
static void set_blocks(struct table *table, const struct buddyinfo *info)
{
	char text[512] = "";
	size_t order, zone, length = 0;

	for (order = 0; order < info->nr_orders; order++) {
		long blocks = 0;

		for (zone = 0; zone < info->nr_zones; zone++)
			blocks += info->zones[zone].free[order];
		length += snprintf(text + length, sizeof(text) - length, "%s%ld",
				   order ? " " : "", blocks);
	}
	table_set(table, FRAGMENT_BLOCKS, "%s", text);
}

static void add_fragment_row(struct table *table, const char *state,
			     unsigned int order, bool block, bool vmalloc,
			     __u64 held)
{
	struct buddyinfo info;

	buddyinfo_read(&info);
	table_add_row(table);
	table_set(table, FRAGMENT_STATE, "%s", state);
	table_set_number(table, FRAGMENT_FREE, buddyinfo_free(&info, 0));
	table_set_number(table, FRAGMENT_LARGE, buddyinfo_free(&info, order));
	table_set_number(table, FRAGMENT_HELD, held);
	table_set_truth(table, FRAGMENT_BLOCK, block);
	table_set_truth(table, FRAGMENT_VMALLOC, vmalloc);
	set_blocks(table, &info);
}

/* Is a single allocation of this size granted? It is freed at once. */
static bool is_granted(int fd, __u32 allocator, unsigned int order)
{
	struct mem_alloc alloc = {
		.allocator = allocator,
		.gfp = MEM_GFP_KERNEL,
		.size = (__u64)sysconf(_SC_PAGESIZE) << order,
		.count = 1,
	};

	if (ioctl(fd, MEM_ALLOC, &alloc) == 0) {
		mem_must_free(fd, alloc.handle, 1);
		return true;
	}
	if (errno != ENOMEM)
		errx(EXIT_FAILURE, "a block of order %u: %s", order,
		     mem_explain(fd, &alloc, errno));
	return false;
}

/*
 * Asks first and reads then: pages that were freed one by one wait in lists of
 * each CPU, and merge when a large block is asked for.
 */
static void add_whole_row(int fd, struct table *table, const char *state,
			  unsigned int order)
{
	bool block = is_granted(fd, MEM_ALLOC_PAGES, order);
	bool vmalloc = is_granted(fd, MEM_VMALLOC, order);

	add_fragment_row(table, state, order, block, vmalloc, 0);
}

struct fragment_options {
	unsigned int order;
	unsigned long long budget;
	bool is_unlimited;
};

static error_t parse_fragment(int key, char *arg, struct argp_state *state)
{
	struct fragment_options *options = state->input;

	switch (key) {
	case 'o':
		options->order = parse_number(state, "--order", arg, 1, MAX_ORDERS);
		return 0;
	case 'b':
		options->budget = parse_number(state, "--budget", arg, 1, 1ULL << 62);
		return 0;
	case 'u':
		options->is_unlimited = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int mem_fragment_command(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "order", 'o', "ORDER", 0,
		  "Blocks of 2^ORDER pages are to be had no more (default: the "
		  "largest)", 0 },
		{ "budget", 'b', "BYTES", 0,
		  "Hold no more than this (default: what is left of the quota)", 0 },
		{ "unlimited", 'u', NULL, 0,
		  "Hold up to half of what is available, beyond the quota", 0 },
		{ }
	};
	static const struct argp_child children[] = { TABLE_OPTIONS, { } };
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_fragment,
		.children = children,
		.doc = "Fragment memory: keep one page of each large block and free the "
		       "others, until no large block is free while memory is plenty."
		       "\vFREE is what /proc/buddyinfo says is free, IN-LARGE-BLOCKS what of "
		       "it is in blocks of the order or larger; BLOCK tells whether one "
		       "such block is granted, VMALLOC whether vmalloc() grants as much, "
		       "of single pages. Memory is as before when the command ends.\n\n"
		       "Of each block one page is held: for small blocks that is a large "
		       "part of all memory, for blocks of order 1 the half of it. No more is "
		       "held than the quota of a file (vserctl mem info). With --unlimited, "
		       "other programs may find no memory meanwhile.",
	};
	struct fragment_options options = { 0 };
	struct mem_fragment fragment = { .op = MEM_FRAGMENT_START };
	struct mem_fragment stop = { .op = MEM_FRAGMENT_STOP };
	struct table *table;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	fd = mem_open();
	if (!options.order)
		options.order = mem_get_info(fd).max_order;
	fragment.order = options.order;
	fragment.budget = mem_budget(fd, "--budget", options.budget,
				     options.is_unlimited);
	table = table_new("fragment", TABLE_ROWS, fragment_columns,
			  ARRAY_SIZE(fragment_columns));

	add_whole_row(fd, table, "before", options.order);
	device_ioctl(fd, MEM_FRAGMENT, &fragment, "MEM_FRAGMENT");
	add_fragment_row(table, "fragmented", options.order,
			 fragment.high_order == MEM_YES,
			 fragment.vmalloc == MEM_YES, fragment.held);
	if (fragment.held + sysconf(_SC_PAGESIZE) > fragment.used_budget)
		table_set(table, FRAGMENT_NOTE, "%s", options.is_unlimited ?
			  "ended by half of what is available: blocks are left" :
			  "ended by the budget: blocks are left; --unlimited goes beyond");
	device_ioctl(fd, MEM_FRAGMENT, &stop, "MEM_FRAGMENT");
	add_whole_row(fd, table, "freed", options.order);
	table_print(table);
	return EXIT_SUCCESS;
}
