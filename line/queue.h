/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vser - a queue of bytes between a program and a wire
 *
 * A kfifo with what it lacks: bytes move straight between its buffer and an
 * iov_iter, a fault in the middle of a user buffer loses none, and the two
 * sides see each other's indices by acquire and release.
 */
#ifndef VSER_QUEUE_H
#define VSER_QUEUE_H

#include <linux/cache.h>
#include <linux/fs.h>
#include <linux/kfifo.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat.h"

/*
 * Between two turns of a loop in process context: offers the CPU to others. Returns
 * false if the caller is being killed, and is to leave the rest. No spinlock held.
 */
static inline bool vser_may_go_on(void)
{
	cond_resched();

	return !fatal_signal_pending(current);
}

/**
 * struct vser_queue - the bytes under way in one direction
 * @lock: held by the program's side: the reader of rx, the writer of tx
 * @fifo: the bytes; has a buffer while the line is open or not empty
 * @shift: where index 0 is in the buffer; written by the producer, while the
 *        queue is empty, before it publishes an index
 *
 * A kfifo has one producer and one consumer, which need no lock between them.
 * One of them is the program's side, serialised by @lock; the other is the
 * wire's, serialised by a wire's lock. The producer alone writes fifo.in, the
 * consumer alone fifo.out; each reads the other's index by load-acquire and
 * publishes its own by store-release, so that the bytes are there before the
 * index says so. The indices run on as long as the line lives.
 *
 * A queue has cache lines of its own, so that a line's tx and rx, used on two CPUs,
 * do not slow one another.
 */
struct vser_queue {
	/* Process context; inside line->open_lock, outside the wires' locks. */
	struct mutex lock;
	struct kfifo fifo;
	u32 shift;
} ____cacheline_aligned_in_smp;

static inline void vser_queue_init(struct vser_queue *queue, u32 size)
{
	mutex_init(&queue->lock);
	kfifo_init(&queue->fifo, NULL, size);
}

static inline u32 vser_queue_size(struct vser_queue *queue)
{
	return READ_ONCE(queue->fifo.kfifo.mask) + 1;
}

/*
 * Takes the buffer away, for vser_line_buffer_free(); neither side may use the queue
 * meanwhile.
 */
static inline void *vser_queue_take_buffer(struct vser_queue *queue)
{
	void *buffer = queue->fifo.kfifo.data;

	queue->fifo.kfifo.data = NULL;

	return buffer;
}

/*
 * Bytes in the queue. Exact for either side about its own index; a bystander
 * may see the two indices of different moments, hence the bound.
 */
static inline u32 vser_queue_len(struct vser_queue *queue)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	u32 in, out;

	/* Pairs with vser_queue_skip(). */
	out = smp_load_acquire(&fifo->out);
	/* Pairs with vser_queue_put(). */
	in = smp_load_acquire(&fifo->in);

	return min(in - out, vser_queue_size(queue));
}

/*
 * Was the queue empty at some moment of this call? A bystander, too, may ask: out is
 * never ahead of in, and is looked at first, so they are equal only if it was.
 */
static inline bool vser_queue_empty(struct vser_queue *queue)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	/* Pairs with vser_queue_skip(). */
	u32 out = smp_load_acquire(&fifo->out);

	/* Pairs with vser_queue_put(). */
	return smp_load_acquire(&fifo->in) == out;
}

static inline bool vser_queue_full(struct vser_queue *queue)
{
	return vser_queue_len(queue) == vser_queue_size(queue);
}

/* Producer: the longest room that can be filled in one piece, at *@room. */
static inline u32 vser_queue_room(struct vser_queue *queue, u8 **room)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	u32 at = (fifo->in + queue->shift) & fifo->mask;
	u32 size = fifo->mask + 1, out;

	*room = fifo->data + at;
	/* Pairs with the release in vser_queue_skip(): the room is free. */
	out = smp_load_acquire(&fifo->out);

	return min(size - (fifo->in - out), size - at);
}

