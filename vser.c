// SPDX-License-Identifier: GPL-2.0
/*
 * vser - a virtual serial line
 *
 * A character device, /dev/vser, that behaves as a serial port with something
 * at the other end of its cable, and needs no hardware. This file holds the
 * line and the character device, the face by which programs reach it. As
 * kbuild cannot link vser.ko out of vser.o and others, it includes its parts:
 *
 *	vser_line.h	what a line is made of
 *	vser_queue.h	the bytes under way
 *	vser_frame.h	frames, their time and their faults: pure arithmetic
 *	vser_wire.h	what moves the bytes, and when
 *	vser_ring.h	rings that an open file shares with the process
 *	vser_sysfs.h	the files of a line in sysfs
 *	vser_trace.h	tracepoints
 *	vser_compat.h	what older kernels lack
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cdev.h>
#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/splice.h>
#include <linux/string_helpers.h>
#include <linux/sysfs.h>
#include <linux/termios.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "vser.h"
#include "vser_compat.h"
#include "vser_line.h"

#define CREATE_TRACE_POINTS
#include "vser_trace.h"

static_assert(sizeof(struct vser_format) == 12);
static_assert(sizeof(struct vser_info) == 16);
static_assert(sizeof(struct vser_wiring) == 16);
static_assert(sizeof(struct vser_fault) == 40);
static_assert(sizeof(struct vser_modem_wait) == 8);
static_assert(sizeof(struct vser_event) == 16);
static_assert(sizeof(struct vser_counters) == 80);
static_assert(sizeof(struct vser_ring) == 32);
static_assert(sizeof(struct vser_ring_page) == 256);
static_assert(offsetof(struct vser_ring_page, rx_out) == 64);
static_assert(offsetof(struct vser_ring_page, tx_in) == 128);
static_assert(offsetof(struct vser_ring_page, tx_out) == 192);

/* Fixed as they are; how direction and size are encoded depends on the machine. */
#define VSER_FIXED(cmd, dir, nr, size)					\
	static_assert(_IOC_TYPE(cmd) == 's' && _IOC_NR(cmd) == (nr) &&	\
		      _IOC_DIR(cmd) == (dir) && _IOC_SIZE(cmd) == (size))

VSER_FIXED(VS_SET_BAUD, _IOC_WRITE, 0, 4);
VSER_FIXED(VS_GET_BAUD, _IOC_READ, 1, 4);
VSER_FIXED(VS_SET_FMT, _IOC_WRITE, 2, 12);
VSER_FIXED(VS_GET_FMT, _IOC_READ, 3, 12);

#define VSER_NAME		"vser"
#define VSER_MAX_LINES		1024

#define VSER_DEFAULT_BAUD	115200
#define VSER_DEFAULT_FIFO	65536	/* bytes per direction */
#define VSER_MIN_FIFO		16
#define VSER_MAX_FIFO		(4 << 20)
#define VSER_DEFAULT_PERIOD	NSEC_PER_SEC	/* from letter to letter */
#define VSER_MIN_PERIOD		1000
#define VSER_MAX_PERIOD		(3600ULL * NSEC_PER_SEC)
#define VSER_DEFAULT_LATENCY	NSEC_PER_MSEC	/* a byte waits no longer */
#define VSER_MIN_LATENCY	(10 * NSEC_PER_USEC)
#define VSER_MAX_LATENCY	NSEC_PER_SEC
#define VSER_BATCH		4096	/* frames moved by one timer expiry */
#define VSER_BURST		65536	/* unpaced frames moved under one lock */
#define VSER_SLOW_BURST		1024	/* if each is looked at, bit by bit */
#define VSER_REPORTS		4	/* lines told of in a row */
#define VSER_DEFER		256	/* bytes worth waiting for an exchange */
#define VSER_MAX_LAG		(100 * NSEC_PER_MSEC)	/* of a generator */
#define VSER_MARK_WINDOW	256	/* bytes that tell where marks are */
#define VSER_EVENTS		64	/* remembered per line, a power of two */
#define VSER_MAX_TEXT		256	/* bytes that the generator repeats */
#define VSER_BREAK_MS		250	/* TCSBRK(0) */
#define VSER_MAX_BREAK		36000	/* TCSBRKP, in tenths of a second */

/* On a 32-bit kernel a long does not hold it. */
static_assert(VSER_MAX_PERIOD == 3600000000000ULL);

#define VSER_MODEM_INPUTS	(TIOCM_CTS | TIOCM_DSR | TIOCM_CD | TIOCM_RI)
/* OUT1 is the far end's RI: a DTE has no other way to ring. */
#define VSER_MODEM_OUTPUTS	(TIOCM_DTR | TIOCM_RTS | TIOCM_OUT1)

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
 * vser_wire is one direction of a connection: it takes frames from a source and
 * hands them on at their pace, which its timer keeps. &struct vser_far_ops says
 * what is at the other end. A line owns two wires: line->out takes what
 * programs write to the far end, be that nothing, this line or another one;
 * line->in brings what the line's own generator makes. line->lead is the one
 * wire that may put bytes into the line's rx queue: line->in, the line's own
 * line->out (loopback) or that of its peer (null modem).
 *
 * Time. A frame is handed on when its last bit has passed, never before, and at
 * most line->latency later: a wire that is busy wakes up once for a batch, and
 * one that is idle not at all. Frames follow each other exactly (vser_frame.h),
 * whenever the timer happens to run. An unpaced wire needs none: whoever queues
 * bytes or makes room moves them. The sender's tx queue and an empty rx queue
 * exchange their buffers, so that each byte is copied twice and not three times.
 * For this a reader who has made room may leave the bytes where they are until he
 * has read the rest; the timer sees to it that they wait no longer than
 * line->latency if he does not.
 *
 * Rings. An open file may share memory with its process (vser_ring.h), from and
 * to which bytes are moved when the process asks or polls. There the kernel is
 * but another program, of which the line knows only that it polls and has more to
 * send: VSER_RING_STARVED.
 *
 * Waiting. All that waits for something of a line is in one wait queue, line->wait,
 * and each wake-up there is keyed by what has become true. Tasks that sleep in a call
 * are in there themselves. Those that poll are in a wait queue of their open file,
 * which has one entry in line->wait that passes on what concerns this file: poll()
 * registers one queue, as aio and io_uring demand, and as they believe the key, no
 * file is woken for what another one may do.
 *
 * Contexts. Reads, writes, ioctls, sysfs, open and release run in process
 * context; timers run in softirq context (HRTIMER_MODE_ABS_SOFT), and so does
 * what they call: sources, far ends, wake-ups. Nothing runs in hard interrupt
 * context.
 *
 * Locks, outermost first:
 *
 *	vser_labs_lock		which laboratories there are
 *	line->config_lock	how the line is wired and set
 *	line->open_lock		who has the line open, and its buffers' lifetime
 *	queue->lock		the program's side of a queue
 *	wire->lock		the wire, the far side of the queues at its two
 *				ends, and all else that the line it leads to
 *				receives: modem lines, errors, events
 *
 * No two locks of one kind are ever held together, except config_lock: that of a
 * line and those of its peers, old and new, in the order of their index. All but the
 * last are mutexes. Nobody waits for bytes, for room, or for a program's memory while
 * holding one: a copy from or to a program's memory under queue->lock takes what is
 * there, and the program brings in the rest without it (vser_queue.h).
 *
 * wire->lock is taken with bottom halves off, as the timer takes it too. What is
 * received is protected by the lock of line->lead, which changes under the lock of
 * the wire that it named before: vser_lead_lock().
 *
 * Full and empty. A full tx queue makes the writer wait (or answers EAGAIN). A
 * full rx queue stops the sender if both ends have flow control: the wire finds
 * no room, sets line->full and goes idle, and the reader that has made room, half
 * of the queue, starts it again. Otherwise what finds no room is lost and counted
 * as overrun, as on a UART. A closed line receives nothing. Closing loses nothing:
 * what was written goes on being sent as far as the far end takes it, what was
 * received waits for the next reader.
 *
 * RTS, as the far end sees it, goes off when rx is seven eighths full, and comes
 * back when it is half empty (line->throttled). This does not depend on the sender: a
 * program that looks at CTS itself has an eighth of the queue for what it has under
 * way. Our own senders do not look at that: the room in rx stops them, and RTS stops
 * them only if the program at the other end has taken it away (line->may_send). So a
 * transfer at full speed uses all of the queue; and when one buffer that was read is
 * exchanged for the next, which is full, RTS stays off and there is nothing to tell.
 */

static unsigned int vser_nr_lines = 1;
module_param_named(lines, vser_nr_lines, uint, 0444);
MODULE_PARM_DESC(lines, "number of lines, 1 to " __stringify(VSER_MAX_LINES) " (default 1)");

static unsigned long vser_max_buffers = 64 << 20;
module_param_named(max_buffers, vser_max_buffers, ulong, 0444);
MODULE_PARM_DESC(max_buffers, "bytes that all buffers together may take without CAP_SYS_RESOURCE (default 64 MiB)");

static unsigned long vser_user_buffers;
module_param_named(user_buffers, vser_user_buffers, ulong, 0444);
MODULE_PARM_DESC(user_buffers, "the same for those of one user (default half of max_buffers)");

static dev_t vser_devt;
static struct class *vser_class;
static struct vser_line **vser_lines;

/*
 * The operations of all nodes, and a kobject that it refers to, by which the exit
 * sees when the kernel has forgotten it. Both are released by the kernel alone.
 */
static struct cdev *vser_cdev;
static struct cdev *vser_cdev_parent;

/*
 * What the buffers of one user take. Buffers of a line are those of the user that
 * opened it last, also when it is closed and they are not empty: a user with many
 * closed lines leaves room for others.
 */
struct vser_account {
	struct list_head list;
	kuid_t uid;
	unsigned int refs;	/* lines and rings */
	unsigned long bytes;
};

/* Protects all accounts. Process context, innermost. */
static DEFINE_SPINLOCK(vser_accounts_lock);
static LIST_HEAD(vser_accounts);
static unsigned long vser_buffers;	/* bytes in all of them */

/* The account of the calling user, with a reference; NULL if there is no memory. */
static struct vser_account *vser_account_get(void)
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

static void vser_account_put(struct vser_account *account)
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
static int vser_account_move(struct vser_account *from,
			     struct vser_account *account, size_t size)
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

static int vser_buffer_charge(struct vser_account *account, size_t size)
{
	return vser_account_move(NULL, account, size);
}

static void vser_buffer_uncharge(struct vser_account *account, size_t size)
{
	spin_lock(&vser_accounts_lock);
	account->bytes -= size;
	vser_buffers -= size;
	spin_unlock(&vser_accounts_lock);
}

/* Buffers of queues */

static void *vser_buffer_alloc(struct vser_account *account, size_t size)
{
	void *buffer;
	int ret;

	ret = vser_buffer_charge(account, size);
	if (ret)
		return ERR_PTR(ret);

	buffer = kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!buffer) {
		vser_buffer_uncharge(account, size);
		return ERR_PTR(-ENOMEM);
	}

	return buffer;
}

static void vser_buffer_free(struct vser_account *account, void *buffer,
			     size_t size)
{
	if (!buffer)
		return;

	kvfree(buffer);
	vser_buffer_uncharge(account, size);
}

/* Gives the queue a buffer unless it has one. */
static int vser_queue_alloc(struct vser_queue *queue,
			    struct vser_account *account)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	void *buffer;

	if (fifo->data)
		return 0;

	buffer = vser_buffer_alloc(account, vser_queue_size(queue));
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	fifo->data = buffer;

	return 0;
}

#include "vser_wire.h"

/* Receiving: from a wire to the program */

/* At least half of rx is empty: time to go on. */
static bool vser_rx_low(struct vser_line *line)
{
	return vser_queue_len(&line->rx) <= vser_queue_size(&line->rx) / 2;
}

/* Seven eighths of rx are full: the sender is to stop. */
static bool vser_rx_high(struct vser_line *line)
{
	u32 size = vser_queue_size(&line->rx);

	return vser_queue_len(&line->rx) >= size - size / 8;
}

static void vser_rx_unthrottle(struct vser_line *line)
{
	vser_assert_lead(line);

	WRITE_ONCE(line->throttled, false);
	line->full = false;
	/* Pairs with vser_wire_report(): who takes the bit sees this. */
	smp_mb__before_atomic();
	set_bit(VSER_RTS_STALE, &line->flags);
}

