// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - the laboratory's own caches and mempools, one of each kind
 */
#include <linux/mempool.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "lab.h"

#define MEM_DEMO_POOL_RESERVE	4

static DEFINE_MUTEX(mem_demo_cache_lock);

/*
 * The debug caches are written once, under mem_demo_cache_lock, while others
 * read; the rest when the module is loaded.
 */
static struct kmem_cache *mem_demo_caches[MEM_DEMO_NR_CACHES];

mempool_t *mem_demo_slab_pool;
mempool_t *mem_demo_page_pool;

/* Whoever is handed an object of this cache finds it so. */
static void mem_demo_construct(void *object)
{
	memset(object, 0xc0, MEM_DEMO_OBJECT_SIZE);
}

static const struct {
	const char *name;
	unsigned int size;
	slab_flags_t flags;
	void (*ctor)(void *object);
} mem_demo_cache_specs[MEM_DEMO_NR_CACHES] = {
	[MEM_DEMO_CACHE_PLAIN] = {
		"mem_demo_plain", MEM_DEMO_OBJECT_SIZE, 0, NULL,
	},
	[MEM_DEMO_CACHE_HWALIGN] = {
		"mem_demo_hwalign", MEM_DEMO_ALIGN_SIZE, SLAB_HWCACHE_ALIGN, NULL,
	},
	[MEM_DEMO_CACHE_CTOR] = {
		"mem_demo_ctor", MEM_DEMO_OBJECT_SIZE, 0, mem_demo_construct,
	},
	[MEM_DEMO_CACHE_MEMPOOL] = {
		"mem_demo_mempool", MEM_DEMO_OBJECT_SIZE, 0, NULL,
	},
	[MEM_DEMO_CACHE_POISON] = {
		"mem_demo_poison", MEM_DEMO_OBJECT_SIZE, SLAB_POISON, NULL,
	},
	[MEM_DEMO_CACHE_RED_ZONE] = {
		"mem_demo_red_zone", MEM_DEMO_OBJECT_SIZE, SLAB_RED_ZONE, NULL,
	},
};

/*
 * A cache like others is merged with them, and /proc/slabinfo would show it under
 * their name. One with a region for user copies is not, on kernels that have no
 * flag for it; nothing is copied there.
 */
static struct kmem_cache *mem_demo_make_cache(enum mem_demo_cache_id id)
{
	unsigned int size = mem_demo_cache_specs[id].size;

	return kmem_cache_create_usercopy(mem_demo_cache_specs[id].name, size, 0,
					  mem_demo_cache_specs[id].flags |
					  VSER_SLAB_NO_MERGE, 0, size,
					  mem_demo_cache_specs[id].ctor);
}

/*
 * A debug cache makes the slab allocator slower for everybody until the next
 * boot, as it switches the checks in its paths on: so it is made on request, and
 * stays until the module goes.
 */
int mem_demo_make_debug_cache(enum mem_demo_cache_id id)
{
	struct kmem_cache *cache;
	int ret;

	ret = mutex_lock_killable(&mem_demo_cache_lock);
	if (ret)
		return ret;

	cache = mem_demo_caches[id] ?: mem_demo_make_cache(id);
	/* Pairs with mem_demo_cache(). */
	smp_store_release(&mem_demo_caches[id], cache);
	mutex_unlock(&mem_demo_cache_lock);

	return cache ? 0 : -ENOMEM;
}

struct kmem_cache *mem_demo_cache(enum mem_demo_cache_id id)
{
	/* Pairs with mem_demo_make_debug_cache(). */
	return smp_load_acquire(&mem_demo_caches[id]);
}

/* Also what was made of them when it failed. */
void mem_demo_destroy_caches(void)
{
	enum mem_demo_cache_id id;

	mempool_destroy(mem_demo_page_pool);
	mempool_destroy(mem_demo_slab_pool);
	for (id = MEM_DEMO_CACHE_PLAIN; id < MEM_DEMO_NR_CACHES; id++)
		kmem_cache_destroy(mem_demo_caches[id]);
}

int mem_demo_make_caches(void)
{
	enum mem_demo_cache_id id;

	for (id = MEM_DEMO_CACHE_PLAIN; id < MEM_DEMO_CACHE_POISON; id++) {
		mem_demo_caches[id] = mem_demo_make_cache(id);
		if (!mem_demo_caches[id])
			goto err_destroy;
	}

	mem_demo_slab_pool =
		mempool_create_slab_pool(MEM_DEMO_POOL_RESERVE,
					 mem_demo_caches[MEM_DEMO_CACHE_MEMPOOL]);
	mem_demo_page_pool = mempool_create_page_pool(MEM_DEMO_POOL_RESERVE, 0);
	if (mem_demo_slab_pool && mem_demo_page_pool)
		return 0;

err_destroy:
	mem_demo_destroy_caches();
	return -ENOMEM;
}