/* Producer: @n bytes are in place. */
static inline void vser_queue_put(struct vser_queue *queue, u32 n)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;

	/* The consumer, who sees the index, sees the bytes. */
	smp_store_release(&fifo->in, fifo->in + n);
}

/* Consumer: the longest row of bytes that lies in one piece, at *@bytes. */
static inline u32 vser_queue_peek(struct vser_queue *queue, u8 **bytes)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	u32 len, at;

	/* Pairs with the release in vser_queue_put(): the bytes are there. */
	len = smp_load_acquire(&fifo->in) - fifo->out;
	/* The buffer of an empty queue may change: then nobody looks at it. */
	at = (fifo->out + data_race(queue->shift)) & fifo->mask;
	/* Likewise. */
	*bytes = data_race(fifo->data) + at;

	return min(len, fifo->mask + 1 - at);
}

/* Consumer: @n bytes are no longer needed. */
static inline void vser_queue_skip(struct vser_queue *queue, u32 n)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;

	/* The producer, who sees the index, may overwrite the bytes. */
	smp_store_release(&fifo->out, fifo->out + n);
}

/* Producer: queues up to @n bytes; returns how many found room. */
static inline u32 vser_queue_in(struct vser_queue *queue, const u8 *bytes, u32 n)
{
	u32 done = 0, len;
	u8 *room;

	while (done < n && (len = vser_queue_room(queue, &room))) {
		len = min(len, n - done);
		memcpy(room, bytes + done, len);
		vser_queue_put(queue, len);
		done += len;
	}

	return done;
}

/*
 * Consumer: takes all bytes away, but for the oldest one if @keep is true; returns
 * how many.
 */
static inline u32 vser_queue_flush(struct vser_queue *queue, bool keep)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	u32 n, from, to;

	/* Pairs with the release in vser_queue_put(). */
	n = smp_load_acquire(&fifo->in) - fifo->out;
	if (!n)
		return 0;
	if (keep) {
		n--;
		/* The bytes between are the consumer's, and the last one, too. */
		from = (fifo->out + queue->shift) & fifo->mask;
		to = (from + n) & fifo->mask;
		((u8 *)fifo->data)[to] = ((u8 *)fifo->data)[from];
	}
	vser_queue_skip(queue, n);

	return n;
}

/*
 * Moves all bytes from @from to @to, which is empty and has the same size, by
 * exchanging their buffers. The caller is producer and consumer of @from, and
 * the producer of @to. Returns how many.
 */
static inline u32 vser_queue_exchange(struct vser_queue *from,
				      struct vser_queue *to)
{
	struct __kfifo *source = &from->fifo.kfifo, *target = &to->fifo.kfifo;
	u32 n = source->in - source->out;

	to->shift = source->out + from->shift - target->in;
	swap(source->data, target->data);
	vser_queue_skip(from, n);
	vser_queue_put(to, n);

	return n;
}

/* Consumer: byte number @at of those that are queued. */
static inline u8 vser_queue_at(struct vser_queue *queue, u32 at)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;

	return ((u8 *)fifo->data)[(fifo->out + queue->shift + at) & fifo->mask];
}

/*
 * Producer and consumer at once: the bytes move into @buffer of @size bytes, the
 * oldest @most of them, which fit. Returns how many did not; @buffer and @size
 * become those of the old buffer.
 */
static inline u32 vser_queue_swap(struct vser_queue *queue, void **buffer, u32 *size,
				  u32 most)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	u32 len = fifo->in - fifo->out, done = 0, lost = 0, n;
	u32 old_size = fifo->mask + 1;
	u8 *bytes;

	if (len > most) {
		lost = len - most;
		WRITE_ONCE(fifo->in, fifo->in - lost);
		len = most;
	}
	while (done < len) {
		u32 from = (fifo->out + queue->shift + done) & fifo->mask;
		u32 to = (fifo->out + done) & (*size - 1);

		bytes = fifo->data + from;
		n = min3(len - done, old_size - from, *size - to);
		memcpy(*buffer + to, bytes, n);
		done += n;
	}
	swap(fifo->data, *buffer);
	WRITE_ONCE(fifo->mask, *size - 1);
	queue->shift = 0;
	*size = old_size;

	return lost;
}

