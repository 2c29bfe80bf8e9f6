// SPDX-License-Identifier: GPL-2.0
/*
 * vser - rings: memory that an open file shares with the process
 *
 * What the process puts into the tx ring, and takes from the rx ring, costs no
 * system call. Now and then, before it sleeps, it has the kernel move the bytes
 * between the rings and the line's queues. To the line, that is a program that
 * writes and reads: queue->lock is held, the books are kept, wires are kicked.
 *
 * The process may write anything anywhere in the rings, at any time, from many
 * threads. So of what it writes, nothing is read but its two indices, each once
 * for a decision, and the bytes to be sent, each once; and whatever they are,
 * all accesses stay within the ring that they are about.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "cdev.h"

bool vser_ring_size_valid(u32 size)
{
	return !size || (is_power_of_2(size) && size >= PAGE_SIZE &&
			 size <= VSER_RING_MAX);
}

struct vser_rings *vser_rings_alloc(struct vser_file *vfile, u32 rx_size,
				    u32 tx_size)
{
	struct vser_rings *rings;
	void *memory;
	int ret;

	rings = kzalloc(sizeof(*rings), GFP_KERNEL_ACCOUNT);
	if (!rings)
		return ERR_PTR(-ENOMEM);
	rings->length = PAGE_SIZE + (size_t)rx_size + tx_size;

	ret = -ENOMEM;
	rings->account = vser_account_get();
	if (!rings->account)
		goto err_free_rings;
	ret = vser_buffer_charge(rings->account, rings->length);
	if (ret)
		goto err_put_account;

	memory = __vmalloc(rings->length, VSER_GFP_MAPPABLE | __GFP_ZERO |
			   __GFP_NOWARN);
	if (!memory) {
		ret = -ENOMEM;
		goto err_uncharge;
	}

	rings->vfile = vfile;
	rings->page = memory;
	rings->rx = memory + PAGE_SIZE;
	rings->tx = rings->rx + rx_size;
	rings->rx_size = rx_size;
	rings->tx_size = tx_size;
	rings->rx_in = VSER_RING_START;
	rings->tx_out = VSER_RING_START;
	*rings->page = (struct vser_ring_page) {
		.rx_in = VSER_RING_START,
		.rx_out = VSER_RING_START,
		.tx_in = VSER_RING_START,
		.tx_out = VSER_RING_START,
	};

	return rings;

err_uncharge:
	vser_buffer_uncharge(rings->account, rings->length);
err_put_account:
	vser_account_put(rings->account);
err_free_rings:
	kfree(rings);
	return ERR_PTR(ret);
}

/* Nobody has them mapped, as a mapping holds the file that they belong to. */
void vser_rings_free(struct vser_rings *rings)
{
	if (!rings)
		return;

	vfree(rings->page);
	vser_buffer_uncharge(rings->account, rings->length);
	vser_account_put(rings->account);
	kfree(rings);
}

/* Returns false if it has some; another thread may have been faster. */
bool vser_file_set_rings(struct vser_file *vfile, struct vser_rings *rings)
{
	/* Fully ordered: who sees them sees what is in them. */
	return !cmpxchg(&vfile->rings, NULL, rings);
}

/*
 * Maps the memory into @vma, all of it. The pages are counted, and stay what
 * they are for whoever still looks at them after they were freed here.
 */
int vser_rings_map(struct vser_rings *rings, struct vm_area_struct *vma)
{
	size_t at;
	int ret;

	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != rings->length ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;

	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vm_flags_clear(vma, VM_MAYEXEC);
	for (at = 0; at < rings->length; at += PAGE_SIZE) {
		ret = vm_insert_page(vma, vma->vm_start + at,
				     vmalloc_to_page((void *)rings->page + at));
		if (ret)
			return ret;
	}

	return 0;
}

/* Copies up to @n bytes of the tx ring into @tx; returns how many. */
static u32 vser_ring_to_queue(struct vser_rings *rings, struct vser_queue *tx,
			      u32 n)
{
	u32 done = 0, at, len, put;

	do {
		at = (rings->tx_out + done) & (rings->tx_size - 1);
		len = min(n - done, rings->tx_size - at);
		put = vser_queue_in(tx, rings->tx + at, len);
		done += put;
	} while (put == len && done < n);

	return done;
}

/* Copies up to @n bytes of @rx into the rx ring; returns how many. */
static u32 vser_ring_from_queue(struct vser_rings *rings, struct vser_queue *rx,
				u32 n)
{
	u32 done = 0, at, len;
	u8 *bytes;

	while (done < n && (len = vser_queue_peek(rx, &bytes))) {
		at = (rings->rx_in + done) & (rings->rx_size - 1);
		len = min3(len, n - done, rings->rx_size - at);
		memcpy(rings->rx + at, bytes, len);
		vser_queue_skip(rx, len);
		done += len;
	}

	return done;
}

/*
 * tx is full, and the ring holds more: those that poll the file are woken when
 * there is room, even if they wait for bytes alone. Returns false if there is room
 * by now.
 */
static bool vser_ring_starve(struct vser_rings *rings)
{
	set_bit(VSER_RING_STARVED, &rings->vfile->flags);

	/* The barrier in there is for both bits. */
	return vser_tx_starve(rings->vfile);
}

