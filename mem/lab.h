/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mem_demo - what the parts of the memory laboratory share
 *
 * mem_demo.c is the front, with the design and the locks. It calls the parts; no
 * part calls it. From the bottom up, where a part calls those before it:
 *
 *	cache.c		the laboratory's own caches and pools
 *	dma.c		its devices, and streaming DMA
 *	rows.c		the table: a row for each allocator
 *	piece.c		what came: its bytes, its pages
 *	ask.c		may this be asked of that allocator?
 *	books.c		what a file is charged, and the quotas
 *	object.c	pieces that a file holds
 *	lent.c		pieces that are freed, but used elsewhere
 *	figure.c	what an object takes, asked of it and of its allocator
 *	team.c		work on several CPUs at once
 *	walk.c		a walk through the page tables
 *	hist.c		distributions of times; declared in hist.h
 *	fragment.c	fragmented memory, and the lock that limit.c shares
 *	hold.c sync.c look.c map.c bench.c limit.c gfp.c percpu.c mempool.c
 *	devm.c		ways of looking, each on its own
 *
 * Only books.c, object.c and lent.c call each other: an object that goes is
 * uncharged or lent, and a charge that does not fit first frees what was lent and
 * is used no longer.
 */
#ifndef MEM_LAB_H
#define MEM_LAB_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/gfp.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/platform_device.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "mem_demo.h"
#include "compat.h"

#define MEM_DEMO_NAME		"mem_demo"

#define MEM_DEMO_OBJECT_SIZE	256	/* of caches, pools, static variables */
#define MEM_DEMO_ALIGN_SIZE	200	/* shows what SLAB_HWCACHE_ALIGN adds */
#define MEM_DEMO_MAX_COUNT	10000000	/* objects in one call */
#define MEM_DEMO_BATCH		256	/* objects between two looks around */

/*
 * What the laboratory allocates for itself fails rather than waking the OOM
 * killer, is not complained of, and is charged to the caller.
 */
#define MEM_DEMO_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN)

/* The bases of allocations that do not sleep. */
#define MEM_DEMO_ATOMIC_BASES	(MEM_GFP_ATOMIC | MEM_GFP_NOWAIT)

/* Is all of the argument's reserved space 0? */
#define MEM_DEMO_RESERVED_OK(arg)					\
	(!memchr_inv((arg)->reserved, 0, sizeof((arg)->reserved)))

/* What an object's address is, and so how its pages are found. */
enum mem_demo_kind {
	MEM_DEMO_NOTHING,
	MEM_DEMO_ADDRESS,	/* piece->ptr is a kernel address */
	MEM_DEMO_PAGES,		/* piece->ptr is the first struct page of a block */
	MEM_DEMO_PERCPU,	/* piece->ptr is a per-CPU pointer */
	MEM_DEMO_SG,		/* piece->ptr is a struct sg_table of single pages */
};

enum mem_demo_cache_id {
	MEM_DEMO_CACHE_NONE,
	MEM_DEMO_CACHE_PLAIN,
	MEM_DEMO_CACHE_HWALIGN,
	MEM_DEMO_CACHE_CTOR,
	MEM_DEMO_CACHE_MEMPOOL,
	MEM_DEMO_CACHE_POISON,		/* this and the next are made on request */
	MEM_DEMO_CACHE_RED_ZONE,
	MEM_DEMO_NR_CACHES
};

/* Who tells what one copy of an object really takes: see figure.c. */
enum mem_demo_figure_by {
	MEM_DEMO_FIGURE_NOBODY,
	MEM_DEMO_FIGURE_MAX,		/* the row: all are of its largest size */
	MEM_DEMO_FIGURE_BLOCK,		/* the order that was asked for */
	MEM_DEMO_FIGURE_PAGES,		/* the size, in whole pages */
	MEM_DEMO_FIGURE_PERCPU,		/* the size, in units of a per-CPU chunk */
	MEM_DEMO_FIGURE_DMA,		/* the size, if its pages are a block */
	MEM_DEMO_FIGURE_VMALLOC,	/* the page tables */
	MEM_DEMO_FIGURE_SLAB,		/* ksize(), and the others in its slab */
	MEM_DEMO_FIGURE_KVMALLOC,	/* one of the last two */
	MEM_DEMO_FIGURE_DEVM,		/* the others in its slab */
};

