// SPDX-License-Identifier: GPL-2.0
/*
 * vser - a virtual serial line
 *
 * A character device, /dev/vser, that behaves as a serial port with something
 * at the other end of its cable, and needs no hardware. This file holds the
 * line (queues, wires, far ends) and the character device, the face by which
 * programs reach it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cdev.h>
#include <linux/compat.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/kfifo.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <asm/ioctls.h>

#include "vser.h"
#include "vser_compat.h"
#include "vser_frame.h"

static_assert(sizeof(struct vser_format) == 12);
static_assert(VS_SET_BAUD == 0x40047300);
static_assert(VS_GET_BAUD == 0x80047301);
static_assert(VS_SET_FMT == 0x400c7302);
static_assert(VS_GET_FMT == 0x800c7303);

#define VSER_NAME		"vser"
#define VSER_MAX_LINES		1024

#define VSER_DEFAULT_BAUD	115200
#define VSER_FIFO_SIZE		65536	/* bytes per direction, a power of two */
#define VSER_PERIOD_NS		NSEC_PER_SEC	/* from letter to letter */
#define VSER_LATENCY_NS		NSEC_PER_MSEC	/* a byte waits no longer */
#define VSER_BATCH		4096	/* frames moved by one timer expiry */

/*
 * Design
 * ======
 *
 * A line has a near end, the face that a program opens, and a far end, what it
 * is wired to:
 *
 *	program -- face -- tx queue -- wire -- far end
 *	                -- rx queue ----------/
 *
 * Objects. A &struct vser_line is one serial line; it lives from load to
 * unload. Its two &struct vser_queue hold bytes that are under way. A &struct
 * vser_wire is one direction of the connection: it takes frames from a source
 * and hands them on at their pace, which its timer keeps. &struct vser_far_ops
 * says what is at the other end; the rest of the file knows nothing else of it.
 *
 * Time. A frame is handed on when its last bit has passed, never before, and at
 * most VSER_LATENCY_NS later: a wire that is busy wakes up once for a batch,
 * and one that is idle not at all. Frames follow each other exactly
 * (vser_frame.h), whenever the timer happens to run.
 *
 * Contexts. Reads, writes, ioctls, open and release run in process context;
 * timers run in softirq context (HRTIMER_MODE_ABS_SOFT), and so does what they
 * call: the sources, the far end, the wake-ups.
 *
 * Locks, outermost first:
 *
 *	line->open_lock		who has the line open, and its buffers' lifetime
 *	queue->lock		the program's side of a queue
 *	wire->lock		the wire's side of a queue, and the wire
 *
 * The locks of the two queues are never held together, nor are those of two
 * wires. The first two are mutexes and may be held over a user copy; nobody
 * waits for bytes or for room while holding one. wire->lock is taken with
 * bottom halves off, as the timer takes it too.
 *
 * Full and empty. A full tx queue makes the writer wait (or answers EAGAIN).
 * What the far end sends into a full rx queue is lost and counted as overrun,
 * as on a UART. Closing the line loses nothing: what was written goes on being
 * sent, what was received waits for the next reader.
 */

/**
 * struct vser_queue - the bytes under way in one direction
 * @lock: held by the program's side: the reader of rx, the writer of tx
 * @fifo: the bytes; buffer allocated while the line is open or not empty
 * @wait: a reader that waits for bytes, a writer that waits for room
 *
 * A kfifo has one producer and one consumer, which need no lock between them.
 * One of them is the program's side, serialised by @lock; the other is the
 * wire's, serialised by the wire's lock. The producer alone writes fifo.in, the
 * consumer alone fifo.out; each reads the other's index by load-acquire and
 * publishes its own by store-release, so that the bytes are there before the
 * index says so.
 */
struct vser_queue {
	struct mutex lock;
	struct kfifo fifo;
	wait_queue_head_t wait;
};

struct vser_wire;

/**
 * struct vser_source - what feeds a wire
 * @queued: the frames that are ready to be sent, now
 * @carry:  hand @n of them on; n is at most what @queued said
 *
 * Both are called with the wire's lock held.
 */
struct vser_source {
	u32 (*queued)(struct vser_wire *wire);
	void (*carry)(struct vser_wire *wire, u32 n);
};

