// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem walk: from an address through the page tables to its memory
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "args.h"
#include "device.h"
#include "mem.h"
#include "table.h"
#include "vserctl.h"

enum walk_column {
	WALK_LEVEL,
	WALK_INDEX,
	WALK_VALUE,
	WALK_FLAGS,
	WALK_MAPS,
	WALK_ADDRESS,
	WALK_PHYSICAL,
	WALK_AGREES,
	WALK_NOTE,
};

static const struct column walk_columns[] = {
	[WALK_LEVEL] = { "level", "LEVEL", COLUMN_TEXT, false },
	[WALK_INDEX] = { "index", "INDEX", COLUMN_NUMBER, false },
	[WALK_VALUE] = { "value", "VALUE", COLUMN_TEXT, false },
	[WALK_FLAGS] = { "flags", "FLAGS", COLUMN_TEXT, false },
	[WALK_MAPS] = { "page_size", "MAPS", COLUMN_NUMBER, false },
	[WALK_ADDRESS] = { "address", "ADDRESS", COLUMN_TEXT, true },
	[WALK_PHYSICAL] = { "physical", "PHYSICAL", COLUMN_TEXT, false },
	[WALK_AGREES] = { "agrees", "AGREES", COLUMN_TRUTH, false },
	[WALK_NOTE] = { "note", "NOTE", COLUMN_NOTE, false },
};

/* What the last entry leads to. */
static void set_end(struct table *table, const struct mem_walk *walk)
{
	bool raw = walk->flags & MEM_WALK_RAW;

	table_set(table, WALK_ADDRESS, "%s", mem_address_text(walk->address, raw));
	if (walk->flags & MEM_WALK_STOPPED) {
		table_set(table, WALK_NOTE, "the next table might be freed while it is read: "
			  "this processor flushes TLBs by broadcast");
		return;
	}
	if (!(walk->flags & MEM_WALK_PRESENT)) {
		table_set(table, WALK_NOTE, "nothing is mapped at this address");
		return;
	}
	table_set_number(table, WALK_MAPS, walk->page_size);
	table_set(table, WALK_PHYSICAL, "%s", mem_address_text(walk->physical, raw));
	if (walk->agrees == MEM_UNKNOWN)
		table_set(table, WALK_NOTE, "the kernel has no function to compare with");
	else
		table_set_truth(table, WALK_AGREES, walk->agrees == MEM_YES);
}

static void print_walk(const struct mem_walk *walk)
{
	struct table *table = table_new("walk", TABLE_ROWS, walk_columns,
					ARRAY_SIZE(walk_columns));
	__u32 i;

	for (i = 0; i < walk->levels; i++) {
		const struct mem_level *level = &walk->level[i];

		table_add_row(table);
		table_set(table, WALK_LEVEL, "%s", mem_level_name(level->level));
		if (!walk->handle || (walk->flags & MEM_WALK_RAW))
			table_set_number(table, WALK_INDEX, level->index);
		if (walk->flags & MEM_WALK_RAW)
			table_set(table, WALK_VALUE, "0x%llx", level->value);
		table_set(table, WALK_FLAGS, "%s", mem_entry_flag_names(level->flags));
	}
	if (walk->levels)
		set_end(table, walk);
	table_print(table);
}

/* Addresses of our own, in states that the page tables tell apart. */

static char *map_page(size_t size, int protection)
{
	char *page = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	return page;
}

static void *untouched_page(void)
{
	/* A page table may be shared with what is mapped beside it: far away. */
	return map_page(1 << 22, PROT_READ | PROT_WRITE);
}

static void *read_page(void)
{
	volatile char *page = map_page(4096, PROT_READ | PROT_WRITE);

	(void)page[0];
	return (void *)page;
}

static void *written_page(void)
{
	volatile char *page = map_page(4096, PROT_READ | PROT_WRITE);

	page[0] = 1;
	return (void *)page;
}

static void *readonly_page(void)
{
	char *page = written_page();

	if (mprotect(page, 4096, PROT_READ))
		err(EXIT_FAILURE, "mprotect");
	return page;
}