/*
 * rx is about to be full: the reader calls when it has made room. A line is throttled
 * only while rx is not low: no reader calls otherwise.
 */
static void vser_rx_throttle(struct vser_line *line)
{
	vser_assert_lead(line);

	if (line->throttled)
		return;

	WRITE_ONCE(line->throttled, true);
	/* As in vser_rx_unthrottle(). */
	smp_mb__before_atomic();
	set_bit(VSER_RTS_STALE, &line->flags);
	/*
	 * Either the reader sees this after it has taken bytes, or what it has
	 * taken is seen here.
	 */
	smp_mb();
	if (vser_rx_low(line))
		vser_rx_unthrottle(line);
}

/*
 * There is no room in rx: the wire waits for the reader that makes some. Returns
 * false if one has done so meanwhile.
 */
static bool vser_rx_fill(struct vser_line *line)
{
	line->full = true;
	vser_rx_throttle(line);
	/* A reader that comes after this look finds the line throttled. */
	if (vser_rx_low(line))
		line->full = false;

	return line->full;
}

/*
 * Half of rx was empty, and may have been filled since then. If it is not about to
 * be full again, the far end sees RTS. While a wire waits for room, the line stays
 * throttled: by that the reader that makes the room knows that it is to start the wire.
 */
static void vser_rx_relax(struct vser_line *line)
{
	struct vser_wire *lead;

	if (!READ_ONCE(line->throttled) || vser_rx_high(line))
		return;

	lead = vser_lead_lock(line);
	if (line->throttled && !line->full && !vser_rx_high(line))
		vser_rx_unthrottle(line);
	vser_lead_unlock(lead);
}

/*
 * How many frames rx takes, whatever becomes of them on the way over @link. If
 * none, there are none from here on until the reader has emptied half of it.
 */
static u32 vser_rx_room(struct vser_line *line, const struct vser_link *link)
{
	u32 room;

	vser_assert_lead(line);

	if (line->full && !vser_rx_low(line))
		return 0;
	line->full = false;

	do {
		room = vser_queue_size(&line->rx) - vser_queue_len(&line->rx);
		if (line->mark)
			room /= 3;
		if (!vser_link_clean(link))
			room /= VSER_CHARS_MAX;
		/* Half of a small queue may be too little for the worst. */
		if (!room && vser_rx_low(line))
			room = 1;
	} while (!room && !vser_rx_fill(line));

	return room;
}

/* Does what comes over @link arrive just as it was sent? */
static bool vser_rx_plain(struct vser_line *line, const struct vser_link *link)
{
	return vser_link_clean(link) && link->tx.fmt.datab == 8 && !line->mark;
}

/*
 * If the sender has a lot queued, it is best to wait until the reader has taken
 * the rest, too, and then to exchange buffers instead of copying. The timer
 * moves the bytes if the reader does not go on. Returns true if it is so.
 */
static bool vser_rx_defer(struct vser_line *line, struct vser_wire *lead)
{
	struct vser_queue *tx = &lead->line->tx;
	u32 rest = vser_queue_len(&line->rx);
	bool deferred = rest && lead == &lead->line->out && !lead->paced &&
			vser_queue_len(tx) >= max_t(u32, rest, VSER_DEFER) &&
			vser_queue_size(tx) == vser_queue_size(&line->rx) &&
			vser_rx_plain(line, &lead->link);

	WRITE_ONCE(line->deferred, deferred);
	if (!deferred)
		return false;

	/*
	 * Either another reader, who has taken the rest, sees this, or what he
	 * has taken is seen here.
	 */
	smp_mb();
	if (vser_queue_empty(&line->rx)) {
		WRITE_ONCE(line->deferred, false);
		return false;
	}
	vser_wire_move_later(lead);

	return true;
}

/*
 * The reader has made room in rx, or taken its rest: moves what waits in tx for that.
 * Apart from vser_rx_made_room(), as most reads only have to look.
 */
static noinline void vser_rx_fetch(struct vser_line *line)
{
	struct vser_line *to = line;
	struct vser_wire *lead;
	bool done;

	lead = vser_lead_lock(line);
	/* If a wire waits for room, it is started below, or by who takes the rest. */
	if (vser_rx_low(line))
		line->full = false;
	done = vser_rx_defer(line, lead);
	vser_lead_unlock(lead);
	/* If it is taken, a writer is at work, and what he has queued is moved. */
	if (!done && lead == &lead->line->out &&
	    mutex_trylock(&lead->line->tx.lock)) {
		done = vser_wire_exchange(lead);
		mutex_unlock(&lead->line->tx.lock);
	}
	if (!done)
		to = vser_wire_pump(lead, false);

	/* If rx has filled up again by now, RTS has not changed. */
	vser_rx_relax(line);
	vser_wire_report(line);
	/* The line may have been wired anew meanwhile. */
	if (to != line)
		vser_wire_report(to);
}

/*
 * The reader has taken bytes from rx; no wire's lock held.
 *
 * Several readers may be here at once, and a writer or the timer may move bytes
 * meanwhile. Bytes that wait in tx for a reader do so for one of two reasons, and
 * both are lifted here, each by a reader that cannot miss it:
 *
 * - The wire has found no room. Then line->throttled is set, under the lead's lock,
 *   and stays so while line->full is. A reader that empties half of rx after that sees
 *   it; what it took before, the wire sees (vser_rx_throttle()).
 * - A reader has deferred them, because there is a rest in rx. Then line->deferred
 *   is set, and the reader that takes the rest sees it; what was taken before, the
 *   one that defers sees (vser_rx_defer()).
 *
 * The reader that finds one of them true moves the bytes, or defers them once more
 * if there is a rest again, in which case the next one is responsible. Both are changed
 * under the lead's lock alone, and neither is taken away while bytes wait for it. RTS
 * has no part in this: it is told when all is done, and no sender of ours waits for it
 * to be told.
 */
static void vser_rx_made_room(struct vser_line *line)
{
	/* Pairs with the barriers in vser_rx_throttle() and vser_rx_defer(). */
	smp_mb();
	if (READ_ONCE(line->throttled) ? vser_rx_low(line) :
	    READ_ONCE(line->deferred) && vser_queue_empty(&line->rx))
		vser_rx_fetch(line);
}

static void vser_rx_overrun(struct vser_line *line, u32 n)
{
	trace_vser_drop(line->index, n, vser_queue_len(&line->rx));
	vser_count(&line->rx_overrun, n);
	line->lost += n;
}

/* What is lost in a row makes one event, before anything else happens. */
static void vser_rx_tell_lost(struct vser_line *line)
{
	if (!line->lost)
		return;

	vser_event(line, VSER_EVENT_OVERRUN, line->lost);
	line->lost = 0;
}

/* Does the line receive? Then rx has a buffer. */
static bool vser_rx_open(struct vser_line *line)
{
	/* Pairs with vser_set_openers(). */
	return smp_load_acquire(&line->openers);
}

/* There are @n more bytes in rx. */
static void vser_rx_took(struct vser_line *line, u32 n)
{
	vser_rx_tell_lost(line);
	line->position += n;
	trace_vser_rx(line->index, n, vser_queue_len(&line->rx));
	if (!line->throttled && vser_rx_high(line))
		vser_rx_throttle(line);
	vser_wake(line, VSER_KEY_RX);
}

/* Bytes arrive at the line. */
static void vser_rx_push(struct vser_line *line, const u8 *bytes, u32 n)
{
	u32 taken = 0;

	vser_assert_lead(line);

	if (vser_rx_open(line))
		taken = vser_queue_in(&line->rx, bytes, n);
	if (taken)
		vser_rx_took(line, taken);
	if (taken < n)
		vser_rx_overrun(line, n - taken);
}

/* The mark of a byte in error, of a break or of a byte 0xff, as in PARMRK. */
static void vser_rx_push_marked(struct vser_line *line,
				const struct vser_char *c)
{
	bool error = c->parity || c->frame || c->brk;
	const u8 bytes[3] = { 0xff, error ? 0x00 : 0xff, c->byte };
	u32 n = error ? 3 : 2;

	/* All of it or nothing, lest the reader take one for the other. */
	if (!vser_rx_open(line) ||
	    vser_queue_size(&line->rx) - vser_queue_len(&line->rx) < n) {
		if (!c->brk)
			vser_rx_overrun(line, 1);
		return;
	}
	vser_count(&line->rx_marks, n - !c->brk);
	vser_rx_push(line, bytes, n);
}

/* A byte or a break arrives, and with it perhaps an error. */
static void vser_rx_char(struct vser_line *line, const struct vser_char *c)
{
	bool error = c->parity || c->frame || c->brk;

	if (error)
		vser_rx_tell_lost(line);
	vser_count(&line->rx_parity, c->parity);
	vser_count(&line->rx_frame, c->frame);
	vser_count(&line->rx_brk, c->brk);
	if (c->parity)
		vser_event(line, VSER_EVENT_PARITY, 0);
	if (c->frame)
		vser_event(line, VSER_EVENT_FRAME, 0);
	if (c->brk)
		vser_event(line, VSER_EVENT_BREAK, 0);

	if (line->mark && (error || c->byte == 0xff))
		vser_rx_push_marked(line, c);
	else if (!c->brk)
		vser_rx_push(line, &c->byte, 1);
}

/* What a receiver made of @sent frames. */
static void vser_rx_chars(struct vser_line *line,
			  const struct vser_chars *chars, u32 sent)
{
	u32 received = 0, i;

	for (i = 0; i < chars->n; i++) {
		vser_rx_char(line, &chars->chars[i]);
		received += !chars->chars[i].brk;
	}
	if (received > sent)
		vser_count(&line->rx_split, received - sent);
	else
		vser_count(&line->rx_merged, sent - received);
}

/* Frames arrive at the line over @link. */
static void vser_rx_receive(struct vser_line *line, struct vser_link *link,
			    const u8 *bytes, u32 n)
{
	struct vser_outcome outcome;
	u32 i;

	if (vser_rx_plain(line, link)) {
		vser_rx_push(line, bytes, n);
		n = 0;
	}

	for (i = 0; i < n; i++) {
		vser_link_send(link, bytes[i], &outcome);
		vser_count(&line->rx_faults, outcome.dropped);
		vser_count(&line->rx_dup, outcome.duplicated);
		vser_rx_chars(line, &outcome.received,
			      !outcome.dropped + outcome.duplicated);
	}
	vser_rx_tell_lost(line);
}

/* The wire that leads here has come to rest. */
static void vser_rx_rest(struct vser_line *line, struct vser_link *link)
{
	struct vser_chars chars = {};

	if (vser_link_clean(link))
		return;

	vser_link_rest(link, &chars);
	vser_rx_chars(line, &chars, 0);
	vser_rx_tell_lost(line);
}

/* Sending: from the program to the far end */

static void vser_tx_admit(struct vser_wire *wire)
{
	struct vser_line *line = wire->line;

	/* Pairs with the release in vser_queue_put(). */
	line->admitted = smp_load_acquire(&line->tx.fifo.kfifo.in);
}

static u32 vser_tx_queued(struct vser_wire *wire)
{
	struct vser_line *line = wire->line;

	return line->admitted - line->tx.fifo.kfifo.out;
}

static u32 vser_tx_room(struct vser_wire *wire, bool begun)
{
	return wire->line->far->room(wire->line, begun);
}

static bool vser_tx_empty(struct vser_line *line)
{
	return vser_queue_empty(&line->tx);
}

/* There is room in tx, or nothing left in it. */
static void vser_tx_made_room(struct vser_line *line)
{
	/* The barrier is that of vser_wake(), and pairs with vser_tx_starve(). */
	if (wq_has_sleeper(&line->wait))
		wake_up_interruptible_poll(&line->wait, vser_tx_empty(line) ?
					   VSER_KEY_TX | VSER_KEY_SENT :
					   VSER_KEY_TX);
}

static void vser_tx_carry(struct vser_wire *wire, u32 n)
{
	struct vser_line *line = wire->line;
	u32 done = 0, len;
	u8 *bytes;

	while (done < n) {
		len = min(vser_queue_peek(&line->tx, &bytes), n - done);
		line->far->receive(line, bytes, len);
		/* First: who finds tx empty finds all of it counted as sent. */
		vser_count(&line->tx_sent, len);
		vser_queue_skip(&line->tx, len);
		done += len;
	}
	trace_vser_tx(line->index, n, vser_queue_len(&line->tx));
	vser_tx_made_room(line);
}