/**
 * struct vser_wire - one direction of a connection
 * @lock:   protects all of the struct; taken by processes and by the timer
 * @timer:  runs while the wire is busy
 * @source: what feeds the wire; constant
 * @busy:   a frame is on the wire, and @timer is armed or about to take @lock
 * @pace:   of the frames that start from now on
 * @end:    when the frame ends that is on the wire
 */
struct vser_wire {
	spinlock_t lock;
	struct hrtimer timer;
	const struct vser_source *source;
	bool busy;
	struct vser_pace pace;
	struct vser_instant end;
};

struct vser_line;

/**
 * struct vser_far_ops - what a line is wired to
 * @listen:  the line got its first reader (@on), or lost its last; process
 *           context, line->open_lock held
 * @receive: @n bytes arrive from the line; softirq or bottom halves off,
 *           line->out.lock held
 */
struct vser_far_ops {
	void (*listen)(struct vser_line *line, bool on);
	void (*receive)(struct vser_line *line, const u8 *bytes, u32 n);
};

/**
 * struct vser_line - a serial line
 * @dev:       in class vser; its last reference frees the line
 * @cdev:      the node's operations
 * @far:       what the line is wired to; constant
 *
 * @open_lock: protects @openers, @readers, and the lifetime of both buffers
 * @openers:   descriptors that can read or write. Written under @open_lock; the
 *             timer reads it without, to see if it should schedule @reap
 * @readers:   descriptors that can read
 * @reap:      frees the buffers of a closed line once they are empty
 *
 * @tx:        bytes to be sent; producer: writers, consumer: @out
 * @rx:        bytes received; producer: the wire that leads here, consumer:
 *             readers
 * @fasync:    who wants SIGIO; has its own lock, of the core
 * @tx_starved: bit 0: a program was told that tx is full, and has not been told
 *             since that there is room. Atomic
 *
 * @out:       the wire to the far end, fed by @tx
 * @out_limit: tx.fifo.in as far as @out knows of it: bytes before it are frames
 *             with a place in time. Protected by out.lock
 * @baud:      bits per second; protected by out.lock
 * @fmt:       frame format; protected by out.lock
 *
 * @in:        the wire from a far end of our own making, to @rx
 * @letters:   state of the generator; protected by in.lock
 *
 * The counters have one writer each, which is named here; readers may see them
 * at any time, by READ_ONCE (on a 32-bit kernel, they may see one torn).
 *
 * @tx_written:   bytes that programs wrote; tx.lock
 * @tx_sent:      frames that @out carried; out.lock
 * @rx_generated: bytes that the generator made; in.lock
 * @rx_overrun:   bytes that found rx full; the lock of the wire that leads here
 * @rx_delivered: bytes that programs read; rx.lock
 *
 * When nothing moves, written = sent + queued for tx and generated = delivered
 * + queued + overrun for rx.
 */
struct vser_line {
	struct device dev;
	struct cdev cdev;
	const struct vser_far_ops *far;

	struct mutex open_lock;
	unsigned int openers;
	unsigned int readers;
	struct work_struct reap;

	struct vser_queue tx;
	struct vser_queue rx;
	struct fasync_struct *fasync;
	unsigned long tx_starved;

	struct vser_wire out;
	u32 out_limit;
	u32 baud;
	struct vser_format fmt;

	struct vser_wire in;
	u64 letters;

	u64 tx_written;
	u64 tx_sent;
	u64 rx_generated;
	u64 rx_overrun;
	u64 rx_delivered;
};

static unsigned int vser_nr_lines = 1;
module_param_named(lines, vser_nr_lines, uint, 0444);
MODULE_PARM_DESC(lines, "number of lines, 1 to " __stringify(VSER_MAX_LINES) " (default 1)");

static dev_t vser_devt;
static struct vser_line **vser_lines;

static void vser_count(u64 *counter, u64 n)
{
	WRITE_ONCE(*counter, *counter + n);
}

/* Queues */

static void vser_queue_init(struct vser_queue *queue)
{
	mutex_init(&queue->lock);
	kfifo_init(&queue->fifo, NULL, VSER_FIFO_SIZE);
	init_waitqueue_head(&queue->wait);
}

/*
 * Gives the queue a buffer unless it has one. The indices run on from where
 * they were: a bystander that looks at them never sees one of them jump.
 */
static int vser_queue_alloc(struct vser_queue *queue)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;

	if (!fifo->data)
		fifo->data = kvmalloc(kfifo_size(&queue->fifo),
				      GFP_KERNEL_ACCOUNT);

	return fifo->data ? 0 : -ENOMEM;
}

