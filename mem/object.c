// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - objects that a file holds
 */
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rbtree_augmented.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "lab.h"

atomic_long_t mem_demo_nr_objects;

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
	mutex_init(&file->handles_lock);
	mutex_init(&file->bench_lock);
	file->objects = RB_ROOT;

	return file;
}

static void mem_demo_free_file(struct kref *ref)
{
	struct mem_demo_file *file =
		container_of(ref, struct mem_demo_file, ref);

	mutex_destroy(&file->lock);
	mutex_destroy(&file->handles_lock);
	mutex_destroy(&file->bench_lock);
	kfree(file);
}

void mem_demo_put_file(struct mem_demo_file *file)
{
	kref_put(&file->ref, mem_demo_free_file);
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

/* Its memory, and it, when nobody has a reference to it. */
void mem_demo_free_object(struct mem_demo_object *object)
{
	struct mem_demo_file *file = object->file;
	const struct mem_demo_row *row = object->want.row;

	if (object->split)
		mem_demo_free_split(object);
	else
		row->free(&object->want, &object->piece);

	mem_demo_uncount(row, 1);
	mem_demo_uncharge(file, object->charge);
	atomic_long_dec(&file->nr_objects);
	atomic_long_dec(&mem_demo_nr_objects);
	kmem_cache_free(mem_demo_object_cache, object);
	mem_demo_put_file(file);
}

static void mem_demo_release_object(struct kref *ref)
{
	struct mem_demo_object *object =
		container_of(ref, struct mem_demo_object, ref);

	if (!mem_demo_lend(object))
		mem_demo_free_object(object);
}

/* Process context; may wait for others to look at objects that are lent. */
void mem_demo_put(struct mem_demo_object *object)
{
	kref_put(&object->ref, mem_demo_release_object);
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

/*
 * Allocates one. The caller has counted and charged it, and hands over what
 * &mem_demo_object.charge then says. NULL: there is none.
 */
static struct mem_demo_object *
mem_demo_make_object(struct mem_demo_file *file,
		     const struct mem_demo_want *want, u32 gfp)
{
	struct mem_demo_object *object;

	object = kmem_cache_zalloc(mem_demo_object_cache, MEM_DEMO_GFP);
	if (!object)
		return NULL;

	kref_init(&object->ref);
	object->file = file;
	object->want = *want;
	object->gfp = gfp;
	object->owner = want->row->caps & MEM_CAP_SYNC ? MEM_OWNER_DEVICE :
							 MEM_OWNER_NONE;
	if (!want->row->alloc(want, &object->piece)) {
		kmem_cache_free(mem_demo_object_cache, object);
		return NULL;
	}
	mem_demo_settle(object);
	mem_demo_judge_zero(object);

	kref_get(&file->ref);
	atomic_long_inc(&file->nr_objects);
	atomic_long_inc(&mem_demo_nr_objects);

	return object;
}

/* Objects that no handle leads to. */
void mem_demo_put_list(struct list_head *objects)
{
	struct mem_demo_object *object, *next;

	list_for_each_entry_safe(object, next, objects, list) {
		list_del(&object->list);
		mem_demo_put(object);
		cond_resched();
	}
}

/*
 * Allocates @count into the empty list @objects: all of them, or with @partial as
 * many as are granted. What all of them take is charged in one step before the
 * first is allocated, so that a request for too much takes nothing from others;
 * with @partial one after the other.
 *
 * Return: how many, or an error, which leaves the list empty.
 */
int mem_demo_grant(struct mem_demo_file *file, const struct mem_demo_want *want,
		   u32 gfp, u32 count, bool partial, struct list_head *objects)
{
	u64 each = mem_demo_keeps(want), spare = mem_demo_extra(want);
	u32 step = partial ? 1 : count, counted = 0, n;
	struct mem_demo_object *object;
	u64 charged = 0, more;
	int ret = 0;

	if (check_mul_overflow(each, (u64)step, &more) ||
	    check_add_overflow(more, spare, &more))
		return -EDQUOT;

	for (n = 0; n < count; n++) {
		if (n == counted) {
			ret = mem_demo_count(want->row, step);
			if (ret)
				break;
			counted += step;
			/* What the last one left over is used for the next. */
			more = each * step + spare - charged;
			ret = mem_demo_charge(file, more);
			if (ret)
				break;
			charged += more;
		}
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		object = mem_demo_make_object(file, want, gfp);
		if (!object) {
			ret = -ENOMEM;
			break;
		}
		charged -= object->charge;
		list_add_tail(&object->list, objects);
		cond_resched();
	}
	mem_demo_uncharge(file, charged);
	mem_demo_uncount(want->row, counted - n);
	if (!ret || (n && partial && ret != -EINTR))
		return n;

	mem_demo_put_list(objects);
	return ret;
}

/* Handles */

/*
 * A file's objects are a tree by their handles, in which each knows how many
 * handles below its own are free. So the lowest ones that are free are found, and
 * however far apart handles are, they take no memory beyond the objects.
 */

static u64 mem_demo_gap(const struct mem_demo_object *object)
{
	return object->gap;
}

RB_DECLARE_CALLBACKS_MAX(static, mem_demo_gaps, struct mem_demo_object, node,
			 u64, widest, mem_demo_gap)

static struct mem_demo_object *mem_demo_at(struct rb_node *node)
{
	return rb_entry_safe(node, struct mem_demo_object, node);
}

static void mem_demo_set_gap(struct mem_demo_object *object, u64 gap)
{
	object->gap = gap;
	mem_demo_gaps.propagate(&object->node, NULL);
}

/* The first of @count free handles that follow each other; the lowest there is. */
static u64 mem_demo_free_handles(struct mem_demo_file *file, u64 count)
{
	struct mem_demo_object *object = mem_demo_at(file->objects.rb_node);
	struct mem_demo_object *left;

	lockdep_assert_held(&file->handles_lock);

	if (!object)
		return 1;
	/* 64 bits of them never run out. */
	if (object->widest < count)
		return mem_demo_at(rb_last(&file->objects))->handle + 1;

	for (;;) {
		left = mem_demo_at(object->node.rb_left);
		if (left && left->widest >= count) {
			object = left;
			continue;
		}
		if (object->gap >= count)
			return object->handle - object->gap;
		object = mem_demo_at(object->node.rb_right);
	}
}

static void mem_demo_link(struct mem_demo_file *file,
			  struct mem_demo_object *object)
{
	struct rb_node **link = &file->objects.rb_node;
	struct mem_demo_object *at = NULL, *above = NULL;
	u64 first;

	lockdep_assert_held(&file->handles_lock);

	while (*link) {
		at = mem_demo_at(*link);
		if (object->handle < at->handle) {
			above = at;
			link = &at->node.rb_left;
		} else {
			link = &at->node.rb_right;
		}
	}

	/* Where the gap begins that the handle is taken from. */
	if (above)
		first = above->handle - above->gap;
	else
		first = at ? at->handle + 1 : 1;
	object->widest = 0;
	rb_link_node(&object->node, at ? &at->node : NULL, link);
	mem_demo_set_gap(object, object->handle - first);
	rb_insert_augmented(&object->node, &file->objects, &mem_demo_gaps);
	if (above)
		mem_demo_set_gap(above, above->handle - object->handle - 1);
}

static void mem_demo_unlink(struct mem_demo_file *file,
			    struct mem_demo_object *object)
{
	struct mem_demo_object *above = mem_demo_at(rb_next(&object->node));

	lockdep_assert_held(&file->handles_lock);

	rb_erase_augmented(&object->node, &file->objects, &mem_demo_gaps);
	if (above)
		mem_demo_set_gap(above, above->gap + object->gap + 1);
}

/*
 * Gives the objects of a list handles that follow each other. They are taken, but
 * lead nowhere until mem_demo_publish(). Return: the first, 0: a fatal signal.
 */
u64 mem_demo_enter(struct mem_demo_file *file, struct list_head *objects,
		   u32 count)
{
	struct mem_demo_object *object, *next;
	u64 first, handle;

	if (mutex_lock_killable(&file->handles_lock))
		return 0;

	first = mem_demo_free_handles(file, count);
	handle = first;
	list_for_each_entry_safe(object, next, objects, list) {
		list_del(&object->list);
		object->handle = handle++;
		mem_demo_link(file, object);
		cond_resched();
	}
	mutex_unlock(&file->handles_lock);

	return first;
}

/* The first object whose handle is not below @handle. */
static struct mem_demo_object *mem_demo_find(struct mem_demo_file *file,
					     u64 handle)
{
	struct mem_demo_object *at = mem_demo_at(file->objects.rb_node);
	struct mem_demo_object *found = NULL;

	lockdep_assert_held(&file->handles_lock);

	while (at) {
		if (at->handle < handle) {
			at = mem_demo_at(at->node.rb_right);
		} else {
			found = at;
			at = mem_demo_at(at->node.rb_left);
		}
	}

	return found;
}

/* The same, but only one that may be found. */
static struct mem_demo_object *
mem_demo_find_visible(struct mem_demo_file *file, u64 handle)
{
	struct mem_demo_object *object = mem_demo_find(file, handle);

	while (object && !object->visible)
		object = mem_demo_at(rb_next(&object->node));

	return object;
}

/*
 * From here on the handles lead to their objects, for any thread; or, if not
 * @wanted, the objects go and the handles are free. Nobody else can have freed
 * them. Held for arithmetic alone, hence not killable.
 */
void mem_demo_publish(struct mem_demo_file *file, u64 first, u32 count,
		      bool wanted)
{
	struct mem_demo_object *object, *next;
	LIST_HEAD(unwanted);
	u32 i;

	mutex_lock(&file->handles_lock);
	object = mem_demo_find(file, first);
	for (i = 0; i < count; i++) {
		next = mem_demo_at(rb_next(&object->node));
		object->visible = wanted;
		if (!wanted) {
			mem_demo_unlink(file, object);
			list_add_tail(&object->list, &unwanted);
		}
		object = next;
		cond_resched();
	}
	mutex_unlock(&file->handles_lock);

	mem_demo_put_list(&unwanted);
}

/* Looks at an object: to be put when that is done. Or -ENOENT, -EINTR. */
struct mem_demo_object *mem_demo_get(struct mem_demo_file *file, u64 handle)
{
	struct mem_demo_object *object;

	if (mutex_lock_killable(&file->handles_lock))
		return ERR_PTR(-EINTR);

	object = mem_demo_find(file, handle);
	if (object && object->handle == handle && object->visible)
		kref_get(&object->ref);
	else
		object = ERR_PTR(-ENOENT);
	mutex_unlock(&file->handles_lock);

	return object;
}

/*
 * Takes out the first object whose handle is one of @count that begin with *@handle
 * and are @stride apart. Leaves in *@handle the next to look at, and returns how
 * many are left of them; 0 also when there can be no more.
 */
static u64 mem_demo_take(struct mem_demo_file *file, u64 *handle, u64 stride,
			 u64 count, struct mem_demo_object **taken)
{
	struct mem_demo_object *object;
	u64 steps, ahead, rest;

	lockdep_assert_held(&file->handles_lock);

	object = mem_demo_find_visible(file, *handle);
	if (!object)
		return 0;

	/* What lies between is not there, and so is passed over in one step. */
	ahead = object->handle - *handle;
	steps = div64_u64_rem(ahead, stride, &rest);
	if (steps >= count)
		return 0;
	if (!rest) {
		mem_demo_unlink(file, object);
		*taken = object;
	}
	steps++;
	if (steps == count || check_add_overflow(ahead, stride - rest, &ahead) ||
	    check_add_overflow(*handle, ahead, handle))
		return 0;

	return count - steps;
}

/*
 * Frees the objects whose handles are among @count that begin with @handle and are
 * @stride apart. A fatal signal ends it. Return: how many there were.
 */
u64 mem_demo_drop(struct mem_demo_file *file, u64 handle, u64 stride, u64 count)
{
	struct mem_demo_object *object;
	u64 n = 0;

	while (count && !mutex_lock_killable(&file->handles_lock)) {
		object = NULL;
		count = mem_demo_take(file, &handle, stride, count, &object);
		mutex_unlock(&file->handles_lock);

		if (object) {
			mem_demo_put(object);
			n++;
		}
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}

	return n;
}

/* All that the file still holds, when nobody else has it any more. */
void mem_demo_drop_all(struct mem_demo_file *file)
{
	struct mem_demo_object *object, *next;

	rbtree_postorder_for_each_entry_safe(object, next, &file->objects, node) {
		mem_demo_put(object);
		cond_resched();
	}
}
