// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem info, list, show: what there is, and where an allocation lands
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "device.h"
#include "mem.h"
#include "plot.h"
#include "table.h"
#include "vserctl.h"

/* mem info */

enum info_column {
	INFO_PAGE_SIZE,
	INFO_MAX_ORDER,
	INFO_CPUS,
	INFO_ONLINE,
	INFO_NODES,
	INFO_ZONES,
	INFO_PAGING_LEVELS,
	INFO_KMALLOC_CACHED,
	INFO_KMALLOC_MAX,
	INFO_VMALLOC_SPACE,
	INFO_PERCPU_MAX,
	INFO_MEMORY,
	INFO_AVAILABLE,
	INFO_INIT_ON_ALLOC,
	INFO_INIT_ON_FREE,
	INFO_RT,
	INFO_DEBUG,
	INFO_DISTORTED,
	INFO_OVERHEAD,
	INFO_CLOCK_STEP,
	INFO_RAW_ADDRESSES,
	INFO_QUOTA_FILE,
	INFO_QUOTA_TOTAL,
	INFO_HELD_TOTAL,
	INFO_OBJECTS_TOTAL,
	INFO_NOTE,
};

static const struct column info_columns[] = {
	[INFO_PAGE_SIZE] = { "page_size", "Page", COLUMN_NUMBER, false },
	[INFO_MAX_ORDER] = { "max_order", "Largest order", COLUMN_NUMBER, false },
	[INFO_CPUS] = { "possible_cpus", "Possible CPUs", COLUMN_NUMBER, false },
	[INFO_ONLINE] = { "online_cpus", "Online CPUs", COLUMN_NUMBER, false },
	[INFO_NODES] = { "nodes", "Nodes with memory", COLUMN_NUMBER, false },
	[INFO_ZONES] = { "zones", "Zones", COLUMN_TEXT, false },
	[INFO_PAGING_LEVELS] = { "paging_levels", "Levels of page tables",
				 COLUMN_NUMBER, false },
	[INFO_KMALLOC_CACHED] = { "kmalloc_cached", "kmalloc() from slabs up to",
				  COLUMN_NUMBER, false },
	[INFO_KMALLOC_MAX] = { "kmalloc_max", "kmalloc() up to", COLUMN_NUMBER,
			       false },
	[INFO_VMALLOC_SPACE] = { "vmalloc_space", "Addresses for vmalloc()",
				 COLUMN_NUMBER, false },
	[INFO_PERCPU_MAX] = { "percpu_max", "alloc_percpu() up to", COLUMN_NUMBER,
			      false },
	[INFO_MEMORY] = { "memory", "Memory", COLUMN_NUMBER, false },
	[INFO_AVAILABLE] = { "available", "Available", COLUMN_NUMBER, false },
	[INFO_INIT_ON_ALLOC] = { "init_on_alloc", "Zeroed when allocated",
				 COLUMN_TRUTH, false },
	[INFO_INIT_ON_FREE] = { "init_on_free", "Zeroed when freed", COLUMN_TRUTH,
				false },
	[INFO_RT] = { "preempt_rt", "PREEMPT_RT", COLUMN_TRUTH, false },
	[INFO_DEBUG] = { "debug", "Debug options", COLUMN_TEXT, false },
	[INFO_DISTORTED] = { "distorted", "Times are distorted", COLUMN_TRUTH,
			     false },
	[INFO_OVERHEAD] = { "timer_overhead_ns", "Clock's own time, ns",
			    COLUMN_NUMBER, false },
	[INFO_CLOCK_STEP] = { "clock_step_ns", "Clock's least step, ns",
			      COLUMN_NUMBER, false },
	[INFO_RAW_ADDRESSES] = { "raw_addresses", "Addresses in full", COLUMN_TRUTH,
				 false },
	[INFO_QUOTA_FILE] = { "quota_file", "Quota of a file", COLUMN_NUMBER,
			      false },
	[INFO_QUOTA_TOTAL] = { "quota_total", "Quota of all", COLUMN_NUMBER, false },
	[INFO_HELD_TOTAL] = { "held_total", "Held by all", COLUMN_NUMBER, false },
	[INFO_OBJECTS_TOTAL] = { "objects_total", "Objects held by all",
				 COLUMN_NUMBER, false },
	[INFO_NOTE] = { "note", "Note", COLUMN_TEXT, false },
};