/* Nothing may be left in the buffers of a line that nobody has open. */
static void vser_line_check_reap(struct vser_line *line)
{
	if (!READ_ONCE(line->openers))
		schedule_work(&line->reap);
}

static void vser_tx_idle(struct vser_wire *wire)
{
	struct vser_line *line = wire->line;

	line->far->rest(line);
	vser_line_check_reap(line);
}

/* All of tx goes to the far end at once, which is then at rest. Caller: tx.lock. */
static bool vser_tx_exchange(struct vser_wire *wire)
{
	struct vser_line *line = wire->line;

	if (!line->far->exchange || !line->far->exchange(line))
		return false;

	vser_tx_admit(wire);
	vser_tx_made_room(line);
	vser_line_check_reap(line);

	return true;
}

static const struct vser_source vser_tx_source = {
	.admit = vser_tx_admit,
	.exchange = vser_tx_exchange,
	.queued = vser_tx_queued,
	.room = vser_tx_room,
	.carry = vser_tx_carry,
	.idle = vser_tx_idle,
};

/*
 * The program is about to be told that tx is full, and wants SIGIO when there
 * is room. Returns false if there is room by now.
 */
static bool vser_tx_starve(struct vser_file *vfile)
{
	set_bit(VSER_TX_STARVED, &vfile->flags);
	/*
	 * Either vser_file_tell() sees the bit after there is room, or the room is
	 * seen here.
	 */
	smp_mb__after_atomic();

	return vser_queue_full(&vfile->line->tx);
}

/* There are @n more bytes in tx. Caller: tx.lock. */
static void vser_tx_wrote(struct vser_line *line, u32 n)
{
	vser_count(&line->tx_written, n);
	/* Pairs with vser_wire_resume(): or the bytes are admitted there. */
	smp_mb();
	if (!READ_ONCE(line->out.stalled))
		vser_wire_report(vser_wire_pump(&line->out, true));
}

/* Waits until everything written has been sent. */
static int vser_tx_drain(struct vser_line *line)
{
	return vser_wait(line, VSER_KEY_SENT, vser_tx_empty(line));
}

/* Drops what is to be sent, but for the frame that is on the wire: that ends. */
static void vser_tx_flush(struct vser_line *line)
{
	u64 now;

	spin_lock_bh(&line->out.lock);
	now = vser_wire_catch_up(&line->out);
	if (line->out.busy && !line->far->room(line, true))
		line->out.busy = false;
	vser_count(&line->tx_flushed,
		   vser_queue_flush(&line->tx, line->out.busy));
	vser_tx_admit(&line->out);
	if (line->out.busy) {
		/* It may be the last one by now: no batch to wait for. */
		line->out.look = now;
		vser_wire_arm(&line->out, now);
	} else {
		line->far->rest(line);
	}
	vser_tx_made_room(line);
	spin_unlock_bh(&line->out.lock);

	vser_line_check_reap(line);
	vser_wire_kick(&line->out);
}

/*
 * Drops what has been received, with what has arrived and is not yet in rx; and if
 * @tx, what is to be sent. If the call is interrupted, nothing has been flushed.
 */
static int vser_rx_flush(struct vser_line *line, bool tx)
{
	vser_wire_kick(READ_ONCE(line->lead));
	if (mutex_lock_interruptible(&line->rx.lock))
		return -ERESTARTSYS;
	if (tx)
		vser_tx_flush(line);
	vser_count(&line->rx_flushed, vser_queue_flush(&line->rx, false));
	mutex_unlock(&line->rx.lock);

	vser_line_check_reap(line);
	vser_rx_made_room(line);

	return 0;
}

/*
 * Tells the far end of a break that it does not know of. A closed line sends none.
 * Shorter than a frame it would be none to a receiver: so it is as long at least,
 * where frames take time.
 */
static void vser_tx_send_break(struct vser_line *line, u64 now)
{
	struct vser_wire *wire = &line->out;
	struct vser_instant end = { .ns = now };

	lockdep_assert_held(&wire->lock);

	if (!line->brk || line->brk_sent || !READ_ONCE(line->openers))
		return;

	line->brk_sent = true;
	if (wire->paced) {
		vser_instant_advance(&end, &wire->pace, 1);
		vser_instant_settle(&end);
		wire->hold = end.ns;
	}
	line->far->brk(line);
}

/*
 * Starts a break for @vfile, or has the one go on that there is, and stores its
 * number in *@nr. Returns false if that is not yet possible: there are bytes to be
 * sent before, or the break before it is not over until *@until, in ns.
 */
static bool vser_tx_start_break(const struct vser_file *vfile, u64 *nr,
				u64 *until)
{
	struct vser_line *line = vfile->line;
	struct vser_wire *wire = &line->out;
	bool start = true;
	u64 now;

	*until = 0;
	spin_lock_bh(&wire->lock);
	now = vser_wire_catch_up(wire);
	if (!line->brk && wire->paced && now < wire->hold)
		*until = wire->hold;
	if (!line->brk && (*until || !vser_tx_empty(line)))
		start = false;
	if (start) {
		WRITE_ONCE(line->brk, true);
		line->brk_owner = vfile;
		*nr = ++line->brk_nr;
		vser_tx_send_break(line, now);
	}
	spin_unlock_bh(&wire->lock);

	return start;
}

/* The line was opened: a break that a control-only descriptor wants begins now. */
static void vser_tx_resume_break(struct vser_line *line)
{
	spin_lock_bh(&line->out.lock);
	vser_tx_send_break(line, vser_wire_catch_up(&line->out));
	spin_unlock_bh(&line->out.lock);
}

/*
 * Ends the break that there is, or only that of @owner, and of that only number
 * @nr, if these are not NULL and 0.
 */
static void vser_tx_end_break(struct vser_line *line,
			      const struct vser_file *owner, u64 nr)
{
	spin_lock_bh(&line->out.lock);
	if ((!owner || owner == line->brk_owner) &&
	    (!nr || nr == line->brk_nr)) {
		WRITE_ONCE(line->brk, false);
		line->brk_sent = false;
	}
	spin_unlock_bh(&line->out.lock);

	vser_wire_kick(&line->out);
}

/* The generator: what line->in brings */

static const char * const vser_generator_names[] = {
	[VSER_GEN_LETTERS] = "letters",
	[VSER_GEN_COUNTER] = "counter",
	[VSER_GEN_PRBS15] = "prbs15",
	[VSER_GEN_TEXT] = "text:",
};

static u8 vser_generator_next(struct vser_generator *generator)
{
	switch (generator->kind) {
	case VSER_GEN_COUNTER:
		return generator->next++;
	case VSER_GEN_PRBS15:
		return vser_prbs15(&generator->bits);
	case VSER_GEN_TEXT:
		if (generator->next == generator->len)
			generator->next = 0;
		return generator->text[generator->next++];
	default:
		return 'A' + vser_random_below(vser_random(&generator->random),
					       26);
	}
}

static void vser_generator_restart(struct vser_generator *generator)
{
	u32 bits;

	switch (generator->kind) {
	case VSER_GEN_LETTERS:
		generator->random = generator->seed;
		break;
	case VSER_GEN_PRBS15:
		/* Any state but 0 will do. */
		div_u64_rem(generator->seed, 0x7fff, &bits);
		generator->bits = bits + 1;
		break;
	default:
		generator->next = 0;
	}
}

static void vser_generator_admit(struct vser_wire *wire)
{
}

/* It never runs dry. */
static u32 vser_generator_queued(struct vser_wire *wire)
{
	return wire->line->generator.on ? U32_MAX : 0;
}

/* At a pace it sends come what may; without, it fills rx. */
static u32 vser_generator_room(struct vser_wire *wire, bool begun)
{
	return wire->paced ? U32_MAX : vser_rx_room(wire->line, &wire->link);
}

static void vser_generator_carry(struct vser_wire *wire, u32 n)
{
	struct vser_line *line = wire->line;
	u8 bytes[64];
	u32 len, i;

	vser_count(&line->rx_generated, n);
	while (n) {
		len = min_t(u32, n, sizeof(bytes));
		for (i = 0; i < len; i++)
			bytes[i] = vser_generator_next(&line->generator);
		vser_rx_receive(line, &wire->link, bytes, len);
		n -= len;
	}
}

/* It always has something to send. */
static void vser_generator_idle(struct vser_wire *wire)
{
}

static const struct vser_source vser_generator_source = {
	.admit = vser_generator_admit,
	.queued = vser_generator_queued,
	.room = vser_generator_room,
	.carry = vser_generator_carry,
	.idle = vser_generator_idle,
	.endless = true,
};

static void vser_generator_switch(struct vser_line *line, bool on)
{
	spin_lock_bh(&line->in.lock);
	line->generator.on = on;
	if (!on)
		line->in.busy = false;
	spin_unlock_bh(&line->in.lock);

	if (on)
		vser_wire_kick(&line->in);
	else
		hrtimer_cancel(&line->in.timer);
}

/* Far ends that absorb what they get: "generator" and "open" */

static void vser_sink_listen(struct vser_line *line, bool on)
{
}

static u32 vser_sink_room(struct vser_line *line, bool begun)
{
	return line->brk ? 0 : U32_MAX;
}

static void vser_sink_receive(struct vser_line *line, const u8 *bytes, u32 n)
{
}

static void vser_sink_rest(struct vser_line *line)
{
}

static void vser_sink_modem(struct vser_line *line, u32 outputs, bool held)
{
}

static void vser_sink_break(struct vser_line *line)
{
}

#define VSER_FAR_SINK						\
	.receive = vser_sink_receive,				\
	.rest = vser_sink_rest,					\
	.modem = vser_sink_modem,				\
	.brk = vser_sink_break

static const struct vser_far_ops vser_far_generator = {
	.name = "generator",
	.type = VSER_WIRE_GENERATOR,
	.flow = VSER_FLOW_NONE,
	.listen = vser_generator_switch,
	.room = vser_sink_room,
	VSER_FAR_SINK
};

static const struct vser_far_ops vser_far_open = {
	.name = "open",
	.type = VSER_WIRE_OPEN,
	.flow = VSER_FLOW_NONE,
	.listen = vser_sink_listen,
	.room = vser_sink_room,
	VSER_FAR_SINK
};

/*
 * A plug that is pulled: what the line sends waits, and nobody is there. So is a line
 * whose peer has left the null modem, and one that is just being wired.
 */

static u32 vser_unplugged_room(struct vser_line *line, bool begun)
{
	return 0;
}

static const struct vser_far_ops vser_far_unplugged = {
	.name = "unplugged",
	.type = VSER_WIRE_UNPLUGGED,
	.flow = VSER_FLOW_RTSCTS,
	.listen = vser_sink_listen,
	.room = vser_unplugged_room,
	VSER_FAR_SINK
};

/*
 * Far ends that are a line, line->out.to: "loopback", where it is the line
 * itself, and "nullmodem". line->out is the lead of that line, and its lock is
 * held.
 */

/* May the line begin to send, if there is room? */
static bool vser_link_clear_to_send(struct vser_line *line)
{
	return !line->brk && (READ_ONCE(line->flow) != VSER_FLOW_RTSCTS ||
			      READ_ONCE(line->may_send));
}

/*
 * The frame that is on the wire is finished when RTS goes off, as the shift register
 * of a UART empties itself. Only if that would lose it, it starts again later: the
 * other end has been closed, or has flow control, too, and was set anew and takes more
 * room now.
 */
static u32 vser_link_room(struct vser_line *line, bool begun)
{
	struct vser_line *to = line->out.to;

	if (line->brk || (!begun && !vser_link_clear_to_send(line)))
		return 0;
	if (READ_ONCE(line->flow) != VSER_FLOW_RTSCTS)
		return U32_MAX;
	if (begun && !vser_rx_open(to))
		return 0;
	if (READ_ONCE(to->flow) != VSER_FLOW_RTSCTS)
		return U32_MAX;

	return vser_rx_room(to, &line->out.link);
}

static void vser_link_receive(struct vser_line *line, const u8 *bytes, u32 n)
{
	vser_count(&line->out.to->rx_arrived, n);
	vser_rx_receive(line->out.to, &line->out.link, bytes, n);
}

