// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - the memory laboratory
 *
 * Every allocator of the kernel can be called, held, looked at and measured
 * from user space. mem/ has a table with one row for each allocator, and a file
 * for each way of looking; mem/lab.h is their map. This file is the front: the
 * ioctls, and load and unload. mem_demo.h is the interface, lab.h how it is
 * reached.
 */
#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "mem/lab.h"
#include "lab.h"

static_assert(sizeof(struct mem_allocator) == 88);
static_assert(sizeof(struct mem_info) == 168);
static_assert(sizeof(struct mem_alloc) == 56);
static_assert(sizeof(struct mem_free) == 32);
static_assert(sizeof(struct mem_resize) == 24);
static_assert(sizeof(struct mem_show) == 168);
static_assert(sizeof(struct mem_level) == 24);
static_assert(sizeof(struct mem_walk) == 192);
static_assert(sizeof(struct mem_io) == 32);
static_assert(sizeof(struct mem_map) == 32);
static_assert(sizeof(struct mem_mapping) == 40);
static_assert(sizeof(struct mem_latency) == 64);
static_assert(sizeof(struct mem_bench) == 264);
static_assert(sizeof(struct mem_progress) == 16);
static_assert(sizeof(struct mem_limit) == 80);
static_assert(sizeof(struct mem_gfp_try) == 64);
static_assert(sizeof(struct mem_fragment) == 80);
static_assert(sizeof(struct mem_percpu) == 72);
static_assert(sizeof(struct mem_mempool) == 56);
static_assert(sizeof(struct mem_devm) == 48);
static_assert(sizeof(struct mem_dma_sync) == 40);

/*
 * Design
 * ======
 *
 * Rows. A &struct mem_demo_row is an allocator: what it takes, how much it can
 * give, a function that allocates and one that frees. What the kernel would warn
 * of is kept from it by mem_demo_prepare(), which compares a request with the
 * row and leaves a &struct mem_demo_want: all that the allocator needs, so that
 * a bench measures the allocator and nothing else. A &struct mem_demo_piece is
 * what came. Whoever adds an allocator adds a number to mem_demo.h and a row.
 *
 * Objects. A &struct mem_demo_object is a piece that is held: by a handle of an
 * open file, by a call that is looking at it, and by a descriptor that maps it.
 * It goes with the last of them, and its memory with it, unless others have pages
 * of it: see lent.c. It has a reference on its &struct mem_demo_file, which is thus
 * charged as long as the memory is there, also when the file itself is closed.
 *
 * Books. What is allocated for a caller is charged before, by the most that it can
 * take: memory, what the allocator and the laboratory keep beside it, page tables.
 * What it did not take is given back when it is there. An object of a slab cache or
 * of a per-CPU chunk is charged its share of it. A charge is made in one step for
 * all that a call asks for, and takes nothing when it is refused.
 *
 * Locks, outermost first. All are taken in process context only.
 *	file->bench_lock	one bench at a time; tried, never waited for
 *	mem_demo_big_lock	MEM_LIMIT and MEM_FRAGMENT; likewise
 *	mem_demo_percpu_lock	the static counter of MEM_PERCPU; likewise
 *	mem_demo_cache_lock	makes the debug caches
 *	file->lock		what the file's objects are made of: where krealloc()
 *				has them, whether their pages are split, who owns
 *				a DMA buffer. Never held over a user copy.
 *	file->handles_lock	which handle is which object. Held for arithmetic
 *				alone, over as many objects as a call may have.
 *	mem_demo_lent_lock	objects that are freed, but used elsewhere
 *	mem_demo_books_lock	what is charged; a spinlock
 *
 * Kill and close. Loops look around every MEM_DEMO_BATCH steps: they give way to
 * others, and end when a fatal signal is there. Every call frees what it has not
 * handed to the file; release frees what the file holds.
 */

/* The machine, the allocators */

/* Of UBSAN's checks, those that are made at every load, store or sum. */
#define MEM_DEMO_UBSAN_DEAR						\
	(IS_ENABLED(CONFIG_UBSAN_ALIGNMENT) ||				\
	 IS_ENABLED(CONFIG_UBSAN_OBJECT_SIZE) ||			\
	 IS_ENABLED(CONFIG_UBSAN_MISC) ||				\
	 IS_ENABLED(CONFIG_UBSAN_SIGNED_WRAP) ||			\
	 IS_ENABLED(CONFIG_UBSAN_INTEGER_WRAP))

