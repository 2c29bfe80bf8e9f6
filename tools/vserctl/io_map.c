// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl io map, reserved: address spaces, and memory reserved at boot
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
#include "table.h"
#include "vserctl.h"

/* Address spaces */

enum {
	MAP_SPACE,
	MAP_NAME,
	MAP_NODE,
	MAP_START,
	MAP_END,
	MAP_SIZE,
	MAP_UNITS,
	MAP_MANAGED,
	MAP_PICTURE,
};

static const struct column map_columns[] = {
	[MAP_SPACE] = { "space", "SPACE", COLUMN_TEXT, false },
	[MAP_NAME] = { "name", "NAME", COLUMN_TEXT, false },
	[MAP_NODE] = { "node", "NODE", COLUMN_NUMBER, false },
	[MAP_START] = { "start", "START", COLUMN_TEXT, false },
	[MAP_END] = { "end", "END", COLUMN_TEXT, false },
	[MAP_SIZE] = { "size", "SIZE", COLUMN_NUMBER, false },
	[MAP_UNITS] = { "size_text", "ABOUT", COLUMN_TEXT, false },
	[MAP_MANAGED] = { "managed", "MANAGED", COLUMN_NUMBER, false },
	[MAP_PICTURE] = { "size_log2", "EACH # DOUBLES", COLUMN_TEXT, false },
};

static int by_address(const void *left, const void *right)
{
	const struct io_demo_area *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->start > b->start) - (a->start < b->start);
}

/* Bits of the size, of which the first 12 (a page) are not drawn. */
static void set_picture(struct table *table, __u64 size)
{
	static const char bar[] = "################################################";
	int bits = 0;

	while (bits < 63 && 2ULL << bits <= size)
		bits++;
	if (!table_for_people())
		table_set(table, MAP_PICTURE, "%d", bits);
	else
		table_set(table, MAP_PICTURE, "%.*s", bits > 12 ? bits - 12 : 1, bar);
}

static void show_area(struct table *table, const struct io_demo_area *area,
		      bool raw)
{
	bool zone = area->kind == IO_DEMO_AREA_ZONE;

	table_add_row(table);
	table_set(table, MAP_SPACE, zone ? "physical" : "virtual");
	table_set(table, MAP_NAME, "%s", area->name);
	if (raw) {
		table_set(table, MAP_START, "0x%llx", area->start);
		table_set(table, MAP_END, "0x%llx", area->start + area->size - 1);
	}
	table_set_number(table, MAP_SIZE, area->size);
	table_set(table, MAP_UNITS, "%s", io_size_text(area->size));
	if (zone) {
		table_set_number(table, MAP_NODE, area->node);
		table_set_number(table, MAP_MANAGED, area->managed);
	}
	set_picture(table, area->size);
}

int io_map_command(int argc, char **argv)
{
	static const char doc[] =
		"Show how the kernel divides its virtual addresses on this machine, and "
		"the zones of physical memory."
		"\vThe table has a # for each doubling of the size above a page. START "
		"and END are for who may see kernel addresses. --picture draws the "
		"virtual addresses as a tower, and the physical ones on a line, with what "
		"/proc/iomem has of them.\n\n"
		"  sysctl kernel.kptr_restrict=1; vserctl io map --picture";
	struct io_demo_area areas[128] = { };
	struct io_demo_layout layout = {
		.areas = (uintptr_t)areas, .room = ARRAY_SIZE(areas),
	};
	struct io_options options = { 0 };
	struct table *table;
	__u32 i;

	static const struct argp_option more[] = {
		{ "picture", 'P', NULL, 0, "Draw it, instead of the table", 0 },
		{ }
	};
	bool picture = false;

	io_parse_with(argc, argv, doc, &options, more, &picture);
	io_ioctl(io_open(), VS_IO_LAYOUT, &layout, "map");
	if (layout.count > layout.room)
		layout.count = layout.room;
	if (layout.state & IO_DEMO_LAYOUT_RAW)
		qsort(areas, layout.count, sizeof(*areas), by_address);
	if (picture) {
		io_picture(areas, layout.count,
			   layout.state & IO_DEMO_LAYOUT_RAW);
		return EXIT_SUCCESS;
	}
	table = table_new("map", TABLE_ROWS, map_columns, ARRAY_SIZE(map_columns));
	for (i = 0; i < layout.count; i++)
		show_area(table, &areas[i], layout.state & IO_DEMO_LAYOUT_RAW);
	table_print(table);
	return EXIT_SUCCESS;
}

/* Memory reserved at boot */

enum {
	RESERVED_FROM,
	RESERVED_START,
	RESERVED_SIZE,
	RESERVED_PARAMETER,
	RESERVED_STATE,
};

static const struct column reserved_columns[] = {
	[RESERVED_FROM] = { "found_in", "FOUND-IN", COLUMN_TEXT, false },
	[RESERVED_START] = { "start", "START", COLUMN_TEXT, false },
	[RESERVED_SIZE] = { "size", "SIZE", COLUMN_NUMBER, false },
	[RESERVED_PARAMETER] = { "parameter", "PARAMETER", COLUMN_TEXT, false },
	[RESERVED_STATE] = { "state", "STATE", COLUMN_TEXT, false },
};