/* Takes the buffer away; neither side may use the queue meanwhile. */
static void vser_queue_free(struct vser_queue *queue)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;

	kvfree(fifo->data);
	fifo->data = NULL;
}

/*
 * Bytes in the queue. Exact for either side about its own index; a bystander
 * may see the two indices of different moments, hence the bound.
 */
static u32 vser_queue_len(struct vser_queue *queue)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	u32 out = smp_load_acquire(&fifo->out);
	u32 len = smp_load_acquire(&fifo->in) - out;

	return min(len, kfifo_size(&queue->fifo));
}

static bool vser_queue_full(struct vser_queue *queue)
{
	return vser_queue_len(queue) == kfifo_size(&queue->fifo);
}

/* Producer: the longest room that can be filled in one piece, at *@room. */
static u32 vser_queue_room(struct vser_queue *queue, u8 **room)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	u32 at = fifo->in & fifo->mask;
	u32 size = fifo->mask + 1;

	*room = fifo->data + at;

	return min(size - (fifo->in - smp_load_acquire(&fifo->out)), size - at);
}

/* Producer: @n bytes are in place. */
static void vser_queue_put(struct vser_queue *queue, u32 n)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;

	smp_store_release(&fifo->in, fifo->in + n);
}

/* Consumer: the longest row of bytes that lies in one piece, at *@bytes. */
static u32 vser_queue_peek(struct vser_queue *queue, u8 **bytes)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	u32 at = fifo->out & fifo->mask;
	u32 size = fifo->mask + 1;

	*bytes = fifo->data + at;

	return min(smp_load_acquire(&fifo->in) - fifo->out, size - at);
}

/* Consumer: @n bytes are no longer needed. */
static void vser_queue_skip(struct vser_queue *queue, u32 n)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;

	smp_store_release(&fifo->out, fifo->out + n);
}

/* Producer: queues up to @n bytes; returns how many found room. */
static u32 vser_queue_in(struct vser_queue *queue, const u8 *bytes, u32 n)
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
 * Moves bytes from @from into the queue until one of them ends. Returns how
 * many; 0 if the queue is full; -EFAULT if the first byte could not be read.
 */
static ssize_t vser_queue_from_iter(struct vser_queue *queue,
				    struct iov_iter *from)
{
	size_t done = 0, copied;
	u32 len;
	u8 *room;

	lockdep_assert_held(&queue->lock);

	while (iov_iter_count(from) && (len = vser_queue_room(queue, &room))) {
		len = min_t(size_t, len, iov_iter_count(from));
		copied = copy_from_iter(room, len, from);
		vser_queue_put(queue, copied);
		done += copied;
		if (copied < len)
			return done ?: -EFAULT;
	}

	return done;
}

/*
 * Moves bytes from the queue to @to until one of them ends. Returns how many; 0
 * if the queue is empty; -EFAULT if the first byte could not be stored. A byte
 * that could not be stored stays in the queue.
 */
static ssize_t vser_queue_to_iter(struct vser_queue *queue, struct iov_iter *to)
{
	size_t done = 0, copied;
	u32 len;
	u8 *bytes;

	lockdep_assert_held(&queue->lock);

	while (iov_iter_count(to) && (len = vser_queue_peek(queue, &bytes))) {
		len = min_t(size_t, len, iov_iter_count(to));
		copied = copy_to_iter(bytes, len, to);
		vser_queue_skip(queue, copied);
		done += copied;
		if (copied < len)
			return done ?: -EFAULT;
	}

	return done;
}

/* Wires */

static void vser_wire_arm(struct vser_wire *wire)
{
	u64 look = vser_next_look(&wire->end, &wire->pace,
				  wire->source->queued(wire), VSER_LATENCY_NS);

	hrtimer_start(&wire->timer, ns_to_ktime(look), HRTIMER_MODE_ABS_SOFT);
}

/* Hands on a batch of the frames that have ended by @now. */
static void vser_wire_run(struct vser_wire *wire, u64 now)
{
	u64 due, queued, n;

	lockdep_assert_held(&wire->lock);

	due = vser_frames_due(&wire->end, &wire->pace, now);
	queued = wire->source->queued(wire);
	n = min3(due, queued, (u64)VSER_BATCH);
	if (!n)
		return;

	wire->source->carry(wire, n);
	vser_instant_advance(&wire->end, &wire->pace, n);
	wire->busy = wire->source->queued(wire);
}