/* The usual case of fast transfers, and the one that copies nothing. */
static bool vser_link_exchange(struct vser_line *line)
{
	struct vser_line *to = line->out.to;
	u32 n = vser_queue_len(&line->tx);

	if (!n || !vser_queue_empty(&to->rx) ||
	    !vser_link_clear_to_send(line) || !vser_rx_open(to) ||
	    !vser_rx_plain(to, &line->out.link) ||
	    vser_queue_size(&to->rx) != vser_queue_size(&line->tx))
		return false;

	/* First: who finds tx empty finds all of it counted as sent. */
	vser_count(&line->tx_sent, n);
	vser_count(&to->rx_arrived, n);
	vser_queue_exchange(&line->tx, &to->rx);
	trace_vser_tx(line->index, n, 0);
	vser_rx_took(to, n);

	return true;
}

static void vser_link_at_rest(struct vser_line *line)
{
	vser_rx_rest(line->out.to, &line->out.link);
}

static void vser_link_modem(struct vser_line *line, u32 outputs, bool held)
{
	u32 inputs = 0;

	WRITE_ONCE(line->out.to->may_send, outputs & TIOCM_RTS);
	if ((outputs & TIOCM_RTS) && !held)
		inputs |= TIOCM_CTS;
	if (outputs & TIOCM_DTR)
		inputs |= TIOCM_DSR | TIOCM_CD;
	if (outputs & TIOCM_OUT1)
		inputs |= TIOCM_RI;
	vser_modem_receive(line->out.to, inputs);
}

static void vser_link_break(struct vser_line *line)
{
	static const struct vser_char brk = { .brk = true };

	vser_rx_char(line->out.to, &brk);
	vser_rx_tell_lost(line->out.to);
}

#define VSER_FAR_LINK						\
	.flow = VSER_FLOW_RTSCTS,				\
	.listen = vser_sink_listen,				\
	.room = vser_link_room,					\
	.receive = vser_link_receive,				\
	.exchange = vser_link_exchange,				\
	.rest = vser_link_at_rest,				\
	.modem = vser_link_modem,				\
	.brk = vser_link_break

static const struct vser_far_ops vser_far_loopback = {
	.name = "loopback",
	.type = VSER_WIRE_LOOPBACK,
	VSER_FAR_LINK
};

static const struct vser_far_ops vser_far_nullmodem = {
	.name = "nullmodem",
	.type = VSER_WIRE_NULLMODEM,
	VSER_FAR_LINK
};

static const struct vser_far_ops * const vser_fars[] = {
	&vser_far_generator,
	&vser_far_loopback,
	&vser_far_nullmodem,
	&vser_far_open,
	&vser_far_unplugged,
};

/* Wiring. Caller of all: config_lock of the lines that change. */

static int vser_config_lock(struct vser_line *line)
{
	return mutex_lock_killable(&line->config_lock) ? -EINTR : 0;
}

static void vser_config_unlock(struct vser_line *line)
{
	mutex_unlock(&line->config_lock);
}

/* Takes the plug out: the line sends nothing, and nothing leads anywhere. */
static void vser_unplug(struct vser_line *line)
{
	struct vser_line *to;

	lockdep_assert_held(&line->config_lock);

	mutex_lock(&line->open_lock);
	line->far->listen(line, false);

	spin_lock_bh(&line->out.lock);
	vser_wire_catch_up(&line->out);
	line->far->rest(line);
	line->far = &vser_far_unplugged;
	line->out.busy = false;
	to = line->out.to;
	WRITE_ONCE(line->out.to, NULL);
	if (to)
		vser_set_lead(to, &to->in);
	spin_unlock_bh(&line->out.lock);
	mutex_unlock(&line->open_lock);

	vser_wire_report(to);
}

/* Puts the plug of an unplugged line into @far, which leads to @to or NULL. */
static void vser_plug(struct vser_line *line, const struct vser_far_ops *far,
		      struct vser_line *to)
{
	struct vser_wire *lead;

	if (to) {
		lead = vser_lead_lock(to);
		vser_set_lead(to, &line->out);
		vser_lead_unlock(lead);
	}

	/* Nobody there is ready to receive until he says so: vser_plugged(). */
	lead = vser_lead_lock(line);
	WRITE_ONCE(line->may_send, false);
	vser_modem_receive(line, 0);
	vser_lead_unlock(lead);

	mutex_lock(&line->open_lock);
	spin_lock_bh(&line->out.lock);
	WRITE_ONCE(line->out.to, to);
	line->far = far;
	WRITE_ONCE(line->flow, far->flow);
	vser_wire_set_ends(&line->out);
	spin_unlock_bh(&line->out.lock);
	trace_vser_wire(line->index, far->type, to ? (int)to->index : -1);
	if (line->readers)
		far->listen(line, true);
	mutex_unlock(&line->open_lock);
}

/* A line that has been plugged in begins to send. */
static void vser_plugged(struct vser_line *line)
{
	struct vser_wire *lead = vser_lead_lock(line);

	/* What no line drives: nothing is there, but it is ready to receive. */
	if (lead == &line->in && line->far != &vser_far_unplugged)
		vser_modem_receive(line, TIOCM_CTS);
	vser_lead_unlock(lead);

	vser_modem_send(line);
}

/* As vser_rewire(). Caller: config_lock of @line, of its peer @old, and of @peer. */
static int vser_rewire_locked(struct vser_line *line,
			      const struct vser_far_ops *far,
			      struct vser_line *old, struct vser_line *peer)
{
	if (line->far == far && (!peer || old == peer))
		return 0;
	if (peer && peer->far == &vser_far_nullmodem)
		return -EBUSY;

	vser_unplug(line);
	if (old && old != line) {
		/* What it has to send is not for anybody else: it waits. */
		vser_unplug(old);
		vser_plug(old, &vser_far_unplugged, NULL);
		vser_plugged(old);
	}
	if (peer) {
		vser_unplug(peer);
		vser_plug(peer, far, line);
	}
	vser_plug(line, far, far == &vser_far_loopback ? line : peer);
	if (peer)
		vser_plugged(peer);
	vser_plugged(line);

	return 0;
}

/**
 * struct vser_rewired - lines whose wiring changes in one step
 * @lines: by index, which is the order in which they are locked
 * @n:     how many; at most a line, its peer, and its peer to be
 */
struct vser_rewired {
	struct vser_line *lines[3];
	unsigned int n;
};

/* @line may be NULL, or be there already. */
static void vser_rewired_add(struct vser_rewired *rewired,
			     struct vser_line *line)
{
	unsigned int at = 0;

	if (!line)
		return;
	while (at < rewired->n && rewired->lines[at]->index < line->index)
		at++;
	if (at < rewired->n && rewired->lines[at] == line)
		return;
	memmove(&rewired->lines[at + 1], &rewired->lines[at],
		(rewired->n - at) * sizeof(rewired->lines[0]));
	rewired->lines[at] = line;
	rewired->n++;
}

static void vser_rewired_unlock(struct vser_rewired *rewired, unsigned int n)
{
	while (n--)
		mutex_unlock(&rewired->lines[n]->config_lock);
}

static int vser_rewired_lock(struct vser_rewired *rewired)
{
	unsigned int i;

	for (i = 0; i < rewired->n; i++) {
		if (mutex_lock_killable_nested(&rewired->lines[i]->config_lock,
					       i)) {
			vser_rewired_unlock(rewired, i);
			return -EINTR;
		}
	}

	return 0;
}

/*
 * Wires @line to @far; @peer is the other line of a null modem, else NULL. No lock
 * held.
 */
static int vser_rewire(struct vser_line *line, const struct vser_far_ops *far,
		       struct vser_line *peer)
{
	struct vser_rewired rewired;
	struct vser_line *old;
	int ret;

	if (peer == line)
		return -EINVAL;

	/* Again if the peer has changed before it was locked. */
	for (;;) {
		rewired.n = 0;
		old = READ_ONCE(line->out.to);
		vser_rewired_add(&rewired, line);
		vser_rewired_add(&rewired, old);
		vser_rewired_add(&rewired, peer);
		ret = vser_rewired_lock(&rewired);
		if (ret)
			return ret;
		if (line->out.to == old)
			break;
		vser_rewired_unlock(&rewired, rewired.n);
	}
	ret = vser_rewire_locked(line, far, old, peer);
	vser_rewired_unlock(&rewired, rewired.n);

	return ret;
}

static const struct vser_far_ops *vser_far_by_type(u32 type)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vser_fars); i++)
		if (vser_fars[i]->type == type)
			return vser_fars[i];

	return NULL;
}

/* Setting a line. Caller of all: config_lock. */

/* Speed or format has changed: of what the line sends and what it receives. */
static void vser_uart_changed(struct vser_line *line)
{
	lockdep_assert_held(&line->config_lock);

	vser_wire_retune(&line->out);
	vser_wire_retune(&line->in);
	if (line->lead != &line->in && line->lead != &line->out)
		vser_wire_retune(line->lead);
}

static void vser_set_baud(struct vser_line *line, u32 baud)
{
	WRITE_ONCE(line->uart.baud, baud);
	vser_uart_changed(line);
}

static void vser_set_format(struct vser_line *line,
			    const struct vser_format *fmt)
{
	line->uart.fmt = *fmt;
	vser_uart_changed(line);
}

static void vser_set_pacing(struct vser_line *line, bool pacing)
{
	lockdep_assert_held(&line->config_lock);

	WRITE_ONCE(line->pacing, pacing);
	vser_wire_retune(&line->out);
	vser_wire_retune(&line->in);
}

static void vser_set_flow(struct vser_line *line, u32 flow)
{
	lockdep_assert_held(&line->config_lock);

	WRITE_ONCE(line->flow, flow);
	vser_modem_send(line);
}

static int vser_set_fault(struct vser_line *line,
			  const struct vser_fault *fault)
{
	struct vser_wire *wires[] = { &line->out, &line->in };
	struct vser_faults *faults[ARRAY_SIZE(wires)] = {};
	size_t i;

	lockdep_assert_held(&line->config_lock);

	for (i = 0; i < ARRAY_SIZE(wires) && vser_fault_any(fault); i++) {
		faults[i] = kmalloc(sizeof(*faults[i]), GFP_KERNEL_ACCOUNT);
		if (!faults[i])
			goto err_free;
		vser_faults_init(faults[i], fault);
	}

	line->fault = *fault;
	for (i = 0; i < ARRAY_SIZE(wires); i++) {
		spin_lock_bh(&wires[i]->lock);
		vser_wire_catch_up(wires[i]);
		swap(wires[i]->link.faults, faults[i]);
		spin_unlock_bh(&wires[i]->lock);
		vser_wire_kick(wires[i]);
		kfree(faults[i]);
	}

	return 0;

err_free:
	while (i--)
		kfree(faults[i]);
	return -ENOMEM;
}

/*
 * Changes the generator: its kind, with @text that it takes over (NULL but for
 * VSER_GEN_TEXT), its seed and its period. It starts from the beginning.
 */
static void vser_set_generator(struct vser_line *line,
			       enum vser_generator_kind kind, u8 *text, u32 len,
			       u64 seed, u64 period)
{
	struct vser_generator *generator = &line->generator;

	lockdep_assert_held(&line->config_lock);

	spin_lock_bh(&line->in.lock);
	line->in.busy = false;
	line->generator.period = period;
	generator->kind = kind;
	generator->seed = seed;
	generator->len = len;
	swap(generator->text, text);
	vser_generator_restart(generator);
	vser_wire_tune(&line->in);
	spin_unlock_bh(&line->in.lock);

	/* @text is the old one now. It may be the new one, too. */
	if (text != generator->text)
		kfree(text);
	vser_wire_kick(&line->in);
}

/*
 * The last place in rx from @at to @end that is in no mark, or 0. Before @at, a reader
 * may be in one of @places.
 */
static u32 vser_rx_mark_end(struct vser_line *line, u32 at, u32 end, u32 places)
{
	u32 last = 0;

	for (; at < end; at++) {
		places = vser_mark_next(places, vser_queue_at(&line->rx, at));
		if (places == VSER_MARK_BETWEEN)
			last = at + 1;
	}

	return last;
}

/*
 * How many of the oldest bytes of rx fit into @size, with no mark cut in two. Marks are
 * found from some bytes before that. If these are such that it could be this way or
 * that, as are nothing but 0xff, the reader is taken to be between two marks.
 */
