/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * mem_demo - the memory laboratory: allocate, look, measure
 *
 * These ioctls are made on any descriptor of /dev/vser while mem_demo.ko is
 * loaded. Valid in the kernel and in user space, as C90 and as C++. Numbers and
 * layouts are the same for 32-bit and 64-bit programs.
 *
 * What is allocated is held by the open file, known by a handle, and freed with
 * it. Sizes, offsets and addresses are in bytes, times in nanoseconds unless the
 * field says picoseconds (_ps). Pointers to user memory are held in a __u64.
 * Each structure's fields are marked in, out or in/out; those that are out may
 * hold anything at the call. When a call fails, nothing was changed, but for what
 * is told of EFAULT, and the structure is as it was.
 *
 * What the calls may answer:
 *
 * ========== =================================================================
 * E2BIG      the size is above what the allocator can ever grant
 *            (mem_allocator.max_size)
 * EBUSY      the file runs a bench already; MEM_LIMIT and MEM_FRAGMENT: somebody
 *            does one of them; MEM_READ, MEM_WRITE: the device owns the buffer
 *            (see MEM_DMA_SYNC); the module's static variable is in use
 * EDQUOT     more than the quota of this file, or of all files together, with what
 *            the kernel and the laboratory keep beside the memory; nothing has been
 *            taken from either. More objects of the allocator than there may be.
 * EFAULT     a pointer does not lead to memory of the caller; nothing is held
 *            that was not held before. Where only the answer could not be written,
 *            what MEM_FREE, MEM_RESIZE, MEM_DMA_SYNC or MEM_FRAGMENT gave back or
 *            changed stays so.
 * EINTR      a fatal signal; what was under way has been freed
 * EINVAL     a value is out of the range given here, an unknown flag, reserved
 *            is not 0, or the allocator does not take the flag: MEM_GFP_TRY tells
 *            which and why
 * EMFILE     MEM_MAP: the process has too many descriptors
 * ENODEV     this cache changes the slab allocator until the next boot, and
 *            exists only after a MEM_ALLOC with MEM_ALLOC_DEBUG
 * ENOENT     no such handle
 * ENOMEM     the allocator did not grant it, or there is no memory for the books
 * EOPNOTSUPP not possible on this kernel or architecture: MEM_WALK other than on
 *            x86-64, a DMA mask that no memory lies under
 * EPERM      the caller lacks CAP_SYS_ADMIN, which is checked at each call;
 *            MEM_READ: what others left in memory is not for this caller
 * ERANGE     what the flags ask for might lie above the DMA mask
 * ========== =================================================================
 *
 * Nothing here wakes the OOM killer or makes the kernel warn: every allocation
 * is made with __GFP_NOWARN, and with __GFP_NORETRY unless
 * MEM_GFP_RETRY_MAYFAIL is given; what the kernel would complain of is refused
 * before it is asked.
 *
 * Kernel addresses, physical addresses and page-table entries are told as they
 * are only where printk's %pK would show them: to a caller with CAP_SYSLOG while
 * the sysctl kernel.kptr_restrict is 1. Otherwise an address is told as the
 * offset in its page, an entry as 0, and of a kernel address the place of an
 * entry in its table too.
 */
#ifndef _MEM_DEMO_H
#define _MEM_DEMO_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include "vser.h"

#define MEM_ABI			2

/*
 * Flags of an allocation. Exactly one of MEM_GFP_BASES; at most one of
 * MEM_GFP_ZONES, which is none together with MEM_GFP_HIGHUSER.
 */
#define MEM_GFP_KERNEL		0x00000001
#define MEM_GFP_ATOMIC		0x00000002
#define MEM_GFP_NOWAIT		0x00000004
#define MEM_GFP_USER		0x00000008
#define MEM_GFP_HIGHUSER	0x00000010
#define MEM_GFP_NOIO		0x00000020
#define MEM_GFP_NOFS		0x00000040
#define MEM_GFP_BASES		0x0000007f

#define MEM_GFP_DMA		0x00000100
#define MEM_GFP_DMA32		0x00000200
#define MEM_GFP_ZONES		0x00000300

#define MEM_GFP_ZERO		0x00010000
#define MEM_GFP_NOWARN		0x00020000
#define MEM_GFP_NORETRY		0x00040000
#define MEM_GFP_RETRY_MAYFAIL	0x00080000
#define MEM_GFP_HIGH		0x00100000
#define MEM_GFP_COMP		0x00200000
#define MEM_GFP_ACCOUNT		0x00400000
#define MEM_GFP_THISNODE	0x00800000
#define MEM_GFP_NOFAIL		0x01000000	/* known, and always refused */
#define MEM_GFP_MODIFIERS	0x01ff0000

#define MEM_GFP_ALL	(MEM_GFP_BASES | MEM_GFP_ZONES | MEM_GFP_MODIFIERS)

/* Allocators. */
#define MEM_NONE		1	/* does nothing: what a bench itself costs */
#define MEM_KMALLOC		2
#define MEM_KZALLOC		3
#define MEM_KMALLOC_ARRAY	4	/* elements of 8 bytes */
#define MEM_KCALLOC		5	/* elements of 8 bytes */
#define MEM_KREALLOC		6
#define MEM_CACHE		7	/* kmem_cache_alloc(), objects of 256 bytes */
#define MEM_CACHE_HWALIGN	8	/* SLAB_HWCACHE_ALIGN, objects of 200 bytes */
#define MEM_CACHE_CTOR		9	/* with a constructor */
#define MEM_CACHE_POISON	10	/* SLAB_POISON */
#define MEM_CACHE_RED_ZONE	11	/* SLAB_RED_ZONE */
#define MEM_MEMPOOL_SLAB	12
#define MEM_MEMPOOL_PAGE	13
#define MEM_ALLOC_PAGES		14
#define MEM_GET_FREE_PAGES	15
#define MEM_GET_ZEROED_PAGE	16
#define MEM_KMAP_LOCAL		17	/* pages that are mapped while they are touched */
#define MEM_VMALLOC		18
#define MEM_VZALLOC		19
#define MEM_KVMALLOC		20
#define MEM_ALLOC_PERCPU	21
#define MEM_DEFINE_PERCPU	22	/* the module's static per-CPU variable */
#define MEM_STATIC		23	/* the module's static variable */
#define MEM_DEVM_KMALLOC	24
#define MEM_DEVM_KZALLOC	25
#define MEM_DMA_COHERENT	26	/* dma_alloc_coherent() */
#define MEM_DMA_WC		27	/* dma_alloc_wc() */
#define MEM_DMA_POOL		28	/* dma_pool_alloc(), blocks of 256 bytes */
#define MEM_DMA_SINGLE		29	/* pages, mapped by dma_map_single() */
#define MEM_DMA_SG		30	/* single pages, mapped by dma_map_sg() */
#define MEM_NR_ALLOCATORS	30