/*
 * Hands on all frames that have ended by @now, which the timer may not have
 * done yet. What changes the frames to come does this first, so that it cannot
 * reach into the past.
 */
static void vser_wire_catch_up(struct vser_wire *wire, u64 now)
{
	lockdep_assert_held(&wire->lock);

	while (wire->busy && vser_frames_due(&wire->end, &wire->pace, now))
		vser_wire_run(wire, now);
}

/* Puts the first frame on an idle wire that has frames to send. */
static void vser_wire_start(struct vser_wire *wire, u64 now)
{
	lockdep_assert_held(&wire->lock);

	wire->busy = true;
	wire->end = (struct vser_instant) { .ns = now };
	vser_instant_advance(&wire->end, &wire->pace, 1);
	vser_wire_arm(wire);
}

/*
 * The timer is always armed by hrtimer_start() under the wire's lock, and never
 * by returning HRTIMER_RESTART: a process may have armed it anew while this
 * function waited for the lock.
 */
static enum hrtimer_restart vser_wire_timer(struct hrtimer *timer)
{
	struct vser_wire *wire = container_of(timer, struct vser_wire, timer);

	spin_lock(&wire->lock);
	if (wire->busy) {
		vser_wire_run(wire, ktime_get_ns());
		if (wire->busy)
			vser_wire_arm(wire);
	}
	spin_unlock(&wire->lock);

	return HRTIMER_NORESTART;
}

static void vser_wire_set_pace(struct vser_wire *wire, struct vser_pace pace)
{
	lockdep_assert_held(&wire->lock);

	vser_wire_catch_up(wire, ktime_get_ns());
	vser_instant_settle(&wire->end);
	wire->pace = pace;
}

/* Silences the wire for good or until it is started again; may sleep. */
static void vser_wire_stop(struct vser_wire *wire)
{
	spin_lock_bh(&wire->lock);
	wire->busy = false;
	spin_unlock_bh(&wire->lock);

	hrtimer_cancel(&wire->timer);
}

static void vser_wire_init(struct vser_wire *wire,
			   const struct vser_source *source,
			   struct vser_pace pace)
{
	spin_lock_init(&wire->lock);
	hrtimer_setup(&wire->timer, vser_wire_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_SOFT);
	wire->source = source;
	wire->pace = pace;
}

/* From the program to the far end */

static u32 vser_tx_queued(struct vser_wire *wire)
{
	struct vser_line *line = container_of(wire, struct vser_line, out);

	return line->out_limit - line->tx.fifo.kfifo.out;
}

static void vser_tx_carry(struct vser_wire *wire, u32 n)
{
	struct vser_line *line = container_of(wire, struct vser_line, out);
	u32 done = 0, len;
	u8 *bytes;

	while (done < n) {
		len = min(vser_queue_peek(&line->tx, &bytes), n - done);
		line->far->receive(line, bytes, len);
		vser_queue_skip(&line->tx, len);
		done += len;
	}
	vser_count(&line->tx_sent, n);

	wake_up_interruptible_poll(&line->tx.wait, EPOLLOUT | EPOLLWRNORM);
	/* Pairs with the barrier in vser_tx_starve(). */
	smp_mb();
	if (test_and_clear_bit(0, &line->tx_starved))
		kill_fasync(&line->fasync, SIGIO, POLL_OUT);

	if (line->out_limit == line->tx.fifo.kfifo.out &&
	    !READ_ONCE(line->openers))
		schedule_work(&line->reap);
}

static const struct vser_source vser_tx_source = {
	.queued = vser_tx_queued,
	.carry = vser_tx_carry,
};

/* Gives what the writer has queued its place in time. Caller: tx.lock. */
static void vser_tx_kick(struct vser_line *line)
{
	struct vser_wire *wire = &line->out;
	u64 now;

	lockdep_assert_held(&line->tx.lock);

	spin_lock_bh(&wire->lock);
	now = ktime_get_ns();
	vser_wire_catch_up(wire, now);
	line->out_limit = line->tx.fifo.kfifo.in;
	if (!wire->busy)
		vser_wire_start(wire, now);
	spin_unlock_bh(&wire->lock);
}