static u32 vser_rx_fit(struct vser_line *line, u32 size)
{
	u32 at = size > VSER_MARK_WINDOW ? size - VSER_MARK_WINDOW : 0, fit;

	lockdep_assert_held(&line->rx.lock);
	vser_assert_lead(line);

	if (!line->mark || vser_queue_len(&line->rx) <= size)
		return size;

	fit = vser_rx_mark_end(line, at, size, VSER_MARK_ANY);

	return fit ?: vser_rx_mark_end(line, 0, size, VSER_MARK_BETWEEN);
}

/*
 * Gives both queues another size, a power of two. What does not fit into a
 * smaller one is flushed. If there is no memory, nothing has changed.
 */
static int vser_set_fifo(struct vser_line *line, u32 size)
{
	void *tx = NULL, *rx = NULL;
	u32 tx_size = size, rx_size = size;
	struct vser_wire *lead;
	int ret = 0;

	lockdep_assert_held(&line->config_lock);

	mutex_lock(&line->open_lock);
	if (line->tx.fifo.kfifo.data)
		tx = vser_buffer_alloc(line->account, size);
	if (line->rx.fifo.kfifo.data)
		rx = vser_buffer_alloc(line->account, size);
	if (IS_ERR(tx) || IS_ERR(rx)) {
		ret = PTR_ERR(IS_ERR(tx) ? tx : rx);
		goto out_free;
	}

	/* Before anything has changed. A writer may have much to send. */
	if (mutex_lock_killable(&line->tx.lock)) {
		ret = -EINTR;
		goto out_free;
	}
	spin_lock_bh(&line->out.lock);
	vser_wire_catch_up(&line->out);
	vser_count(&line->tx_flushed,
		   vser_queue_swap(&line->tx, &tx, &tx_size, size));
	vser_tx_admit(&line->out);
	vser_tx_made_room(line);
	spin_unlock_bh(&line->out.lock);
	mutex_unlock(&line->tx.lock);

	mutex_lock(&line->rx.lock);
	lead = vser_lead_lock(line);
	vser_count(&line->rx_flushed,
		   vser_queue_swap(&line->rx, &rx, &rx_size,
				   vser_rx_fit(line, size)));
	if (vser_rx_high(line))
		vser_rx_throttle(line);
	vser_lead_unlock(lead);
	mutex_unlock(&line->rx.lock);
	vser_rx_made_room(line);
	vser_wire_report(line);
	/* What has ended by now has moved, and the far end's RTS may have changed. */
	vser_wire_kick(&line->out);

out_free:
	if (!IS_ERR(tx))
		vser_buffer_free(line->account, tx, tx_size);
	if (!IS_ERR(rx))
		vser_buffer_free(line->account, rx, rx_size);
	mutex_unlock(&line->open_lock);

	return ret;
}

/* Opening and closing */

/* Frees the buffers of a closed line that have nothing left in them. */
static void vser_line_reap(struct vser_line *line)
{
	void *tx = NULL, *rx = NULL;
	struct vser_wire *lead;

	lockdep_assert_held(&line->open_lock);

	if (line->openers)
		return;

	/* Under the locks: a wire may be at its last touch of a queue. */
	spin_lock_bh(&line->out.lock);
	if (!line->out.busy && vser_queue_empty(&line->tx))
		tx = vser_queue_take_buffer(&line->tx);
	spin_unlock_bh(&line->out.lock);

	lead = vser_lead_lock(line);
	if (vser_queue_empty(&line->rx))
		rx = vser_queue_take_buffer(&line->rx);
	vser_lead_unlock(lead);

	vser_buffer_free(line->account, tx, vser_queue_size(&line->tx));
	vser_buffer_free(line->account, rx, vser_queue_size(&line->rx));
	if (!line->tx.fifo.kfifo.data && !line->rx.fifo.kfifo.data) {
		vser_account_put(line->account);
		line->account = NULL;
	}
}

/*
 * The first opener pays for both buffers, also for what an earlier one has left.
 * Returns 0 if both are there.
 */
static int vser_line_alloc(struct vser_line *line)
{
	struct vser_account *account = vser_account_get();
	size_t held = 0;
	int ret;

	lockdep_assert_held(&line->open_lock);

	if (!account)
		return -ENOMEM;
	if (line->tx.fifo.kfifo.data)
		held += vser_queue_size(&line->tx);
	if (line->rx.fifo.kfifo.data)
		held += vser_queue_size(&line->rx);
	if (held && account != line->account) {
		ret = vser_account_move(line->account, account, held);
		if (ret) {
			vser_account_put(account);
			return ret;
		}
	}
	vser_account_put(line->account);
	line->account = account;

	ret = vser_queue_alloc(&line->tx, account);
	if (!ret)
		ret = vser_queue_alloc(&line->rx, account);
	if (ret)
		vser_line_reap(line);

	return ret;
}

static void vser_reap_work(struct work_struct *work)
{
	struct vser_line *line = container_of(work, struct vser_line, reap);

	mutex_lock(&line->open_lock);
	vser_line_reap(line);
	mutex_unlock(&line->open_lock);
}

static void vser_set_outputs(struct vser_line *line, u32 outputs)
{
	lockdep_assert_held(&line->open_lock);

	/* What has been sent here by now is not affected. */
	vser_wire_kick(READ_ONCE(line->lead));
	WRITE_ONCE(line->outputs, outputs);
	vser_modem_send(line);
}

/*
 * Under the lock of the lead: a frame for which there was room is not lost because
 * the line is closed before it is in rx.
 */
static void vser_set_openers(struct vser_line *line, unsigned int openers)
{
	struct vser_wire *lead = vser_lead_lock(line);

	/* Pairs with vser_rx_open(): there is a buffer before there are openers. */
	smp_store_release(&line->openers, openers);
	vser_lead_unlock(lead);
}

static int vser_line_open(struct vser_line *line, fmode_t mode)
{
	int ret;

	lockdep_assert_held(&line->open_lock);

	if (line->openers && line->exclusive)
		return -EBUSY;

	ret = line->openers ? 0 : vser_line_alloc(line);
	if (ret)
		return ret;

	vser_set_openers(line, line->openers + 1);
	/* With what was asked for while the line was closed. */
	if (line->openers == 1) {
		vser_set_outputs(line, line->outputs | TIOCM_DTR | TIOCM_RTS);
		vser_tx_resume_break(line);
	}
	if ((mode & FMODE_READ) && !line->readers++)
		line->far->listen(line, true);
	trace_vser_open(line->index, line->openers, line->readers);

	return 0;
}

static void vser_line_close(struct vser_line *line, fmode_t mode)
{
	lockdep_assert_held(&line->open_lock);

	if ((mode & FMODE_READ) && !--line->readers)
		line->far->listen(line, false);
	/* RTS first: the far end must not send into a closed line. */
	if (line->openers == 1)
		vser_set_outputs(line, 0);
	vser_set_openers(line, line->openers - 1);
	/* Now that no new one can begin. */
	if (!line->openers)
		vser_tx_end_break(line, NULL, 0);
	trace_vser_close(line->index, line->openers, line->readers);
	vser_line_reap(line);
}

/* Events are remembered from the first open on. Caller: open_lock. */
static int vser_line_alloc_events(struct vser_line *line)
{
	struct vser_event *events;
	struct vser_wire *lead;

	if (line->events)
		return 0;

	events = kcalloc(VSER_EVENTS, sizeof(*events), GFP_KERNEL_ACCOUNT);
	if (!events)
		return -ENOMEM;

	lead = vser_lead_lock(line);
	line->events = events;
	vser_lead_unlock(lead);

	return 0;
}

/* Laboratories */

/* Protects vser_labs. Process context, outermost. */
static DEFINE_MUTEX(vser_labs_lock);
static const struct vser_lab *vser_labs[VSER_NR_LABS];

/* The ioctl numbers of each. */
static const struct {
	unsigned int first;
	unsigned int last;
} vser_lab_ranges[VSER_NR_LABS] = {
	[VSER_LAB_MEM] = { 0x40, 0x7f },
	[VSER_LAB_IO] = { 0x80, 0xbf },
};

int vser_lab_register(const struct vser_lab *lab)
{
	int ret = 0;

	mutex_lock(&vser_labs_lock);
	if (vser_labs[lab->id])
		ret = -EBUSY;
	else
		vser_labs[lab->id] = lab;
	mutex_unlock(&vser_labs_lock);

	return ret;
}
EXPORT_SYMBOL_GPL(vser_lab_register);

void vser_lab_unregister(const struct vser_lab *lab)
{
	mutex_lock(&vser_labs_lock);
	vser_labs[lab->id] = NULL;
	mutex_unlock(&vser_labs_lock);
}
EXPORT_SYMBOL_GPL(vser_lab_unregister);

/* The operation, or an error pointer if there is none for the caller. */
static const struct vser_lab_ioctl *vser_lab_find(const struct vser_lab *lab,
						  unsigned int cmd)
{
	size_t i;

	for (i = 0; i < lab->nr_ioctls; i++)
		if (lab->ioctls[i].cmd == cmd)
			break;
	if (i == lab->nr_ioctls)
		return ERR_PTR(-ENOTTY);

	return capable(lab->capability) ? &lab->ioctls[i] : ERR_PTR(-EPERM);
}

/*
 * Opens laboratory @id for the file, if it is loaded and has @cmd for the
 * caller; whoever only guesses at numbers pins no module. Returns 0 if it is
 * open.
 */
static int vser_lab_open(struct vser_file *vfile, enum vser_lab_id id,
			 unsigned int cmd)
{
	struct vser_lab_file *file = &vfile->labs[id];
	const struct vser_lab_ioctl *ioctl;
	const struct vser_lab *lab;
	void *state;
	int ret = 0;

	mutex_lock(&vser_labs_lock);
	mutex_lock(&vfile->lab_lock);
	lab = vser_labs[id];
	if (file->lab)
		goto out_unlock;
	ioctl = lab ? vser_lab_find(lab, cmd) : ERR_PTR(-EOPNOTSUPP);
	if (IS_ERR(ioctl)) {
		ret = PTR_ERR(ioctl);
		goto out_unlock;
	}
	/* It is being unloaded. */
	if (!try_module_get(lab->owner)) {
		ret = -EOPNOTSUPP;
		goto out_unlock;
	}

	state = lab->open();
	if (IS_ERR(state)) {
		module_put(lab->owner);
		ret = PTR_ERR(state);
		goto out_unlock;
	}
	file->state = state;
	/* Pairs with vser_lab_ioctl(). */
	smp_store_release(&file->lab, lab);

out_unlock:
	mutex_unlock(&vfile->lab_lock);
	mutex_unlock(&vser_labs_lock);
	return ret;
}

static long vser_lab_ioctl(struct vser_file *vfile, enum vser_lab_id id,
			   unsigned int cmd, unsigned long arg)
{
	const struct vser_lab_ioctl *ioctl;
	const struct vser_lab *lab;
	int ret;

	/* Pairs with vser_lab_open(). */
	lab = smp_load_acquire(&vfile->labs[id].lab);
	if (!lab) {
		ret = vser_lab_open(vfile, id, cmd);
		if (ret)
			return ret;
		lab = vfile->labs[id].lab;
	}

	ioctl = vser_lab_find(lab, cmd);
	if (IS_ERR(ioctl))
		return PTR_ERR(ioctl);

	return ioctl->fn(vfile->labs[id].state, (void __user *)arg);
}

/* The file is being closed: nobody else can reach it. */
static void vser_labs_close(struct vser_file *vfile)
{
	struct vser_lab_file *file;

	for (file = vfile->labs; file < vfile->labs + VSER_NR_LABS; file++) {
		if (!file->lab)
			continue;
		file->lab->release(file->state);
		module_put(file->lab->owner);
	}
}

/* The rings of an open file. */
#include "vser_ring.h"

/* Open files, and what they are told */

/* A descriptor that can neither read nor write: open(2), access mode 3. */
static bool vser_control_only(struct file *file)
{
	return !(file->f_mode & (FMODE_READ | FMODE_WRITE));
}