static u32 mem_demo_debug(void)
{
	static const u32 built_in =
		(IS_ENABLED(CONFIG_KASAN) ? MEM_DEBUG_KASAN : 0) |
		(IS_ENABLED(CONFIG_KCSAN) ? MEM_DEBUG_KCSAN : 0) |
		(IS_ENABLED(CONFIG_KMSAN) ? MEM_DEBUG_KMSAN : 0) |
		(IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) ? MEM_DEBUG_KMEMLEAK : 0) |
		(IS_ENABLED(CONFIG_SLUB_DEBUG_ON) ? MEM_DEBUG_SLAB_ON : 0) |
		(IS_ENABLED(CONFIG_DEBUG_VM) ? MEM_DEBUG_VM : 0) |
		(IS_ENABLED(CONFIG_PROVE_LOCKING) ? MEM_DEBUG_LOCKDEP : 0) |
		(IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP) ?
		 MEM_DEBUG_ATOMIC_SLEEP : 0) |
		(IS_ENABLED(CONFIG_DEBUG_OBJECTS) ? MEM_DEBUG_OBJECTS : 0) |
		(IS_ENABLED(CONFIG_FAILSLAB) || IS_ENABLED(CONFIG_FAIL_PAGE_ALLOC) ?
		 MEM_DEBUG_FAULTS : 0) |
		(IS_ENABLED(CONFIG_KCOV) ? MEM_DEBUG_KCOV : 0) |
		(MEM_DEMO_UBSAN_DEAR ? MEM_DEBUG_UBSAN : 0) |
		(IS_ENABLED(CONFIG_UBSAN) && !MEM_DEMO_UBSAN_DEAR ?
		 MEM_DEBUG_UBSAN_BOUNDS : 0) |
		(IS_ENABLED(CONFIG_FUNCTION_TRACER) ? MEM_DEBUG_FTRACE : 0) |
		(IS_ENABLED(CONFIG_KFENCE) ? MEM_DEBUG_KFENCE : 0);
	u32 debug = built_in;

	if (debug_pagealloc_enabled_static())
		debug |= MEM_DEBUG_PAGEALLOC;
	if (page_poisoning_enabled())
		debug |= MEM_DEBUG_PAGE_POISON;
	if (mem_demo_cache(MEM_DEMO_CACHE_POISON) ||
	    mem_demo_cache(MEM_DEMO_CACHE_RED_ZONE))
		debug |= MEM_DEBUG_SLAB_CACHES;

	return debug;
}

static u32 mem_demo_features(void)
{
	return (want_init_on_alloc(0) ? MEM_FEATURE_INIT_ON_ALLOC : 0) |
	       (want_init_on_free() ? MEM_FEATURE_INIT_ON_FREE : 0) |
	       (mem_demo_shows_addresses() ? MEM_FEATURE_RAW_ADDRESSES : 0) |
	       (MEM_WALK_SUPPORTED ? MEM_FEATURE_WALK : 0) |
	       (IS_ENABLED(CONFIG_PREEMPT_RT) ? MEM_FEATURE_RT : 0) |
	       (IS_ENABLED(CONFIG_ZONE_DMA) ? MEM_FEATURE_ZONE_DMA : 0) |
	       (IS_ENABLED(CONFIG_ZONE_DMA32) ? MEM_FEATURE_ZONE_DMA32 : 0) |
	       (IS_ENABLED(CONFIG_HIGHMEM) ? MEM_FEATURE_HIGHMEM : 0);
}

