// SPDX-License-Identifier: GPL-2.0
/*
 * plain_loop - what an allocation and its free cost, in the plainest of loops
 *
 * The yardstick for the memory laboratory's benches, with which it shares nothing.
 * It measures while it is loaded; the results, picoseconds for an allocation with
 * its free, are in /sys/module/plain_loop/parameters/.
 */
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/slab.h>

#define ROUNDS		100000
#define OBJECT_SIZE	256

static unsigned long cache_ps;
module_param(cache_ps, ulong, 0444);
MODULE_PARM_DESC(cache_ps, "of kmem_cache_alloc() and kmem_cache_free(), 256 bytes");

static unsigned long page_ps;
module_param(page_ps, ulong, 0444);
MODULE_PARM_DESC(page_ps, "of alloc_page() and __free_page()");

static int __init measure_cache(void)
{
	struct kmem_cache *cache;
	unsigned int i;
	void *object;
	u64 start;

	cache = kmem_cache_create("plain_loop", OBJECT_SIZE, 0, 0, NULL);
	if (!cache)
		return -ENOMEM;

	start = ktime_get_ns();
	for (i = 0; i < ROUNDS; i++) {
		object = kmem_cache_alloc(cache, GFP_KERNEL);
		if (!object)
			break;
		kmem_cache_free(cache, object);
	}
	cache_ps = div_u64((ktime_get_ns() - start) * 1000, ROUNDS);
	kmem_cache_destroy(cache);

	return i == ROUNDS ? 0 : -ENOMEM;
}

static int __init measure_page(void)
{
	struct page *page;
	unsigned int i;
	u64 start;

	start = ktime_get_ns();
	for (i = 0; i < ROUNDS; i++) {
		page = alloc_page(GFP_KERNEL);
		if (!page)
			return -ENOMEM;
		__free_page(page);
	}
	page_ps = div_u64((ktime_get_ns() - start) * 1000, ROUNDS);

	return 0;
}

static int __init plain_loop_init(void)
{
	return measure_cache() ?: measure_page();
}

/* Without one, it could not be unloaded. */
static void __exit plain_loop_exit(void)
{
}

module_init(plain_loop_init);
module_exit(plain_loop_exit);

MODULE_AUTHOR("The vser maintainers");
MODULE_DESCRIPTION("A yardstick for the memory laboratory");
MODULE_LICENSE("GPL");
