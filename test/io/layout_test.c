// SPDX-License-Identifier: GPL-2.0
/* The kernel's address spaces: parts, zones, and who is shown where they are. */
#define _GNU_SOURCE

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "io.h"

#define ROOM	40

static struct io_demo_area areas[ROOM];

static struct io_demo_layout layout(int fd)
{
	struct io_demo_layout layout = {
		.areas = address(areas), .room = ROOM,
	};

	memset(areas, 0xff, sizeof(areas));
	CHECK_EQ(ioctl(fd, VS_IO_LAYOUT, &layout), 0);
	CHECK(layout.count <= ROOM);
	CHECK_EQ(layout.page_size, sysconf(_SC_PAGESIZE));

	return layout;
}

static const struct io_demo_area *find(const struct io_demo_layout *layout,
				       const char *name)
{
	__u32 i;

	for (i = 0; i < layout->count; i++)
		if (!strcmp(areas[i].name, name))
			return &areas[i];

	return NULL;
}

TEST(virtual, "the parts of the kernel's addresses are told, and do not overlap")
{
	static const char *const names[] = {
		"direct map", "vmalloc, ioremap", "vmemmap", "kernel image",
		"modules", "fixmap",
	};
	const struct io_demo_area *areas[ARRAY_SIZE(names)];
	struct io_demo_layout all;
	int fd = lab("");
	size_t i, j;

	write_file(KPTR, "1");
	all = layout(fd);
	CHECK(all.state & IO_DEMO_LAYOUT_RAW);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		tap_row(names[i]);
		areas[i] = find(&all, names[i]);
		CHECK(areas[i]);
		CHECK_EQ(areas[i]->kind, IO_DEMO_AREA_VIRTUAL);
		CHECK(areas[i]->start >> 63 && areas[i]->size);
		for (j = 0; j < i; j++)
			CHECK(areas[j]->start + areas[j]->size <= areas[i]->start ||
			      areas[i]->start + areas[i]->size <= areas[j]->start);
	}
	write_file(KPTR, "0");
}

TEST(places, "an address of each sort lies in its part")
{
	const struct io_demo_area *direct, *cpus;
	struct io_demo_dma buffer;
	struct io_demo_layout all;
	int fd = lab("");

	write_file(KPTR, "1");
	all = layout(fd);
	direct = find(&all, "direct map");
	buffer = dma(fd, IO_DEMO_DMA_STREAM, 4096);
	CHECK(buffer.virt >= direct->start &&
	      buffer.virt < direct->start + direct->size);
	CHECK_EQ(buffer.virt - direct->start, buffer.phys);
	cpus = find(&all, "per-CPU areas");
	CHECK(cpus && cpus->start >= direct->start &&
	      cpus->start < direct->start + direct->size);
	write_file(KPTR, "0");
}

static __u64 kib(const char *name)
{
	char line[100];
	__u64 kib = 0;
	FILE *file = fopen("/proc/meminfo", "r");

	CHECK(file);
	while (!kib && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			sscanf(line + strlen(name), "%llu", &kib);
	fclose(file);

	return kib;
}

TEST(zones, "the zones hold all memory that there is")
{
	struct io_demo_layout all;
	__u64 managed = 0;
	int fd = lab("");
	__u32 i, zones = 0;

	all = layout(fd);
	for (i = 0; i < all.count; i++) {
		if (areas[i].kind != IO_DEMO_AREA_ZONE)
			continue;
		zones++;
		CHECK(areas[i].size >= areas[i].present);
		CHECK(areas[i].present >= areas[i].managed);
		managed += areas[i].managed;
	}
	CHECK(zones >= 1);
	CHECK_EQ(managed / 1024, kib("MemTotal:"));
	CHECK(find(&all, "DMA32"));
}

TEST(hidden, "starts are not told to whom the kernel shows no addresses")
{
	static const char *const settings[] = { "0", "2", "1" };
	struct io_demo_layout all;
	int fd = lab("");
	size_t i;
	__u32 n;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		write_file(KPTR, settings[i]);
		if (settings[i][0] == '1')
			drop_capability(CAP_SYSLOG);
		all = layout(fd);
		CHECK_EQ(all.state, 0);
		for (n = 0; n < all.count; n++) {
			CHECK_EQ(areas[n].start, 0);
			CHECK(areas[n].size);
		}
	}
	write_file(KPTR, "0");
}

TEST(room, "what there is no room for is counted and not stored")
{
	struct io_demo_layout some = { .areas = address(areas), .room = 2 };
	int fd = lab("");
	__u32 all = layout(fd).count;

	memset(areas, 0xff, sizeof(areas));
	CHECK_EQ(ioctl(fd, VS_IO_LAYOUT, &some), 0);
	CHECK_EQ(some.count, all);
	CHECK(areas[1].size != ~0ULL);
	CHECK_EQ(areas[2].size, ~0ULL);
	some.room = 0;
	some.areas = 0;
	CHECK_EQ(ioctl(fd, VS_IO_LAYOUT, &some), 0);
	CHECK_EQ(some.count, all);
	some.room = 1;
	CHECK_ERR(ioctl(fd, VS_IO_LAYOUT, &some), EFAULT);
}