struct mm_struct;
struct mem_demo_want;

/* What came from an allocator. */
struct mem_demo_piece {
	void *ptr;
	dma_addr_t dma;
};

/**
 * struct mem_demo_row - an allocator
 * @id:      its place in the table
 * @name:    in the kernel
 * @kind:    what it gives
 * @caps:    MEM_CAP_*
 * @gfp:     MEM_GFP_* that it takes
 * @process: it may only be called where one may sleep
 * @no_irq:  it may not be called in an interrupt, soft or hard
 * @block:   it gives 2^&mem_demo_want.order pages that lie together
 * @cache:   the cache that it takes from, if any
 * @pool:    the mempool that it takes from, if any
 * @most:    objects of it that there may be at a time; 0: no matter
 * @min:     smallest size
 * @max:     largest size that the interface allows; RAM is a limit too
 * @show:    a size that shows what it does
 * @head:    bytes that it puts before what it gives, at most
 * @figure:  who knows what one copy of an object really takes
 * @round:   bytes of one copy that a request for @size takes, at most
 * @alloc:   allocates what @want says; false if there is none. Any context that
 *           mem_demo_prepare() was told.
 * @free:    process context
 */
struct mem_demo_row {
	u32 id;
	const char *name;
	enum mem_demo_kind kind;
	u32 caps;
	u32 gfp;
	bool process;
	bool no_irq;
	bool block;
	enum mem_demo_cache_id cache;
	mempool_t **pool;
	unsigned int most;
	size_t min;
	size_t max;
	size_t show;
	size_t head;
	enum mem_demo_figure_by figure;
	size_t (*round)(const struct mem_demo_row *row, size_t size);
	bool (*alloc)(const struct mem_demo_want *want,
		      struct mem_demo_piece *piece);
	void (*free)(const struct mem_demo_want *want,
		     struct mem_demo_piece *piece);
};

/* A device of our own for each DMA mask; one that cannot be has no @pdev. */
struct mem_demo_dma {
	unsigned int bits;
	struct platform_device *pdev;
	struct dma_pool *pool;
};

/* A request that may be made: all that the row's functions need. */
struct mem_demo_want {
	const struct mem_demo_row *row;
	size_t size;
	gfp_t gfp;
	unsigned int order;
	union {
		struct kmem_cache *cache;
		mempool_t *pool;
		const struct mem_demo_dma *dma;
	};
};

/**
 * struct mem_demo_file - what the laboratory keeps for an open file
 * @ref:         the file's own and one for each object
 * @lock:        see mem_demo.c
 * @handles_lock: likewise
 * @objects:     a tree by handle; object.c has its order
 * @held:        bytes of @objects and of those still mapped; books.c has its lock
 * @nr_objects:  how many these are; changed by any thread that allocates or
 *               frees, hence atomic
 * @bench_lock:  see mem_demo.c
 * @bench_done:  how far the bench is; written by its workers
 * @bench_total: how far it has to go; 0: none runs
 */
struct mem_demo_file {
	struct kref ref;
	struct mutex lock;		/* what @objects are made of */
	struct mutex handles_lock;	/* @objects */
	struct rb_root objects;
	u64 held;
	atomic_long_t nr_objects;
	struct mutex bench_lock;	/* one at a time */
	atomic64_t bench_done;
	atomic64_t bench_total;
};