static long mem_demo_get_info(struct mem_demo_file *file, struct mem_info *info)
{
	u64 overhead;
	int ret;

	if (!MEM_DEMO_RESERVED_OK(info))
		return -EINVAL;
	ret = mem_demo_overhead(&overhead);
	if (!ret)
		ret = mem_demo_reclaim();
	if (ret)
		return ret;

	*info = (struct mem_info) {
		.abi = MEM_ABI,
		.page_size = PAGE_SIZE,
		.max_order = MAX_PAGE_ORDER,
		.possible_cpus = num_possible_cpus(),
		.online_cpus = num_online_cpus(),
		.nodes = num_node_state(N_MEMORY),
		.debug = mem_demo_debug(),
		.features = mem_demo_features(),
		.paging_levels = mem_walk_levels(),
		.kmalloc_cached = KMALLOC_MAX_CACHE_SIZE,
		.kmalloc_max = KMALLOC_MAX_SIZE,
		/* Some architectures' end is the last byte, others' the one behind. */
		.vmalloc_space = PAGE_ALIGN((u64)VMALLOC_END - VMALLOC_START),
		.percpu_max = PCPU_MIN_UNIT_SIZE,
		.memory = (u64)totalram_pages() << PAGE_SHIFT,
		.available = mem_demo_available(),
		.timer_overhead = overhead,
		.clock_step = mem_demo_clock_step(),
		.quota_file = mem_demo_quota_file,
		.quota_total = mem_demo_quota_total,
		.objects_file = atomic_long_read(&file->nr_objects),
		.objects_total = atomic_long_read(&mem_demo_nr_objects),
	};
	mem_demo_read_books(file, &info->held_file, &info->held_total);

	return 0;
}

static long mem_demo_get_allocator(struct mem_demo_file *file,
				   struct mem_allocator *arg)
{
	const struct mem_demo_row *row = mem_demo_row(arg->id, 0);

	if (!row || !MEM_DEMO_RESERVED_OK(arg))
		return -EINVAL;

	arg->caps = row->caps;
	arg->gfp = row->gfp;
	arg->contexts = mem_demo_contexts(row);
	arg->min_size = row->min;
	arg->max_size = mem_demo_max(row);
	arg->default_size = row->show;
	strscpy_pad(arg->name, row->name, sizeof(arg->name));

	return 0;
}

/* The laboratory */

/*
 * An ioctl whose argument is a structure, copied in and, if there is something to
 * tell, copied out. @undo, where it is there, takes back what was done if it
 * cannot be told.
 */
#define MEM_DEMO_IOCTL(cmd, name, type)					\
	MEM_DEMO_IOCTL_UNDO(cmd, name, type, (void)0)

#define MEM_DEMO_IOCTL_UNDO(cmd, name, type, undo)			\
static long name##_ioctl(void *state, void __user *user)		\
{									\
	struct mem_demo_file *file = state;				\
	struct type arg;						\
	long ret;							\
									\
	if (copy_from_user(&arg, user, sizeof(arg)))			\
		return -EFAULT;						\
	ret = name(file, &arg);						\
	if (!ret && (_IOC_DIR(cmd) & _IOC_READ) &&			\
	    copy_to_user(user, &arg, sizeof(arg))) {			\
		undo;							\
		ret = -EFAULT;						\
	}								\
									\
	return ret;							\
}

MEM_DEMO_IOCTL(MEM_GET_INFO, mem_demo_get_info, mem_info)
MEM_DEMO_IOCTL(MEM_GET_ALLOCATOR, mem_demo_get_allocator, mem_allocator)
MEM_DEMO_IOCTL(MEM_FREE, mem_demo_free, mem_free)
MEM_DEMO_IOCTL(MEM_RESIZE, mem_demo_resize, mem_resize)
MEM_DEMO_IOCTL(MEM_SHOW, mem_demo_show, mem_show)
MEM_DEMO_IOCTL(MEM_WALK, mem_demo_walk, mem_walk)
MEM_DEMO_IOCTL(MEM_READ, mem_demo_read, mem_io)
MEM_DEMO_IOCTL(MEM_WRITE, mem_demo_write, mem_io)
MEM_DEMO_IOCTL(MEM_BENCH, mem_demo_bench, mem_bench)
MEM_DEMO_IOCTL(MEM_GET_PROGRESS, mem_demo_get_progress, mem_progress)
MEM_DEMO_IOCTL(MEM_LIMIT, mem_demo_limit, mem_limit)
MEM_DEMO_IOCTL(MEM_GFP_TRY, mem_demo_gfp_try, mem_gfp_try)
MEM_DEMO_IOCTL_UNDO(MEM_FRAGMENT, mem_demo_fragment, mem_fragment,
		    mem_demo_fragment_release(file))
MEM_DEMO_IOCTL(MEM_PERCPU, mem_demo_percpu, mem_percpu)
MEM_DEMO_IOCTL(MEM_MEMPOOL, mem_demo_mempool, mem_mempool)
MEM_DEMO_IOCTL(MEM_DEVM, mem_demo_devm, mem_devm)
MEM_DEMO_IOCTL(MEM_DMA_SYNC, mem_demo_dma_sync, mem_dma_sync)