static void set_info(struct table *table, const struct mem_info *info)
{
	__u32 features = info->features;
	struct mem_distortion distortion;

	mem_find_distortion(info, &distortion);
	table_set_number(table, INFO_PAGE_SIZE, info->page_size);
	table_set_number(table, INFO_MAX_ORDER, info->max_order);
	table_set_number(table, INFO_CPUS, info->possible_cpus);
	table_set_number(table, INFO_ONLINE, info->online_cpus);
	table_set_number(table, INFO_NODES, info->nodes);
	table_set(table, INFO_ZONES, "%s%sNormal%s",
		  features & MEM_FEATURE_ZONE_DMA ? "DMA," : "",
		  features & MEM_FEATURE_ZONE_DMA32 ? "DMA32," : "",
		  features & MEM_FEATURE_HIGHMEM ? ",HighMem" : "");
	table_set_number(table, INFO_PAGING_LEVELS, info->paging_levels);
	table_set_number(table, INFO_KMALLOC_CACHED, info->kmalloc_cached);
	table_set_number(table, INFO_KMALLOC_MAX, info->kmalloc_max);
	table_set_number(table, INFO_VMALLOC_SPACE, info->vmalloc_space);
	table_set_number(table, INFO_PERCPU_MAX, info->percpu_max);
	table_set_number(table, INFO_MEMORY, info->memory);
	table_set_number(table, INFO_AVAILABLE, info->available);
	table_set_truth(table, INFO_INIT_ON_ALLOC,
			features & MEM_FEATURE_INIT_ON_ALLOC);
	table_set_truth(table, INFO_INIT_ON_FREE,
			features & MEM_FEATURE_INIT_ON_FREE);
	table_set_truth(table, INFO_RT, features & MEM_FEATURE_RT);
	table_set(table, INFO_DEBUG, "%s", distortion.debug);
	if (distortion.why[0] || distortion.known)
		table_set_truth(table, INFO_DISTORTED, distortion.why[0]);
	if (distortion.why[0])
		table_set(table, INFO_NOTE, "the times mean little: %s",
			  distortion.why);
	else if (!distortion.known)
		table_set(table, INFO_NOTE, "whether slub_debug is on cannot be seen");
	table_set_number(table, INFO_OVERHEAD, info->timer_overhead);
	table_set_number(table, INFO_CLOCK_STEP, info->clock_step);
	table_set_truth(table, INFO_RAW_ADDRESSES,
			features & MEM_FEATURE_RAW_ADDRESSES);
	table_set_number(table, INFO_QUOTA_FILE, info->quota_file);
	table_set_number(table, INFO_QUOTA_TOTAL, info->quota_total);
	table_set_number(table, INFO_HELD_TOTAL, info->held_total);
	table_set_number(table, INFO_OBJECTS_TOTAL, info->objects_total);
}

int mem_info_command(int argc, char **argv)
{
	static const struct argp_child children[] = { TABLE_OPTIONS, { } };
	static const struct argp argp = {
		.children = children,
		.doc = "Tell what this kernel's memory is like, which of its options "
		       "make allocations slower, and what the laboratory may hold. "
		       "Sizes are in bytes."
		       "\vThe quotas are parameters of the module mem_demo.",
	};
	struct table *table;
	struct mem_info info;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	info = mem_get_info(mem_open());
	table = table_new("info", TABLE_CARDS, info_columns,
			  ARRAY_SIZE(info_columns));
	table_add_row(table);
	set_info(table, &info);
	table_print(table);
	return EXIT_SUCCESS;
}

/* mem list */

enum list_column {
	LIST_ALLOCATOR,
	LIST_MIN,
	LIST_MAX,
	LIST_DEFAULT,
	LIST_CONTEXTS,
	LIST_GFP,
	LIST_CAPS,
};

