// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl io ports, io memory: who has which addresses
 */
#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "io.h"
#include "table.h"
#include "vserctl.h"

/* A line is "  START-END : NAME", two more blanks for each level. */
static bool parse_line(const char *line, struct resource *resource)
{
	int blanks = strspn(line, " ");

	resource->depth = blanks / 2;
	return sscanf(line, " %llx-%llx : %79[^\n]", &resource->start,
		      &resource->end, resource->name) == 3;
}

struct resource *resources_read(const char *path, size_t *count)
{
	struct resource *resources = NULL, resource, *more;
	char line[200];
	FILE *file = fopen(path, "r");

	if (!file)
		err(EXIT_FAILURE, "%s", path);
	*count = 0;
	while (fgets(line, sizeof(line), file)) {
		if (!parse_line(line, &resource))
			continue;
		more = realloc(resources, (*count + 1) * sizeof(*resources));
		if (!more)
			err(EXIT_FAILURE, "%s", path);
		resources = more;
		resources[(*count)++] = resource;
	}
	fclose(file);
	return resources;
}

const char *resource_holder(const char *path, __u64 start, __u64 size)
{
	static char name[sizeof(((struct resource *)0)->name)];
	struct resource *resources;
	int depth = -1;
	size_t count, i;

	resources = resources_read(path, &count);
	for (i = 0; i < count; i++) {
		if (resources[i].start < start + size &&
		    resources[i].end >= start && resources[i].depth > depth) {
			memcpy(name, resources[i].name, sizeof(name));
			depth = resources[i].depth;
		}
	}
	free(resources);
	return depth < 0 ? NULL : name;
}

enum {
	RESOURCE_START,
	RESOURCE_END,
	RESOURCE_SIZE,
	RESOURCE_DEPTH,
	RESOURCE_NAME,
};

static const struct column columns[] = {
	[RESOURCE_START] = { "start", "START", COLUMN_TEXT, false },
	[RESOURCE_END] = { "end", "END", COLUMN_TEXT, false },
	[RESOURCE_SIZE] = { "size", "SIZE", COLUMN_NUMBER, false },
	[RESOURCE_DEPTH] = { "depth", "DEPTH", COLUMN_NUMBER, false },
	[RESOURCE_NAME] = { "owner", "OWNER", COLUMN_TEXT, false },
};

struct range {
	__u64 start;
	__u64 size;	/* 0: all */
};

static error_t parse_range(int key, char *arg, struct argp_state *state)
{
	struct range *range = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			range->start = parse_number(state, "START", arg, 0, ~0ULL);
		else if (state->arg_num == 1)
			range->size = parse_number(state, "SIZE", arg, 1, ~0ULL);
		else
			argp_usage(state);
		if (!range->size)
			range->size = 1;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int show(const char *path, const char *name, const char *doc, int argc,
		char **argv)
{
	static const struct argp_child children[] = { TABLE_OPTIONS, { } };
	struct argp argp = {
		.parser = parse_range, .children = children,
		.args_doc = "[START [SIZE]]", .doc = doc,
	};
	struct resource *resources;
	struct range range = { 0 };
	struct table *table;
	size_t count, i;

	argp_parse(&argp, argc, argv, 0, NULL, &range);
	resources = resources_read(path, &count);
	table = table_new(name, TABLE_ROWS, columns, ARRAY_SIZE(columns));
	for (i = 0; i < count; i++) {
		const struct resource *resource = &resources[i];

		if (range.size && (resource->end < range.start ||
				   resource->start - range.start >= range.size) &&
		    !(resource->start <= range.start &&
		      resource->end >= range.start))
			continue;
		table_add_row(table);
		table_set(table, RESOURCE_START, "0x%llx", resource->start);
		table_set(table, RESOURCE_END, "0x%llx", resource->end);
		table_set_number(table, RESOURCE_SIZE,
				 resource->end - resource->start + 1);
		table_set_number(table, RESOURCE_DEPTH, resource->depth);
		table_set(table, RESOURCE_NAME, "%*s%s",
			  table_for_people() ? 2 * resource->depth : 0, "",
			  resource->name);
	}
	table_print(table);
	free(resources);
	return EXIT_SUCCESS;
}

int io_ports_command(int argc, char **argv)
{
	return show("/proc/ioports", "ports",
		    "Show which drivers have which I/O ports, all or those from START."
		    "\vA driver claims ports by request_region(); the kernel keeps the "
		    "tree that /proc/ioports shows. It is a contract between drivers, no "
		    "protection: an out instruction asks nobody. Only the innermost entry "
		    "that is marked busy keeps others out.\n\n"
		    "  vserctl io ports\n"
		    "  vserctl io ports 0x2f8 8", argc, argv);
}

int io_memory_command(int argc, char **argv)
{
	return show("/proc/iomem", "memory",
		    "Show what is at which physical address, everywhere or from START."
		    "\vRAM, the windows of buses, the memory of devices in them, and who "
		    "has claimed it by request_mem_region(). Without CAP_SYS_ADMIN the "
		    "kernel shows all addresses as 0.\n\n"
		    "  vserctl io memory\n"
		    "  vserctl io memory 0xfea00000", argc, argv);
}