static bool vser_file_has_event(struct vser_file *vfile)
{
	return READ_ONCE(vfile->line->event_seq) != READ_ONCE(vfile->next_event);
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
 * those of vser_poll() and vser_tx_starve(). Any context, also under a wire's
 * lock and that of line->wait.
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

/* Called under the lock of line->wait. */
static int vser_file_wake(wait_queue_entry_t *entry, unsigned int mode,
			  int sync, void *key)
{
	vser_file_tell(container_of(entry, struct vser_file, entry),
		       key_to_poll(key));

	return 0;
}

/* From now on the file is told what happens to the line. */
static void vser_file_follow(struct vser_file *vfile)
{
	wait_queue_head_t *wait = &vfile->line->wait;

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
static void vser_file_unfollow(struct vser_file *vfile)
{
	if (vfile->follows)
		remove_wait_queue(&vfile->line->wait, &vfile->entry);
}

/*
 * From now on POLLPRI and SIGIO tell of the file's events: of those too that are
 * waiting. xchg() or cmpxchg() is the caller's barrier.
 */
static void vser_file_watch(struct vser_file *vfile)
{
	if (vser_file_has_event(vfile))
		vser_file_tell(vfile, VSER_KEY_EVENT);
}

static int vser_open(struct inode *inode, struct file *file)
{
	struct vser_line *line = vser_lines[iminor(inode)];
	struct vser_file *vfile;
	int ret;

	vfile = kzalloc(sizeof(*vfile), GFP_KERNEL_ACCOUNT);
	if (!vfile)
		return -ENOMEM;
	vfile->line = line;
	vfile->file = file;
	vfile->watch = vser_control_only(file) ? VSER_WATCH_ON :
						 VSER_WATCH_UNSET;
	init_waitqueue_head(&vfile->wait);
	init_waitqueue_func_entry(&vfile->entry, vser_file_wake);
	mutex_init(&vfile->lab_lock);

	mutex_lock(&line->open_lock);
	ret = vser_line_alloc_events(line);
	if (!ret && !vser_control_only(file))
		ret = vser_line_open(line, file->f_mode);
	vfile->next_event = READ_ONCE(line->event_seq);
	mutex_unlock(&line->open_lock);
	if (ret) {
		kfree(vfile);
		return ret;
	}

	file->private_data = vfile;
	stream_open(inode, file);
	file->f_mode |= FMODE_NOWAIT;

	return 0;
}

static int vser_release(struct inode *inode, struct file *file)
{
	struct vser_file *vfile = file->private_data;
	struct vser_line *line = vfile->line;

	vser_file_unfollow(vfile);
	vser_rings_close(line, vfile->rings);
	vser_tx_end_break(line, vfile, 0);
	if (!vser_control_only(file)) {
		mutex_lock(&line->open_lock);
		vser_line_close(line, file->f_mode);
		mutex_unlock(&line->open_lock);
	}
	vser_labs_close(vfile);
	vser_rings_free(vfile->rings);
	kfree(vfile);

	return 0;
}

/* Reading and writing */

static struct vser_line *vser_file_line(struct file *file)
{
	struct vser_file *vfile = file->private_data;

	return vfile->line;
}

/* fcntl() may change the flags of the file at any time. */
static bool vser_file_nonblocking(struct file *file)
{
	return READ_ONCE(file->f_flags) & O_NONBLOCK;
}

static bool vser_nonblocking(struct kiocb *iocb)
{
	return (iocb->ki_flags & IOCB_NOWAIT) ||
	       vser_file_nonblocking(iocb->ki_filp);
}

/* Takes the program's side of a queue; a lock is held for one copy in memory. */
static int vser_queue_lock(struct vser_queue *queue, struct kiocb *iocb)
{
	if (iocb->ki_flags & IOCB_NOWAIT)
		return mutex_trylock(&queue->lock) ? 0 : -EAGAIN;

	return mutex_lock_interruptible(&queue->lock) ? -ERESTARTSYS : 0;
}

static ssize_t vser_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vser_line *line = vser_file_line(iocb->ki_filp);
	bool late = false;
	size_t done = 0, n;
	int ret = 0;

	if (!iov_iter_count(to))
		return 0;

	/* More than once if another reader was faster, or if memory was late. */
	do {
		if (late) {
			ret = vser_iter_fault_in(to, vser_queue_size(&line->rx),
						 true);
		} else if (vser_queue_empty(&line->rx)) {
			if (vser_nonblocking(iocb))
				return -EAGAIN;
			ret = vser_wait(line, VSER_KEY_RX,
					!vser_queue_empty(&line->rx));
		}
		if (!ret)
			ret = vser_queue_lock(&line->rx, iocb);
		if (ret)
			break;
		n = vser_queue_to_iter(&line->rx, to, &late);
		vser_count(&line->rx_delivered, n);
		mutex_unlock(&line->rx.lock);
		if (n)
			vser_rx_made_room(line);
		done += n;
	} while ((late || !done) && vser_may_go_on());

	return done ?: ret ?: -EINTR;
}

/*
 * Queues what there is room for. Returns how many bytes, 0 if there is no room or
 * if @late. Caller: tx.lock.
 */
static size_t vser_tx_write(struct vser_line *line, struct iov_iter *from,
			    bool *late)
{
	size_t n = vser_queue_from_iter(&line->tx, from, late);

	if (n)
		vser_tx_wrote(line, n);

	return n;
}

/*
 * Waits for room in tx, or if @late, for the caller's memory. Apart from the write,
 * which mostly need not wait, and then does not pay for what this has on the stack.
 */
static noinline int vser_tx_wait(struct vser_file *vfile, struct kiocb *iocb,
				 struct iov_iter *from, bool late)
{
	struct vser_line *line = vfile->line;

	if (late)
		return vser_iter_fault_in(from, vser_queue_size(&line->tx), false);
	if (vser_nonblocking(iocb))
		return vser_tx_starve(vfile) ? -EAGAIN : 0;

	return vser_wait(line, VSER_KEY_TX, !vser_queue_full(&line->tx));
}

static ssize_t vser_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct vser_file *vfile = iocb->ki_filp->private_data;
	struct vser_line *line = vfile->line;
	bool late = false;
	size_t done = 0, n;
	int ret;

	while (iov_iter_count(from)) {
		ret = vser_queue_lock(&line->tx, iocb);
		if (ret)
			return done ?: ret;
		n = vser_tx_write(line, from, &late);
		mutex_unlock(&line->tx.lock);
		done += n;
		if (!iov_iter_count(from))
			break;
		if (!vser_may_go_on())
			return done ?: -EINTR;
		ret = !n || late ? vser_tx_wait(vfile, iocb, from, late) : 0;
		if (ret)
			return done ?: ret;
	}

	return done;
}

/* Waits until everything has been sent that was written, or is in the ring. */
static int vser_file_drain(struct vser_file *vfile)
{
	struct vser_rings *rings = vser_file_rings(vfile);
	struct vser_line *line = vfile->line;
	int left = 0, ret;

	do {
		if (rings)
			left = vser_ring_sync_tx(line, rings);
		if (left < 0)
			return left;
		ret = vser_tx_drain(line);
		/* The process may fill it as fast as it is emptied. */
		if (!ret && left && signal_pending(current))
			ret = -ERESTARTSYS;
	} while (!ret && left);

	return ret;
}

static int vser_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return vser_file_drain(file->private_data);
}

static int vser_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vser_rings *rings = vser_file_rings(file->private_data);

	return rings ? vser_rings_map(rings, vma) : -ENODEV;
}

static __poll_t vser_poll(struct file *file, poll_table *wait)
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
	/* Pairs with the barriers in vser_wake() and vser_tx_made_room(). */
	smp_mb();

	rings = vser_file_rings(vfile);
	if (rings) {
		events = vser_rings_poll(line, rings);
		reads = !rings->rx_size;
		writes = !rings->tx_size;
	}
	if (reads && !vser_queue_empty(&line->rx))
		events |= VSER_KEY_RX;
	if (writes && (!vser_queue_full(&line->tx) || !vser_tx_starve(vfile)))
		events |= VSER_KEY_TX;
	if (READ_ONCE(vfile->watch) == VSER_WATCH_ON &&
	    vser_file_has_event(vfile))
		events |= VSER_KEY_EVENT;

	return events;
}

static int vser_fasync(int fd, struct file *file, int on)
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

/* ioctl */

/*
 * What an ioctl works on. One that copies nothing finds its argument in @raw;
 * the others find here what the caller's pointer led to, or zeros, and leave
 * here what is to be stored there.
 */
union vser_arg {
	unsigned long raw;
	u32 number;
	struct vser_format fmt;
	struct vser_info info;
	struct vser_wiring wiring;
	struct vser_fault fault;
	struct vser_modem_wait wait;
	struct vser_event event;
	struct vser_counters counters;
};

static int vser_ioctl_set_baud(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	int ret;

	if (!vser_baud_valid(arg->number))
		return -EINVAL;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	vser_set_baud(line, arg->number);
	vser_config_unlock(line);

	return 0;
}

static int vser_ioctl_get_baud(struct vser_file *vfile, union vser_arg *arg)
{
	arg->number = READ_ONCE(vfile->line->uart.baud);

	return 0;
}

static int vser_ioctl_set_fmt(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	int ret;

	if (!vser_format_valid(&arg->fmt))
		return -EINVAL;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	vser_set_format(line, &arg->fmt);
	vser_config_unlock(line);

	return 0;
}

static int vser_ioctl_get_fmt(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	int ret;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	arg->fmt = line->uart.fmt;
	vser_config_unlock(line);

	return 0;
}

static int vser_ioctl_get_info(struct vser_file *vfile, union vser_arg *arg)
{
	arg->info = (struct vser_info) {
		.abi = VSER_ABI,
		.line = vfile->line->index,
		.lines = vser_nr_lines,
	};

	return 0;
}

/* A cycle: the table of operations has vser_ioctl(). */
static const struct file_operations vser_fops;

/*
 * Wires the line to that of a descriptor of the caller. A process that has one can
 * open the line, and so rewire it.
 */
static int vser_rewire_to_fd(struct vser_line *line, int fd)
{
	struct file *file = fget(fd);
	int ret = -EINVAL;

	if (!file)
		return -EBADF;
	if (file->f_op == &vser_fops)
		ret = vser_rewire(line, &vser_far_nullmodem,
				  vser_file_line(file));
	fput(file);

	return ret;
}

static int vser_ioctl_set_wire(struct vser_file *vfile, union vser_arg *arg)
{
	const struct vser_wiring *wiring = &arg->wiring;
	const struct vser_far_ops *far = vser_far_by_type(wiring->type);
	bool by_fd = wiring->flags & VSER_WIRING_PEER_FD;
	bool has_peer = far == &vser_far_nullmodem;
	struct vser_line *peer = NULL;

	if (!far || wiring->flags & ~VSER_WIRING_PEER_FD ||
	    (by_fd ? !has_peer : wiring->fd) ||
	    (wiring->peer && (by_fd || !has_peer)))
		return -EINVAL;
	if (by_fd)
		return vser_rewire_to_fd(vfile->line, wiring->fd);
	if (has_peer) {
		if (wiring->peer >= vser_nr_lines)
			return -EINVAL;
		peer = vser_lines[array_index_nospec(wiring->peer,
						     vser_nr_lines)];
		/* Another user may own it. */
		if (peer != vfile->line && !capable(CAP_SYS_ADMIN))
			return -EPERM;
	}

	return vser_rewire(vfile->line, far, peer);
}

static int vser_ioctl_get_wire(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	int ret;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	arg->wiring.type = line->far->type;
	if (line->far == &vser_far_nullmodem)
		arg->wiring.peer = line->out.to->index;
	vser_config_unlock(line);

	return 0;
}

static int vser_ioctl_set_fault(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	int ret;

	if (!vser_fault_valid(&arg->fault))
		return -EINVAL;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	ret = vser_set_fault(line, &arg->fault);
	vser_config_unlock(line);

	return ret;
}

static int vser_ioctl_get_fault(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	int ret;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	arg->fault = line->fault;
	vser_config_unlock(line);

	return 0;
}

/* How often each modem input has changed. */
struct vser_modem_counts {
	u64 cts, dsr, ri, dcd;
};

static void vser_modem_count(struct vser_line *line,
			     struct vser_modem_counts *counts)
{
	counts->cts = READ_ONCE(line->n_cts);
	counts->dsr = READ_ONCE(line->n_dsr);
	counts->ri = READ_ONCE(line->n_ri);
	counts->dcd = READ_ONCE(line->n_dcd);
}