static const struct column list_columns[] = {
	[LIST_ALLOCATOR] = { "allocator", "ALLOCATOR", COLUMN_TEXT, false },
	[LIST_MIN] = { "min_size", "MIN", COLUMN_NUMBER, false },
	[LIST_MAX] = { "max_size", "MAX", COLUMN_NUMBER, false },
	[LIST_DEFAULT] = { "default_size", "DEFAULT", COLUMN_NUMBER, false },
	[LIST_CONTEXTS] = { "contexts", "CONTEXTS", COLUMN_TEXT, false },
	[LIST_CAPS] = { "capabilities", "CAPABILITIES", COLUMN_TEXT, true },
	[LIST_GFP] = { "gfp", "GFP", COLUMN_TEXT, true },
};

int mem_list_command(int argc, char **argv)
{
	static const char doc[] =
		"List the allocators: the sizes that they give, the contexts in which "
		"they can be called, and, if they are named, the GFP flags that they "
		"take and what can be done with what they give."
		"\vCONTEXTS other than process want flags that do not sleep: ATOMIC, "
		"NOWAIT. The largest size is that of the interface; \"vserctl mem "
		"limits\" finds what is granted.";
	struct mem_request request = { .debug = true };
	struct mem_selection selection;
	struct table *table;
	size_t i;
	int fd;

	mem_parse_request(argc, argv, doc, &request);
	fd = mem_open();
	mem_select(fd, &request, 0, &selection);
	table = table_new("list", selection.named ? TABLE_CARDS : TABLE_ROWS,
			  list_columns, ARRAY_SIZE(list_columns));
	for (i = 0; i < selection.count; i++) {
		const struct mem_allocator *allocator = &selection.allocators[i];

		table_add_row(table);
		table_set(table, LIST_ALLOCATOR, "%s", allocator->name);
		table_set_number(table, LIST_MIN, allocator->min_size);
		table_set_number(table, LIST_MAX, allocator->max_size);
		table_set_number(table, LIST_DEFAULT, allocator->default_size);
		table_set(table, LIST_CONTEXTS, "%s",
			  mem_context_names(allocator->contexts));
		table_set(table, LIST_GFP, "%s", mem_gfp_names(allocator->gfp));
		table_set(table, LIST_CAPS, "%s", mem_cap_names(allocator->caps));
	}
	table_print(table);
	return EXIT_SUCCESS;
}

/* mem show */

enum show_column {
	SHOW_ALLOCATOR,
	SHOW_REQUESTED,
	SHOW_USABLE,
	SHOW_WASTE,
	SHOW_FOOTPRINT,
	SHOW_REGION,
	SHOW_EXTENTS,
	SHOW_LARGEST,
	SHOW_ZONE,
	SHOW_NODE,
	SHOW_ORDER,
	SHOW_ZEROED,
	SHOW_ZEROED_WHY,
	SHOW_ALIGNMENT,
	SHOW_VIRT_TO_PHYS,
	SHOW_WALK_AGREES,
	SHOW_GFP,
	SHOW_CONTEXTS,
	SHOW_COPIES,
	SHOW_SLAB,
	SHOW_COMPOUND,
	SHOW_ADDRESS,
	SHOW_PHYSICAL,
	SHOW_DMA,
	SHOW_NOTE,
};