/**
 * struct mem_demo_object - a piece of memory that is held
 * @ref:       the handle's, each descriptor's that maps it, each call's that
 *             looks at it
 * @file:      is charged for it
 * @node:      in @file's objects
 * @list:      before it has a handle; after its last reference, see lent.c
 * @handle:    its key
 * @gap:       how many handles right below it are free
 * @widest:    the largest @gap in its part of the tree
 * @visible:   the handle leads to it
 * @want:      how it was asked for; size changes with krealloc()
 * @piece:     what came
 * @footprint: memory that it takes, without the books
 * @charge:    what @file is charged for it, with the books
 * @gfp:       MEM_GFP_* asked for
 * @zeroed:    MEM_YES, MEM_NO or MEM_UNKNOWN, when it came
 * @why:       MEM_ZEROED_*
 * @owner:     MEM_OWNER_*
 * @clean:     it was zeroed, so that nothing of what others left is in it
 * @split:     its block of pages has become single pages
 * @exposed:   it has been mapped, so that others may have references to its pages;
 *             once true it stays, and is set before anything is mapped
 * @maps:      descriptors that map it
 *
 * @node, @handle, @gap, @widest, @visible: file->handles_lock. @list belongs to the
 * thread that allocates or frees it, or to lent.c. @want.size, @piece, @footprint,
 * @charge, @owner, @clean and @split: file->lock. The rest, but for @maps and @exposed,
 * does not change.
 */
struct mem_demo_object {
	struct kref ref;
	struct mem_demo_file *file;
	union {
		struct rb_node node;
		struct list_head list;
	};
	u64 handle;
	u64 gap;
	u64 widest;
	struct mem_demo_want want;
	struct mem_demo_piece piece;
	u64 footprint;
	u64 charge;
	u32 gfp;
	u8 zeroed;
	u8 why;
	u8 owner;
	bool clean;
	bool split;
	bool exposed;
	bool visible;
	atomic_t maps;
};

/* rows.c */

extern const struct mem_demo_row mem_demo_rows[MEM_NR_ALLOCATORS + 1];

size_t mem_demo_max(const struct mem_demo_row *row);

/* Is it an address of MEM_STATIC's variable? */
bool mem_demo_is_static(const void *address);

/* cache.c */

extern mempool_t *mem_demo_slab_pool;
extern mempool_t *mem_demo_page_pool;

int mem_demo_make_caches(void);
void mem_demo_destroy_caches(void);

/* NULL: a debug cache that nobody has asked for. */
struct kmem_cache *mem_demo_cache(enum mem_demo_cache_id id);
int mem_demo_make_debug_cache(enum mem_demo_cache_id id);

/* dma.c */

extern struct platform_device *mem_demo_device;

int mem_demo_make_devices(void);
void mem_demo_destroy_devices(void);

/* The device whose mask has so many bits; NULL: there can be none. */
const struct mem_demo_dma *mem_demo_dma(unsigned int bits);

/* Of the rows of streaming DMA. */
bool mem_demo_alloc_dma_single(const struct mem_demo_want *want,
			       struct mem_demo_piece *piece);
void mem_demo_free_dma_single(const struct mem_demo_want *want,
			      struct mem_demo_piece *piece);
bool mem_demo_alloc_dma_sg(const struct mem_demo_want *want,
			   struct mem_demo_piece *piece);
void mem_demo_free_dma_sg(const struct mem_demo_want *want,
			  struct mem_demo_piece *piece);

/* devm.c */

extern struct platform_driver mem_demo_devm_driver;

/* ask.c */

const struct mem_demo_row *mem_demo_row(u32 id, u32 cap);
u32 mem_demo_contexts(const struct mem_demo_row *row);
bool mem_demo_dma_bits_valid(const struct mem_demo_row *row, u32 bits);
u32 mem_demo_prepare(struct mem_demo_want *want,
		     const struct mem_demo_row *row, u32 gfp, u64 size,
		     u32 dma_bits, u32 context, u32 *culprit);
int mem_demo_why_error(u32 why, const struct mem_demo_row *row, u64 size);
int mem_demo_ask(struct mem_demo_want *want, const struct mem_demo_row *row,
		 u32 gfp, u64 size, u32 dma_bits);