/* Which modem inputs have changed since they were counted in @before. */
static u32 vser_modem_changed(struct vser_line *line,
			      const struct vser_modem_counts *before)
{
	struct vser_modem_counts now;

	vser_modem_count(line, &now);

	return (now.cts != before->cts ? TIOCM_CTS : 0) |
	       (now.dsr != before->dsr ? TIOCM_DSR : 0) |
	       (now.ri != before->ri ? TIOCM_RI : 0) |
	       (now.dcd != before->dcd ? TIOCM_CD : 0);
}

static int vser_ioctl_wait_modem(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_modem_wait *wait = &arg->wait;
	struct vser_line *line = vfile->line;
	struct vser_modem_counts before;
	int ret;

	if (!wait->mask || wait->mask & ~VSER_MODEM_INPUTS)
		return -EINVAL;

	vser_modem_count(line, &before);
	ret = vser_wait(line, VSER_KEY_EVENT,
			vser_modem_changed(line, &before) & wait->mask);
	wait->changed = vser_modem_changed(line, &before) & wait->mask;

	/* Restarted, it would forget what has changed meanwhile, and sleep on. */
	return ret ? -EINTR : 0;
}

/*
 * Copies the event that @vfile is to read next, and stores its number in *@at.
 * Returns by how many numbers it takes @vfile on: 0 if there is none. Events that
 * were overwritten before they were read make one event together.
 */
static u64 vser_event_peek(struct vser_file *vfile, struct vser_event *event,
			   u64 *at)
{
	struct vser_line *line = vfile->line;
	struct vser_wire *lead = vser_lead_lock(line);
	u64 pending = line->event_seq - vfile->next_event;
	u64 steps = min_t(u64, pending, 1);

	*at = vfile->next_event;
	if (pending > VSER_EVENTS) {
		steps = pending - VSER_EVENTS;
		*event = line->events[line->event_seq & (VSER_EVENTS - 1)];
		event->type = VSER_EVENT_LOST;
		event->value = min_t(u64, steps, U32_MAX);
	} else if (pending) {
		*event = line->events[*at & (VSER_EVENTS - 1)];
	}
	vser_lead_unlock(lead);

	return steps;
}

/* @vfile has read on from number @at. False if another thread was faster. */
static bool vser_event_take(struct vser_file *vfile, u64 at, u64 steps)
{
	struct vser_wire *lead = vser_lead_lock(vfile->line);
	bool taken = vfile->next_event == at;

	if (taken)
		WRITE_ONCE(vfile->next_event, at + steps);
	vser_lead_unlock(lead);

	return taken;
}

/* Stores the event itself: one that cannot be stored is not lost. */
static int vser_ioctl_read_event(struct vser_file *vfile, union vser_arg *arg)
{
	void __user *to = (void __user *)arg->raw;
	struct vser_event event;
	u64 steps, at;
	int ret;

	for (;;) {
		/* No lock: the caller's memory may be late. */
		steps = vser_event_peek(vfile, &event, &at);
		if (steps && copy_to_user(to, &event, sizeof(event)))
			return -EFAULT;
		if (steps && !vser_event_take(vfile, at, steps))
			continue;

		/* The first one asks for the others. */
		if (cmpxchg(&vfile->watch, VSER_WATCH_UNSET, VSER_WATCH_ON) ==
		    VSER_WATCH_UNSET)
			vser_file_watch(vfile);
		if (steps)
			return 0;

		if (vser_file_nonblocking(vfile->file))
			return -EAGAIN;
		ret = vser_wait(vfile->line, VSER_KEY_EVENT,
				vser_file_has_event(vfile));
		if (ret)
			return ret;
	}
}

static int vser_ioctl_watch_events(struct vser_file *vfile, union vser_arg *arg)
{
	if (arg->number > 1)
		return -EINVAL;

	if (!arg->number)
		xchg(&vfile->watch, VSER_WATCH_OFF);
	else if (xchg(&vfile->watch, VSER_WATCH_ON) != VSER_WATCH_ON)
		vser_file_watch(vfile);

	return 0;
}

static int vser_ioctl_set_mark(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	struct vser_wire *lead;

	if (arg->number > 1)
		return -EINVAL;

	lead = vser_lead_lock(line);
	vser_wire_catch_up(lead);
	WRITE_ONCE(line->mark, arg->number);
	vser_lead_unlock(lead);
	vser_wire_kick(lead);

	return 0;
}

static int vser_ioctl_get_mark(struct vser_file *vfile, union vser_arg *arg)
{
	arg->number = READ_ONCE(vfile->line->mark);

	return 0;
}

static int vser_ioctl_get_counters(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	struct vser_wire *lead = vser_lead_lock(line);

	arg->counters = (struct vser_counters) {
		.cts = line->n_cts,
		.dsr = line->n_dsr,
		.ri = line->n_ri,
		.dcd = line->n_dcd,
		.rx = line->position,
		.tx = READ_ONCE(line->tx_sent),
		.frame = line->rx_frame,
		.parity = line->rx_parity,
		.brk = line->rx_brk,
		.overrun = line->rx_overrun,
	};
	vser_lead_unlock(lead);

	return 0;
}

/*
 * Stores the answer itself, before there is anything to tell of: if it cannot be
 * stored, nothing has changed.
 */
static int vser_ioctl_set_ring(struct vser_file *vfile, union vser_arg *arg)
{
	const fmode_t both = FMODE_READ | FMODE_WRITE;
	void __user *user = (void __user *)arg->raw;
	struct vser_rings *rings;
	struct vser_ring ring;
	int ret = 0;

	if (copy_from_user(&ring, user, sizeof(ring)))
		return -EFAULT;
	if ((vfile->file->f_mode & both) != both)
		return -EBADF;
	if (!vser_ring_size_valid(ring.rx_size) ||
	    !vser_ring_size_valid(ring.tx_size) ||
	    !(ring.rx_size | ring.tx_size) || ring.reserved)
		return -EINVAL;
	if (vser_file_rings(vfile))
		return -EBUSY;

	rings = vser_rings_alloc(vfile, ring.rx_size, ring.tx_size);
	if (IS_ERR(rings))
		return PTR_ERR(rings);

	ring.rx_offset = ring.rx_size ? PAGE_SIZE : 0;
	ring.tx_offset = ring.tx_size ? PAGE_SIZE + ring.rx_size : 0;
	ring.length = rings->length;
	if (copy_to_user(user, &ring, sizeof(ring)))
		ret = -EFAULT;
	else if (!vser_file_set_rings(vfile, rings))
		ret = -EBUSY;
	if (ret)
		vser_rings_free(rings);

	return ret;
}

static int vser_ioctl_sync_ring(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_rings *rings = vser_file_rings(vfile);

	return rings ? vser_rings_sync(vfile->line, rings) : -ENODEV;
}

static int vser_ioctl_rx_queued(struct vser_file *vfile, union vser_arg *arg)
{
	arg->number = vser_queue_len(&vfile->line->rx);

	return 0;
}

static int vser_ioctl_tx_queued(struct vser_file *vfile, union vser_arg *arg)
{
	arg->number = vser_queue_len(&vfile->line->tx);

	return 0;
}

static int vser_ioctl_get_modem(struct vser_file *vfile, union vser_arg *arg)
{
	arg->number = vser_modem_driven(vfile->line) |
		      READ_ONCE(vfile->line->inputs);

	return 0;
}

/*
 * Of the modem outputs, changes those in @mask to @bits. A closed line drives none
 * of them: there it takes effect at the next open.
 */
static int vser_change_modem(struct vser_line *line, u32 mask, u32 bits)
{
	u32 outputs;

	mask &= VSER_MODEM_OUTPUTS;
	if (mutex_lock_killable(&line->open_lock))
		return -EINTR;
	outputs = (line->outputs & ~mask) | (bits & mask);
	if (line->openers)
		vser_set_outputs(line, outputs);
	else
		WRITE_ONCE(line->outputs, outputs);
	mutex_unlock(&line->open_lock);

	return 0;
}

static int vser_ioctl_set_modem(struct vser_file *vfile, union vser_arg *arg)
{
	return vser_change_modem(vfile->line, U32_MAX, arg->number);
}

static int vser_ioctl_raise_modem(struct vser_file *vfile, union vser_arg *arg)
{
	return vser_change_modem(vfile->line, arg->number, U32_MAX);
}

static int vser_ioctl_drop_modem(struct vser_file *vfile, union vser_arg *arg)
{
	return vser_change_modem(vfile->line, arg->number, 0);
}

/* Sleeps until this time of ktime_get_ns(), or until a signal comes. */
static int vser_sleep_until(u64 ns)
{
	ktime_t at = ns_to_ktime(ns);

	set_current_state(TASK_INTERRUPTIBLE);
	schedule_hrtimeout(&at, HRTIMER_MODE_ABS);

	return signal_pending(current) ? -ERESTARTSYS : 0;
}

/*
 * Starts a break once all that was written is sent, as on a terminal, O_NONBLOCK or
 * not. If it is interrupted, nothing has happened. What waits for the end of a break
 * that there is must not be waited for: that break goes on.
 */
static int vser_file_start_break(struct vser_file *vfile, u64 *nr)
{
	u64 until = 0;
	int ret;

	for (;;) {
		ret = 0;
		if (until)
			ret = vser_sleep_until(until);
		else if (!READ_ONCE(vfile->line->brk))
			ret = vser_file_drain(vfile);
		if (ret)
			return ret;
		if (vser_tx_start_break(vfile, nr, &until))
			return 0;
		/* A writer may fill tx as fast as it is emptied. */
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
}

static int vser_ioctl_start_break(struct vser_file *vfile, union vser_arg *arg)
{
	u64 nr;

	return vser_file_start_break(vfile, &nr);
}

static int vser_ioctl_end_break(struct vser_file *vfile, union vser_arg *arg)
{
	vser_tx_end_break(vfile->line, NULL, 0);

	return 0;
}

/*
 * Sends a break of @ms. Once it is on the line, a signal ends it, and the call must
 * not be restarted: that would send another one.
 */
static int vser_file_send_break(struct vser_file *vfile, unsigned int ms)
{
	u64 nr;
	int ret = vser_file_start_break(vfile, &nr);

	if (ret)
		return ret;

	ret = msleep_interruptible(ms) ? -EINTR : 0;
	vser_tx_end_break(vfile->line, vfile, nr);

	return ret;
}

/* As on a terminal: drains, or with an argument of 0 sends a break. */
static int vser_ioctl_drain(struct vser_file *vfile, union vser_arg *arg)
{
	return arg->raw ? vser_file_drain(vfile) :
			  vser_file_send_break(vfile, VSER_BREAK_MS);
}

/* As on a terminal: a break of so many tenths of a second, or of TCSBRK(0)'s length. */
static int vser_ioctl_send_break(struct vser_file *vfile, union vser_arg *arg)
{
	if (arg->raw > VSER_MAX_BREAK)
		return -EINVAL;

	return vser_file_send_break(vfile, arg->raw ? arg->raw * 100 :
						      VSER_BREAK_MS);
}

static int vser_ioctl_flush(struct vser_file *vfile, union vser_arg *arg)
{
	unsigned long which = arg->raw;

	if (which != TCIFLUSH && which != TCOFLUSH && which != TCIOFLUSH)
		return -EINVAL;

	if (which != TCOFLUSH)
		return vser_rx_flush(vfile->line, which == TCIOFLUSH);
	vser_tx_flush(vfile->line);

	return 0;
}

/**
 * struct vser_ioctl - an operation of the line
 * @cmd: its number
 * @in:  bytes that it takes from the caller's memory
 * @out: bytes that it stores there if it succeeds
 * @fn:  does it; process context, no lock held
 */
struct vser_ioctl {
	unsigned int cmd;
	u16 in;
	u16 out;
	int (*fn)(struct vser_file *vfile, union vser_arg *arg);
};

/* Ours tell by their number what is copied, those of terminals do not. */
#define VSER_IOCTL(cmd, fn) {						\
	cmd,								\
	_IOC_DIR(cmd) & _IOC_WRITE ? _IOC_SIZE(cmd) : 0,		\
	_IOC_DIR(cmd) & _IOC_READ ? _IOC_SIZE(cmd) : 0,			\
	fn								\
}