static const struct column show_columns[] = {
	[SHOW_ALLOCATOR] = { "allocator", "ALLOCATOR", COLUMN_TEXT, false },
	[SHOW_REQUESTED] = { "requested", "ASKED", COLUMN_NUMBER, false },
	[SHOW_USABLE] = { "usable", "USABLE", COLUMN_NUMBER, false },
	[SHOW_WASTE] = { "waste", "WASTE", COLUMN_NUMBER, false },
	[SHOW_FOOTPRINT] = { "footprint", "FOOTPRINT", COLUMN_NUMBER, true },
	[SHOW_REGION] = { "region", "REGION", COLUMN_TEXT, false },
	[SHOW_EXTENTS] = { "extents", "EXTENTS", COLUMN_NUMBER, false },
	[SHOW_LARGEST] = { "largest_extent", "LARGEST", COLUMN_NUMBER, false },
	[SHOW_ZONE] = { "zone", "ZONE", COLUMN_TEXT, false },
	[SHOW_NODE] = { "node", "NODE", COLUMN_NUMBER, true },
	[SHOW_ORDER] = { "order", "ORDER", COLUMN_NUMBER, false },
	[SHOW_ZEROED] = { "zeroed", "ZEROED", COLUMN_TRUTH, false },
	[SHOW_ZEROED_WHY] = { "zeroed_why", "BECAUSE", COLUMN_TEXT, true },
	[SHOW_ALIGNMENT] = { "alignment", "ALIGNED", COLUMN_NUMBER, false },
	[SHOW_VIRT_TO_PHYS] = { "virt_to_phys", "V2P", COLUMN_TRUTH, false },
	[SHOW_WALK_AGREES] = { "walk_agrees", "WALK-AGREES", COLUMN_TRUTH, true },
	[SHOW_GFP] = { "gfp", "GFP", COLUMN_TEXT, true },
	[SHOW_CONTEXTS] = { "contexts", "CONTEXTS", COLUMN_TEXT, true },
	[SHOW_COPIES] = { "copies", "COPIES", COLUMN_NUMBER, true },
	[SHOW_SLAB] = { "slab", "SLAB", COLUMN_TRUTH, true },
	[SHOW_COMPOUND] = { "compound", "COMPOUND", COLUMN_TRUTH, true },
	[SHOW_ADDRESS] = { "address", "ADDRESS", COLUMN_TEXT, true },
	[SHOW_PHYSICAL] = { "physical", "PHYSICAL", COLUMN_TEXT, true },
	[SHOW_DMA] = { "dma", "DMA", COLUMN_TEXT, true },
	[SHOW_NOTE] = { "note", "NOTE", COLUMN_NOTE, false },
};

static const char *zeroed_reason(__u32 why)
{
	switch (why) {
	case MEM_ZEROED_ASKED:
		return "asked for";
	case MEM_ZEROED_INIT:
		return "init_on_alloc";
	case MEM_ZEROED_CHANCE:
		return "by chance";
	case MEM_ZEROED_LEFTOVER:
		return "left from before";
	case MEM_ZEROED_CTOR:
		return "constructed";
	case MEM_ZEROED_POISON:
		return "poisoned";
	case MEM_ZEROED_STATIC:
		return "static";
	default:
		return "unknown";
	}
}

/* MEM_UNKNOWN stays null. */
static void set_answer(struct table *table, size_t column, __u32 answer)
{
	if (answer == MEM_YES || answer == MEM_NO)
		table_set_truth(table, column, answer == MEM_YES);
}

/* Appends a sentence to the note. */
static void add_note(char *note, size_t size, const char *sentence)
{
	size_t length = strlen(note);

	snprintf(note + length, size - length, "%s%s", length ? "; " : "",
		 sentence);
}

static const char *order_note(const struct mem_show *show)
{
	return show->region == MEM_REGION_DIRECT ?
	       "its allocator does not tell how large a block it took" :
	       "not one block of the buddy system, so it has no order";
}

static const char *footprint_note(const struct mem_show *show)
{
	return show->flags & MEM_SHOW_SLAB ?
	       "what its slab puts between objects could not be seen" :
	       "of a block that is larger the rest may be lost or not";
}

/* Why what is not known is not; NULL if all is. Until the next call. */
static const char *show_note(const struct mem_show *show)
{
	static char note[512];

	note[0] = '\0';
	if (show->region == MEM_REGION_NONE)
		add_note(note, sizeof(note),
			 "its pages have an address only while they are touched");
	else if (show->walk_agrees == MEM_UNKNOWN)
		add_note(note, sizeof(note), "there is no page-table walk here");
	if (show->zeroed == MEM_UNKNOWN)
		add_note(note, sizeof(note),
			 "whether it was zeroed cannot be seen before it is touched");
	if (!(show->flags & MEM_SHOW_USABLE))
		add_note(note, sizeof(note),
			 "how much is behind its header, only its allocator knows");
	if (!(show->flags & MEM_SHOW_FOOTPRINT))
		add_note(note, sizeof(note), footprint_note(show));
	if (!(show->flags & MEM_SHOW_EXTENTS))
		add_note(note, sizeof(note), "where all of its pages are, is not known");
	if (show->order < 0 && show->region != MEM_REGION_NONE)
		add_note(note, sizeof(note), order_note(show));
	if (show->node < 0)
		add_note(note, sizeof(note), "of which node it is, is not known");
	return note[0] ? note : NULL;
}

