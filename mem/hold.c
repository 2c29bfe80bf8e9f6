// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - hold objects, free them, resize them
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "lab.h"

long mem_demo_alloc(struct mem_demo_file *file, struct mem_alloc *arg,
		    void __user *user)
{
	const struct mem_demo_row *row;
	struct mem_demo_want want;
	LIST_HEAD(objects);
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

	ret = mem_demo_grant(file, &want, arg->gfp, arg->count,
			     arg->flags & MEM_ALLOC_PARTIAL, &objects);
	if (ret < 0)
		return ret;
	arg->count = ret;

	arg->handle = mem_demo_enter(file, &objects, arg->count);
	if (!arg->handle) {
		mem_demo_put_list(&objects);
		return -EINTR;
	}

	/* What the caller cannot be told is not there for other threads either. */
	ret = copy_to_user(user, arg, sizeof(*arg)) ? -EFAULT : 0;
	mem_demo_publish(file, arg->handle, arg->count, !ret);

	return ret;
}

long mem_demo_free(struct mem_demo_file *file, struct mem_free *arg)
{
	if ((arg->flags & ~MEM_FREE_ALL) || arg->reserved)
		return -EINVAL;
	if (arg->flags & MEM_FREE_ALL) {
		if (arg->handle || arg->count || arg->stride)
			return -EINVAL;
		arg->count = mem_demo_drop(file, 0, 1, U64_MAX);
		return 0;
	}
	if (!arg->count || !arg->stride)
		return -EINVAL;

	arg->count = mem_demo_drop(file, arg->handle, arg->stride, arg->count);

	return arg->count ? 0 : -ENOENT;
}

static int mem_demo_krealloc(struct mem_demo_file *file,
			     struct mem_demo_object *object,
			     const struct mem_demo_want *want, u32 *moved)
{
	u64 books = object->charge - object->footprint;
	u64 more = 0, footprint;
	void *ptr;
	int ret;

	lockdep_assert_held(&file->lock);

	/* Where it moves, the old one is there until the new one is. */
	if (want->size > ksize(object->piece.ptr))
		more = mem_demo_footprint(want);
	ret = mem_demo_charge(file, more);
	if (ret)
		return ret;
	ptr = krealloc(object->piece.ptr, want->size, want->gfp);
	if (!ptr) {
		mem_demo_uncharge(file, more);
		return -ENOMEM;
	}

	/* Where it stays in place it keeps all it has, also when it gets smaller. */
	footprint = min_t(u64, ksize(ptr), object->footprint + more);
	mem_demo_uncharge(file, object->footprint + more - footprint);

	*moved = ptr != object->piece.ptr;
	object->piece.ptr = ptr;
	if (want->size > object->want.size && !(want->gfp & __GFP_ZERO) &&
	    !want_init_on_alloc(0))
		object->clean = false;
	object->want.size = want->size;
	object->footprint = footprint;
	object->charge = footprint + books;

	return 0;
}

long mem_demo_resize(struct mem_demo_file *file, struct mem_resize *arg)
{
	struct mem_demo_object *object;
	struct mem_demo_want want;
	int ret;

	object = mem_demo_get(file, arg->handle);
	if (IS_ERR(object))
		return PTR_ERR(object);

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
