// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - objects that a file holds, and what it is charged for them
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "lab.h"

atomic_long_t mem_demo_held;
atomic_long_t mem_demo_nr_objects;

/* By allocator; only those with &mem_demo_row.most are counted. */
static atomic_t mem_demo_row_held[MEM_NR_ALLOCATORS + 1];

static struct kmem_cache *mem_demo_object_cache;

int mem_demo_make_object_cache(void)
{
	mem_demo_object_cache = KMEM_CACHE(mem_demo_object, SLAB_ACCOUNT);

	return mem_demo_object_cache ? 0 : -ENOMEM;
}

void mem_demo_destroy_object_cache(void)
{
	kmem_cache_destroy(mem_demo_object_cache);
}

/* Files */

struct mem_demo_file *mem_demo_make_file(void)
{
	struct mem_demo_file *file = kzalloc(sizeof(*file), MEM_DEMO_GFP);

	if (!file)
		return NULL;

	kref_init(&file->ref);
	mutex_init(&file->lock);
	mutex_init(&file->bench_lock);
	xa_init_flags(&file->objects, XA_FLAGS_ACCOUNT);
	atomic64_set(&file->next_handle, 1);

	return file;
}

static void mem_demo_free_file(struct kref *ref)
{
	struct mem_demo_file *file =
		container_of(ref, struct mem_demo_file, ref);

	xa_destroy(&file->objects);
	mutex_destroy(&file->lock);
	mutex_destroy(&file->bench_lock);
	kfree(file);
}

void mem_demo_put_file(struct mem_demo_file *file)
{
	kref_put(&file->ref, mem_demo_free_file);
}

/* The books */

int mem_demo_charge(struct mem_demo_file *file, size_t bytes)
{
	if (atomic_long_add_return(bytes, &file->held) > mem_demo_quota_file)
		goto err_file;
	if (atomic_long_add_return(bytes, &mem_demo_held) > mem_demo_quota_total)
		goto err_total;

	return 0;

err_total:
	atomic_long_sub(bytes, &mem_demo_held);
err_file:
	atomic_long_sub(bytes, &file->held);
	return -EDQUOT;
}

void mem_demo_uncharge(struct mem_demo_file *file, size_t bytes)
{
	atomic_long_sub(bytes, &mem_demo_held);
	atomic_long_sub(bytes, &file->held);
}

/* Of some allocators there may be only so many objects. */
int mem_demo_count(const struct mem_demo_row *row, unsigned int n)
{
	atomic_t *held = &mem_demo_row_held[row->id];

	if (!row->most)
		return 0;
	if (n <= row->most && atomic_add_return(n, held) <= row->most)
		return 0;

	if (n <= row->most)
		atomic_sub(n, held);

	return row->caps & MEM_CAP_SINGLE ? -EBUSY : -EDQUOT;
}

void mem_demo_uncount(const struct mem_demo_row *row, unsigned int n)
{
	if (row->most)
		atomic_sub(n, &mem_demo_row_held[row->id]);
}

/* Objects */

/* A block that was split is as many pages, each with a count of its own. */
static void mem_demo_free_split(struct mem_demo_object *object)
{
	unsigned int i;

	for (i = 0; i < 1U << object->want.order; i++)
		__free_page(mem_demo_page(&object->want, &object->piece, 0,
					  (size_t)i << PAGE_SHIFT));
}

static void mem_demo_free_object(struct kref *ref)
{
	struct mem_demo_object *object =
		container_of(ref, struct mem_demo_object, ref);
	struct mem_demo_file *file = object->file;
	const struct mem_demo_row *row = object->want.row;

	if (object->split)
		mem_demo_free_split(object);
	else
		row->free(&object->want, &object->piece);

	mem_demo_uncount(row, 1);
	mem_demo_uncharge(file, object->footprint);
	atomic_long_dec(&file->nr_objects);
	atomic_long_dec(&mem_demo_nr_objects);
	kmem_cache_free(mem_demo_object_cache, object);
	mem_demo_put_file(file);
}

void mem_demo_put(struct mem_demo_object *object)
{
	kref_put(&object->ref, mem_demo_free_object);
}

/* Looks at an object: to be put when that is done. */
struct mem_demo_object *mem_demo_get(struct mem_demo_file *file,
				     u64 handle)
{
	struct mem_demo_object *object = NULL;

	if (handle > ULONG_MAX)
		return NULL;

	xa_lock(&file->objects);
	object = xa_load(&file->objects, handle);
	if (object)
		kref_get(&object->ref);
	xa_unlock(&file->objects);

	return object;
}