/* Contexts in which an allocator can be called. */
#define MEM_CONTEXT_PROCESS	1
#define MEM_CONTEXT_SPINLOCK	2	/* process, with a spinlock held */
#define MEM_CONTEXT_SOFTIRQ	3
#define MEM_CONTEXT_HARDIRQ	4
#define MEM_NR_CONTEXTS		4

/* What can be done with an allocator's objects: mem_allocator.caps. */
#define MEM_CAP_ALLOC		0x0001	/* MEM_ALLOC; without it, only MEM_BENCH */
#define MEM_CAP_BENCH		0x0002	/* MEM_BENCH */
#define MEM_CAP_LIMIT		0x0004	/* MEM_LIMIT */
#define MEM_CAP_BULK		0x0008	/* MEM_BENCH with MEM_PATTERN_BULK */
#define MEM_CAP_MAP		0x0010	/* MEM_MAP, if the object is zeroed */
#define MEM_CAP_RESIZE		0x0020	/* MEM_RESIZE */
#define MEM_CAP_ZEROED		0x0040	/* arrives zeroed without MEM_GFP_ZERO */
#define MEM_CAP_PAGES		0x0080	/* gives whole pages */
#define MEM_CAP_VIRTUAL		0x0100	/* has a kernel address as long as it lives */
#define MEM_CAP_PERCPU		0x0200	/* one copy for each possible CPU */
#define MEM_CAP_DMA		0x0400	/* has a DMA address; takes a DMA mask */
#define MEM_CAP_SYNC		0x0800	/* MEM_DMA_SYNC */
#define MEM_CAP_DEBUG		0x1000	/* needs MEM_ALLOC_DEBUG, see ENODEV */
#define MEM_CAP_SINGLE		0x2000	/* there is one: EBUSY while it is held */

/**
 * struct mem_allocator - one allocator: what it takes and gives here
 * @id:           in: one of the allocators above, 1 to MEM_NR_ALLOCATORS
 * @caps:         out: MEM_CAP_*
 * @gfp:          out: MEM_GFP_* that it takes
 * @contexts:     out: bit 1 << MEM_CONTEXT_*, with a @gfp that fits: in all but
 *                process context, one of MEM_GFP_ATOMIC, MEM_GFP_NOWAIT
 * @min_size:     out: smallest size that it is asked for
 * @max_size:     out: largest size that its interface can grant
 * @default_size: out: a size that shows well what it does
 * @name:         out: name in the kernel, ends with 0
 * @reserved:     in: must be 0
 */
struct mem_allocator {
	__u32 id;
	__u32 caps;
	__u32 gfp;
	__u32 contexts;
	__u64 min_size;
	__u64 max_size;
	__u64 default_size;
	char name[32];
	__u64 reserved[2];
};

/*
 * mem_info.debug: options of the kernel that make an allocation dearer. Of what its
 * command line has switched on for slab caches (slub_debug=), a module does not get
 * to know: the files sanity_checks, red_zone, poison, store_user and trace of each
 * cache in /sys/kernel/slab tell.
 */
#define MEM_DEBUG_KASAN		0x00000001
#define MEM_DEBUG_KCSAN		0x00000002
#define MEM_DEBUG_KMSAN		0x00000004
#define MEM_DEBUG_KMEMLEAK	0x00000008
#define MEM_DEBUG_PAGEALLOC	0x00000010
#define MEM_DEBUG_PAGE_POISON	0x00000020
#define MEM_DEBUG_SLAB_ON	0x00000040	/* CONFIG_SLUB_DEBUG_ON */
#define MEM_DEBUG_SLAB_CACHES	0x00000080	/* MEM_ALLOC_DEBUG has been used */
#define MEM_DEBUG_VM		0x00000100
#define MEM_DEBUG_LOCKDEP	0x00000200
#define MEM_DEBUG_ATOMIC_SLEEP	0x00000400
#define MEM_DEBUG_OBJECTS	0x00000800
#define MEM_DEBUG_FAULTS	0x00001000	/* failslab, fail_page_alloc */
#define MEM_DEBUG_KCOV		0x00002000
#define MEM_DEBUG_UBSAN		0x00004000	/* checks at every load or sum */
#define MEM_DEBUG_FTRACE	0x00008000	/* no cost while it is not used */
#define MEM_DEBUG_KFENCE	0x00010000	/* next to no cost */
#define MEM_DEBUG_UBSAN_BOUNDS	0x00020000	/* bounds, shifts: likewise */

/* Those that make times meaningless. */
#define MEM_DEBUG_DISTORTS	0x00007fff

/* mem_info.features */
#define MEM_FEATURE_INIT_ON_ALLOC	0x0001	/* whatever is allocated is zeroed */
#define MEM_FEATURE_INIT_ON_FREE	0x0002
#define MEM_FEATURE_RAW_ADDRESSES	0x0004	/* this caller sees them */
#define MEM_FEATURE_WALK		0x0008	/* MEM_WALK works */
#define MEM_FEATURE_RT			0x0010	/* PREEMPT_RT */
#define MEM_FEATURE_ZONE_DMA		0x0020
#define MEM_FEATURE_ZONE_DMA32		0x0040
#define MEM_FEATURE_HIGHMEM		0x0080