static const struct vser_ioctl vser_ioctls[] = {
	VSER_IOCTL(VS_SET_BAUD, vser_ioctl_set_baud),
	VSER_IOCTL(VS_GET_BAUD, vser_ioctl_get_baud),
	VSER_IOCTL(VS_SET_FMT, vser_ioctl_set_fmt),
	VSER_IOCTL(VS_GET_FMT, vser_ioctl_get_fmt),
	VSER_IOCTL(VS_GET_INFO, vser_ioctl_get_info),
	VSER_IOCTL(VS_SET_WIRE, vser_ioctl_set_wire),
	VSER_IOCTL(VS_GET_WIRE, vser_ioctl_get_wire),
	VSER_IOCTL(VS_SET_FAULT, vser_ioctl_set_fault),
	VSER_IOCTL(VS_GET_FAULT, vser_ioctl_get_fault),
	VSER_IOCTL(VS_WAIT_MODEM, vser_ioctl_wait_modem),
	VSER_IOCTL(VS_SET_MARK, vser_ioctl_set_mark),
	VSER_IOCTL(VS_GET_MARK, vser_ioctl_get_mark),
	VSER_IOCTL(VS_GET_COUNTERS, vser_ioctl_get_counters),
	VSER_IOCTL(VS_WATCH_EVENTS, vser_ioctl_watch_events),
	{ VS_READ_EVENT, 0, 0, vser_ioctl_read_event },
	{ VS_SET_RING, 0, 0, vser_ioctl_set_ring },
	{ VS_SYNC_RING, 0, 0, vser_ioctl_sync_ring },
	{ FIONREAD, 0, sizeof(int), vser_ioctl_rx_queued },
	{ TIOCOUTQ, 0, sizeof(int), vser_ioctl_tx_queued },
	{ TIOCMGET, 0, sizeof(int), vser_ioctl_get_modem },
	{ TIOCMSET, sizeof(int), 0, vser_ioctl_set_modem },
	{ TIOCMBIS, sizeof(int), 0, vser_ioctl_raise_modem },
	{ TIOCMBIC, sizeof(int), 0, vser_ioctl_drop_modem },
	{ TIOCSBRK, 0, 0, vser_ioctl_start_break },
	{ TIOCCBRK, 0, 0, vser_ioctl_end_break },
	{ TCSBRK, 0, 0, vser_ioctl_drain },
	{ TCSBRKP, 0, 0, vser_ioctl_send_break },
	{ TCFLSH, 0, 0, vser_ioctl_flush },
};

static int vser_ioctl_run(struct vser_file *vfile,
			  const struct vser_ioctl *ioctl, unsigned long raw)
{
	void __user *user = (void __user *)raw;
	union vser_arg arg = {};
	int ret;

	if (!ioctl->in && !ioctl->out)
		arg.raw = raw;
	if (ioctl->in && copy_from_user(&arg, user, ioctl->in))
		return -EFAULT;
	ret = ioctl->fn(vfile, &arg);
	if (!ret && ioctl->out && copy_to_user(user, &arg, ioctl->out))
		return -EFAULT;

	return ret;
}

static long vser_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vser_file *vfile = file->private_data;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vser_ioctls); i++)
		if (vser_ioctls[i].cmd == cmd)
			return vser_ioctl_run(vfile, &vser_ioctls[i], arg);

	for (i = 0; i < VSER_NR_LABS; i++)
		if (_IOC_TYPE(cmd) == VS_MAGIC &&
		    _IOC_NR(cmd) >= vser_lab_ranges[i].first &&
		    _IOC_NR(cmd) <= vser_lab_ranges[i].last)
			return vser_lab_ioctl(vfile, i, cmd, arg);

	return -ENOTTY;
}

static const struct file_operations vser_fops = {
	.owner		= THIS_MODULE,
	.open		= vser_open,
	.release	= vser_release,
	.read_iter	= vser_read_iter,
	.write_iter	= vser_write_iter,
	.splice_read	= copy_splice_read,
	.splice_write	= iter_file_splice_write,
	.fsync		= vser_fsync,
	.mmap		= vser_mmap,
	.poll		= vser_poll,
	.fasync		= vser_fasync,
	.unlocked_ioctl	= vser_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/* The files of a line in sysfs: vser_groups. */
#include "vser_sysfs.h"

static char *vser_devnode(vser_devnode_device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0660;

	return NULL;
}

/* Creating and destroying */

/*
 * Lifetime. A line is plain memory, freed when nothing can reach it any more. Its
 * device in class vser and the cdev of all nodes are objects of the kernel, whose
 * release functions are the kernel's: they may run after this module is gone.
 *
 * The cdev is added when nothing can fail any more, so an open line never sees a
 * load that fails. Devices come before it: their attributes are usable at once, and
 * the removal of a device waits until no attribute is in use. Until the cdev is
 * added, an open of a node is ENXIO.
 */

static void vser_line_free(struct vser_line *line)
{
	vser_buffer_free(line->account, line->tx.fifo.kfifo.data,
			 vser_queue_size(&line->tx));
	vser_buffer_free(line->account, line->rx.fifo.kfifo.data,
			 vser_queue_size(&line->rx));
	vser_account_put(line->account);
	kfree(line->out.link.faults);
	kfree(line->in.link.faults);
	kfree(line->generator.text);
	kfree(line->events);
	kfree(line);
}

/* Sets a new line to the defaults. */
static void vser_line_init(struct vser_line *line, unsigned int index)
{
	line->index = index;
	if (index)
		snprintf(line->name, sizeof(line->name), VSER_NAME "%u", index);
	else
		strscpy(line->name, VSER_NAME, sizeof(line->name));

	mutex_init(&line->config_lock);
	mutex_init(&line->open_lock);
	INIT_WORK(&line->reap, vser_reap_work);
	init_waitqueue_head(&line->wait);
	vser_queue_init(&line->tx, VSER_DEFAULT_FIFO);
	vser_queue_init(&line->rx, VSER_DEFAULT_FIFO);

	line->uart = (struct vser_uart) {
		.baud = VSER_DEFAULT_BAUD,
		.fmt = { .datab = 8, .stopb = 1 },
	};
	line->fault = (struct vser_fault) { .burst = 1, .seed = 1 };
	line->latency = VSER_DEFAULT_LATENCY;
	line->pacing = true;
	line->exclusive = true;

	line->far = &vser_far_generator;
	vser_wire_init(&line->out, line, &vser_tx_source);
	vser_wire_init(&line->in, line, &vser_generator_source);
	line->in.to = line;
	line->generator.period = VSER_DEFAULT_PERIOD;
	line->in.pace = vser_pace_of_period(VSER_DEFAULT_PERIOD);
	line->lead = &line->in;
	line->inputs = TIOCM_CTS;

	line->generator.seed = get_random_u64();
	vser_generator_restart(&line->generator);
}

/*
 * Destroys the first @n lines, which have no node and no device. Nobody has one
 * open, as that would pin the module; but what was written earlier may still be on
 * its way from one to another. So all are unplugged before the first one goes.
 */
static void vser_lines_destroy(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		mutex_lock(&vser_lines[i]->config_lock);
		vser_unplug(vser_lines[i]);
		mutex_unlock(&vser_lines[i]->config_lock);
	}
	/* One that runs may still be about to report to another line. */
	for (i = 0; i < n; i++) {
		hrtimer_cancel(&vser_lines[i]->out.timer);
		hrtimer_cancel(&vser_lines[i]->in.timer);
	}
	for (i = 0; i < n; i++) {
		cancel_work_sync(&vser_lines[i]->reap);
		vser_line_free(vser_lines[i]);
	}
}

static int __init vser_lines_create(unsigned int n)
{
	struct vser_line *line;
	unsigned int i;

	for (i = 0; i < n; i++) {
		line = kzalloc(sizeof(*line), GFP_KERNEL);
		if (!line) {
			vser_lines_destroy(i);
			return -ENOMEM;
		}
		vser_line_init(line, i);
		vser_lines[i] = line;
	}

	return 0;
}

/* Waits until nobody uses an attribute of the first @n lines, and removes them. */
static void vser_devices_destroy(unsigned int n)
{
	while (n--)
		device_destroy(vser_class, vser_devt + n);
}

/* All lines are there: an attribute of one of them can reach the others. */
static int __init vser_devices_create(unsigned int n)
{
	struct device *dev;
	unsigned int i;

	for (i = 0; i < n; i++) {
		dev = device_create_with_groups(vser_class, NULL, vser_devt + i,
						vser_lines[i], vser_groups,
						"%s", vser_lines[i]->name);
		if (IS_ERR(dev)) {
			vser_devices_destroy(i);
			return PTR_ERR(dev);
		}
	}

	return 0;
}

static int __init vser_class_create(void)
{
	vser_class = class_create(VSER_NAME);
	if (IS_ERR(vser_class))
		return PTR_ERR(vser_class);
	vser_class->devnode = vser_devnode;

	return 0;
}

static int __init vser_cdev_alloc(void)
{
	vser_cdev = cdev_alloc();
	if (!vser_cdev)
		return -ENOMEM;
	vser_cdev_parent = cdev_alloc();
	if (!vser_cdev_parent) {
		kobject_put(&vser_cdev->kobj);
		return -ENOMEM;
	}

	vser_cdev->ops = &vser_fops;
	vser_cdev->owner = THIS_MODULE;

	return 0;
}

/* For a cdev that was not added. */
static void vser_cdev_free(void)
{
	kobject_put(&vser_cdev->kobj);
	kobject_put(&vser_cdev_parent->kobj);
}

/* From here on lines may be open. */
static int __init vser_cdev_add(void)
{
	int ret;

	cdev_set_parent(vser_cdev, &vser_cdev_parent->kobj);
	ret = cdev_add(vser_cdev, vser_devt, vser_nr_lines);
	/* One that was not added holds no reference to its parent. */
	if (ret)
		vser_cdev->kobj.parent = NULL;

	return ret;
}

/*
 * A node that somebody keeps remembers the cdev, and with it this module, until the
 * cdev is released. The kernel does that at once, but with DEBUG_KOBJECT_RELEASE
 * seconds later. The cdev then lets go of its parent.
 */
static void vser_cdev_del(void)
{
	cdev_del(vser_cdev);
	while (kref_read(&vser_cdev_parent->kobj.kref) > 1)
		msleep(20);
	kobject_put(&vser_cdev_parent->kobj);
}

static int __init vser_init(void)
{
	int ret;

	if (!vser_nr_lines || vser_nr_lines > VSER_MAX_LINES) {
		pr_err("lines=%u: must be 1 to %u\n", vser_nr_lines,
		       VSER_MAX_LINES);
		return -EINVAL;
	}

	vser_user_buffers = vser_user_buffers ?: vser_max_buffers / 2;
	vser_lines = kcalloc(vser_nr_lines, sizeof(*vser_lines), GFP_KERNEL);
	if (!vser_lines)
		return -ENOMEM;

	ret = alloc_chrdev_region(&vser_devt, 0, vser_nr_lines, VSER_NAME);
	if (ret)
		goto err_free_lines;

	ret = vser_cdev_alloc();
	if (ret)
		goto err_unregister_region;

	ret = vser_class_create();
	if (ret)
		goto err_free_cdev;

	ret = vser_lines_create(vser_nr_lines);
	if (ret)
		goto err_destroy_class;

	ret = vser_devices_create(vser_nr_lines);
	if (ret)
		goto err_destroy_lines;

	/* Last: nothing may fail after it. */
	ret = vser_cdev_add();
	if (ret)
		goto err_destroy_devices;

	return 0;

err_destroy_devices:
	vser_devices_destroy(vser_nr_lines);
err_destroy_lines:
	vser_lines_destroy(vser_nr_lines);
err_destroy_class:
	class_destroy(vser_class);
err_free_cdev:
	vser_cdev_free();
err_unregister_region:
	unregister_chrdev_region(vser_devt, vser_nr_lines);
err_free_lines:
	kfree(vser_lines);
	return ret;
}

static void __exit vser_exit(void)
{
	vser_cdev_del();
	vser_devices_destroy(vser_nr_lines);
	vser_lines_destroy(vser_nr_lines);
	class_destroy(vser_class);
	unregister_chrdev_region(vser_devt, vser_nr_lines);
	kfree(vser_lines);
}

module_init(vser_init);
module_exit(vser_exit);

MODULE_AUTHOR("The vser maintainers");
MODULE_DESCRIPTION("A virtual serial line");
MODULE_LICENSE("GPL");