/*
 * Moves what is in the tx ring into tx, and on, as far as there is room. Returns
 * how many bytes stay in the ring, or -EPROTO; or -ERESTARTSYS if it is being
 * killed. What the process adds meanwhile does not count, or it could keep us here.
 * Caller: tx.lock.
 */
static int vser_ring_send(struct vser_line *line, struct vser_rings *rings)
{
	u32 left, n;

	lockdep_assert_held(&line->tx.lock);

	if (!rings->tx_size)
		return 0;

	/* Pairs with the process, which has stored the bytes before. */
	left = smp_load_acquire(&rings->page->tx_in) - rings->tx_out;
	if (left > rings->tx_size)
		return -EPROTO;

	while (left) {
		n = vser_ring_to_queue(rings, &line->tx, left);
		if (!n && vser_ring_starve(rings))
			break;
		left -= n;
		rings->tx_out += n;
		/* The process, which sees the index, may overwrite the bytes. */
		smp_store_release(&rings->page->tx_out, rings->tx_out);
		if (n)
			vser_tx_wrote(line, n);
		if (left && !vser_may_go_on())
			return -ERESTARTSYS;
	}

	return left;
}

/*
 * Moves up to @most bytes from rx into the rx ring, and stores in *@used how
 * many there are in it now. Returns how many were moved, or an error.
 */
static int vser_ring_receive_some(struct vser_rings *rings, u32 most, u32 *used)
{
	struct vser_line *line = rings->vfile->line;
	struct vser_queue *rx = &rings->vfile->cdev->rx;
	u32 n;

	if (mutex_lock_interruptible(&rx->lock))
		return -ERESTARTSYS;

	/* Pairs with the process, which has read the bytes before. */
	*used = rings->rx_in - smp_load_acquire(&rings->page->rx_out);
	if (*used > rings->rx_size) {
		mutex_unlock(&rx->lock);
		return -EPROTO;
	}

	n = vser_ring_from_queue(rings, rx, min(most, rings->rx_size - *used));
	*used += n;
	rings->rx_in += n;
	if (n) {
		vser_count(&line->rx_delivered, n);
		vser_rx_taken(line, n);
		/* The process, which sees the index, sees the bytes. */
		smp_store_release(&rings->page->rx_in, rings->rx_in);
	}
	mutex_unlock(&rx->lock);
	if (n)
		vser_rx_made_room(line);

	return n;
}

/*
 * Moves what there is in rx, and what comes when there is room in it, into the
 * rx ring. Returns how many bytes are in the ring then, or an error. It is one
 * ringful at most, or a process that empties it could keep us here.
 */
static int vser_ring_receive(struct vser_rings *rings)
{
	u32 most = rings->rx_size, used = 0;
	int n;

	do {
		n = vser_ring_receive_some(rings, most, &used);
		if (n < 0)
			return n;
		most -= n;
	} while (n && most && vser_may_go_on());

	return used;
}

/* As vser_ring_send(), without the lock; it may be interrupted. */
int vser_ring_sync_tx(struct vser_line *line, struct vser_rings *rings)
{
	int ret;

	if (mutex_lock_interruptible(&line->tx.lock))
		return -ERESTARTSYS;
	ret = vser_ring_send(line, rings);
	mutex_unlock(&line->tx.lock);

	return ret;
}

/*
 * Moves what can be moved, both ways. To send comes first, as a loopback may
 * receive that. A ring with an impossible index does not stop the other one.
 */
int vser_rings_sync(struct vser_rings *rings)
{
	struct vser_line *line = rings->vfile->line;
	int tx = 0, rx = 0;

	if (rings->tx_size)
		tx = vser_ring_sync_tx(line, rings);
	if (rings->rx_size && tx != -ERESTARTSYS)
		rx = vser_ring_receive(rings);

	return min(tx, 0) ?: min(rx, 0);
}

/*
 * Moves what can be moved, and says what poll() answers of the rings that there
 * are. The caller has registered to be woken. If a signal came in between, both
 * are said to be ready: then it is for the process to look again.
 */
__poll_t vser_rings_poll(struct vser_rings *rings)
{
	struct vser_line *line = rings->vfile->line;
	__poll_t events = 0;
	int ret;

	if (rings->tx_size) {
		ret = vser_ring_sync_tx(line, rings);
		if (ret == -EPROTO)
			events |= EPOLLERR;
		else if (ret < (int)rings->tx_size)
			events |= EPOLLOUT | EPOLLWRNORM;
	}
	if (rings->rx_size) {
		ret = vser_ring_receive(rings);
		if (ret == -EPROTO)
			events |= EPOLLERR;
		else if (ret)
			events |= EPOLLIN | EPOLLRDNORM;
	}

	return events;
}

/*
 * The file is being closed: what is in the tx ring is sent as far as there is
 * room. The process may be exiting, and then no signal ends its wait for the lock.
 * That is short: those that hold it wait for nothing.
 */
void vser_rings_close(struct vser_line *line, struct vser_rings *rings)
{
	if (!rings)
		return;

	mutex_lock(&line->tx.lock);
	vser_ring_send(line, rings);
	mutex_unlock(&line->tx.lock);
}