/* A number as the kernel's command line has it; @end is what follows. */
static __u64 parse_size(const char *text, const char **end)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	char *rest;
	__u64 number = strtoull(text, &rest, 0);

	suffix = *rest ? strchr(suffixes, *rest & ~0x20) : NULL;
	if (suffix && *suffix) {
		number <<= 10 * (suffix - suffixes + 1);
		rest++;
	}
	*end = rest;
	return number;
}

static void show_range(struct table *table, const char *from, __u64 start,
		       __u64 size)
{
	const char *holder = resource_holder("/proc/iomem", start, size);

	table_add_row(table);
	table_set(table, RESERVED_FROM, "%s", from);
	table_set(table, RESERVED_START, "%#llx", start);
	table_set_number(table, RESERVED_SIZE, size);
	table_set(table, RESERVED_PARAMETER, "reserved=%lluK@%#llx", size / 1024,
		  start);
	table_set(table, RESERVED_STATE, "%s", holder ? holder : "nobody's");
}

static void read_line(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");

	text[0] = '\0';
	if (!file)
		return;
	if (!fgets(text, size, file))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

/* memmap=SIZE$START, as often as it is there, with commas or words between. */
static void show_memmap(struct table *table, const char *line)
{
	__u64 size, start;
	const char *at;

	for (at = strstr(line, "memmap="); at; at = strstr(at, "memmap=")) {
		at += strlen("memmap=");
		do {
			size = parse_size(at, &at);
			if (*at != '$')
				break;
			start = parse_size(at + 1, &at);
			show_range(table, "memmap=", start, size);
		} while (*at++ == ',');
	}
}

/* Where the next address is that nobody has but the laboratory. */
static __u64 next_free(__u64 start, __u64 end)
{
	struct resource *resources;
	size_t count, i;

	resources = resources_read("/proc/iomem", &count);
	for (i = 0; i < count && start < end; i++)
		if (resources[i].start <= start && resources[i].end >= start &&
		    strcmp(resources[i].name, "io_demo") != 0)
			start = resources[i].end + 1;
	free(resources);
	return start;
}

/*
 * mem=: memory that the firmware tells of, and that /proc/iomem does not know.
 * Windows of PCI buses are in /proc/iomem, so what is found is none.
 */
static void show_cut_off(struct table *table)
{
	char path[80], type[40], first[40], last[40];
	__u64 start, end, page = 4096;
	int i;

	for (i = 0;; i++) {
		snprintf(path, sizeof(path), "/sys/firmware/memmap/%d/type", i);
		read_line(path, type, sizeof(type));
		if (!*type)
			break;
		snprintf(path, sizeof(path), "/sys/firmware/memmap/%d/start", i);
		read_line(path, first, sizeof(first));
		snprintf(path, sizeof(path), "/sys/firmware/memmap/%d/end", i);
		read_line(path, last, sizeof(last));
		start = strtoull(first, NULL, 0);
		end = strtoull(last, NULL, 0) + 1;
		if (strcmp(type, "System RAM") != 0)
			continue;
		/* The kernel may have its beginning. */
		start = next_free(start, end);
		start = (start + page - 1) & -page;
		end &= -page;
		if (start < end)
			show_range(table, "mem=", start, end - start);
	}
}

static void show_reserved(struct table *table)
{
	char line[4096];

	read_line("/proc/cmdline", line, sizeof(line));
	show_memmap(table, line);
	show_cut_off(table);
	table_print(table);
}

int io_reserved_command(int argc, char **argv)
{
	static const char doc[] =
		"Find memory that the kernel was told at boot not to use, and try what "
		"the laboratory has of it."
		"\vThe kernel's command line reserves it: memmap=8M$0x1f000000 (in a boot "
		"loader's file, the $ may need a backslash), or mem=448M, which cuts off "
		"all above. The module takes a range as its parameter: modprobe io_demo "
		"reserved=8M@0x1f000000. It must be whole pages (EINVAL), no RAM of the "
		"kernel's and nothing of the firmware's (EPERM), and no device's or driver's "
		"(EBUSY). The kernel's log says which it was.\n\n"
		"With --contrast, the memory laboratory (mem_demo) fragments memory, and "
		"the command asks for large pieces before and after.\n\n"
		"  vserctl io reserved";
	static const struct argp_option more[] = {
		{ "contrast", 'c', NULL, 0,
		  "Show what is to be had of such memory when it is fragmented", 0 },
		{ }
	};
	bool contrast = false;
	struct io_demo_reserved reserved = { .flags = IO_DEMO_CLOEXEC };
	struct io_options options = { 0 };
	int memory;

	io_parse_with(argc, argv, doc, &options, more, &contrast);
	if (!contrast)
		show_reserved(table_new("reserved", TABLE_ROWS, reserved_columns,
					ARRAY_SIZE(reserved_columns)));

	memory = ioctl(io_open(), VS_IO_RESERVED, &reserved);
	if (memory < 0 && (errno != ENODEV || contrast))
		errx(EXIT_FAILURE, "reserved: %s", io_error(VS_IO_RESERVED, errno));
	if (contrast)
		io_contrast(memory, reserved.size);
	else if (table_for_people() && memory < 0)
		printf("the module has none: see --help\n");
	else if (table_for_people())
		printf("%llu KiB, written, read and mapped: it is %s\n",
		       reserved.size / 1024,
		       io_try_memory(memory, reserved.size) ? "memory" : "no memory");
	return EXIT_SUCCESS;
}
