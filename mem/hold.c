// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - hold objects, free them, resize them
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "lab.h"

long mem_demo_alloc(struct mem_demo_file *file, struct mem_alloc *arg)
{
	const struct mem_demo_row *row;
	struct mem_demo_want want;
	u32 i;
	int ret;

	row = mem_demo_row(arg->allocator, MEM_CAP_ALLOC);
	if (!row || !arg->count || arg->count > MEM_DEMO_MAX_COUNT ||
	    (arg->flags & ~(MEM_ALLOC_PARTIAL | MEM_ALLOC_DEBUG)) ||
	    ((arg->flags & MEM_ALLOC_DEBUG) && !(row->caps & MEM_CAP_DEBUG)) ||
	    arg->reserved0 || !MEM_DEMO_RESERVED_OK(arg))
		return -EINVAL;

	ret = mem_demo_ask(&want, row, arg->gfp, arg->size, arg->dma_bits);
	if (ret == -ENODEV && (arg->flags & MEM_ALLOC_DEBUG)) {
		ret = mem_demo_make_debug_cache(row->cache);
		if (!ret)
			ret = mem_demo_ask(&want, row, arg->gfp, arg->size, 0);
	}
	if (ret)
		return ret;

	arg->handle = atomic64_fetch_add(arg->count, &file->next_handle);
	if (arg->handle > ULONG_MAX - arg->count)
		return -EDQUOT;

	for (i = 0; i < arg->count; i++) {
		ret = fatal_signal_pending(current) ? -EINTR :
		      mem_demo_hold(file, &want, arg->gfp, arg->handle + i);
		if (ret)
			break;
		cond_resched();
	}

	if (!ret || (i && (arg->flags & MEM_ALLOC_PARTIAL) && ret != -EINTR)) {
		arg->count = i;
		return 0;
	}

	mem_demo_drop_range(file, arg->handle, i);
	return ret;
}

void mem_demo_undo_alloc(struct mem_demo_file *file,
			 struct mem_alloc *arg)
{
	mem_demo_drop_range(file, arg->handle, arg->count);
}

long mem_demo_free(struct mem_demo_file *file, struct mem_free *arg)
{
	u64 end = atomic64_read(&file->next_handle);
	u64 handle = arg->handle, n = 0, left;

	if ((arg->flags & ~MEM_FREE_ALL) || arg->reserved)
		return -EINVAL;
	if (arg->flags & MEM_FREE_ALL) {
		if (arg->handle || arg->count || arg->stride)
			return -EINVAL;
		arg->count = mem_demo_drop_all(file);
		return 0;
	}
	if (!arg->count || !arg->stride)
		return -EINVAL;

	for (left = arg->count; left && handle < end; left--) {
		n += mem_demo_drop(file, handle);
		if (arg->stride >= end - handle)
			break;
		handle += arg->stride;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	if (!n)
		return -ENOENT;

	arg->count = n;
	return 0;
}

static int mem_demo_krealloc(struct mem_demo_file *file,
			     struct mem_demo_object *object,
			     const struct mem_demo_want *want, u32 *moved)
{
	size_t footprint = mem_demo_footprint(want) + sizeof(*object);
	size_t before = object->footprint;
	size_t charged = max(footprint, before);
	void *ptr;
	int ret;

	lockdep_assert_held(&file->lock);

	if (charged > before) {
		ret = mem_demo_charge(file, charged - before);
		if (ret)
			return ret;
	}
	ptr = krealloc(object->piece.ptr, want->size, want->gfp);
	if (!ptr) {
		mem_demo_uncharge(file, charged - before);
		return -ENOMEM;
	}

	/* Where it stays in place it keeps all it has, also when it gets smaller. */
	footprint = max(footprint, ksize(ptr) + sizeof(*object));
	footprint = min(footprint, charged);
	mem_demo_uncharge(file, charged - footprint);

	*moved = ptr != object->piece.ptr;
	object->piece.ptr = ptr;
	if (want->size > object->want.size && !(want->gfp & __GFP_ZERO) &&
	    !want_init_on_alloc(0))
		object->clean = false;
	object->want.size = want->size;
	object->footprint = footprint;

	return 0;
}

long mem_demo_resize(struct mem_demo_file *file, struct mem_resize *arg)
{
	struct mem_demo_object *object;
	struct mem_demo_want want;
	int ret;

	object = mem_demo_get(file, arg->handle);
	if (!object)
		return -ENOENT;

	ret = -EINVAL;
	if (object->want.row->caps & MEM_CAP_RESIZE)
		ret = mem_demo_ask(&want, object->want.row, arg->gfp, arg->size,
				   0);
	if (!ret)
		ret = mutex_lock_killable(&file->lock);
	if (!ret) {
		ret = mem_demo_krealloc(file, object, &want, &arg->moved);
		mutex_unlock(&file->lock);
	}

	mem_demo_put(object);
	return ret;
}