/*
 * The program is about to be told that tx is full, and wants SIGIO when there
 * is room. Returns false if there is room by now.
 */
static bool vser_tx_starve(struct vser_line *line)
{
	set_bit(0, &line->tx_starved);
	/*
	 * Either vser_tx_carry() sees the bit after it has made room, or the
	 * room that it made is seen here.
	 */
	smp_mb__after_atomic();

	return vser_queue_full(&line->tx);
}

/* From the far end to the program */

/* Bytes arrive at the line. Caller: the lock of the wire that leads here. */
static void vser_rx_push(struct vser_line *line, const u8 *bytes, u32 n)
{
	u32 taken = vser_queue_in(&line->rx, bytes, n);

	vser_count(&line->rx_overrun, n - taken);
	if (!taken)
		return;

	wake_up_interruptible_poll(&line->rx.wait, EPOLLIN | EPOLLRDNORM);
	kill_fasync(&line->fasync, SIGIO, POLL_IN);
}

/*
 * Far end "generator": sends letters to whoever listens, absorbs all it gets
 */

/* The generator never runs dry. */
static u32 vser_generator_queued(struct vser_wire *wire)
{
	return U32_MAX;
}

static void vser_generator_carry(struct vser_wire *wire, u32 n)
{
	struct vser_line *line = container_of(wire, struct vser_line, in);
	u8 letters[64];
	u32 len, i;

	while (n) {
		len = min_t(u32, n, sizeof(letters));
		for (i = 0; i < len; i++)
			letters[i] = 'A' +
				vser_random_below(vser_random(&line->letters), 26);
		vser_count(&line->rx_generated, len);
		vser_rx_push(line, letters, len);
		n -= len;
	}
}

static const struct vser_source vser_generator_source = {
	.queued = vser_generator_queued,
	.carry = vser_generator_carry,
};

static void vser_generator_listen(struct vser_line *line, bool on)
{
	if (on) {
		spin_lock_bh(&line->in.lock);
		vser_wire_start(&line->in, ktime_get_ns());
		spin_unlock_bh(&line->in.lock);
	} else {
		vser_wire_stop(&line->in);
	}
}

static void vser_generator_receive(struct vser_line *line, const u8 *bytes,
				   u32 n)
{
}

static const struct vser_far_ops vser_far_generator = {
	.listen = vser_generator_listen,
	.receive = vser_generator_receive,
};

/* Opening and closing */

/* Frees the buffers of a closed line that have nothing left in them. */
static void vser_line_reap(struct vser_line *line)
{
	bool tx_done;

	lockdep_assert_held(&line->open_lock);

	if (line->openers)
		return;

	/* Under the lock: the timer may be at its last touch of the queue. */
	spin_lock_bh(&line->out.lock);
	tx_done = !line->out.busy;
	spin_unlock_bh(&line->out.lock);

	if (tx_done)
		vser_queue_free(&line->tx);
	if (!vser_queue_len(&line->rx))
		vser_queue_free(&line->rx);
}

static void vser_reap_work(struct work_struct *work)
{
	struct vser_line *line = container_of(work, struct vser_line, reap);

	mutex_lock(&line->open_lock);
	vser_line_reap(line);
	mutex_unlock(&line->open_lock);
}

static int vser_line_open(struct vser_line *line, fmode_t mode)
{
	int ret = 0;

	lockdep_assert_held(&line->open_lock);

	if (line->openers)
		return -EBUSY;

	if (mode & FMODE_WRITE)
		ret = vser_queue_alloc(&line->tx);
	if (!ret && (mode & FMODE_READ))
		ret = vser_queue_alloc(&line->rx);
	if (ret) {
		vser_line_reap(line);
		return ret;
	}

	WRITE_ONCE(line->openers, line->openers + 1);
	if ((mode & FMODE_READ) && !line->readers++)
		line->far->listen(line, true);

	return 0;
}

static void vser_line_close(struct vser_line *line, fmode_t mode)
{
	lockdep_assert_held(&line->open_lock);

	if ((mode & FMODE_READ) && !--line->readers)
		line->far->listen(line, false);
	WRITE_ONCE(line->openers, line->openers - 1);
	vser_line_reap(line);
}

/* A descriptor that can neither read nor write: open(2), access mode 3. */
static bool vser_control_only(struct file *file)
{
	return !(file->f_mode & (FMODE_READ | FMODE_WRITE));
}