static void set_addresses(struct table *table, const struct mem_show *show)
{
	bool raw = show->flags & MEM_SHOW_RAW;

	if (show->region != MEM_REGION_NONE)
		table_set(table, SHOW_ADDRESS, "%s",
			  mem_address_text(show->address, raw));
	if (show->flags & MEM_SHOW_PHYSICAL)
		table_set(table, SHOW_PHYSICAL, "%s",
			  mem_address_text(show->physical, raw));
	if (show->flags & MEM_SHOW_DMA)
		table_set(table, SHOW_DMA, "%s", mem_address_text(show->dma, raw));
}

static void set_show(struct table *table, const struct mem_allocator *allocator,
		     const struct mem_show *show)
{
	const char *region = mem_region_name(show->region);
	const char *zone = mem_zone_name(show->zone);
	const char *note = show_note(show);

	if (show->flags & MEM_SHOW_USABLE)
		table_set_number(table, SHOW_USABLE, show->usable);
	if (show->flags & MEM_SHOW_FOOTPRINT) {
		table_set_number(table, SHOW_WASTE,
				 show->footprint / show->copies - show->requested);
		table_set_number(table, SHOW_FOOTPRINT, show->footprint);
	}
	if (region)
		table_set(table, SHOW_REGION, "%s", region);
	if (show->flags & MEM_SHOW_EXTENTS) {
		table_set_number(table, SHOW_EXTENTS, show->extents);
		table_set_number(table, SHOW_LARGEST, show->largest_extent);
	}
	if (zone)
		table_set(table, SHOW_ZONE, "%s", zone);
	if (show->node >= 0)
		table_set_number(table, SHOW_NODE, show->node);
	if (show->order >= 0)
		table_set_number(table, SHOW_ORDER, show->order);
	set_answer(table, SHOW_ZEROED, show->zeroed);
	table_set(table, SHOW_ZEROED_WHY, "%s", zeroed_reason(show->zeroed_why));
	table_set_number(table, SHOW_ALIGNMENT, show->alignment);
	set_answer(table, SHOW_VIRT_TO_PHYS, show->virt_to_phys);
	set_answer(table, SHOW_WALK_AGREES, show->walk_agrees);
	table_set(table, SHOW_GFP, "%s", mem_gfp_names(show->gfp));
	table_set(table, SHOW_CONTEXTS, "%s",
		  mem_context_names(allocator->contexts));
	table_set_number(table, SHOW_COPIES, show->copies);
	table_set_truth(table, SHOW_SLAB, show->flags & MEM_SHOW_SLAB);
	table_set_truth(table, SHOW_COMPOUND, show->flags & MEM_SHOW_COMPOUND);
	set_addresses(table, show);
	if (note)
		table_set(table, SHOW_NOTE, "%s", note);
}

struct show_options {
	struct mem_request request;
	bool as_cards;
	bool sweep;
	const char *plot_file;
};

/* One allocation, one row. What is not granted is a note, if nobody named it. */
static bool show_one(int fd, struct table *table,
		     const struct mem_allocator *allocator,
		     struct mem_alloc alloc, bool named, struct mem_show *show)
{
	const char *why;

	table_add_row(table);
	table_set(table, SHOW_ALLOCATOR, "%s", allocator->name);
	table_set_number(table, SHOW_REQUESTED, alloc.size);
	if (ioctl(fd, MEM_ALLOC, &alloc)) {
		why = mem_explain(fd, &alloc, errno);
		if (named)
			errx(EXIT_FAILURE, "%s: %s", allocator->name, why);
		table_set(table, SHOW_NOTE, "%s", why);
		return false;
	}
	*show = (struct mem_show) { .handle = alloc.handle };
	device_ioctl(fd, MEM_SHOW, show, allocator->name);
	set_show(table, allocator, show);
	mem_must_free(fd, alloc.handle, 1);
	return true;
}

/*
 * Sizes from the smallest to the largest (but no more than 8 MiB): four in each
 * doubling, and one byte more than each power of two, where waste is worst.
 */