static void *huge_page(void)
{
	const size_t huge = 2 << 20;
	char *area = map_page(2 * huge, PROT_READ | PROT_WRITE);
	volatile char *page = (char *)(((uintptr_t)area + huge - 1) & ~(huge - 1));

	madvise((void *)page, huge, MADV_HUGEPAGE);
	page[0] = 1;
	return (void *)page;
}

static void *code_page(void)
{
	return (void *)(uintptr_t)mem_walk_command;
}

static void *stack_page(void)
{
	static void *address;
	char local = 1;

	address = (void *)((uintptr_t)&local & ~(uintptr_t)7);
	return address;
}

static const struct place {
	const char *name;
	void *(*make)(void);
} places[] = {
	{ "untouched", untouched_page },
	{ "read", read_page },
	{ "written", written_page },
	{ "readonly", readonly_page },
	{ "huge", huge_page },
	{ "code", code_page },
	{ "stack", stack_page },
};

static const struct place *find_place(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (strcmp(places[i].name, name) == 0)
			return &places[i];
	}
	return NULL;
}

struct walk_options {
	struct mem_request request;
	const struct place *place;
	__u64 offset;
	__u32 cpu;
};

static error_t parse_walk(int key, char *arg, struct argp_state *state)
{
	struct walk_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->request;
		return 0;
	case 'o':
		options->offset = parse_number(state, "--offset", arg, 0, 1ULL << 62);
		return 0;
	case 'c':
		options->cpu = parse_number(state, "--cpu", arg, 0, 1 << 20);
		return 0;
	case 'u':
		options->place = find_place(arg);
		if (!options->place)
			argp_error(state, "--user: there is no place \"%s\"", arg);
		return 0;
	case ARGP_KEY_END:
		if (!options->place == !options->request.nr_names ||
		    options->request.nr_names > 1)
			argp_error(state, "name one allocator, or --user=PLACE");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int mem_walk_command(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "offset", 'o', "BYTES", 0, "Where in the allocation (default: 0)", 0 },
		{ "cpu", 'c', "CPU", 0,
		  "Whose copy, of a per-CPU allocation (default: 0)", 0 },
		{ "user", 'u', "PLACE", 0,
		  "An address of vserctl's own: untouched, read, written, readonly, "
		  "huge, code or stack", 0 },
		{ }
	};
	static const struct argp_child children[] = {
		MEM_REQUEST_OPTIONS, TABLE_OPTIONS, { }
	};
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_walk,
		.children = children,
		.args_doc = "ALLOCATOR\n--user=PLACE",
		.doc = "Walk the page tables from an address to its memory: what the "
		       "processor's MMU does when the TLB does not know the address."
		       "\vINDEX is the entry's place in its table, as the address says it; "
		       "FLAGS are the bits of the entry; MAPS is the size of the page that "
		       "the last one maps, PHYSICAL where the address leads. AGREES tells "
		       "whether the kernel's own functions, virt_to_phys(), "
		       "vmalloc_to_pfn() or get_user_pages(), say the same. A level that "
		       "this kernel does not have is folded into the one above it.\n\n"
		       "  vserctl mem walk kmalloc\n"
		       "  vserctl mem walk vmalloc --size 16K --offset 4K\n"
		       "  vserctl mem walk --user=readonly",
	};
	struct walk_options options = { 0 };
	struct mem_walk walk = { 0 };
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	fd = mem_open();
	if (options.place) {
		walk.address = (uintptr_t)options.place->make();
	} else {
		struct mem_selection selection;
		struct mem_alloc alloc;

		mem_select(fd, &options.request, MEM_CAP_ALLOC, &selection);
		alloc = mem_alloc_for(&options.request, &selection.allocators[0]);
		walk.handle = mem_must_alloc(fd, &selection.allocators[0], &alloc);
		walk.offset = options.offset;
		walk.cpu = options.cpu;
	}
	if (ioctl(fd, MEM_WALK, &walk)) {
		if (errno == EOPNOTSUPP && mem_get_info(fd).abi)
			errx(EXIT_FAILURE, "MEM_WALK: only on x86-64");
		errx(EXIT_FAILURE, "MEM_WALK: %s", device_error(MEM_WALK, errno));
	}
	print_walk(&walk);
	return EXIT_SUCCESS;
}