/* Does init_on_alloc zero it? What has a content of its own it passes over. */
static bool mem_demo_init_zeroes(const struct mem_demo_row *row)
{
	return want_init_on_alloc(0) && !row->pool &&
	       !(row->caps & MEM_CAP_SINGLE) &&
	       row->cache != MEM_DEMO_CACHE_CTOR &&
	       row->cache != MEM_DEMO_CACHE_POISON;
}

/* Why is it zero, or why not? Looked at once, as its user may write to it. */
static void mem_demo_judge_zero(struct mem_demo_object *object)
{
	const struct mem_demo_row *row = object->want.row;
	bool asked = (row->caps & MEM_CAP_ZEROED) || (object->gfp & MEM_GFP_ZERO);
	bool init = mem_demo_init_zeroes(row);

	object->clean = asked || init;
	object->why = row->caps & MEM_CAP_SINGLE ? MEM_ZEROED_STATIC :
						    MEM_ZEROED_CHANCE;
	if (asked)
		object->why = MEM_ZEROED_ASKED;
	else if (init)
		object->why = MEM_ZEROED_INIT;

	/* What the device owns is not looked at. */
	if (object->owner == MEM_OWNER_DEVICE) {
		object->zeroed = object->clean ? MEM_YES : MEM_UNKNOWN;
		return;
	}

	object->zeroed = MEM_YES;
	if (mem_demo_touch(&object->want, &object->piece,
			   cpumask_first(cpu_possible_mask), 0,
			   object->want.size, NULL, MEM_DEMO_IS_ZERO))
		return;

	object->zeroed = MEM_NO;
	object->why = MEM_ZEROED_LEFTOVER;
	if (row->cache == MEM_DEMO_CACHE_CTOR)
		object->why = MEM_ZEROED_CTOR;
	if (row->caps & MEM_CAP_DEBUG)
		object->why = MEM_ZEROED_POISON;
}

/* Allocates one and has the file hold it as @handle. */
int mem_demo_hold(struct mem_demo_file *file,
		  const struct mem_demo_want *want, u32 gfp,
		  unsigned long handle)
{
	size_t footprint = mem_demo_footprint(want) +
			   sizeof(struct mem_demo_object);
	struct mem_demo_object *object;
	int ret;

	ret = mem_demo_count(want->row, 1);
	if (ret)
		return ret;
	ret = mem_demo_charge(file, footprint);
	if (ret)
		goto err_uncount;

	ret = -ENOMEM;
	object = kmem_cache_zalloc(mem_demo_object_cache, MEM_DEMO_GFP);
	if (!object)
		goto err_uncharge;

	kref_init(&object->ref);
	object->file = file;
	object->want = *want;
	object->footprint = footprint;
	object->gfp = gfp;
	object->owner = want->row->caps & MEM_CAP_SYNC ? MEM_OWNER_DEVICE :
							 MEM_OWNER_NONE;
	if (!want->row->alloc(want, &object->piece))
		goto err_free_object;
	mem_demo_judge_zero(object);

	/* From here on others can find it, and even free it. */
	kref_get(&file->ref);
	atomic_long_inc(&file->nr_objects);
	atomic_long_inc(&mem_demo_nr_objects);
	ret = xa_insert(&file->objects, handle, object, MEM_DEMO_GFP);
	if (ret)
		mem_demo_put(object);

	return ret;

err_free_object:
	kmem_cache_free(mem_demo_object_cache, object);
err_uncharge:
	mem_demo_uncharge(file, footprint);
err_uncount:
	mem_demo_uncount(want->row, 1);
	return ret;
}

/* Return: was there one? */
bool mem_demo_drop(struct mem_demo_file *file, u64 handle)
{
	struct mem_demo_object *object = NULL;

	if (handle <= ULONG_MAX)
		object = xa_erase(&file->objects, handle);
	if (object)
		mem_demo_put(object);

	return object;
}

void mem_demo_drop_range(struct mem_demo_file *file, u64 handle,
			 u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		mem_demo_drop(file, handle + i);
		cond_resched();
	}
}

/* All that there are now: others may add to them faster than they go. */
u64 mem_demo_drop_all(struct mem_demo_file *file)
{
	u64 last = atomic64_read(&file->next_handle) - 1;
	struct mem_demo_object *object;
	unsigned long handle;
	u64 n = 0;

	xa_for_each_range(&file->objects, handle, object, 0,
			  min_t(u64, last, ULONG_MAX)) {
		n += mem_demo_drop(file, handle);
		cond_resched();
	}

	return n;
}
