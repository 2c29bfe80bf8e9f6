// SPDX-License-Identifier: GPL-2.0
/*
 * vser - buffers: what they may take, and who pays for them
 *
 * Touches the accounts of users and the count of bytes in all buffers; of a line,
 * how many bytes it has (line->charged), and the buffer of a queue that has none yet.
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "line.h"

unsigned long vser_max_buffers = 64 << 20;
module_param_named(max_buffers, vser_max_buffers, ulong, 0444);
MODULE_PARM_DESC(max_buffers, "bytes that all buffers together may take without CAP_SYS_RESOURCE (default 64 MiB)");

unsigned long vser_user_buffers;
module_param_named(user_buffers, vser_user_buffers, ulong, 0444);
MODULE_PARM_DESC(user_buffers, "the same for those of one user (default half of max_buffers)");

/* Protects all accounts. Process context, innermost. */
static DEFINE_SPINLOCK(vser_accounts_lock);
static LIST_HEAD(vser_accounts);
static unsigned long vser_buffers;	/* bytes in all of them */

/* The account of the calling user, with a reference; NULL if there is no memory. */
struct vser_account *vser_account_get(void)
{
	struct vser_account *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	kuid_t uid = current_uid();
	struct vser_account *account;

	if (!new)
		return NULL;

	spin_lock(&vser_accounts_lock);
	list_for_each_entry(account, &vser_accounts, list)
		if (uid_eq(account->uid, uid))
			goto found;
	account = new;
	account->uid = uid;
	list_add(&account->list, &vser_accounts);
	new = NULL;
found:
	account->refs++;
	spin_unlock(&vser_accounts_lock);
	kfree(new);

	return account;
}

void vser_account_put(struct vser_account *account)
{
	bool last;

	if (!account)
		return;

	spin_lock(&vser_accounts_lock);
	last = !--account->refs;
	if (last)
		list_del(&account->list);
	spin_unlock(&vser_accounts_lock);
	if (last)
		kfree(account);
}

/*
 * Adds @size bytes to @account, which @from, if it is not NULL, has until now. Takes
 * nothing if it refuses.
 */
int vser_account_move(struct vser_account *from, struct vser_account *account,
		      size_t size)
{
	bool forced = false, fits;

	for (;;) {
		spin_lock(&vser_accounts_lock);
		fits = forced || (account->bytes + size <= vser_user_buffers &&
				  (from || vser_buffers + size <= vser_max_buffers));
		if (fits) {
			account->bytes += size;
			if (from)
				from->bytes -= size;
			else
				vser_buffers += size;
		}
		spin_unlock(&vser_accounts_lock);
		if (fits)
			return 0;
		if (!capable(CAP_SYS_RESOURCE))
			return -EDQUOT;
		forced = true;
	}
}

int vser_buffer_charge(struct vser_account *account, size_t size)
{
	return vser_account_move(NULL, account, size);
}

void vser_buffer_uncharge(struct vser_account *account, size_t size)
{
	spin_lock(&vser_accounts_lock);
	account->bytes -= size;
	vser_buffers -= size;
	spin_unlock(&vser_accounts_lock);
}

/* A buffer of @line, for which its account pays. Caller: line->open_lock. */
void *vser_line_buffer_alloc(struct vser_line *line, size_t size)
{
	void *buffer;
	int ret;

	ret = vser_buffer_charge(line->account, size);
	if (ret)
		return ERR_PTR(ret);

	buffer = kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!buffer) {
		vser_buffer_uncharge(line->account, size);
		return ERR_PTR(-ENOMEM);
	}
	line->charged += size;

	return buffer;
}

void vser_line_buffer_free(struct vser_line *line, void *buffer, size_t size)
{
	if (!buffer)
		return;

	kvfree(buffer);
	line->charged -= size;
	vser_buffer_uncharge(line->account, size);
}

/* Gives a queue of @line a buffer unless it has one. */
int vser_queue_alloc(struct vser_queue *queue, struct vser_line *line)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	void *buffer;

	if (fifo->data)
		return 0;

	buffer = vser_line_buffer_alloc(line, vser_queue_size(queue));
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	fifo->data = buffer;

	return 0;
}