/**
 * struct mem_info - this kernel and this laboratory
 * @abi:             out: revision of this interface, MEM_ABI; grows when something
 *                   is added
 * @page_size:       out: bytes in a page
 * @max_order:       out: alloc_pages() gives up to 2^@max_order pages
 * @possible_cpus:   out: CPUs that there can be: copies of a per-CPU variable
 * @online_cpus:     out: CPUs that there are now
 * @nodes:           out: NUMA nodes with memory
 * @debug:           out: MEM_DEBUG_*
 * @features:        out: MEM_FEATURE_*
 * @paging_levels:   out: levels of the page tables
 * @kmalloc_cached:  out: up to this size kmalloc() takes from slab caches, above
 *                   it asks for pages
 * @kmalloc_max:     out: largest size of kmalloc()
 * @vmalloc_space:   out: size of the vmalloc region
 * @percpu_max:      out: largest per-CPU allocation
 * @memory:          out: RAM of the machine
 * @available:       out: memory that could be had now without swapping
 * @timer_overhead:  out: what a bench measures when nothing is done, in ns;
 *                   calibrated at this call
 * @clock_step:      out: least that two readings of the clock differ by, in ns; of
 *                   what takes no longer, a bench tells little
 * @quota_file:      out: most that one file may hold
 * @quota_total:     out: most that all files may hold
 * @held_file:       out: bytes that this file holds: memory, page tables, and what
 *                   the kernel and the laboratory keep beside it
 * @held_total:      out: bytes that all files hold, likewise
 * @objects_file:    out: objects that this file holds. One that is freed counts, and
 *                   is held, as long as it is mapped, or somebody else uses pages of
 *                   it, as a pipe after vmsplice()
 * @objects_total:   out: objects that are held by files and mappings, likewise
 * @reserved:        in: must be 0
 */
struct mem_info {
	__u32 abi;
	__u32 page_size;
	__u32 max_order;
	__u32 possible_cpus;
	__u32 online_cpus;
	__u32 nodes;
	__u32 debug;
	__u32 features;
	__u32 paging_levels;
	__u32 kmalloc_cached;
	__u64 kmalloc_max;
	__u64 vmalloc_space;
	__u64 percpu_max;
	__u64 memory;
	__u64 available;
	__u64 timer_overhead;
	__u64 quota_file;
	__u64 quota_total;
	__u64 held_file;
	__u64 held_total;
	__u64 objects_file;
	__u64 objects_total;
	__u64 clock_step;
	__u64 reserved[3];
};

/* mem_alloc.flags */
#define MEM_ALLOC_PARTIAL	0x1	/* fewer than count will do */
#define MEM_ALLOC_DEBUG		0x2	/* for MEM_CAP_DEBUG: have the cache made */

/**
 * struct mem_alloc - allocate objects and hold them
 * @allocator: in: which
 * @gfp:       in: MEM_GFP_*
 * @size:      in: bytes of each object; what comes may be more, see
 *             &mem_show.usable. Of page allocators, rounded up to a power of
 *             two of pages.
 * @count:     in: how many, 1 to 10,000,000. With MEM_ALLOC_PARTIAL, out: how
 *             many were granted, at least 1; without it, all or none are.
 * @flags:     in: MEM_ALLOC_*
 * @dma_bits:  in: for MEM_CAP_DMA: the device's DMA mask has so many bits, 24,
 *             32 or 64; else 0
 * @reserved0: in: must be 0
 * @handle:    out: of the first object; the others' follow it. They are the lowest
 *             that are free: a handle is free again when its object is freed. 0 is
 *             none.
 * @reserved:  in: must be 0
 */
struct mem_alloc {
	__u32 allocator;
	__u32 gfp;
	__u64 size;
	__u32 count;
	__u32 flags;
	__u32 dma_bits;
	__u32 reserved0;
	__u64 handle;
	__u64 reserved[2];
};

/* mem_free.flags */
#define MEM_FREE_ALL		0x1	/* all that the file holds; the rest is 0 */

/**
 * struct mem_free - free objects
 * @handle:   in: the first
 * @count:    in: how many handles to go through, at least 1; those that are not
 *            held are passed over. Out: how many objects were freed.
 * @stride:   in: distance between two handles, at least 1
 * @flags:    in: MEM_FREE_*
 * @reserved: in: must be 0
 *
 * ENOENT: none of them is held. What is mapped stays until it is unmapped, and what
 * somebody else uses beyond that, until the last page of it is back.
 */
