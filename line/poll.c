// SPDX-License-Identifier: GPL-2.0
/*
 * vser - poll, SIGIO, and who sleeps until something of a line has become true
 *
 * What poll() reports, and who is woken. Touches face.wait, and of an open file what
 * that waits for.
 */
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "cdev.h"

/* Called under the lock of face.wait. */
int vser_waiter_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
		     void *key)
{
	struct vser_waiter *waiter = container_of(entry, struct vser_waiter,
						  entry);

	if (!(key_to_poll(key) & waiter->what))
		return 0;

	return autoremove_wake_function(entry, mode, sync, key);
}

bool vser_file_has_event(struct vser_file *vfile)
{
	return READ_ONCE(vfile->cdev->event_seq) != READ_ONCE(vfile->next_event);
}

/*
 * The program is about to be told that tx is full, and wants SIGIO when there
 * is room. Returns false if there is room by now.
 */
bool vser_tx_starve(struct vser_file *vfile)
{
	set_bit(VSER_TX_STARVED, &vfile->flags);
	/*
	 * Either vser_file_tell() sees the bit after there is room, or the room is
	 * seen here.
	 */
	smp_mb__after_atomic();

	return vser_queue_full(&vfile->line->tx);
}

/* What poll() may tell of this file. */
static __poll_t vser_file_concern(struct vser_file *vfile)
{
	__poll_t concern = 0;

	if (vfile->file->f_mode & FMODE_READ)
		concern |= VSER_KEY_RX;
	if (vfile->file->f_mode & FMODE_WRITE)
		concern |= VSER_KEY_TX;
	if (READ_ONCE(vfile->watch) == VSER_WATCH_ON)
		concern |= VSER_KEY_EVENT;

	return concern;
}

/* The program was told that there is no room, and has not yet been told of some. */
static bool vser_file_starved(struct vser_file *vfile, int bit)
{
	/* Most programs always find room: first a look without an atomic operation. */
	return test_bit(bit, &vfile->flags) &&
	       test_and_clear_bit(bit, &vfile->flags);
}

/*
 * Tells those that poll the file, or get its signals, what has become true of
 * @events. The caller has a full barrier between that and this, which pairs with
 * those of vser_poll() and vser_tx_starve(). Softirq or process context, under the
 * lock of face.wait and no wire's.
 */
static void vser_file_tell(struct vser_file *vfile, __poll_t events)
{
	__poll_t key;

	events &= vser_file_concern(vfile);
	if (!events)
		return;

	key = events;
	/* A process that polls for bytes alone moves those of the ring, too. */
	if ((events & VSER_KEY_TX) && vser_file_starved(vfile, VSER_RING_STARVED))
		key |= VSER_KEY_RX;
	/*
	 * io_uring ignores a wake-up with EPOLLPRI alone since v5.19 (commit
	 * 1b1d7b4bf1d9). A wake-up without a key makes each poller look again.
	 */
	if (events & VSER_KEY_EVENT)
		key = 0;
	/* The caller has the barrier. */
	if (waitqueue_active(&vfile->wait))
		wake_up_interruptible_poll(&vfile->wait, key);

	if (events & VSER_KEY_RX)
		kill_fasync(&vfile->fasync, SIGIO, POLL_IN);
	if ((events & VSER_KEY_TX) && vser_file_starved(vfile, VSER_TX_STARVED))
		kill_fasync(&vfile->fasync, SIGIO, POLL_OUT);
	if (events & VSER_KEY_EVENT)
		kill_fasync(&vfile->fasync, SIGIO, POLL_PRI);
}

/* Called under the lock of face.wait. */
int vser_file_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
		   void *key)
{
	vser_file_tell(container_of(entry, struct vser_file, entry),
		       key_to_poll(key));

	return 0;
}

/* Wakes those that wait for something of @news. */
void vser_cdev_tell(struct vser_face *face, __poll_t news)
{
	wake_up_interruptible_poll(&face->wait, news);
}

/* From now on the file is told what happens to the line. */
static void vser_file_follow(struct vser_file *vfile)
{
	wait_queue_head_t *wait = &vfile->cdev->face.wait;

	/* Pairs with the release below: the entry is in there. */
	if (smp_load_acquire(&vfile->follows))
		return;

	spin_lock_irq(&wait->lock);
	if (!vfile->follows) {
		__add_wait_queue(wait, &vfile->entry);
		/* Pairs with the acquire above. */
		smp_store_release(&vfile->follows, true);
	}
	spin_unlock_irq(&wait->lock);
}

/* The file is being closed: nobody polls it any more. */
void vser_file_unfollow(struct vser_file *vfile)
{
	if (vfile->follows)
		remove_wait_queue(&vfile->cdev->face.wait, &vfile->entry);
}

/*
 * From now on POLLPRI and SIGIO tell of the file's events: of those too that are
 * waiting. xchg() or cmpxchg() is the caller's barrier.
 */
void vser_file_watch(struct vser_file *vfile)
{
	if (vser_file_has_event(vfile))
		vser_file_tell(vfile, VSER_KEY_EVENT);
}

__poll_t vser_poll(struct file *file, poll_table *wait)
{
	struct vser_file *vfile = file->private_data;
	struct vser_line *line = vfile->line;
	bool reads = file->f_mode & FMODE_READ;
	bool writes = file->f_mode & FMODE_WRITE;
	struct vser_rings *rings;
	__poll_t events = 0;

	/*
	 * First register, then look: what comes in between wakes the caller. It is
	 * one queue: aio takes no second one, io_uring no third.
	 */
	vser_file_follow(vfile);
	poll_wait(file, &vfile->wait, wait);
	/* Pairs with vser_wire_release(). */
	smp_mb();

	rings = vser_file_rings(vfile);
	if (rings) {
		events = vser_rings_poll(rings);
		reads = !rings->rx_size;
		writes = !rings->tx_size;
	}
	if (reads && !vser_queue_empty(&vfile->cdev->rx))
		events |= VSER_KEY_RX;
	if (writes && (!vser_queue_full(&line->tx) || !vser_tx_starve(vfile)))
		events |= VSER_KEY_TX;
	if (READ_ONCE(vfile->watch) == VSER_WATCH_ON &&
	    vser_file_has_event(vfile))
		events |= VSER_KEY_EVENT;

	return events;
}

int vser_fasync(int fd, struct file *file, int on)
{
	struct vser_file *vfile = file->private_data;

	if (on) {
		vser_file_follow(vfile);
		/* From before, when there was no signal to come. */
		if (!vser_queue_full(&vfile->line->tx))
			clear_bit(VSER_TX_STARVED, &vfile->flags);
	}

	return fasync_helper(fd, file, on, &vfile->fasync);
}