static int vser_open(struct inode *inode, struct file *file)
{
	struct vser_line *line = container_of(inode->i_cdev, struct vser_line,
					      cdev);
	int ret;

	file->private_data = line;
	stream_open(inode, file);
	file->f_mode |= FMODE_NOWAIT;
	if (vser_control_only(file))
		return 0;

	mutex_lock(&line->open_lock);
	ret = vser_line_open(line, file->f_mode);
	mutex_unlock(&line->open_lock);

	return ret;
}

static int vser_release(struct inode *inode, struct file *file)
{
	struct vser_line *line = file->private_data;

	if (vser_control_only(file))
		return 0;

	mutex_lock(&line->open_lock);
	vser_line_close(line, file->f_mode);
	mutex_unlock(&line->open_lock);

	return 0;
}

/* Reading and writing */

static bool vser_nonblocking(struct kiocb *iocb)
{
	return (iocb->ki_flags & IOCB_NOWAIT) ||
	       (iocb->ki_filp->f_flags & O_NONBLOCK);
}

/* Takes the program's side of a queue; a lock is held for one copy at most. */
static int vser_queue_lock(struct vser_queue *queue, struct kiocb *iocb)
{
	if (iocb->ki_flags & IOCB_NOWAIT)
		return mutex_trylock(&queue->lock) ? 0 : -EAGAIN;

	return mutex_lock_interruptible(&queue->lock) ? -ERESTARTSYS : 0;
}

static ssize_t vser_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vser_line *line = iocb->ki_filp->private_data;
	ssize_t n;
	int ret;

	if (!iov_iter_count(to))
		return 0;

	for (;;) {
		ret = vser_queue_lock(&line->rx, iocb);
		if (ret)
			return ret;
		n = vser_queue_to_iter(&line->rx, to);
		if (n > 0)
			vser_count(&line->rx_delivered, n);
		mutex_unlock(&line->rx.lock);
		if (n)
			return n;

		if (vser_nonblocking(iocb))
			return -EAGAIN;
		ret = wait_event_interruptible(line->rx.wait,
					       vser_queue_len(&line->rx));
		if (ret)
			return ret;
	}
}

static ssize_t vser_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct vser_line *line = iocb->ki_filp->private_data;
	ssize_t done = 0, n;
	int ret;

	while (iov_iter_count(from)) {
		ret = vser_queue_lock(&line->tx, iocb);
		if (ret)
			return done ?: ret;
		n = vser_queue_from_iter(&line->tx, from);
		if (n > 0) {
			vser_count(&line->tx_written, n);
			vser_tx_kick(line);
		}
		mutex_unlock(&line->tx.lock);
		if (n < 0)
			return done ?: n;
		done += n;
		if (n)
			continue;

		if (vser_nonblocking(iocb)) {
			if (vser_tx_starve(line))
				return done ?: -EAGAIN;
			continue;
		}
		ret = wait_event_interruptible(line->tx.wait,
					       !vser_queue_full(&line->tx));
		if (ret)
			return done ?: ret;
	}

	return done;
}

static __poll_t vser_poll(struct file *file, poll_table *wait)
{
	struct vser_line *line = file->private_data;
	__poll_t events = 0;

	/* First register, then look: what comes in between wakes the caller. */
	poll_wait(file, &line->rx.wait, wait);
	poll_wait(file, &line->tx.wait, wait);

	if ((file->f_mode & FMODE_READ) && vser_queue_len(&line->rx))
		events |= EPOLLIN | EPOLLRDNORM;
	if ((file->f_mode & FMODE_WRITE) &&
	    (!vser_queue_full(&line->tx) || !vser_tx_starve(line)))
		events |= EPOLLOUT | EPOLLWRNORM;

	return events;
}

static int vser_fasync(int fd, struct file *file, int on)
{
	struct vser_line *line = file->private_data;

	return fasync_helper(fd, file, on, &line->fasync);
}

/* ioctl */

/* Sets speed and format of the frames that start from now on. */
static void vser_set_frame_locked(struct vser_line *line, u32 baud,
				  const struct vser_format *fmt)
{
	vser_wire_set_pace(&line->out, vser_pace_of_line(baud, fmt));
	line->baud = baud;
	line->fmt = *fmt;
}