static void sweep_sizes(int fd, struct table *table,
			const struct mem_allocator *allocator,
			const struct show_options *options, struct plot *plot)
{
	static const int numerators[] = { 4, 5, 6, 7 };
	__u64 max = allocator->max_size < MEM_SWEEP_MAX ? allocator->max_size :
							   MEM_SWEEP_MAX;
	struct mem_alloc alloc = mem_alloc_for(&options->request, allocator);
	struct mem_show show;
	__u64 power, takes;
	size_t i;

	if (plot)
		plot_curve(plot, allocator->name);
	for (power = 8; power <= max; power *= 2) {
		for (i = 0; i < ARRAY_SIZE(numerators) + 1; i++) {
			alloc.size = i == 0 ? power : i == 1 ? power + 1 :
				     power * numerators[i - 1] / 4;
			if (alloc.size < allocator->min_size || alloc.size > max)
				continue;
			if (!show_one(fd, table, allocator, alloc, false, &show) ||
			    !plot || !(show.flags & MEM_SHOW_FOOTPRINT))
				continue;
			takes = show.footprint / show.copies;
			plot_point(plot, alloc.size,
				   100.0 * (takes - show.requested) / takes);
		}
	}
}

static error_t parse_show(int key, char *arg, struct argp_state *state)
{
	struct show_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->request;
		return 0;
	case 'l':
		options->as_cards = true;
		return 0;
	case 'a':
		options->sweep = true;
		return 0;
	case 'p':
		options->sweep = true;
		options->plot_file = arg;
		return 0;
	case ARGP_KEY_END:
		if (options->sweep && options->request.size)
			argp_error(state, "--size and --all-sizes exclude each other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int mem_show_command(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "long", 'l', NULL, 0, "All that is known, as a list", 0 },
		{ "all-sizes", 'a', NULL, 0,
		  "A row for each of many sizes, up to 8 MiB", 0 },
		{ "plot", 'p', "FILE", 0,
		  "Plot the waste over the size to FILE, a .svg, .png or .gp", 0 },
		{ }
	};
	static const struct argp_child children[] = {
		MEM_REQUEST_OPTIONS, TABLE_OPTIONS, { }
	};
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_show,
		.children = children,
		.args_doc = "[ALLOCATOR...]",
		.doc = "Make one allocation of each kind, and show where it lands and "
		       "what it takes."
		       "\vASKED is the size asked for, USABLE what came (ksize), WASTE "
		       "what the allocation takes of memory and was not asked for. REGION is the part of the kernel's addresses: "
		       "direct is the map of all RAM. EXTENTS is the number of runs of "
		       "physically contiguous bytes, LARGEST the longest of them. ZONE, "
		       "NODE and ORDER say which block of the buddy system it came in. "
		       "ZEROED tells whether all bytes were 0 when it came; --long says "
		       "why. ALIGNED is the largest power of two that divides the "
		       "address. V2P says whether virt_to_phys() may be used on it; the "
		       "answer is checked against a walk of the page tables.\n\n"
		       "  vserctl mem show kmalloc kzalloc --size 300 --long\n"
		       "  vserctl mem show alloc_pages --gfp kernel,dma\n"
		       "  vserctl mem show kmalloc --plot waste.svg",
	};
	struct show_options options = { 0 };
	struct mem_selection selection;
	struct plot *plot = NULL;
	struct mem_show show;
	struct table *table;
	size_t i;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	fd = mem_open();
	mem_select(fd, &options.request, MEM_CAP_ALLOC, &selection);
	if (options.plot_file)
		plot = plot_new(options.plot_file, &(struct plot_axes) {
			.title = "What of an allocation is not used",
			.x = "size asked for, bytes",
			.y = "waste, percent of what came",
			.scale_x = PLOT_BYTES,
		});
	table = table_new("mem", options.as_cards ? TABLE_CARDS : TABLE_ROWS,
			  show_columns, ARRAY_SIZE(show_columns));
	for (i = 0; i < selection.count; i++) {
		const struct mem_allocator *allocator = &selection.allocators[i];

		if (options.sweep)
			sweep_sizes(fd, table, allocator, &options, plot);
		else
			show_one(fd, table, allocator,
				 mem_alloc_for(&options.request, allocator),
				 selection.named, &show);
	}
	if (plot)
		plot_finish(plot);
	table_print(table);
	return EXIT_SUCCESS;
}
