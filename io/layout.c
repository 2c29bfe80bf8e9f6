// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - the kernel's address spaces on this machine
 */
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#ifdef CONFIG_X86
#include <asm/cpu_entry_area.h>
#endif

#include "io/lab.h"
#include "io_demo.h"

/* One copy for each processor: where they are shows where those areas are. */
static DEFINE_PER_CPU(u8, io_demo_per_cpu);

static int io_demo_add_area(struct io_demo_layout *layout,
			    const struct io_demo_area *area)
{
	struct io_demo_area __user *areas = u64_to_user_ptr(layout->areas);

	if (layout->count++ >= layout->room)
		return 0;

	return copy_to_user(areas + layout->count - 1, area, sizeof(*area)) ?
	       -EFAULT : 0;
}

static int io_demo_add_virtual(struct io_demo_layout *layout, const char *name,
			       unsigned long start, unsigned long end)
{
	struct io_demo_area area = {
		.kind = IO_DEMO_AREA_VIRTUAL,
		.start = layout->state & IO_DEMO_LAYOUT_RAW ? start : 0,
		.size = end - start,
	};

	strscpy(area.name, name, sizeof(area.name));

	return io_demo_add_area(layout, &area);
}

/* The addresses from the first processor's per-CPU variables to the last's. */
static int io_demo_add_per_cpu(struct io_demo_layout *layout)
{
	unsigned long first = ULONG_MAX, last = 0, address;
	int cpu;

	for_each_possible_cpu(cpu) {
		address = (unsigned long)per_cpu_ptr(&io_demo_per_cpu, cpu);
		first = min(first, address);
		last = max(last, address);
	}

	return io_demo_add_virtual(layout, "per-CPU areas", first & PAGE_MASK,
				   PAGE_ALIGN(last + 1));
}

static int io_demo_add_virtuals(struct io_demo_layout *layout)
{
	unsigned long pages = PHYS_PFN(__pa((unsigned long)high_memory - 1) + 1);
	int ret;

	ret = io_demo_add_virtual(layout, "user space", 0, TASK_SIZE_MAX) ?:
	      io_demo_add_virtual(layout, "direct map", PAGE_OFFSET,
				  (unsigned long)high_memory) ?:
	      io_demo_add_virtual(layout, "vmalloc, ioremap", VMALLOC_START,
				  PAGE_ALIGN(VMALLOC_END)) ?:
	      io_demo_add_per_cpu(layout);
#ifdef VMEMMAP_START
	ret = ret ?: io_demo_add_virtual(layout, "vmemmap", VMEMMAP_START,
					 VMEMMAP_START +
					 pages * sizeof(struct page));
#endif
#ifdef KASAN_SHADOW_START
	ret = ret ?: io_demo_add_virtual(layout, "KASAN shadow",
					 KASAN_SHADOW_START, KASAN_SHADOW_END);
#endif
#ifdef CPU_ENTRY_AREA_BASE
	ret = ret ?: io_demo_add_virtual(layout, "CPU entry areas",
					 CPU_ENTRY_AREA_BASE,
					 CPU_ENTRY_AREA_BASE +
					 CPU_ENTRY_AREA_MAP_SIZE);
#endif
#ifdef __START_KERNEL_map
	ret = ret ?: io_demo_add_virtual(layout, "kernel image",
					 __START_KERNEL_map,
					 __START_KERNEL_map + KERNEL_IMAGE_SIZE);
#endif
#ifdef MODULES_VADDR
	ret = ret ?: io_demo_add_virtual(layout, "modules", MODULES_VADDR,
					 MODULES_END);
#endif
#ifdef FIXADDR_START
	ret = ret ?: io_demo_add_virtual(layout, "fixmap", FIXADDR_START,
					 FIXADDR_START + FIXADDR_SIZE);
#endif
	return ret;
}

static int io_demo_add_zone(struct io_demo_layout *layout, int nid,
			    const struct zone *zone)
{
	struct io_demo_area area = {
		.kind = IO_DEMO_AREA_ZONE,
		.size = (u64)zone->spanned_pages << PAGE_SHIFT,
		.present = (u64)zone->present_pages << PAGE_SHIFT,
		.managed = (u64)zone_managed_pages((struct zone *)zone) << PAGE_SHIFT,
		.node = nid,
	};

	if (layout->state & IO_DEMO_LAYOUT_RAW)
		area.start = (u64)zone->zone_start_pfn << PAGE_SHIFT;
	strscpy(area.name, zone->name, sizeof(area.name));

	return io_demo_add_area(layout, &area);
}

static int io_demo_add_zones(struct io_demo_layout *layout)
{
	struct zone *zone;
	int nid, ret, i;

	for_each_online_node(nid) {
		for (i = 0; i < MAX_NR_ZONES; i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			if (!populated_zone(zone))
				continue;
			ret = io_demo_add_zone(layout, nid, zone);
			if (ret)
				return ret;
		}
	}

	return 0;
}

long io_demo_layout(void *state, void __user *arg)
{
	struct io_demo_layout layout;
	int ret;

	ret = io_demo_enter(&layout, arg, sizeof(layout));
	if (ret)
		return ret;
	layout.count = 0;
	layout.state = io_demo_sees_addresses() ? IO_DEMO_LAYOUT_RAW : 0;
	layout.page_size = PAGE_SIZE;

	ret = io_demo_add_virtuals(&layout) ?: io_demo_add_zones(&layout);

	return ret ?: io_demo_leave(arg, &layout, sizeof(layout));
}