/* Copies out itself, before the handles lead anywhere. */
static long mem_demo_alloc_ioctl(void *state, void __user *user)
{
	struct mem_alloc arg;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;

	return mem_demo_alloc(state, &arg, user);
}

/* Copies out itself, before the descriptor can be seen. */
static long mem_demo_map_ioctl(void *state, void __user *user)
{
	struct mem_map arg;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;

	return mem_demo_map(state, &arg, user);
}

static const struct vser_lab_ioctl mem_demo_ioctls[] = {
	{ MEM_GET_INFO, mem_demo_get_info_ioctl },
	{ MEM_GET_ALLOCATOR, mem_demo_get_allocator_ioctl },
	{ MEM_ALLOC, mem_demo_alloc_ioctl },
	{ MEM_FREE, mem_demo_free_ioctl },
	{ MEM_RESIZE, mem_demo_resize_ioctl },
	{ MEM_SHOW, mem_demo_show_ioctl },
	{ MEM_WALK, mem_demo_walk_ioctl },
	{ MEM_READ, mem_demo_read_ioctl },
	{ MEM_WRITE, mem_demo_write_ioctl },
	{ MEM_MAP, mem_demo_map_ioctl },
	{ MEM_BENCH, mem_demo_bench_ioctl },
	{ MEM_GET_PROGRESS, mem_demo_get_progress_ioctl },
	{ MEM_LIMIT, mem_demo_limit_ioctl },
	{ MEM_GFP_TRY, mem_demo_gfp_try_ioctl },
	{ MEM_FRAGMENT, mem_demo_fragment_ioctl },
	{ MEM_PERCPU, mem_demo_percpu_ioctl },
	{ MEM_MEMPOOL, mem_demo_mempool_ioctl },
	{ MEM_DEVM, mem_demo_devm_ioctl },
	{ MEM_DMA_SYNC, mem_demo_dma_sync_ioctl },
};

static void *mem_demo_open(void)
{
	return mem_demo_make_file() ?: ERR_PTR(-ENOMEM);
}

static void mem_demo_release(void *state)
{
	struct mem_demo_file *file = state;

	mem_demo_fragment_release(file);
	mem_demo_drop_all(file);
	mem_demo_put_file(file);
}

static const struct vser_lab mem_demo_lab = {
	.owner = THIS_MODULE,
	.id = VSER_LAB_MEM,
	.capability = CAP_SYS_ADMIN,
	.ioctls = mem_demo_ioctls,
	.nr_ioctls = ARRAY_SIZE(mem_demo_ioctls),
	.open = mem_demo_open,
	.release = mem_demo_release,
};

/* Load and unload */

static int __init mem_demo_init(void)
{
	int ret;

	mem_demo_set_quotas();
	ret = mem_demo_make_object_cache();
	if (ret)
		return ret;
	ret = mem_demo_make_caches();
	if (ret)
		goto err_destroy_object_cache;
	ret = mem_demo_make_devices();
	if (ret)
		goto err_destroy_caches;
	ret = platform_driver_register(&mem_demo_devm_driver);
	if (ret)
		goto err_destroy_devices;

	ret = mem_demo_make_workqueues();
	if (ret)
		goto err_unregister_driver;
	ret = vser_lab_register(&mem_demo_lab);
	if (ret)
		goto err_destroy_workqueues;

	return 0;

err_destroy_workqueues:
	mem_demo_destroy_workqueues();
err_unregister_driver:
	platform_driver_unregister(&mem_demo_devm_driver);
err_destroy_devices:
	mem_demo_destroy_devices();
err_destroy_caches:
	mem_demo_destroy_caches();
err_destroy_object_cache:
	mem_demo_destroy_object_cache();
	return ret;
}

static void __exit mem_demo_exit(void)
{
	vser_lab_unregister(&mem_demo_lab);
	mem_demo_forget_lent();
	mem_demo_destroy_workqueues();
	platform_driver_unregister(&mem_demo_devm_driver);
	mem_demo_destroy_devices();
	mem_demo_destroy_caches();
	mem_demo_destroy_object_cache();
}

module_init(mem_demo_init);
module_exit(mem_demo_exit);

MODULE_AUTHOR("The vser maintainers");
MODULE_DESCRIPTION("A laboratory for memory allocators, reached through /dev/vser");
MODULE_LICENSE("GPL");
