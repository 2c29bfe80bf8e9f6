// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - objects that are freed, while others still have pages of them
 *
 * A page that was mapped into a program can be used beyond the mapping: a pipe has
 * it after vmsplice(), a device or an io_uring after get_user_pages(). Freeing the
 * object would not free it, so the object stays, and stays charged, until the last
 * reference to each of its pages is our own.
 */
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "lab.h"

/*
 * Protects the list. Process context, inside file->lock, outside the books' lock.
 * Held while the pages of all objects in it are looked at, and for nothing that
 * waits.
 */
static DEFINE_MUTEX(mem_demo_lent_lock);
static LIST_HEAD(mem_demo_lent);

static void mem_demo_lent_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(mem_demo_lent_again, mem_demo_lent_work);

/*
 * Has anybody else a reference to a page of this object, which nothing maps any
 * more? If not, nobody can get one. Who looks at pages that are not theirs, as
 * compaction does, has one for a moment: then the object is freed a little later.
 */
static bool mem_demo_is_lent(const struct mem_demo_object *object)
{
	const struct mem_demo_want *want = &object->want;
	size_t size = want->row->block ? PAGE_SIZE << want->order :
					 PAGE_ALIGN(want->size);
	size_t offset;

	for (offset = 0; offset < size; offset += PAGE_SIZE) {
		if (page_count(mem_demo_page(want, &object->piece, 0, offset)) > 1)
			return true;
		cond_resched();
	}

	return false;
}

/* Keeps an object that has lost its last reference, if others have pages of it. */
bool mem_demo_lend(struct mem_demo_object *object)
{
	bool is_lent;

	if (!READ_ONCE(object->exposed))
		return false;

	is_lent = mem_demo_is_lent(object);
	if (is_lent) {
		mutex_lock(&mem_demo_lent_lock);
		list_add_tail(&object->list, &mem_demo_lent);
		mutex_unlock(&mem_demo_lent_lock);
		schedule_delayed_work(&mem_demo_lent_again, HZ);
	}

	return is_lent;
}

static void mem_demo_reclaim_locked(void)
{
	struct mem_demo_object *object, *next;

	lockdep_assert_held(&mem_demo_lent_lock);

	list_for_each_entry_safe(object, next, &mem_demo_lent, list) {
		if (mem_demo_is_lent(object))
			continue;
		list_del(&object->list);
		mem_demo_free_object(object);
		cond_resched();
	}
}

/* Frees what nobody else has any more. Return: 0, or -EINTR: a fatal signal. */
int mem_demo_reclaim(void)
{
	int ret = mutex_lock_killable(&mem_demo_lent_lock);

	if (ret)
		return ret;
	mem_demo_reclaim_locked();
	mutex_unlock(&mem_demo_lent_lock);

	return 0;
}

static void mem_demo_lent_work(struct work_struct *work)
{
	mutex_lock(&mem_demo_lent_lock);
	mem_demo_reclaim_locked();
	if (!list_empty(&mem_demo_lent))
		schedule_delayed_work(&mem_demo_lent_again, HZ);
	mutex_unlock(&mem_demo_lent_lock);
}

/*
 * The module goes: no file and no mapping is there that could add to the list. The
 * pages outlive it, since their other users need nothing of ours to free them: each
 * page goes with its last reference. Only the books of them end here.
 */
void mem_demo_forget_lent(void)
{
	struct mem_demo_object *object, *next;

	cancel_delayed_work_sync(&mem_demo_lent_again);
	list_for_each_entry_safe(object, next, &mem_demo_lent, list) {
		list_del(&object->list);
		mem_demo_free_object(object);
		cond_resched();
	}
}