static long vser_ioctl_set_baud(struct vser_line *line, void __user *arg)
{
	u32 baud;

	if (get_user(baud, (u32 __user *)arg))
		return -EFAULT;
	if (!vser_baud_valid(baud))
		return -EINVAL;

	spin_lock_bh(&line->out.lock);
	vser_set_frame_locked(line, baud, &line->fmt);
	spin_unlock_bh(&line->out.lock);

	return 0;
}

static long vser_ioctl_get_baud(struct vser_line *line, void __user *arg)
{
	u32 baud;

	spin_lock_bh(&line->out.lock);
	baud = line->baud;
	spin_unlock_bh(&line->out.lock);

	return put_user(baud, (u32 __user *)arg);
}

static long vser_ioctl_set_fmt(struct vser_line *line, void __user *arg)
{
	struct vser_format fmt;

	if (copy_from_user(&fmt, arg, sizeof(fmt)))
		return -EFAULT;
	if (!vser_format_valid(&fmt))
		return -EINVAL;

	spin_lock_bh(&line->out.lock);
	vser_set_frame_locked(line, line->baud, &fmt);
	spin_unlock_bh(&line->out.lock);

	return 0;
}

static long vser_ioctl_get_fmt(struct vser_line *line, void __user *arg)
{
	struct vser_format fmt;

	spin_lock_bh(&line->out.lock);
	fmt = line->fmt;
	spin_unlock_bh(&line->out.lock);

	return copy_to_user(arg, &fmt, sizeof(fmt)) ? -EFAULT : 0;
}

static long vser_ioctl_rx_queued(struct vser_line *line, void __user *arg)
{
	return put_user(vser_queue_len(&line->rx), (int __user *)arg);
}

static long vser_ioctl_tx_queued(struct vser_line *line, void __user *arg)
{
	return put_user(vser_queue_len(&line->tx), (int __user *)arg);
}

static const struct {
	unsigned int cmd;
	long (*fn)(struct vser_line *line, void __user *arg);
} vser_ioctls[] = {
	{ VS_SET_BAUD,	vser_ioctl_set_baud },
	{ VS_GET_BAUD,	vser_ioctl_get_baud },
	{ VS_SET_FMT,	vser_ioctl_set_fmt },
	{ VS_GET_FMT,	vser_ioctl_get_fmt },
	{ FIONREAD,	vser_ioctl_rx_queued },
	{ TIOCOUTQ,	vser_ioctl_tx_queued },
};

static long vser_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vser_ioctls); i++)
		if (vser_ioctls[i].cmd == cmd)
			return vser_ioctls[i].fn(file->private_data,
						 (void __user *)arg);

	return -ENOTTY;
}

static const struct file_operations vser_fops = {
	.owner		= THIS_MODULE,
	.open		= vser_open,
	.release	= vser_release,
	.read_iter	= vser_read_iter,
	.write_iter	= vser_write_iter,
	.poll		= vser_poll,
	.fasync		= vser_fasync,
	.unlocked_ioctl	= vser_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/* sysfs: /sys/class/vser/<name>/stats/<counter> */

#define VSER_STAT(name, value)						\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	struct vser_line *line = container_of(dev, struct vser_line, dev); \
									\
	return sysfs_emit(buf, "%llu\n", (u64)(value));			\
}									\
static DEVICE_ATTR_RO(name)

VSER_STAT(rx_delivered, READ_ONCE(line->rx_delivered));
VSER_STAT(rx_generated, READ_ONCE(line->rx_generated));
VSER_STAT(rx_overrun, READ_ONCE(line->rx_overrun));
VSER_STAT(rx_queued, vser_queue_len(&line->rx));
VSER_STAT(tx_queued, vser_queue_len(&line->tx));
VSER_STAT(tx_sent, READ_ONCE(line->tx_sent));
VSER_STAT(tx_written, READ_ONCE(line->tx_written));

static struct attribute *vser_stats_attrs[] = {
	&dev_attr_rx_delivered.attr,
	&dev_attr_rx_generated.attr,
	&dev_attr_rx_overrun.attr,
	&dev_attr_rx_queued.attr,
	&dev_attr_tx_queued.attr,
	&dev_attr_tx_sent.attr,
	&dev_attr_tx_written.attr,
	NULL
};

static const struct attribute_group vser_stats_group = {
	.name = "stats",
	.attrs = vser_stats_attrs,
};

static const struct attribute_group *vser_groups[] = {
	&vser_stats_group,
	NULL
};