/*
 * Both directions copy by the functions that do not check the bounds of kernel
 * memory for hardened usercopy: here vser_queue_room() and vser_queue_peek() keep
 * them, and the check would take a sixth of a short call.
 *
 * Nor do they wait for the caller's memory: with the lock held, a page that is not
 * there ends the copy. It may take long to come, or never come (userfaultfd, a file
 * of a server that is down), and others need the lock. The caller then brings the
 * memory in without the lock, vser_iter_fault_in(), and tries again.
 */

/*
 * Moves bytes from @from into the queue until one of them ends. Returns how many.
 * *@late tells in advance that the memory was brought in, and afterwards that some
 * of it was not there. The first try queues a piece in full or not at all, so that
 * the bytes of one call stay together where that is possible. The other side may go on
 * all the time: hence a look at each turn.
 */
static inline size_t vser_queue_from_iter(struct vser_queue *queue,
					  struct iov_iter *from, bool *late)
{
	bool again = *late;
	size_t done = 0, copied;
	u32 len;
	u8 *room;

	lockdep_assert_held(&queue->lock);

	*late = false;
	while (!*late && iov_iter_count(from) &&
	       (len = vser_queue_room(queue, &room)) &&
	       (!done || vser_may_go_on())) {
		len = min_t(size_t, len, iov_iter_count(from));
		pagefault_disable();
		copied = _copy_from_iter(room, len, from);
		pagefault_enable();
		*late = copied < len;
		if (*late && !again && user_backed_iter(from)) {
			iov_iter_revert(from, copied);
			break;
		}
		vser_queue_put(queue, copied);
		done += copied;
	}

	return done;
}

/*
 * Moves bytes from the queue to @to until one of them ends. Returns how many. A
 * byte that could not be stored stays in the queue. *@late: as above.
 */
static inline size_t vser_queue_to_iter(struct vser_queue *queue,
					struct iov_iter *to, bool *late)
{
	bool again = *late;
	size_t done = 0, copied;
	u32 len;
	u8 *bytes;

	lockdep_assert_held(&queue->lock);

	*late = false;
	while (!*late && iov_iter_count(to) &&
	       (len = vser_queue_peek(queue, &bytes)) &&
	       (!done || vser_may_go_on())) {
		len = min_t(size_t, len, iov_iter_count(to));
		pagefault_disable();
		copied = _copy_to_iter(bytes, len, to);
		pagefault_enable();
		*late = copied < len;
		if (*late && !again && user_backed_iter(to)) {
			iov_iter_revert(to, copied);
			break;
		}
		vser_queue_skip(queue, copied);
		done += copied;
	}

	return done;
}

/*
 * Brings in the caller's memory, up to @most bytes of it, to be stored to or to be
 * read. Waits for it, and holds no lock. Returns 0 if the first byte is there, or
 * -EFAULT; also if the process is killed, which is to move no byte any more.
 */
static inline int vser_iter_fault_in(struct iov_iter *iter, u32 most, bool store)
{
	size_t n = min_t(size_t, iov_iter_count(iter), most), missing = n;

	/* Memory of the kernel is there: it cannot be stored to for another reason. */
	if (user_backed_iter(iter))
		missing = store ? fault_in_iov_iter_writeable(iter, n) :
				  fault_in_iov_iter_readable(iter, n);
	/* The program may take the page away as fast as it comes. */
	return !vser_may_go_on() || missing == n ? -EFAULT : 0;
}

#endif /* VSER_QUEUE_H */
