// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem - the names of the interface's values
 */
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "vserctl.h"

static const char *const regions[] = {
	[MEM_REGION_NONE] = "none",
	[MEM_REGION_DIRECT] = "direct",
	[MEM_REGION_VMALLOC] = "vmalloc",
	[MEM_REGION_PERCPU] = "percpu",
	[MEM_REGION_MODULE] = "module",
	[MEM_REGION_OTHER] = "other",
};

/* As /proc/zoneinfo has them. */
static const char *const zones[] = {
	[MEM_ZONE_DMA] = "DMA",
	[MEM_ZONE_DMA32] = "DMA32",
	[MEM_ZONE_NORMAL] = "Normal",
	[MEM_ZONE_HIGHMEM] = "HighMem",
	[MEM_ZONE_MOVABLE] = "Movable",
	[MEM_ZONE_DEVICE] = "Device",
	[MEM_ZONE_MIXED] = "mixed",
};

static const char *const contexts[] = {
	[MEM_CONTEXT_PROCESS] = "process",
	[MEM_CONTEXT_SPINLOCK] = "spinlock",
	[MEM_CONTEXT_SOFTIRQ] = "softirq",
	[MEM_CONTEXT_HARDIRQ] = "hardirq",
};

static const char *const levels[] = {
	[MEM_LEVEL_PGD] = "PGD",
	[MEM_LEVEL_P4D] = "P4D",
	[MEM_LEVEL_PUD] = "PUD",
	[MEM_LEVEL_PMD] = "PMD",
	[MEM_LEVEL_PTE] = "PTE",
};

static const char *const reasons[] = {
	[MEM_WHY_FLAG] = "the allocator does not take this flag",
	[MEM_WHY_CONTEXT] = "the allocator sleeps, and here nobody may",
	[MEM_WHY_SLEEPS] = "this flag allows sleep, and here nobody may",
	[MEM_WHY_NOFAIL] = "__GFP_NOFAIL would try for ever, with no way out of the kernel",
	[MEM_WHY_FOREVER] = "a mempool that may sleep waits for ever",
	[MEM_WHY_RT] = "PREEMPT_RT allocates nothing in a hard interrupt",
	[MEM_WHY_COMBINATION] = "these flags exclude each other",
	[MEM_WHY_SIZE] = "the allocator does not give such a size",
	[MEM_WHY_ZONE] = "from a lower zone than the first that this node asks",
	[MEM_WHY_VMALLOC] = "from vmalloc(), as kmalloc() had none",
	[MEM_WHY_NO_CACHE] = "the debug cache has not been made",
	[MEM_WHY_MASK] = "what comes might lie above the DMA mask; a zone flag helps",
	[MEM_WHY_NO_ZONE] = "this kernel has no such zone",
	[MEM_WHY_NO_MASK] = "no memory here lies under such a DMA mask",
	[MEM_WHY_INTERRUPT] = "the allocator is not for interrupts, whatever the flags",
	[MEM_WHY_LONG] = "more than 16 pages take too long where nobody may sleep",
};

#define NAME_OF(names, value)						\
	((value) < ARRAY_SIZE(names) ? (names)[value] : NULL)

const char *mem_region_name(__u32 region)
{
	return NAME_OF(regions, region);
}

const char *mem_zone_name(__u32 zone)
{
	return NAME_OF(zones, zone);
}

const char *mem_context_name(__u32 context)
{
	return NAME_OF(contexts, context);
}

const char *mem_level_name(__u32 level)
{
	return NAME_OF(levels, level);
}

const char *mem_why_text(__u32 why)
{
	return NAME_OF(reasons, why);
}

struct bit_name {
	__u32 bit;
	const char *name;
};

static const struct bit_name gfp_bits[] = {
	{ MEM_GFP_KERNEL, "KERNEL" },
	{ MEM_GFP_ATOMIC, "ATOMIC" },
	{ MEM_GFP_NOWAIT, "NOWAIT" },
	{ MEM_GFP_USER, "USER" },
	{ MEM_GFP_HIGHUSER, "HIGHUSER" },
	{ MEM_GFP_NOIO, "NOIO" },
	{ MEM_GFP_NOFS, "NOFS" },
	{ MEM_GFP_DMA, "DMA" },
	{ MEM_GFP_DMA32, "DMA32" },
	{ MEM_GFP_ZERO, "ZERO" },
	{ MEM_GFP_NOWARN, "NOWARN" },
	{ MEM_GFP_NORETRY, "NORETRY" },
	{ MEM_GFP_RETRY_MAYFAIL, "RETRY_MAYFAIL" },
	{ MEM_GFP_HIGH, "HIGH" },
	{ MEM_GFP_COMP, "COMP" },
	{ MEM_GFP_ACCOUNT, "ACCOUNT" },
	{ MEM_GFP_THISNODE, "THISNODE" },
	{ MEM_GFP_NOFAIL, "NOFAIL" },
};