/* piece.c */

enum mem_demo_access {
	MEM_DEMO_IS_ZERO,
	MEM_DEMO_GET,
	MEM_DEMO_PUT,
};

size_t mem_demo_copies(const struct mem_demo_row *row);
size_t mem_demo_footprint(const struct mem_demo_want *want);
void *mem_demo_address(const struct mem_demo_want *want,
		       const struct mem_demo_piece *piece, unsigned int cpu,
		       size_t offset);
struct page *mem_demo_page(const struct mem_demo_want *want,
			   const struct mem_demo_piece *piece,
			   unsigned int cpu, size_t offset);
size_t mem_demo_in_page(const struct mem_demo_want *want,
			const struct mem_demo_piece *piece, unsigned int cpu,
			size_t offset);
bool mem_demo_touch(const struct mem_demo_want *want,
		    const struct mem_demo_piece *piece, unsigned int cpu,
		    size_t offset, size_t length, u8 *buffer,
		    enum mem_demo_access access);
u32 mem_demo_zone(const struct page *page);

/* books.c */

/* Bytes; constant once the module is loaded. */
extern unsigned long mem_demo_quota_file;
extern unsigned long mem_demo_quota_total;

void mem_demo_set_quotas(void);

u64 mem_demo_takes(const struct mem_demo_want *want);
u64 mem_demo_keeps(const struct mem_demo_want *want);
u64 mem_demo_extra(const struct mem_demo_want *want);
u64 mem_demo_kvmalloc_needs(u64 bytes);
void mem_demo_settle(struct mem_demo_object *object);

u64 mem_demo_available(void);
u64 mem_demo_budget(struct mem_demo_file *file, u64 asked);
int mem_demo_charge(struct mem_demo_file *file, u64 bytes);
void mem_demo_uncharge(struct mem_demo_file *file, u64 bytes);
void mem_demo_read_books(struct mem_demo_file *file, u64 *held_file,
			 u64 *held_total);
int mem_demo_count(const struct mem_demo_row *row, unsigned int n);
void mem_demo_uncount(const struct mem_demo_row *row, unsigned int n);

/* object.c */

extern atomic_long_t mem_demo_nr_objects;

int mem_demo_make_object_cache(void);
void mem_demo_destroy_object_cache(void);

struct mem_demo_file *mem_demo_make_file(void);
void mem_demo_put_file(struct mem_demo_file *file);

int mem_demo_grant(struct mem_demo_file *file, const struct mem_demo_want *want,
		   u32 gfp, u32 count, bool partial, struct list_head *objects);
u64 mem_demo_enter(struct mem_demo_file *file, struct list_head *objects,
		   u32 count);
void mem_demo_publish(struct mem_demo_file *file, u64 first, u32 count,
		      bool wanted);
struct mem_demo_object *mem_demo_get(struct mem_demo_file *file, u64 handle);
void mem_demo_put(struct mem_demo_object *object);
void mem_demo_put_list(struct list_head *objects);
void mem_demo_free_object(struct mem_demo_object *object);
u64 mem_demo_drop(struct mem_demo_file *file, u64 handle, u64 stride, u64 count);
void mem_demo_drop_all(struct mem_demo_file *file);

/* lent.c */

bool mem_demo_lend(struct mem_demo_object *object);
int mem_demo_reclaim(void);
void mem_demo_forget_lent(void);

/* figure.c */

/**
 * struct mem_demo_figures - what one copy of an object takes
 * @usable:       bytes from its start on that are the user's
 * @takes:        bytes that nobody else can have, because it is there
 * @knows_usable: @usable is known
 * @knows_takes:  @takes is known
 */
struct mem_demo_figures {
	size_t usable;
	size_t takes;
	bool knows_usable;
	bool knows_takes;
};

/* Process context, file->lock. May allocate to find out. */
void mem_demo_figure(const struct mem_demo_object *object,
		     struct mem_demo_figures *figures);

/* team.c */