static char *vser_devnode(vser_devnode_device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0660;

	return NULL;
}

static struct class vser_class = {
	.name = VSER_NAME,
	.dev_groups = vser_groups,
	.devnode = vser_devnode,
};

/* Creating and destroying */

static void vser_line_release(struct device *dev)
{
	struct vser_line *line = container_of(dev, struct vser_line, dev);

	vser_queue_free(&line->tx);
	vser_queue_free(&line->rx);
	kfree(line);
}

/* Makes line @index and, when everything behind it is ready, its node. */
static struct vser_line *vser_line_create(unsigned int index)
{
	static const struct vser_format fmt = { .datab = 8, .stopb = 1 };
	struct vser_line *line;
	int ret;

	line = kzalloc(sizeof(*line), GFP_KERNEL);
	if (!line)
		return ERR_PTR(-ENOMEM);

	line->far = &vser_far_generator;
	mutex_init(&line->open_lock);
	INIT_WORK(&line->reap, vser_reap_work);
	vser_queue_init(&line->tx);
	vser_queue_init(&line->rx);
	line->baud = VSER_DEFAULT_BAUD;
	line->fmt = fmt;
	vser_wire_init(&line->out, &vser_tx_source,
		       vser_pace_of_line(line->baud, &line->fmt));
	vser_wire_init(&line->in, &vser_generator_source,
		       vser_pace_of_period(VSER_PERIOD_NS));
	line->letters = get_random_u64();

	device_initialize(&line->dev);
	line->dev.class = &vser_class;
	line->dev.devt = vser_devt + index;
	line->dev.release = vser_line_release;
	ret = index ? dev_set_name(&line->dev, VSER_NAME "%u", index) :
		      dev_set_name(&line->dev, VSER_NAME);
	if (ret)
		goto err_put_device;

	cdev_init(&line->cdev, &vser_fops);
	line->cdev.owner = THIS_MODULE;
	ret = cdev_device_add(&line->cdev, &line->dev);
	if (ret)
		goto err_put_device;

	return line;

err_put_device:
	put_device(&line->dev);
	return ERR_PTR(ret);
}

/* An open descriptor pins the module, so there is none. */
static void vser_line_destroy(struct vser_line *line)
{
	cdev_device_del(&line->cdev, &line->dev);
	vser_wire_stop(&line->out);
	cancel_work_sync(&line->reap);
	put_device(&line->dev);
}

static void vser_lines_destroy(unsigned int n)
{
	while (n--)
		vser_line_destroy(vser_lines[n]);
}

static int __init vser_lines_create(unsigned int n)
{
	struct vser_line *line;
	unsigned int i;

	for (i = 0; i < n; i++) {
		line = vser_line_create(i);
		if (IS_ERR(line)) {
			vser_lines_destroy(i);
			return PTR_ERR(line);
		}
		vser_lines[i] = line;
	}

	return 0;
}

static int __init vser_init(void)
{
	int ret;

	if (!vser_nr_lines || vser_nr_lines > VSER_MAX_LINES) {
		pr_err("lines=%u: must be 1 to %u\n", vser_nr_lines,
		       VSER_MAX_LINES);
		return -EINVAL;
	}

	vser_lines = kcalloc(vser_nr_lines, sizeof(*vser_lines), GFP_KERNEL);
	if (!vser_lines)
		return -ENOMEM;

	ret = alloc_chrdev_region(&vser_devt, 0, vser_nr_lines, VSER_NAME);
	if (ret)
		goto err_free_lines;

	ret = class_register(&vser_class);
	if (ret)
		goto err_unregister_region;

	ret = vser_lines_create(vser_nr_lines);
	if (ret)
		goto err_unregister_class;

	return 0;

err_unregister_class:
	class_unregister(&vser_class);
err_unregister_region:
	unregister_chrdev_region(vser_devt, vser_nr_lines);
err_free_lines:
	kfree(vser_lines);
	return ret;
}

static void __exit vser_exit(void)
{
	vser_lines_destroy(vser_nr_lines);
	class_unregister(&vser_class);
	unregister_chrdev_region(vser_devt, vser_nr_lines);
	kfree(vser_lines);
}

module_init(vser_init);
module_exit(vser_exit);

MODULE_AUTHOR("The vser maintainers");
MODULE_DESCRIPTION("A virtual serial line");
MODULE_LICENSE("GPL");