struct mem_free {
	__u64 handle;
	__u64 count;
	__u64 stride;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct mem_resize - krealloc(); the contents stay as far as they fit
 * @handle: in: an object of MEM_KREALLOC
 * @size:   in: new size in bytes
 * @moved:  out: 1: it is elsewhere now, 0: it stayed in place
 * @gfp:    in: MEM_GFP_*
 *
 * What stays in place keeps its memory, and the file is charged for it, also when
 * it gets smaller.
 */
struct mem_resize {
	__u64 handle;
	__u64 size;
	__u32 moved;
	__u32 gfp;
};

/* mem_show.region: where the address is in the kernel's virtual memory. */
#define MEM_REGION_NONE		1	/* no address of its own */
#define MEM_REGION_DIRECT	2	/* the direct map of all RAM */
#define MEM_REGION_VMALLOC	3
#define MEM_REGION_PERCPU	4
#define MEM_REGION_MODULE	5
#define MEM_REGION_OTHER	6

/* mem_show.zone */
#define MEM_ZONE_NONE		1	/* not known */
#define MEM_ZONE_DMA		2
#define MEM_ZONE_DMA32		3
#define MEM_ZONE_NORMAL		4
#define MEM_ZONE_HIGHMEM	5
#define MEM_ZONE_MOVABLE	6
#define MEM_ZONE_DEVICE		7
#define MEM_ZONE_MIXED		8	/* the pages are of several zones */

/* Yes, no, or nobody can tell. */
#define MEM_YES			1
#define MEM_NO			2
#define MEM_UNKNOWN		3

/* mem_show.zeroed_why */
#define MEM_ZEROED_ASKED	1	/* MEM_GFP_ZERO, or the allocator always does */
#define MEM_ZEROED_INIT		2	/* the kernel runs with init_on_alloc */
#define MEM_ZEROED_CHANCE	3	/* it is zero, but nobody has promised */
#define MEM_ZEROED_LEFTOVER	4	/* holds what was there before */
#define MEM_ZEROED_CTOR		5	/* the constructor has written to it */
#define MEM_ZEROED_POISON	6	/* the allocator has written a pattern */
#define MEM_ZEROED_STATIC	7	/* as C has it, and nobody has written to it */

/* mem_show.flags */
#define MEM_SHOW_RAW		0x01	/* address, physical, dma are as they are */
#define MEM_SHOW_PHYSICAL	0x02	/* physical is known */
#define MEM_SHOW_DMA		0x04	/* dma is known */
#define MEM_SHOW_MAPPED		0x08	/* a descriptor of MEM_MAP has it */
#define MEM_SHOW_COMPOUND	0x10	/* its pages are one compound page */
#define MEM_SHOW_SLAB		0x20	/* it is in a page of the slab allocator */
#define MEM_SHOW_USABLE		0x40	/* usable is known */
#define MEM_SHOW_FOOTPRINT	0x80	/* footprint is known */
#define MEM_SHOW_EXTENTS	0x100	/* extents, largest_extent are known */

/* mem_show.owner, of MEM_CAP_SYNC: who may touch the buffer now. */
#define MEM_OWNER_NONE		1	/* not such an object */
#define MEM_OWNER_CPU		2
#define MEM_OWNER_DEVICE	3

/**
 * struct mem_show - what an object is and where it lies
 * @handle:         in: which
 * @allocator:      out: that it is from
 * @gfp:            out: MEM_GFP_* that it was asked for with
 * @requested:      out: bytes asked for
 * @usable:         out: bytes from its start on that are the user's, of one copy
 *                  if there are several; ksize() where there is one. Known with
 *                  MEM_SHOW_USABLE
 * @footprint:      out: bytes of memory that it takes, all copies, and what its
 *                  allocator puts around it, included; known with
 *                  MEM_SHOW_FOOTPRINT. Of a slab, the distance from one object to
 *                  the next, for which some more are allocated. The quota counts
 *                  a bound that is known before, not this.
 * @address:        out: kernel address, see the head of this file; 0: none
 * @physical:       out: physical address of its first byte, likewise
 * @dma:            out: DMA address of its first byte, likewise
 * @extents:        out: runs of physically contiguous bytes that @usable, or where
 *                  it is not known @requested, consists of; known with
 *                  MEM_SHOW_EXTENTS
 * @largest_extent: out: bytes in the largest of them; likewise
 * @alignment:      out: largest power of two that divides the address, up to
 *                  2 MiB; of pages without an address, the page size
 * @copies:         out: 1, or of a per-CPU object the possible CPUs; address,
 *                  physical, extents are those of the first one's copy
 * @region:         out: MEM_REGION_*
 * @zone:           out: MEM_ZONE_*
 * @node:           out: NUMA node of its first page, -1: not known
 * @order:          out: 2^@order pages are the block it came in, -1: not one
 *                  block, or its allocator does not tell
 * @zeroed:         out: MEM_YES or MEM_NO, as found when it came; MEM_UNKNOWN
 * @zeroed_why:     out: MEM_ZEROED_*
 * @virt_to_phys:   out: MEM_YES, MEM_NO: may virt_to_phys() be used on its address?
 * @walk_agrees:    out: do the page tables say the same as virt_to_phys() or
 *                  vmalloc_to_pfn()? MEM_UNKNOWN where there is no MEM_WALK
 * @flags:          out: MEM_SHOW_*
 * @owner:          out: MEM_OWNER_*
 * @reserved0:      in: must be 0
 * @reserved:       in: must be 0
 */
struct mem_show {
	__u64 handle;
	__u32 allocator;
	__u32 gfp;
	__u64 requested;
	__u64 usable;
	__u64 footprint;
	__u64 address;
	__u64 physical;
	__u64 dma;
	__u64 extents;
	__u64 largest_extent;
	__u64 alignment;
	__u32 copies;
	__u32 region;
	__u32 zone;
	__s32 node;
	__s32 order;
	__u32 zeroed;
	__u32 zeroed_why;
	__u32 virt_to_phys;
	__u32 walk_agrees;
	__u32 flags;
	__u32 owner;
	__u32 reserved0;
	__u64 reserved[4];
};

/* mem_level.level */
#define MEM_LEVEL_PGD		1
#define MEM_LEVEL_P4D		2
#define MEM_LEVEL_PUD		3
#define MEM_LEVEL_PMD		4
#define MEM_LEVEL_PTE		5
#define MEM_NR_LEVELS		5

/* mem_level.flags: the bits of the entry, decoded. */
#define MEM_ENTRY_PRESENT	0x0001
#define MEM_ENTRY_WRITE		0x0002
#define MEM_ENTRY_USER		0x0004
#define MEM_ENTRY_WRITETHROUGH	0x0008
#define MEM_ENTRY_NOCACHE	0x0010
#define MEM_ENTRY_ACCESSED	0x0020
#define MEM_ENTRY_DIRTY		0x0040
#define MEM_ENTRY_LEAF		0x0080	/* maps a page, is not a table */
#define MEM_ENTRY_GLOBAL	0x0100
#define MEM_ENTRY_NOEXEC	0x0200
#define MEM_ENTRY_PAT		0x0400
#define MEM_ENTRY_SPECIAL	0x0800
#define MEM_ENTRY_FOLDED	0x1000	/* this kernel has no such level */

/**
 * struct mem_level - one level of a page-table walk
 * @value:    out: the entry, if mem_walk.flags has MEM_WALK_RAW; else 0
 * @level:    out: MEM_LEVEL_*
 * @flags:    out: MEM_ENTRY_*
 * @index:    out: which entry of its table: a part of the address, and like it
 *            told as 0 without MEM_WALK_RAW if mem_walk.handle is not 0
 * @reserved: out: 0
 */
struct mem_level {
	__u64 value;
	__u32 level;
	__u32 flags;
	__u32 index;
	__u32 reserved;
};

/* mem_walk.flags */
#define MEM_WALK_RAW		0x1	/* value, address, physical are as they are */
#define MEM_WALK_PRESENT	0x2	/* the address is mapped */
#define MEM_WALK_STOPPED	0x4	/* the next table might be freed meanwhile */

/**
 * struct mem_walk - walk the page tables
 * @handle:    in: an object held, or 0: @address is an address of the caller's
 * @offset:    in: where in the object; else 0
 * @cpu:       in: of a per-CPU object: whose copy; else 0
 * @flags:     out: MEM_WALK_*
 * @address:   in: with @handle 0; out: kernel address that was walked, see the
 *             head of this file
 * @physical:  out: physical address found, likewise; 0 if none
 * @page_size: out: bytes that the last entry maps; 0 if none
 * @levels:    out: how many entries of @level are filled, from the top. In the direct
 *             map the kernel can free a table while it is read, if the processor
 *             flushes TLBs by broadcast: there, the walk stops above it, with
 *             MEM_WALK_STOPPED and neither @physical nor @page_size
 * @agrees:    out: MEM_YES, MEM_NO: virt_to_phys(), vmalloc_to_pfn() or, of an
 *             address of the caller's, get_user_pages() says the same;
 *             MEM_UNKNOWN: cannot be asked
 * @level:     out: what was found
 * @reserved:  in: must be 0
 */
struct mem_walk {
	__u64 handle;
	__u64 offset;
	__u32 cpu;
	__u32 flags;
	__u64 address;
	__u64 physical;
	__u64 page_size;
	__u32 levels;
	__u32 agrees;
	struct mem_level level[MEM_NR_LEVELS];
	__u64 reserved[2];
};

/**
 * struct mem_io - read or write the bytes of an object, through the kernel
 * @handle: in: which
 * @offset: in: where; @offset + @length is at most the requested size
 * @buffer: in: pointer to user memory
 * @length: in: how many, at least 1. After EFAULT, bytes may have been written
 *          to either side.
 * @cpu:    in: of a per-CPU object: whose copy; else 0
 *
 * An object that was zeroed, by MEM_GFP_ZERO, by its allocator or by
 * init_on_alloc, can be read by everybody. Another one may hold what others have
 * left there, kernel addresses among it: EPERM, unless the caller is shown those
 * (MEM_FEATURE_RAW_ADDRESSES). So may what MEM_RESIZE has made larger without
 * one of these.
 */
struct mem_io {
	__u64 handle;
	__u64 offset;
	__u64 buffer;
	__u32 length;
	__u32 cpu;
};

/* mem_map.method: how the pages come into the caller's page tables. */
#define MEM_MAP_REMAP_PFN	1	/* remap_pfn_range() in mmap() */
#define MEM_MAP_INSERT_PAGE	2	/* vm_insert_page() in mmap() */
#define MEM_MAP_FAULT		3	/* one by one, when they are touched */

/**
 * struct mem_map - make an object mappable
 * @handle:   in: an object of MEM_CAP_MAP that was asked for zeroed. EINVAL for
 *            one that is not: it may hold what others have left in memory, and
 *            a slab object's page holds other objects.
 * @method:   in: MEM_MAP_*
 * @fd:       out: descriptor, opened with O_RDWR and close-on-exec: to be mapped
 *            with MAP_SHARED, at offset 0 or any page's
 * @length:   out: bytes that can be mapped
 * @reserved: in: must be 0
 *
 * The memory stays as long as the descriptor or a mapping of it does, also when
 * the object is freed or its file closed; and as long as somebody else uses pages of
 * it, as a pipe after vmsplice(). So long it is charged. The descriptor is, too.
 */
struct mem_map {
	__u64 handle;
	__u32 method;
	__s32 fd;
	__u64 length;
	__u64 reserved;
};

/**
 * struct mem_mapping - what has happened to a mapping; on MEM_MAP's descriptor
 * @method: out: MEM_MAP_*
 * @areas:  out: virtual memory areas that map it now
 * @opens:  out: areas that were made: by mmap(), fork(), or by splitting one
 * @closes: out: areas that went
 * @faults: out: pages brought in by the fault handler
 * @length: out: bytes that can be mapped
 */
struct mem_mapping {
	__u32 method;
	__u32 areas;
	__u64 opens;
	__u64 closes;
	__u64 faults;
	__u64 length;
};

/* mem_bench.pattern: in which order what is allocated is freed. */
#define MEM_PATTERN_LIFO	1	/* rounds of depth, last one first */
#define MEM_PATTERN_FIFO	2	/* rounds of depth, first one first */
#define MEM_PATTERN_RANDOM	3	/* rounds of depth, in random order */
#define MEM_PATTERN_HOLD	4	/* all n are held, then freed first one first */
#define MEM_PATTERN_REMOTE	5	/* rounds of depth, freed on another CPU */
#define MEM_PATTERN_BULK	6	/* rounds of depth, each in one bulk call */

/*
 * A histogram has MEM_HIST_BUCKETS counters. Bucket b counts the times from
 * MEM_HIST_LOW(b) up to, not including, MEM_HIST_LOW(b + 1): exact to 32 ns, then
 * 32 buckets to each doubling. The last counts all that is longer.
 */
#define MEM_HIST_SUB		32
#define MEM_HIST_BUCKETS	1056
#define MEM_HIST_LOW(b)							\
	((b) < MEM_HIST_SUB ? (__u64)(b) :				\
	 (__u64)(MEM_HIST_SUB + (b) % MEM_HIST_SUB)			\
		<< ((b) / MEM_HIST_SUB - 1))

/**
 * struct mem_latency - the distribution of a time, in nanoseconds
 * @min:     the shortest
 * @p50:     half of them are not longer; the percentiles are the lower ends of
 *           their buckets, but never below @min
 * @p90:     90 % are not longer
 * @p99:     99 % are not longer
 * @p999:    99.9 % are not longer
 * @max:     the longest
 * @samples: how many were measured
 * @mean_ps: their mean, in picoseconds
 */
struct mem_latency {
	__u64 min;
	__u64 p50;
	__u64 p90;
	__u64 p99;
	__u64 p999;
	__u64 max;
	__u64 samples;
	__u64 mean_ps;
};

/**
 * struct mem_bench - measure an allocator
 * @allocator:        in: which, of MEM_CAP_BENCH
 * @gfp:              in: MEM_GFP_*
 * @size:             in: bytes of each object
 * @n:                in: objects on each CPU, 1 to 10,000,000
 * @warmup:           in: so many before, not measured; to 10,000,000
 * @pattern:          in: MEM_PATTERN_*
 * @depth:            in: objects alive at once, 1 to 65536, with
 *                    MEM_PATTERN_BULK to 1024; 0 with MEM_PATTERN_HOLD
 * @cpus:             in: 0: the caller's own thread measures, on whatever CPU it
 *                    is. Else so many CPUs measure at the same time, each in a
 *                    thread of the kernel's that stays on it.
 * @first_cpu:        in: number of the first of them, which must be online; the
 *                    others are the next online ones. 0 with @cpus 0.
 * @seed:             in: of MEM_PATTERN_RANDOM
 * @dma_bits:         in: as &mem_alloc.dma_bits
 * @flags:            in: must be 0
 * @alloc_histogram:  in: pointer to __u32[MEM_HIST_BUCKETS], or 0
 * @free_histogram:   in: pointer to __u32[MEM_HIST_BUCKETS], or 0
 * @alloc:            out: time of an allocation, of all CPUs together; with
 *                    MEM_PATTERN_BULK, of a call for @depth of them
 * @free:             out: time of a free, likewise
 * @overhead:         out: ns in each of these times that are the clock's own:
 *                    median of measuring nothing, on this CPU, now. It has not
 *                    been subtracted.
 * @mean_ps:          out: as @both_ps, but the mean of all @n: whatever else
 *                    happened on the CPU is in it, and so is what the allocator
 *                    does once for many calls, as vfree() flushes TLBs
 * @loop_ps:          out: ps for a round of the plain loop with nothing in it,
 *                    measured in the same way. It has been subtracted from
 *                    @both_ps and @mean_ps.
 * @elapsed:          out: ns that it all took, by the clock on the wall
 * @both_ps:          out: ps for an allocation and its free in a plain loop of @n
 *                    that reads the clock before and after each batch: median of
 *                    the batches, mean of the CPUs. What others do on a CPU is in
 *                    a few batches, and does not show.
 * @reserved:         in: must be 0
 *
 * One at a time on each open file. With @cpus of at least 1, MEM_GFP_ACCOUNT is
 * EINVAL: a thread of the kernel's has no memory cgroup to charge.
 * MEM_PATTERN_REMOTE wants @cpus of at least 1 and a second CPU online: what one
 * CPU allocates, the next online one frees.
 * The plain loop does one allocation at a time, whatever the pattern; with
 * MEM_PATTERN_BULK a batch is a bulk call for @depth of them and its free, and its
 * time is divided by @depth; else a batch is @n / 64 rounds, 1 to 256. ENOMEM: an
 * allocation was refused.
 */
struct mem_bench {
	__u32 allocator;
	__u32 gfp;
	__u64 size;
	__u32 n;
	__u32 warmup;
	__u32 pattern;
	__u32 depth;
	__u32 cpus;
	__u32 first_cpu;
	__u64 seed;
	__u32 dma_bits;
	__u32 flags;
	__u64 alloc_histogram;
	__u64 free_histogram;
	struct mem_latency alloc;
	struct mem_latency free;
	__u64 overhead;
	__u64 mean_ps;
	__u64 loop_ps;
	__u64 elapsed;
	__u64 both_ps;
	__u64 reserved[3];
};

/**
 * struct mem_progress - how far the file's bench is; from another thread
 * @done:    out: calls done: an allocation and its free are two
 * @total:   out: calls to do in all, those of the warm-up, of the plain loop and of
 *           the empty one included; 0: none runs
 */
struct mem_progress {
	__u64 done;
	__u64 total;
};

/* mem_limit.stopped: what was in the way of more. */
#define MEM_STOPPED_INTERFACE	1	/* nothing: it granted max_size */
#define MEM_STOPPED_MEMORY	2	/* there was no such piece of memory */
#define MEM_STOPPED_BUDGET	3	/* the laboratory does not ask for more */

/**
 * struct mem_limit - find the largest single allocation, by bisection
 * @allocator:   in: which, of MEM_CAP_LIMIT
 * @gfp:         in: MEM_GFP_*
 * @budget:      in: 0: ask for no more than is left of the quotas. Else for no more
 *               than this, outside the quotas, but not for more than half of what is
 *               available
 * @dma_bits:    in: as &mem_alloc.dma_bits
 * @tries:       out: allocations that were tried
 * @granted:     out: largest size granted; 0: none at all
 * @refused:     out: smallest size refused, 0: none was
 * @theoretical: out: as &mem_allocator.max_size
 * @used_budget: out: the budget that was kept to
 * @stopped:     out: MEM_STOPPED_*
 * @reserved0:   in: must be 0
 * @reserved:    in: must be 0
 */
struct mem_limit {
	__u32 allocator;
	__u32 gfp;
	__u64 budget;
	__u32 dma_bits;
	__u32 tries;
	__u64 granted;
	__u64 refused;
	__u64 theoretical;
	__u64 used_budget;
	__u32 stopped;
	__u32 reserved0;
	__u64 reserved[2];
};

/* mem_gfp_try.outcome */
#define MEM_OUTCOME_ALLOWED	1	/* was called and granted */
#define MEM_OUTCOME_FELL_BACK	2	/* granted, but in another way: see why */
#define MEM_OUTCOME_FAILED	3	/* was called and had none */
#define MEM_OUTCOME_REFUSED	4	/* was not called, see why */

/* mem_gfp_try.why */
#define MEM_WHY_NONE		1	/* all is well */
#define MEM_WHY_FLAG		2	/* the allocator does not take a flag: culprit */
#define MEM_WHY_CONTEXT		3	/* the allocator may sleep, here nobody may */
#define MEM_WHY_SLEEPS		4	/* the base flag allows sleep, here nobody may */
#define MEM_WHY_NOFAIL		5	/* would try for ever: no way out of the kernel */
#define MEM_WHY_FOREVER		6	/* a mempool that may sleep waits for ever */
#define MEM_WHY_RT		7	/* PREEMPT_RT: no allocation in a hardirq */
#define MEM_WHY_COMBINATION	8	/* not one base, or zones that exclude each other */
#define MEM_WHY_SIZE		9	/* above max_size or below min_size */
#define MEM_WHY_ZONE		10	/* granted from a lower zone than is asked first */
#define MEM_WHY_VMALLOC		11	/* kvmalloc() granted it from vmalloc() */
#define MEM_WHY_NO_CACHE	13	/* the debug cache does not exist: ENODEV */
#define MEM_WHY_MASK		14	/* what comes might lie above the DMA mask */
#define MEM_WHY_NO_ZONE		15	/* this kernel has no such zone */
#define MEM_WHY_NO_MASK		16	/* no memory here lies under such a mask */
#define MEM_WHY_LONG		17	/* above 16 pages, while others have to wait */
#define MEM_WHY_INTERRUPT	18	/* the allocator is not for interrupts */

/**
 * struct mem_gfp_try - may it be called so, and what comes of it? frees it at once
 * @allocator: in: which, of MEM_CAP_ALLOC
 * @gfp:       in: MEM_GFP_*
 * @size:      in: bytes; 0: &mem_allocator.default_size
 * @context:   in: MEM_CONTEXT_*
 * @dma_bits:  in: as &mem_alloc.dma_bits
 * @outcome:   out: MEM_OUTCOME_*
 * @why:       out: MEM_WHY_*
 * @culprit:   out: the first flag that is in the way, or 0
 * @zone:      out: MEM_ZONE_* of what was granted
 * @error:     out: errno that MEM_ALLOC would answer, 0: none
 * @reserved0: in: must be 0
 * @reserved:  in: must be 0
 *
 * A refusal is an answer, not an error: the call itself succeeds. In all but
 * process context no more than 16 pages are asked for, of a per-CPU allocation all
 * copies together, as nobody else runs on the CPU while they are zeroed.
 */
struct mem_gfp_try {
	__u32 allocator;
	__u32 gfp;
	__u64 size;
	__u32 context;
	__u32 dma_bits;
	__u32 outcome;
	__u32 why;
	__u32 culprit;
	__u32 zone;
	__u32 error;
	__u32 reserved0;
	__u64 reserved[2];
};

/* mem_fragment.op */
#define MEM_FRAGMENT_START	1
#define MEM_FRAGMENT_STOP	2	/* free what it holds; the rest is not looked at */

/**
 * struct mem_fragment - make large blocks rare while memory is plenty
 * @op:            in: MEM_FRAGMENT_*
 * @order:         in: blocks of 2^@order pages are to be had no more; 1 to
 *                 &mem_info.max_order
 * @budget:        in: 0: hold no more than is left of the quotas, to which it is
 *                 charged. Else no more than this, outside the quotas, but not more
 *                 than half of what is available
 * @blocks:        out: blocks that were split
 * @held:          out: bytes that are held now
 * @freed:         out: bytes of the blocks that were freed again
 * @available:     out: bytes that are free in the system now
 * @high_order:    out: MEM_YES, MEM_NO: is a block of @order granted now?
 * @vmalloc:       out: MEM_YES, MEM_NO: is as much granted by vmalloc()?
 * @used_budget:   out: the budget that was kept to
 * @reserved:      in: must be 0
 *
 * Of each block that the buddy system gives, one page is kept and the others are
 * freed, until it gives no more, also after compaction. What is kept is held by
 * the file until MEM_FRAGMENT_STOP, another start or close. One file at a time:
 * EBUSY.
 */
struct mem_fragment {
	__u32 op;
	__u32 order;
	__u64 budget;
	__u64 blocks;
	__u64 held;
	__u64 freed;
	__u64 available;
	__u32 high_order;
	__u32 vmalloc;
	__u64 used_budget;
	__u64 reserved[2];
};

/* mem_percpu.variable */
#define MEM_PERCPU_STATIC	1	/* DEFINE_PER_CPU() */
#define MEM_PERCPU_DYNAMIC	2	/* alloc_percpu() */

/* mem_percpu.method: how a CPU adds one. */
#define MEM_PERCPU_THIS_CPU	1	/* this_cpu_inc() */
#define MEM_PERCPU_GET_PUT	2	/* get_cpu_var(), put_cpu_var() or _ptr */
#define MEM_PERCPU_ATOMIC	3	/* for comparison: one atomic for all CPUs */

/**
 * struct mem_percpu - CPUs count at the same time, each in its own copy
 * @variable: in: MEM_PERCPU_STATIC or _DYNAMIC; 0 with MEM_PERCPU_ATOMIC
 * @method:   in: MEM_PERCPU_THIS_CPU, _GET_PUT or _ATOMIC
 * @loops:    in: how far each counts, 1 to 100,000,000
 * @cpus:     in: how many online CPUs; 0: all. Out: how many did.
 * @sum:      out: all copies together, by for_each_possible_cpu()
 * @expected: out: @cpus * @loops
 * @mean_ps:  out: picoseconds for one step and the loop around it: median of
 *             batches of 1,024 to 16,384 steps, without the first, which warms up,
 *             and the last; mean of the CPUs
 * @counts:   in: pointer to __u64[@nr_counts], for each possible CPU's copy in
 *            the order of the CPUs, or 0
 * @nr_counts: in: places in @counts, to &mem_info.possible_cpus; with
 *             MEM_PERCPU_ATOMIC they get 0
 * @reserved0: in: must be 0
 * @reserved: in: must be 0
 */
struct mem_percpu {
	__u32 variable;
	__u32 method;
	__u32 loops;
	__u32 cpus;
	__u64 sum;
	__u64 expected;
	__u64 mean_ps;
	__u64 counts;
	__u32 nr_counts;
	__u32 reserved0;
	__u64 reserved[2];
};

/**
 * struct mem_mempool - a mempool whose backing allocator can be told to fail
 * @allocator:  in: MEM_MEMPOOL_SLAB or MEM_MEMPOOL_PAGE
 * @reserve:    in: elements that the pool keeps, 1 to 1024
 * @take:       in: elements to take, 1 to 4096
 * @fail_after: in: the backing allocator grants so many of them, then fails
 * @backing:    out: elements taken that the backing allocator granted
 * @from_reserve: out: elements taken from the reserve, when it did not
 * @refused:    out: elements that neither granted
 * @reserve_low: out: elements left in the reserve then
 * @refilled:   out: elements that went back into the reserve when all were freed
 * @released:   out: elements that went back to the backing allocator
 * @reserved:   in: must be 0
 */
struct mem_mempool {
	__u32 allocator;
	__u32 reserve;
	__u32 take;
	__u32 fail_after;
	__u32 backing;
	__u32 from_reserve;
	__u32 refused;
	__u32 reserve_low;
	__u32 refilled;
	__u32 released;
	__u64 reserved[2];
};

/**
 * struct mem_devm - memory that goes with its device
 * @allocator: in: MEM_DEVM_KMALLOC or MEM_DEVM_KZALLOC
 * @gfp:       in: MEM_GFP_*
 * @size:      in: bytes of each
 * @count:     in: how many, 1 to 1024
 * @before:    out: actions of devm_add_action() that had run before the device
 *             went: 0
 * @after:     out: those that had run afterwards: one for each, as it was freed
 * @in_order:  out: MEM_YES: they ran last one first
 * @reserved:  in: must be 0
 *
 * Makes a device, allocates for it, and removes it.
 */
struct mem_devm {
	__u32 allocator;
	__u32 gfp;
	__u64 size;
	__u32 count;
	__u32 before;
	__u32 after;
	__u32 in_order;
	__u64 reserved[2];
};

/* mem_dma_sync.op: to whom the buffer is to belong. */
#define MEM_SYNC_FOR_CPU	1	/* dma_sync_*_for_cpu() */
#define MEM_SYNC_FOR_DEVICE	2	/* dma_sync_*_for_device() */

/**
 * struct mem_dma_sync - pass a streaming buffer between CPU and device
 * @handle:     in: an object of MEM_CAP_SYNC; it belongs to the device at first
 * @op:         in: MEM_SYNC_*
 * @entries:    out: entries of the scatter list after mapping; 1 without one
 * @dma_bits:   out: of the device's mask
 * @coherent:   out: MEM_YES, MEM_NO: does the device see the CPU's caches? If so,
 *              nothing needs to be done. MEM_UNKNOWN: the kernel does not say
 * @required_mask: out: mask that would reach all memory
 * @reserved:   in: must be 0
 */
struct mem_dma_sync {
	__u64 handle;
	__u32 op;
	__u32 entries;
	__u32 dma_bits;
	__u32 coherent;
	__u64 required_mask;
	__u64 reserved;
};

/*
 * MEM_GET_INFO      - what kernel and laboratory are
 * MEM_GET_ALLOCATOR - what an allocator takes and gives
 * MEM_ALLOC         - allocate and hold
 * MEM_FREE          - free what is held
 * MEM_RESIZE        - krealloc()
 * MEM_SHOW          - where an object lies, and what it takes
 * MEM_WALK          - the page tables at an object's or a user address
 * MEM_READ, MEM_WRITE - the object's bytes
 * MEM_MAP           - a descriptor that maps an object, shared and never executable
 *                     (PROT_EXEC: mmap() is EPERM, mprotect() is EACCES)
 * MEM_GET_MAPPING   - on that descriptor: what was done with it
 * MEM_BENCH         - measure latencies
 * MEM_GET_PROGRESS  - how far that is
 * MEM_LIMIT         - find the largest allocation
 * MEM_GFP_TRY       - try an allocator, flags and a context
 * MEM_FRAGMENT      - fragment memory, or undo it
 * MEM_PERCPU        - count on several CPUs
 * MEM_MEMPOOL       - see a mempool's reserve in use
 * MEM_DEVM          - see a device's memory go with it
 * MEM_DMA_SYNC      - pass a streaming DMA buffer from one to the other
 */
#define MEM_GET_INFO		_IOWR(VS_MAGIC, 0x40, struct mem_info)
#define MEM_GET_ALLOCATOR	_IOWR(VS_MAGIC, 0x41, struct mem_allocator)
#define MEM_ALLOC		_IOWR(VS_MAGIC, 0x42, struct mem_alloc)
#define MEM_FREE		_IOWR(VS_MAGIC, 0x43, struct mem_free)
#define MEM_RESIZE		_IOWR(VS_MAGIC, 0x44, struct mem_resize)
#define MEM_SHOW		_IOWR(VS_MAGIC, 0x45, struct mem_show)
#define MEM_WALK		_IOWR(VS_MAGIC, 0x46, struct mem_walk)
#define MEM_READ		_IOW(VS_MAGIC, 0x47, struct mem_io)
#define MEM_WRITE		_IOW(VS_MAGIC, 0x48, struct mem_io)
#define MEM_MAP			_IOWR(VS_MAGIC, 0x49, struct mem_map)
#define MEM_GET_MAPPING		_IOR(VS_MAGIC, 0x4a, struct mem_mapping)
#define MEM_BENCH		_IOWR(VS_MAGIC, 0x4b, struct mem_bench)
#define MEM_GET_PROGRESS	_IOR(VS_MAGIC, 0x4c, struct mem_progress)
#define MEM_LIMIT		_IOWR(VS_MAGIC, 0x4d, struct mem_limit)
#define MEM_GFP_TRY		_IOWR(VS_MAGIC, 0x4e, struct mem_gfp_try)
#define MEM_FRAGMENT		_IOWR(VS_MAGIC, 0x4f, struct mem_fragment)
#define MEM_PERCPU		_IOWR(VS_MAGIC, 0x50, struct mem_percpu)
#define MEM_MEMPOOL		_IOWR(VS_MAGIC, 0x51, struct mem_mempool)
#define MEM_DEVM		_IOWR(VS_MAGIC, 0x52, struct mem_devm)
#define MEM_DMA_SYNC		_IOWR(VS_MAGIC, 0x53, struct mem_dma_sync)

#endif /* _MEM_DEMO_H */