extern struct workqueue_struct *mem_demo_workqueue;
extern struct workqueue_struct *mem_demo_remote_workqueue;

int mem_demo_make_workqueues(void);
void mem_demo_destroy_workqueues(void);

/**
 * struct mem_demo_team - works that begin together
 * @start: all are queued
 * @stop:  they are to end early; set by whoever waits for them, looked at now
 *         and then, so that no order is needed
 * @jobs:  &mem_demo_job.node
 */
struct mem_demo_team {
	struct completion start;
	bool stop;
	struct list_head jobs;
};

/* Work of one CPU. Runs in a kworker that stays on it, process context. */
struct mem_demo_job {
	struct work_struct work;
	struct list_head node;
	struct mem_demo_team *team;
	struct completion done;
	unsigned int cpu;
	void (*fn)(struct mem_demo_job *job);
};

void mem_demo_team_init(struct mem_demo_team *team);
void mem_demo_team_add(struct mem_demo_team *team, struct mem_demo_job *job,
		       unsigned int cpu, void (*fn)(struct mem_demo_job *job));
bool mem_demo_team_stopped(const struct mem_demo_team *team);
void mem_demo_team_run(struct mem_demo_team *team);
unsigned int mem_demo_next_cpu(unsigned int cpu);

/* walk.c */

#define MEM_WALK_SUPPORTED	IS_ENABLED(CONFIG_X86_64)

unsigned int mem_walk_levels(void);
void mem_walk_tables(struct mm_struct *mm, unsigned long addr,
		     struct mem_walk *walk);

/* look.c */

bool mem_demo_shows_addresses(void);

/* fragment.c */

int mem_demo_big_trylock(struct mem_demo_file *file);
void mem_demo_big_unlock(void);
void mem_demo_fragment_release(struct mem_demo_file *file);

/* bench.c */

int mem_demo_overhead(u64 *ns);
u64 mem_demo_clock_step(void);

/* The ioctls; some are given the caller's pointer too, and copy out themselves. */

long mem_demo_alloc(struct mem_demo_file *file, struct mem_alloc *arg,
		    void __user *user);
long mem_demo_free(struct mem_demo_file *file, struct mem_free *arg);
long mem_demo_resize(struct mem_demo_file *file, struct mem_resize *arg);
long mem_demo_show(struct mem_demo_file *file, struct mem_show *arg);
long mem_demo_walk(struct mem_demo_file *file, struct mem_walk *arg);
long mem_demo_read(struct mem_demo_file *file, struct mem_io *arg);
long mem_demo_write(struct mem_demo_file *file, struct mem_io *arg);
long mem_demo_map(struct mem_demo_file *file, struct mem_map *arg,
		  void __user *user);
long mem_demo_bench(struct mem_demo_file *file, struct mem_bench *arg);
long mem_demo_get_progress(struct mem_demo_file *file,
			   struct mem_progress *arg);
long mem_demo_limit(struct mem_demo_file *file, struct mem_limit *arg);
long mem_demo_gfp_try(struct mem_demo_file *file, struct mem_gfp_try *arg);
long mem_demo_fragment(struct mem_demo_file *file, struct mem_fragment *arg);
long mem_demo_percpu(struct mem_demo_file *file, struct mem_percpu *arg);
long mem_demo_mempool(struct mem_demo_file *file, struct mem_mempool *arg);
long mem_demo_devm(struct mem_demo_file *file, struct mem_devm *arg);
long mem_demo_dma_sync(struct mem_demo_file *file, struct mem_dma_sync *arg);

/*
 * A per-CPU pointer as an ordinary one, which nobody may follow, and back. By way
 * of a number, as the compiler may take them for different address spaces.
 */
static inline void *mem_demo_from_percpu(void __percpu *ptr)
{
	return (void *)(__force unsigned long)ptr;
}

static inline void __percpu *mem_demo_to_percpu(void *ptr)
{
	return (__force void __percpu *)(unsigned long)ptr;
}

#endif /* MEM_LAB_H */
