// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl io map --picture: address spaces, drawn to scale
 *
 * The kernel's virtual addresses are a tower, the highest on top. Its storeys
 * reach from two megabytes to many petabytes, so their height is the logarithm of
 * their size. Physical addresses fit on a line, each column so many bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "vserctl.h"

#define TOWER_WIDTH	36
#define LINE_WIDTH	64	/* columns */

/* A size in the largest unit of which there is one; until the fourth call after. */
const char *io_size_text(__u64 size)
{
	static const char units[] = "BKMGTPE";
	static char texts[4][8];
	static unsigned int next;
	char *text = texts[next++ % ARRAY_SIZE(texts)];
	int unit = 0;

	while (size >= 1024 && units[unit + 1]) {
		size /= 1024;
		unit++;
	}
	snprintf(text, sizeof(texts[0]), "%llu%c", size, units[unit]);
	return text;
}

/* The tower */

/* A line for each factor of 32 over a page. */
static int height(__u64 size)
{
	int lines = 1;

	for (size >>= 12; size >= 32; size >>= 5)
		lines++;
	return lines;
}

static void draw_floor(__u64 address, bool raw)
{
	char label[24] = "";
	int i;

	if (raw)
		snprintf(label, sizeof(label), "%#llx", address);
	printf("%18s +", label);
	for (i = 0; i < TOWER_WIDTH; i++)
		putchar('-');
	printf("+\n");
}

static void draw_storey(const char *name, __u64 size, char wall)
{
	printf("%18s %c %-*s%6s %c\n", "", wall, TOWER_WIDTH - 8, name,
	       size ? io_size_text(size) : "", wall);
}

/* The parts that lie within another one, as those of the CPUs in the direct map. */
static bool is_within(const struct io_demo_area *inner,
		      const struct io_demo_area *outer)
{
	return inner != outer && inner->start >= outer->start &&
	       inner->start - outer->start < outer->size;
}

static bool is_storey(const struct io_demo_area *areas, size_t count, size_t i)
{
	size_t other;

	if (areas[i].kind != IO_DEMO_AREA_VIRTUAL)
		return false;
	for (other = 0; other < count; other++)
		if (areas[other].kind == IO_DEMO_AREA_VIRTUAL &&
		    is_within(&areas[i], &areas[other]))
			return false;
	return true;
}

/* With the parts that lie within it, if it is known where they are. */
static void draw_area(const struct io_demo_area *areas, size_t count, size_t i,
		      bool raw)
{
	int lines = height(areas[i].size) - 1;
	char name[40];
	size_t inner;

	draw_storey(areas[i].name, areas[i].size, '|');
	for (inner = count; raw && inner-- > 0;) {
		if (areas[inner].kind != IO_DEMO_AREA_VIRTUAL ||
		    !is_within(&areas[inner], &areas[i]))
			continue;
		snprintf(name, sizeof(name), "  in it: %s", areas[inner].name);
		draw_storey(name, areas[inner].size, '|');
		lines--;
	}
	while (lines-- > 0)
		draw_storey("", 0, '|');
}

/* From the top: each part ends where the one above it begins, or there is a gap. */
static void draw_tower(const struct io_demo_area *areas, size_t count)
{
	__u64 above = 0;	/* 2^64 */
	size_t i;

	for (i = count; i-- > 0;) {
		if (!is_storey(areas, count, i))
			continue;
		if (areas[i].start + areas[i].size != above) {
			draw_floor(above - 1, true);
			draw_storey("(nothing)",
				    above - (areas[i].start + areas[i].size), ':');
		}
		draw_floor(areas[i].start + areas[i].size - 1, true);
		draw_area(areas, count, i, true);
		above = areas[i].start;
	}
	draw_floor(above, true);
}

/* Where the parts are is not told: only how large they are. */
static void draw_sizes(const struct io_demo_area *areas, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (areas[i].kind != IO_DEMO_AREA_VIRTUAL)
			continue;
		draw_floor(0, false);
		draw_area(areas, count, i, false);
	}
	draw_floor(0, false);
}

/* The line */

struct line {
	char name[24];
	char cells[LINE_WIDTH + 1];
};

static struct line *find_line(struct line *lines, size_t *count, const char *name)
{
	size_t i;

	for (i = 0; i < *count; i++)
		if (strncmp(lines[i].name, name, sizeof(lines[i].name) - 1) == 0)
			return &lines[i];
	snprintf(lines[i].name, sizeof(lines[i].name), "%s", name);
	memset(lines[i].cells, '.', LINE_WIDTH);
	lines[i].cells[LINE_WIDTH] = '\0';
	(*count)++;
	return &lines[i];
}

/* A column is # if all of it is that, + if a part of it is. */
static void draw_range(struct line *line, __u64 start, __u64 end, __u64 unit)
{
	__u64 i, from, to;

	for (i = start / unit; i < LINE_WIDTH && i <= end / unit; i++) {
		from = i * unit;
		to = from + unit - 1;
		if (start <= from && end >= to)
			line->cells[i] = '#';
		else if (line->cells[i] == '.')
			line->cells[i] = '+';
	}
}

/* Bytes of a column: all RAM is to be seen, and at least 4 GiB, of the devices. */
static __u64 choose_unit(const struct resource *resources, size_t count)
{
	__u64 unit = (4ULL << 30) / LINE_WIDTH;
	size_t i;

	for (i = 0; i < count; i++)
		while (strcmp(resources[i].name, "System RAM") == 0 &&
		       resources[i].end / unit >= LINE_WIDTH)
			unit *= 2;
	return unit;
}

static void draw_line(const struct io_demo_area *areas, size_t nr_areas)
{
	struct resource *resources;
	struct line *lines;
	size_t count, nr_lines = 0, i;
	__u64 unit;

	resources = resources_read("/proc/iomem", &count);
	unit = choose_unit(resources, count);
	/* One more: of none, calloc() may make NULL. */
	lines = calloc(nr_areas + count + 1, sizeof(*lines));
	if (!lines)
		return;
	for (i = 0; i < nr_areas; i++) {
		char name[48];

		if (areas[i].kind != IO_DEMO_AREA_ZONE)
			continue;
		snprintf(name, sizeof(name), "node %u, %.12s", areas[i].node,
			 areas[i].name);
		draw_range(find_line(lines, &nr_lines, name), areas[i].start,
			   areas[i].start + areas[i].size - 1, unit);
	}
	/* What has the address is the outermost entry; ours are looked for. */
	for (i = 0; i < count; i++)
		if (resources[i].depth == 0 ||
		    strcmp(resources[i].name, "io_demo") == 0)
			draw_range(find_line(lines, &nr_lines, resources[i].name),
				   resources[i].start, resources[i].end, unit);
	printf("physical addresses, a column is %s: # all of it, + a part\n",
	       io_size_text(unit));
	printf("%24s%-*s%s\n", "0", LINE_WIDTH - 3, "",
	       io_size_text(unit * LINE_WIDTH));
	for (i = 0; i < nr_lines; i++)
		printf("%-23s %s\n", lines[i].name, lines[i].cells);
	free(resources);
	free(lines);
}

void io_picture(const struct io_demo_area *areas, size_t count, bool raw)
{
	printf("virtual addresses, a line for each factor of 32 in size\n");
	if (!raw) {
		draw_sizes(areas, count);
		printf("where they are: for who may see kernel addresses, see --help\n");
		return;
	}
	draw_tower(areas, count);
	putchar('\n');
	draw_line(areas, count);
}