static const struct bit_name cap_bits[] = {
	{ MEM_CAP_ALLOC, "alloc" },
	{ MEM_CAP_BENCH, "bench" },
	{ MEM_CAP_LIMIT, "limits" },
	{ MEM_CAP_BULK, "bulk" },
	{ MEM_CAP_MAP, "mmap" },
	{ MEM_CAP_RESIZE, "resize" },
	{ MEM_CAP_ZEROED, "zeroed" },
	{ MEM_CAP_PAGES, "pages" },
	{ MEM_CAP_VIRTUAL, "address" },
	{ MEM_CAP_PERCPU, "percpu" },
	{ MEM_CAP_DMA, "dma" },
	{ MEM_CAP_SYNC, "sync" },
	{ MEM_CAP_DEBUG, "debug" },
	{ MEM_CAP_SINGLE, "single" },
};

static const struct bit_name context_bits[] = {
	{ 1 << MEM_CONTEXT_PROCESS, "process" },
	{ 1 << MEM_CONTEXT_SPINLOCK, "spinlock" },
	{ 1 << MEM_CONTEXT_SOFTIRQ, "softirq" },
	{ 1 << MEM_CONTEXT_HARDIRQ, "hardirq" },
};

static const struct bit_name debug_bits[] = {
	{ MEM_DEBUG_KASAN, "KASAN" },
	{ MEM_DEBUG_KCSAN, "KCSAN" },
	{ MEM_DEBUG_KMSAN, "KMSAN" },
	{ MEM_DEBUG_KMEMLEAK, "kmemleak" },
	{ MEM_DEBUG_PAGEALLOC, "debug_pagealloc" },
	{ MEM_DEBUG_PAGE_POISON, "page_poison" },
	{ MEM_DEBUG_SLAB_ON, "SLUB_DEBUG_ON" },
	{ MEM_DEBUG_SLAB_CACHES, "debug-caches" },
	{ MEM_DEBUG_VM, "DEBUG_VM" },
	{ MEM_DEBUG_LOCKDEP, "lockdep" },
	{ MEM_DEBUG_ATOMIC_SLEEP, "DEBUG_ATOMIC_SLEEP" },
	{ MEM_DEBUG_OBJECTS, "DEBUG_OBJECTS" },
	{ MEM_DEBUG_FAULTS, "fault-injection" },
	{ MEM_DEBUG_KCOV, "KCOV" },
	{ MEM_DEBUG_UBSAN, "UBSAN" },
	{ MEM_DEBUG_FTRACE, "ftrace" },
	{ MEM_DEBUG_KFENCE, "KFENCE" },
	{ MEM_DEBUG_UBSAN_BOUNDS, "UBSAN-bounds" },
};

static const struct bit_name entry_bits[] = {
	{ MEM_ENTRY_FOLDED, "folded" },
	{ MEM_ENTRY_PRESENT, "present" },
	{ MEM_ENTRY_LEAF, "leaf" },
	{ MEM_ENTRY_WRITE, "write" },
	{ MEM_ENTRY_USER, "user" },
	{ MEM_ENTRY_WRITETHROUGH, "write-through" },
	{ MEM_ENTRY_NOCACHE, "no-cache" },
	{ MEM_ENTRY_ACCESSED, "accessed" },
	{ MEM_ENTRY_DIRTY, "dirty" },
	{ MEM_ENTRY_GLOBAL, "global" },
	{ MEM_ENTRY_NOEXEC, "no-exec" },
	{ MEM_ENTRY_PAT, "PAT" },
	{ MEM_ENTRY_SPECIAL, "special" },
};

static const char *bit_names(const struct bit_name *names, size_t count,
			     __u32 value)
{
	static char text[512];
	size_t i, length = 0;

	text[0] = '\0';
	for (i = 0; i < count; i++) {
		if (value & names[i].bit)
			length += snprintf(text + length, sizeof(text) - length,
					   "%s%s", length ? "," : "",
					   names[i].name);
	}
	return text;
}

const char *mem_gfp_flag_name(__u32 flag)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(gfp_bits); i++) {
		if (gfp_bits[i].bit == flag)
			return gfp_bits[i].name;
	}
	return NULL;
}

const char *mem_gfp_names(__u32 gfp)
{
	return bit_names(gfp_bits, ARRAY_SIZE(gfp_bits), gfp);
}

const char *mem_cap_names(__u32 caps)
{
	return bit_names(cap_bits, ARRAY_SIZE(cap_bits), caps);
}

const char *mem_context_names(__u32 value)
{
	return bit_names(context_bits, ARRAY_SIZE(context_bits), value);
}

const char *mem_debug_names(__u32 debug)
{
	return bit_names(debug_bits, ARRAY_SIZE(debug_bits), debug);
}

const char *mem_entry_flag_names(__u32 flags)
{
	return bit_names(entry_bits, ARRAY_SIZE(entry_bits), flags);
}

const char *mem_address_text(__u64 address, bool raw)
{
	static char text[24];

	snprintf(text, sizeof(text), "%s0x%llx", raw ? "" : "+", address);
	return text;
}
