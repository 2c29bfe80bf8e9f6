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
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
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
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "vser.h"
#include "vser_compat.h"
#include "vser_frame.h"
#include "vser_queue.h"

#define CREATE_TRACE_POINTS
#include "vser_trace.h"

static_assert(sizeof(struct vser_format) == 12);
static_assert(sizeof(struct vser_info) == 16);
static_assert(sizeof(struct vser_wiring) == 16);
static_assert(sizeof(struct vser_fault) == 40);
static_assert(sizeof(struct vser_modem_wait) == 8);
static_assert(sizeof(struct vser_event) == 16);
static_assert(sizeof(struct vser_counters) == 80);
static_assert(VS_SET_BAUD == 0x40047300);
static_assert(VS_GET_BAUD == 0x80047301);
static_assert(VS_SET_FMT == 0x400c7302);
static_assert(VS_GET_FMT == 0x800c7303);

#define VSER_NAME		"vser"
#define VSER_MAX_LINES		1024

#define VSER_DEFAULT_BAUD	115200
#define VSER_DEFAULT_FIFO	65536	/* bytes per direction */
#define VSER_MIN_FIFO		16
#define VSER_MAX_FIFO		(4 << 20)
#define VSER_DEFAULT_PERIOD	NSEC_PER_SEC	/* from letter to letter */
#define VSER_MIN_PERIOD		1000
#define VSER_MAX_PERIOD		(3600 * NSEC_PER_SEC)
#define VSER_DEFAULT_LATENCY	NSEC_PER_MSEC	/* a byte waits no longer */
#define VSER_MIN_LATENCY	(10 * NSEC_PER_USEC)
#define VSER_MAX_LATENCY	NSEC_PER_SEC
#define VSER_BATCH		4096	/* frames moved by one timer expiry */
#define VSER_BURST		65536	/* unpaced frames moved under one lock */
#define VSER_MAX_LAG		(100 * NSEC_PER_MSEC)	/* of a generator */
#define VSER_EVENTS		64	/* remembered per line, a power of two */
#define VSER_MAX_TEXT		256	/* bytes that the generator repeats */
#define VSER_BREAK_MS		250	/* TCSBRK(0) */

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
 * whenever the timer happens to run. An unpaced wire has no timer: whoever
 * queues bytes or makes room moves them.
 *
 * Contexts. Reads, writes, ioctls, sysfs, open and release run in process
 * context; timers run in softirq context (HRTIMER_MODE_ABS_SOFT), and so does
 * what they call: sources, far ends, wake-ups. Nothing runs in hard interrupt
 * context.
 *
 * Locks, outermost first:
 *
 *	vser_config_lock	how all lines are wired and set
 *	line->open_lock		who has the line open, and its buffers' lifetime
 *	queue->lock		the program's side of a queue
 *	wire->lock		the wire, the far side of the queues at its two
 *				ends, and all else that the line it leads to
 *				receives: modem lines, errors, events
 *
 * No two locks of one kind are ever held together. All but the last are mutexes
 * and may be held over a user copy; nobody waits for bytes or for room while
 * holding one. wire->lock is taken with bottom halves off, as the timer takes
 * it too. What is received is protected by the lock of line->lead, which
 * changes under the lock of the wire that it named before: vser_lead_lock().
 *
 * Full and empty. A full tx queue makes the writer wait (or answers EAGAIN). A
 * full rx queue stops the sender if both ends have flow control: the wire finds
 * no room, sets line->throttled and goes idle, and the reader that has made
 * room, half of the queue, starts it again. Otherwise what finds no room is
 * lost and counted as overrun, as on a UART. A closed line receives nothing.
 * Closing loses nothing: what was written goes on being sent as far as the far
 * end takes it, what was received waits for the next reader.
 */

struct vser_line;
struct vser_wire;

/**
 * struct vser_source - what feeds a wire
 * @admit:  frames that are ready from now on get their place in time
 * @queued: the admitted frames that are not yet sent
 * @room:   how many the receiving side takes now; if none, it will call
 *          vser_wire_kick() when it can take some
 * @carry:  hand @n of them on; n is at most what @queued and @room said
 * @idle:   @carry has handed on the last one
 * @endless: it never runs dry
 *
 * All are called with the wire's lock held, in softirq or process context.
 */
struct vser_source {
	void (*admit)(struct vser_wire *wire);
	u32 (*queued)(struct vser_wire *wire);
	u32 (*room)(struct vser_wire *wire);
	void (*carry)(struct vser_wire *wire, u32 n);
	void (*idle)(struct vser_wire *wire);
	bool endless;
};

/**
 * struct vser_wire - one direction of a connection
 * @lock:   protects all of the struct; taken by processes and by the timer
 * @paced:  frames take time
 * @busy:   a frame is on the wire, and @timer is armed or about to take @lock
 * @reset:  the frame on the wire began before one of the ends was set anew
 * @timer:  runs while the wire is busy
 * @line:   whose wire it is; constant
 * @source: what feeds it; constant
 * @to:     the line that it leads to, or NULL; written under vser_config_lock
 *          too
 * @pace:   of the frames that start from now on
 * @end:    when the frame ends that is on the wire
 * @look:   when @timer was last armed for, in ns
 * @link:   how the two ends are set, and what goes wrong between them
 */
struct vser_wire {
	/* Innermost; taken by processes, bottom halves off, and by the timer. */
	spinlock_t lock;
	bool paced;
	bool busy;
	bool reset;
	struct hrtimer timer;
	struct vser_line *line;
	const struct vser_source *source;
	struct vser_line *to;
	struct vser_pace pace;
	struct vser_instant end;
	u64 look;
	struct vser_link link;
};

/**
 * struct vser_far_ops - what a line is wired to
 * @name:    in sysfs
 * @type:    in ioctls, VSER_WIRE_*
 * @flow:    the flow control that a line gets when it is wired so
 * @listen:  the line got its first reader (@on), or lost its last; line->
 *           open_lock held, process context
 * @room:    how many frames it takes from the line now
 * @receive: @n bytes arrive from the line
 * @rest:    the line has nothing more to send
 * @modem:   the line's outputs are @outputs, of VSER_MODEM_OUTPUTS
 * @brk:     the line sends a break
 *
 * All but @listen are called with line->out.lock held, in softirq or process
 * context.
 */
struct vser_far_ops {
	const char *name;
	u32 type;
	u32 flow;
	void (*listen)(struct vser_line *line, bool on);
	u32 (*room)(struct vser_line *line);
	void (*receive)(struct vser_line *line, const u8 *bytes, u32 n);
	void (*rest)(struct vser_line *line);
	void (*modem)(struct vser_line *line, u32 outputs);
	void (*brk)(struct vser_line *line);
};

enum vser_flow {
	VSER_FLOW_NONE,
	VSER_FLOW_RTSCTS,
};

/* What the generator can send; the order of vser_generator_names. */
enum vser_generator_kind {
	VSER_GEN_LETTERS,
	VSER_GEN_COUNTER,
	VSER_GEN_PRBS15,
	VSER_GEN_TEXT,
};

/**
 * struct vser_generator - what line->in sends; protected by its lock
 * @kind:   of what, enum vser_generator_kind
 * @on:     somebody listens
 * @len:    VSER_GEN_TEXT: the length of @text in bytes
 * @text:   VSER_GEN_TEXT: what is repeated
 * @period: from byte to byte in ns, or 0: as fast as the line's speed allows
 * @seed:   where the random kinds start
 * @random: VSER_GEN_LETTERS: state of vser_random()
 * @bits:   VSER_GEN_PRBS15: state of vser_prbs15()
 * @next:   VSER_GEN_COUNTER: the next byte; VSER_GEN_TEXT: its place in @text
 */
struct vser_generator {
	u8 kind;
	bool on;
	u32 len;
	u8 *text;
	u64 period;
	u64 seed;
	union {
		u64 random;
		u16 bits;
		u32 next;
	};
};

/* Bits of line->flags, which are atomic. */
enum {
	/* A program was told that tx is full, and not yet that there is room. */
	VSER_TX_STARVED,
	/* The far end has yet to be told how line->throttled changed RTS. */
	VSER_RTS_STALE,
};

/**
 * struct vser_line - a serial line
 * @dev:       in class vser; its last reference frees the line
 * @cdev:      the node's operations
 * @flags:     VSER_TX_STARVED, VSER_RTS_STALE
 * @index:     number of the line; constant
 *
 * How it is set; written under vser_config_lock, and read without by those that
 * use READ_ONCE because they need no two of them to agree
 * @flow:      enum vser_flow; read by the wires at both ends
 * @uart:      speed and frame format
 * @fault:     faults on demand
 * @latency:   ns that a byte may wait for its batch; read by both wires
 * @pacing:    frames take time
 * @exclusive: one user at a time; read under @open_lock
 *
 * @open_lock: protects the next three, and the lifetime of both buffers
 * @openers:   descriptors that can read or write. Wires read it without the
 *             lock, to see if the line receives and if to schedule @reap
 * @readers:   descriptors that can read
 * @outputs:   modem lines that the program drives, TIOCM_*; read by
 *             vser_modem_send() without the lock
 * @reap:      frees the buffers of a closed line once they are empty
 *
 * @tx:        bytes to be sent; producer: writers, consumer: @out
 * @rx:        bytes received; producer: @lead, consumer: readers
 * @fasync:    who wants SIGIO; has its own lock, of the core
 *
 * @far:       what the line is wired to; written under vser_config_lock,
 *             open_lock and out.lock, so that each of them is enough to read it
 * @out:       the wire to the far end, fed by @tx
 * @admitted:  tx.fifo.in as far as @out knows of it; protected by out.lock
 * @brk:       the line sends a break; protected by out.lock
 *
 * @in:        the wire from the line's own generator
 * @generator: what it sends; protected by in.lock
 *
 * @lead:      the wire that leads here; written under vser_config_lock and the
 *             lock of the wire that it named before
 * What follows is protected by the lock of @lead:
 * @throttled: the wire found rx full and waits for the reader to make room;
 *             written with WRITE_ONCE, readers look at it without the lock
 * @mark:      mark errors in what is read
 * @inputs:    modem lines that the far end drives, TIOCM_*; written with
 *             WRITE_ONCE, and read without the lock
 * @position:  bytes put into rx since the module was loaded
 * @events:    the last VSER_EVENTS events, or NULL while nobody ever opened
 * @event_seq: events since then; written with WRITE_ONCE, and read without the
 *             lock by those that wait
 * @event_wait: who waits for events
 *
 * The counters have one writer each, which is named here; readers may see them
 * at any time, by READ_ONCE (on a 32-bit kernel, they may see one torn).
 *
 * @tx_written:   bytes that programs wrote; tx.lock
 * @tx_sent:      frames that @out carried; out.lock
 * @tx_flushed:   bytes taken from tx unsent; out.lock
 * @rx_arrived:   frames that a line sent here; lead
 * @rx_generated: frames that the generator made; lead
 * @rx_dup:       bytes that a fault doubled; lead
 * @rx_split:     bytes that mismatched ends made out of nothing; lead
 * @rx_marks:     bytes inserted to mark errors; lead
 * @rx_faults:    frames that a fault took; lead
 * @rx_merged:    frames that mismatched ends lost; lead
 * @rx_overrun:   bytes that found no room; lead
 * @rx_flushed:   bytes taken from rx unread; rx.lock
 * @rx_delivered: bytes that programs read; rx.lock
 * @rx_parity:    parity errors; lead
 * @rx_frame:     framing errors; lead
 * @rx_brk:       breaks; lead
 * @n_cts:        changes of CTS; lead
 * @n_dsr:        changes of DSR; lead
 * @n_ri:         changes of RI; lead
 * @n_dcd:        changes of DCD; lead
 *
 * When nothing moves, they balance:
 *	written = sent + queued + flushed	(tx)
 *	arrived + generated + dup + split + marks =
 *		delivered + queued + flushed + overrun + faults + merged  (rx)
 */
struct vser_line {
	struct device dev;
	struct cdev cdev;
	unsigned long flags;
	u32 index;

	u32 flow;
	struct vser_uart uart;
	struct vser_fault fault;
	u32 latency;
	bool pacing;
	bool exclusive;

	/* Process context; inside vser_config_lock, outside the queues' locks. */
	struct mutex open_lock;
	unsigned int openers;
	unsigned int readers;
	u32 outputs;
	u32 admitted;
	struct work_struct reap;

	struct vser_queue tx;
	struct vser_queue rx;
	struct fasync_struct *fasync;

	const struct vser_far_ops *far;
	struct vser_wire out;

	struct vser_wire in;
	struct vser_generator generator;

	struct vser_wire *lead;
	bool brk;
	bool throttled;
	bool mark;
	u32 inputs;
	u64 position;
	struct vser_event *events;
	u64 event_seq;
	wait_queue_head_t event_wait;

	u64 tx_written;
	u64 tx_sent;
	u64 tx_flushed;
	u64 rx_arrived;
	u64 rx_generated;
	u64 rx_dup;
	u64 rx_split;
	u64 rx_marks;
	u64 rx_faults;
	u64 rx_merged;
	u64 rx_overrun;
	u64 rx_flushed;
	u64 rx_delivered;
	u64 rx_parity;
	u64 rx_frame;
	u64 rx_brk;
	u64 n_cts;
	u64 n_dsr;
	u64 n_ri;
	u64 n_dcd;
};

/**
 * struct vser_file - an open descriptor
 * @line:       of what
 * @event_lock: protects @next_event, over the copy of the event to the user
 * @next_event: number of the first event that it has not read
 */
struct vser_file {
	struct vser_line *line;
	/* Process context; outside the wires' locks, else alone. */
	struct mutex event_lock;
	u64 next_event;
};

static unsigned int vser_nr_lines = 1;
module_param_named(lines, vser_nr_lines, uint, 0444);
MODULE_PARM_DESC(lines, "number of lines, 1 to " __stringify(VSER_MAX_LINES) " (default 1)");

static unsigned long vser_max_buffers = 64 << 20;
module_param_named(max_buffers, vser_max_buffers, ulong, 0444);
MODULE_PARM_DESC(max_buffers, "bytes that all buffers together may take without CAP_SYS_RESOURCE (default 64 MiB)");

static dev_t vser_devt;
static struct vser_line **vser_lines;

/* Protects how all lines are wired and set. Process context, outermost. */
static DEFINE_MUTEX(vser_config_lock);

/* Bytes in all buffers. */
static atomic_long_t vser_buffers = ATOMIC_LONG_INIT(0);

static void vser_count(u64 *counter, u64 n)
{
	WRITE_ONCE(*counter, *counter + n);
}

/* Buffers of queues */

static void *vser_buffer_alloc(size_t size)
{
	void *buffer;

	if (atomic_long_add_return(size, &vser_buffers) > vser_max_buffers &&
	    !capable(CAP_SYS_RESOURCE)) {
		atomic_long_sub(size, &vser_buffers);
		return ERR_PTR(-EDQUOT);
	}

	buffer = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!buffer) {
		atomic_long_sub(size, &vser_buffers);
		return ERR_PTR(-ENOMEM);
	}

	return buffer;
}

static void vser_buffer_free(void *buffer, size_t size)
{
	if (!buffer)
		return;

	kvfree(buffer);
	atomic_long_sub(size, &vser_buffers);
}

/* Gives the queue a buffer unless it has one. */
static int vser_queue_alloc(struct vser_queue *queue)
{
	struct __kfifo *fifo = &queue->fifo.kfifo;
	void *buffer;

	if (fifo->data)
		return 0;

	buffer = vser_buffer_alloc(vser_queue_size(queue));
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	fifo->data = buffer;

	return 0;
}

/* Received events and modem lines */

/*
 * The lock under which @line receives; to be released with vser_lead_unlock().
 * Whoever changes line->lead holds the lock of the wire that it named, so the
 * wire that is found under its own lock is the right one.
 */
static struct vser_wire *vser_lead_lock(struct vser_line *line)
	__acquires(&line->lead->lock)
{
	struct vser_wire *wire;

	for (;;) {
		wire = READ_ONCE(line->lead);
		spin_lock_bh(&wire->lock);
		/* Pairs with vser_set_lead(): what was received under the old. */
		if (wire == smp_load_acquire(&line->lead))
			return wire;
		spin_unlock_bh(&wire->lock);
	}
}

static void vser_lead_unlock(struct vser_wire *wire)
	__releases(&wire->lock)
{
	spin_unlock_bh(&wire->lock);
}

/* The last act under the lock of the old lead. */
static void vser_set_lead(struct vser_line *line, struct vser_wire *lead)
{
	/* Pairs with vser_lead_lock(). */
	smp_store_release(&line->lead, lead);
}

static void vser_assert_lead(struct vser_line *line)
{
	lockdep_assert_held(&line->lead->lock);
}

static void vser_event(struct vser_line *line, u32 type, u32 value)
{
	vser_assert_lead(line);

	if (!line->events)
		return;

	line->events[line->event_seq & (VSER_EVENTS - 1)] = (struct vser_event) {
		.position = line->position,
		.type = type,
		.value = value,
	};
	WRITE_ONCE(line->event_seq, line->event_seq + 1);
	wake_up_interruptible_poll(&line->event_wait, EPOLLPRI);
}

/* The far end sets the line's modem inputs. */
static void vser_modem_receive(struct vser_line *line, u32 inputs)
{
	u32 changed = line->inputs ^ inputs;

	vser_assert_lead(line);

	if (!changed)
		return;

	trace_vser_modem(line->index, inputs, changed);
	WRITE_ONCE(line->inputs, inputs);
	vser_count(&line->n_cts, !!(changed & TIOCM_CTS));
	vser_count(&line->n_dsr, !!(changed & TIOCM_DSR));
	vser_count(&line->n_ri, !!(changed & TIOCM_RI));
	vser_count(&line->n_dcd, !!(changed & TIOCM_CD));
	/* Last: who waits for a change looks at the counters. */
	vser_event(line, VSER_EVENT_MODEM, inputs);
}

/* Wires */

/*
 * Has the timer look at the wire when a batch has ended. From look to look it is
 * the latency and not more, so that no byte waits longer: one that had not ended
 * at one look is handed on at the next. If the last look was late by more than
 * that, it is from now.
 */
static void vser_wire_arm(struct vser_wire *wire, u64 now)
{
	u64 latency = READ_ONCE(wire->line->latency);
	u64 latest = max(wire->look + latency, now);

	/* A batch was not enough. */
	if (vser_frames_due(&wire->end, &wire->pace, now))
		latest = now;
	wire->look = vser_next_look(&wire->end, &wire->pace,
				    wire->source->queued(wire), latest);
	hrtimer_start(&wire->timer, ns_to_ktime(wire->look),
		      HRTIMER_MODE_ABS_SOFT);
}

/* The frames that start from now on pass between the ends as they are set now. */
static void vser_wire_set_ends(struct vser_wire *wire)
{
	const struct vser_line *from = wire->line;
	const struct vser_line *to = wire->to ?: from;
	struct vser_uart tx, rx;

	/*
	 * Without vser_config_lock, in the timer: each number is valid by
	 * itself, and who is changing them comes here when he has done so.
	 */
	tx = data_race(from->uart);
	rx = data_race(to->uart);
	if (!vser_uart_equal(&tx, &wire->link.tx) ||
	    !vser_uart_equal(&rx, &wire->link.rx))
		vser_link_set_ends(&wire->link, &tx, &rx);
	wire->reset = false;
}

/* Hands on @n frames; the wire stays busy if there are more, and room. */
static void vser_wire_carry(struct vser_wire *wire, u32 n)
{
	if (wire->reset) {
		wire->source->carry(wire, 1);
		vser_wire_set_ends(wire);
		n--;
	}
	if (n)
		wire->source->carry(wire, n);
	wire->busy = wire->source->queued(wire);
	if (!wire->busy)
		wire->source->idle(wire);
	else
		wire->busy = wire->source->room(wire);
}

/* Hands on a batch of the frames that have ended by @now. */
static void vser_wire_run(struct vser_wire *wire, u64 now)
{
	u64 n;

	lockdep_assert_held(&wire->lock);

	/* It must not fall ever farther behind if it is faster than we are. */
	if (wire->source->endless &&
	    now > wire->end.ns + READ_ONCE(wire->line->latency) + VSER_MAX_LAG)
		wire->end = (struct vser_instant) { .ns = now };

	n = vser_frames_due(&wire->end, &wire->pace, now);
	if (!n)
		return;
	n = min3(n, (u64)wire->source->queued(wire), (u64)VSER_BATCH);
	/* There is none if the receiver has taken its RTS away meanwhile. */
	n = min_t(u64, n, wire->source->room(wire));
	if (!n) {
		wire->busy = false;
		return;
	}
	vser_instant_advance(&wire->end, &wire->pace, n);
	vser_wire_carry(wire, n);
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

/* Moves what can be moved, without a pace. Returns true if there is more. */
static bool vser_wire_move(struct vser_wire *wire, u64 now)
{
	u32 moved = 0, n;

	while (moved < VSER_BURST) {
		n = min(wire->source->queued(wire), VSER_BURST - moved);
		if (n)
			n = min(n, wire->source->room(wire));
		if (!n)
			return false;
		vser_wire_carry(wire, n);
		wire->busy = false;
		moved += n;
	}

	/* If nobody else goes on, the timer does. */
	hrtimer_start(&wire->timer,
		      ns_to_ktime(now + READ_ONCE(wire->line->latency)),
		      HRTIMER_MODE_ABS_SOFT);

	return true;
}

/*
 * An idle wire may have got frames to send, or room for them. Returns true if
 * there is more to be done at once.
 */
static bool vser_wire_start(struct vser_wire *wire, u64 now)
{
	lockdep_assert_held(&wire->lock);

	if (wire->busy)
		return false;
	if (wire->reset)
		vser_wire_set_ends(wire);
	if (!wire->paced)
		return vser_wire_move(wire, now);
	if (!wire->source->queued(wire) || !wire->source->room(wire))
		return false;

	wire->busy = true;
	wire->end = (struct vser_instant) { .ns = now };
	vser_instant_advance(&wire->end, &wire->pace, 1);
	wire->look = now;
	vser_wire_arm(wire, now);

	return false;
}

/*
 * Does what there is to do on the wire, and returns the line that it leads to,
 * for vser_wire_report(). No wire's lock held.
 */
static struct vser_line *vser_wire_pump(struct vser_wire *wire)
{
	u32 rounds = wire->source->endless ? 1 : VSER_MAX_FIFO / VSER_BURST;
	struct vser_line *to;
	bool more;
	u64 now;

	do {
		spin_lock_bh(&wire->lock);
		now = ktime_get_ns();
		vser_wire_catch_up(wire, now);
		wire->source->admit(wire);
		more = vser_wire_start(wire, now);
		to = wire->to;
		spin_unlock_bh(&wire->lock);
	} while (more && --rounds);

	return to;
}

/*
 * Tells the far end the line's modem outputs. RTS is what the program wants
 * and, with flow control, off while rx is full.
 */
static void vser_modem_tell(struct vser_line *line)
{
	u32 outputs;

	spin_lock_bh(&line->out.lock);
	vser_wire_catch_up(&line->out, ktime_get_ns());
	/*
	 * Read under the lock: of two that change an output at once, the last
	 * to come here sees both changes.
	 */
	outputs = READ_ONCE(line->outputs);
	if (READ_ONCE(line->flow) == VSER_FLOW_RTSCTS &&
	    READ_ONCE(line->throttled))
		outputs &= ~TIOCM_RTS;
	line->far->modem(line, outputs);
	spin_unlock_bh(&line->out.lock);
}

/*
 * After a wire that leads to @line has run: if that has changed RTS, tells the
 * far end, which then may go on sending. No wire's lock held.
 */
static void vser_wire_report(struct vser_line *line)
{
	while (line && test_and_clear_bit(VSER_RTS_STALE, &line->flags)) {
		vser_modem_tell(line);
		vser_wire_pump(READ_ONCE(line->lead));
	}
}

/*
 * Something has changed that the wire may have waited for: frames to send, or
 * room for them. No wire's lock held.
 */
static void vser_wire_kick(struct vser_wire *wire)
{
	vser_wire_report(vser_wire_pump(wire));
}

/*
 * The line's modem outputs have changed, or who is to be told of them. On return
 * the far end knows, and nothing is under way that it sent without knowing; and
 * what waited, on either wire, goes on.
 */
static void vser_modem_send(struct vser_line *line)
{
	vser_modem_tell(line);
	vser_wire_kick(READ_ONCE(line->lead));
	vser_wire_kick(&line->out);
}

/*
 * The timer is always armed by hrtimer_start() under the wire's lock, and never
 * by returning HRTIMER_RESTART: a process may have armed it anew while this
 * function waited for the lock. Then it is not yet time to look.
 */
static enum hrtimer_restart vser_wire_timer(struct hrtimer *timer)
{
	struct vser_wire *wire = container_of(timer, struct vser_wire, timer);
	struct vser_line *to;
	u64 now, late = 0;

	spin_lock(&wire->lock);
	now = ktime_get_ns();
	if (!wire->busy) {
		vser_wire_start(wire, now);
	} else if (now >= wire->look) {
		if (now > wire->end.ns)
			late = now - wire->end.ns;
		vser_wire_run(wire, now);
		if (wire->busy)
			vser_wire_arm(wire, now);
	}
	trace_vser_timer(wire->line->index, wire == &wire->line->in, late,
			 wire->busy);
	to = wire->to;
	spin_unlock(&wire->lock);

	vser_wire_report(to);

	return HRTIMER_NORESTART;
}

/*
 * Sets how the frames are sent that start from now on: by period, speed and
 * format, and pacing.
 */
static void vser_wire_tune(struct vser_wire *wire)
{
	u64 period = wire->source->endless ? wire->line->generator.period : 0;

	lockdep_assert_held(&vser_config_lock);
	lockdep_assert_held(&wire->lock);

	vser_wire_catch_up(wire, ktime_get_ns());
	vser_instant_settle(&wire->end);
	wire->pace = period ? vser_pace_of_period(period) :
			      vser_pace_of_uart(&wire->line->uart);
	wire->paced = period || wire->line->pacing;
	if (!wire->paced)
		wire->busy = false;
	/* The frame on the wire ends as it began. */
	if (wire->busy)
		wire->reset = true;
	else
		vser_wire_set_ends(wire);
}

static void vser_wire_retune(struct vser_wire *wire)
{
	spin_lock_bh(&wire->lock);
	vser_wire_tune(wire);
	spin_unlock_bh(&wire->lock);

	vser_wire_kick(wire);
}

/* The latency has changed: it counts from now. */
static void vser_wire_look_again(struct vser_wire *wire)
{
	u64 now;

	spin_lock_bh(&wire->lock);
	now = ktime_get_ns();
	vser_wire_catch_up(wire, now);
	if (wire->busy) {
		wire->look = now;
		vser_wire_arm(wire, now);
	}
	spin_unlock_bh(&wire->lock);

	vser_wire_kick(wire);
}

static void vser_wire_init(struct vser_wire *wire, struct vser_line *line,
			   const struct vser_source *source)
{
	spin_lock_init(&wire->lock);
	hrtimer_setup(&wire->timer, vser_wire_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_SOFT);
	wire->line = line;
	wire->source = source;
	wire->paced = true;
	wire->pace = vser_pace_of_uart(&line->uart);
	vser_link_set_ends(&wire->link, &line->uart, &line->uart);
}

/* Receiving: from a wire to the program */

/* At least half of rx is empty: time to go on. */
static bool vser_rx_low(struct vser_line *line)
{
	return vser_queue_len(&line->rx) <= vser_queue_size(&line->rx) / 2;
}

static void vser_rx_unthrottle(struct vser_line *line)
{
	WRITE_ONCE(line->throttled, false);
	set_bit(VSER_RTS_STALE, &line->flags);
}

/*
 * rx is full: the reader is to call when it has made room. A line is throttled
 * only while rx is not low, or there would be nobody to call. Returns false if
 * the reader has made room meanwhile.
 */
static bool vser_rx_throttle(struct vser_line *line)
{
	if (line->throttled)
		return true;

	WRITE_ONCE(line->throttled, true);
	set_bit(VSER_RTS_STALE, &line->flags);
	/*
	 * Either the reader sees this after it has taken bytes, or what it has
	 * taken is seen here.
	 */
	smp_mb();
	if (vser_rx_low(line))
		vser_rx_unthrottle(line);

	return line->throttled;
}

/*
 * How many frames rx takes, whatever becomes of them on the way over @link. If
 * none, the line is throttled from here on until the reader has made room.
 */
static u32 vser_rx_room(struct vser_line *line, const struct vser_link *link)
{
	u32 room;

	vser_assert_lead(line);

	if (line->throttled) {
		if (!vser_rx_low(line))
			return 0;
		vser_rx_unthrottle(line);
	}

	do {
		room = vser_queue_size(&line->rx) - vser_queue_len(&line->rx);
		if (line->mark)
			room /= 3;
		if (!vser_link_clean(link))
			room /= VSER_CHARS_MAX;
		/* Half of a small queue may be too little for the worst. */
		if (!room && vser_rx_low(line))
			room = 1;
	} while (!room && !vser_rx_throttle(line));

	return room;
}

/* The reader has taken bytes from rx; no wire's lock held. */
static void vser_rx_made_room(struct vser_line *line)
{
	struct vser_wire *lead;

	/* Pairs with the barrier in vser_rx_throttle(). */
	smp_mb();
	if (!READ_ONCE(line->throttled) || !vser_rx_low(line))
		return;

	lead = vser_lead_lock(line);
	vser_rx_unthrottle(line);
	vser_lead_unlock(lead);

	vser_wire_report(line);
	vser_wire_kick(lead);
}

static void vser_rx_overrun(struct vser_line *line, u32 n)
{
	trace_vser_drop(line->index, n, vser_queue_len(&line->rx));
	vser_count(&line->rx_overrun, n);
	vser_event(line, VSER_EVENT_OVERRUN, n);
	vser_rx_throttle(line);
}

/* Does the line receive? Then rx has a buffer. */
static bool vser_rx_open(struct vser_line *line)
{
	/* Pairs with vser_set_openers(). */
	return smp_load_acquire(&line->openers);
}

/* Bytes arrive at the line. */
static void vser_rx_push(struct vser_line *line, const u8 *bytes, u32 n)
{
	u32 taken = 0;

	vser_assert_lead(line);

	if (vser_rx_open(line))
		taken = vser_queue_in(&line->rx, bytes, n);
	line->position += taken;
	if (taken) {
		trace_vser_rx(line->index, taken, vser_queue_len(&line->rx));
		wake_up_interruptible_poll(&line->rx.wait,
					   EPOLLIN | EPOLLRDNORM);
		kill_fasync(&line->fasync, SIGIO, POLL_IN);
	}
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

	if (vser_link_clean(link) && link->tx.fmt.datab == 8 && !line->mark) {
		vser_rx_push(line, bytes, n);
		return;
	}

	for (i = 0; i < n; i++) {
		vser_link_send(link, bytes[i], &outcome);
		vser_count(&line->rx_faults, outcome.dropped);
		vser_count(&line->rx_dup, outcome.duplicated);
		vser_rx_chars(line, &outcome.received,
			      !outcome.dropped + outcome.duplicated);
	}
}

/* The wire that leads here has come to rest. */
static void vser_rx_rest(struct vser_line *line, struct vser_link *link)
{
	struct vser_chars chars = {};

	if (vser_link_clean(link))
		return;

	vser_link_rest(link, &chars);
	vser_rx_chars(line, &chars, 0);
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

static u32 vser_tx_room(struct vser_wire *wire)
{
	return wire->line->far->room(wire->line);
}

/* There is room in tx, or nothing left in it. */
static void vser_tx_made_room(struct vser_line *line)
{
	wake_up_interruptible_poll(&line->tx.wait, EPOLLOUT | EPOLLWRNORM);
	/* Pairs with the barrier in vser_tx_starve(). */
	smp_mb();
	if (test_and_clear_bit(VSER_TX_STARVED, &line->flags))
		kill_fasync(&line->fasync, SIGIO, POLL_OUT);
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

static const struct vser_source vser_tx_source = {
	.admit = vser_tx_admit,
	.queued = vser_tx_queued,
	.room = vser_tx_room,
	.carry = vser_tx_carry,
	.idle = vser_tx_idle,
};

/*
 * The program is about to be told that tx is full, and wants SIGIO when there
 * is room. Returns false if there is room by now.
 */
static bool vser_tx_starve(struct vser_line *line)
{
	set_bit(VSER_TX_STARVED, &line->flags);
	/*
	 * Either vser_tx_made_room() sees the bit after there is room, or the
	 * room is seen here.
	 */
	smp_mb__after_atomic();

	return vser_queue_full(&line->tx);
}

static bool vser_tx_empty(struct vser_line *line)
{
	return !vser_queue_len(&line->tx);
}

/* Waits until everything written has been sent. */
static int vser_tx_drain(struct vser_line *line)
{
	return wait_event_interruptible(line->tx.wait, vser_tx_empty(line));
}

static void vser_tx_flush(struct vser_line *line)
{
	spin_lock_bh(&line->out.lock);
	vser_wire_catch_up(&line->out, ktime_get_ns());
	vser_count(&line->tx_flushed, vser_queue_flush(&line->tx));
	vser_tx_admit(&line->out);
	line->far->rest(line);
	line->out.busy = false;
	vser_tx_made_room(line);
	spin_unlock_bh(&line->out.lock);

	vser_line_check_reap(line);
	vser_wire_kick(&line->out);
}

static int vser_rx_flush(struct vser_line *line)
{
	if (mutex_lock_interruptible(&line->rx.lock))
		return -ERESTARTSYS;
	vser_count(&line->rx_flushed, vser_queue_flush(&line->rx));
	mutex_unlock(&line->rx.lock);

	vser_line_check_reap(line);
	vser_rx_made_room(line);

	return 0;
}

/* Starts or ends a break. */
static void vser_tx_break(struct vser_line *line, bool on)
{
	spin_lock_bh(&line->out.lock);
	vser_wire_catch_up(&line->out, ktime_get_ns());
	if (on && !line->brk)
		line->far->brk(line);
	line->brk = on;
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
static u32 vser_generator_room(struct vser_wire *wire)
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

static u32 vser_sink_room(struct vser_line *line)
{
	return line->brk ? 0 : U32_MAX;
}

static void vser_sink_receive(struct vser_line *line, const u8 *bytes, u32 n)
{
}

static void vser_sink_rest(struct vser_line *line)
{
}

static void vser_sink_modem(struct vser_line *line, u32 outputs)
{
}

static void vser_sink_break(struct vser_line *line)
{
}

static const struct vser_far_ops vser_far_generator = {
	.name = "generator",
	.type = VSER_WIRE_GENERATOR,
	.flow = VSER_FLOW_NONE,
	.listen = vser_generator_switch,
	.room = vser_sink_room,
	.receive = vser_sink_receive,
	.rest = vser_sink_rest,
	.modem = vser_sink_modem,
	.brk = vser_sink_break,
};

static const struct vser_far_ops vser_far_open = {
	.name = "open",
	.type = VSER_WIRE_OPEN,
	.flow = VSER_FLOW_NONE,
	.listen = vser_sink_listen,
	.room = vser_sink_room,
	.receive = vser_sink_receive,
	.rest = vser_sink_rest,
	.modem = vser_sink_modem,
	.brk = vser_sink_break,
};

/* While a line is being wired, what it sends waits. */

static u32 vser_unplugged_room(struct vser_line *line)
{
	return 0;
}

static const struct vser_far_ops vser_far_unplugged = {
	.listen = vser_sink_listen,
	.room = vser_unplugged_room,
	.receive = vser_sink_receive,
	.rest = vser_sink_rest,
	.modem = vser_sink_modem,
	.brk = vser_sink_break,
};

/*
 * Far ends that are a line, line->out.to: "loopback", where it is the line
 * itself, and "nullmodem". line->out is the lead of that line, and its lock is
 * held.
 */

static u32 vser_link_room(struct vser_line *line)
{
	struct vser_line *to = line->out.to;

	if (line->brk)
		return 0;
	if (READ_ONCE(line->flow) != VSER_FLOW_RTSCTS)
		return U32_MAX;
	if (!(READ_ONCE(line->inputs) & TIOCM_CTS))
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

static void vser_link_at_rest(struct vser_line *line)
{
	vser_rx_rest(line->out.to, &line->out.link);
}

static void vser_link_modem(struct vser_line *line, u32 outputs)
{
	u32 inputs = 0;

	if (outputs & TIOCM_RTS)
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
}

static const struct vser_far_ops vser_far_loopback = {
	.name = "loopback",
	.type = VSER_WIRE_LOOPBACK,
	.flow = VSER_FLOW_RTSCTS,
	.listen = vser_sink_listen,
	.room = vser_link_room,
	.receive = vser_link_receive,
	.rest = vser_link_at_rest,
	.modem = vser_link_modem,
	.brk = vser_link_break,
};

static const struct vser_far_ops vser_far_nullmodem = {
	.name = "nullmodem",
	.type = VSER_WIRE_NULLMODEM,
	.flow = VSER_FLOW_RTSCTS,
	.listen = vser_sink_listen,
	.room = vser_link_room,
	.receive = vser_link_receive,
	.rest = vser_link_at_rest,
	.modem = vser_link_modem,
	.brk = vser_link_break,
};

static const struct vser_far_ops * const vser_fars[] = {
	&vser_far_generator,
	&vser_far_loopback,
	&vser_far_nullmodem,
	&vser_far_open,
};

/* Wiring. Caller of all: vser_config_lock. */

/* Takes the plug out: the line sends nothing, and nothing leads anywhere. */
static void vser_unplug(struct vser_line *line)
{
	struct vser_line *to;

	mutex_lock(&line->open_lock);
	line->far->listen(line, false);

	spin_lock_bh(&line->out.lock);
	vser_wire_catch_up(&line->out, ktime_get_ns());
	line->far->rest(line);
	line->far = &vser_far_unplugged;
	line->out.busy = false;
	to = line->out.to;
	line->out.to = NULL;
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
	vser_modem_receive(line, 0);
	vser_lead_unlock(lead);

	mutex_lock(&line->open_lock);
	spin_lock_bh(&line->out.lock);
	line->out.to = to;
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
	if (lead == &line->in)
		vser_modem_receive(line, TIOCM_CTS);
	vser_lead_unlock(lead);

	vser_modem_send(line);
}

/* Wires @line to @far; @peer is the other line of a null modem, else NULL. */
static int vser_rewire(struct vser_line *line, const struct vser_far_ops *far,
		       struct vser_line *peer)
{
	struct vser_line *old = line->out.to;

	lockdep_assert_held(&vser_config_lock);

	if (peer == line)
		return -EINVAL;
	if (line->far == far && (!peer || old == peer))
		return 0;
	if (peer && peer->far == &vser_far_nullmodem)
		return -EBUSY;

	vser_unplug(line);
	if (old && old != line) {
		vser_unplug(old);
		vser_plug(old, &vser_far_open, NULL);
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

static const struct vser_far_ops *vser_far_by_type(u32 type)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vser_fars); i++)
		if (vser_fars[i]->type == type)
			return vser_fars[i];

	return NULL;
}

/* Setting a line. Caller of all: vser_config_lock. */

/* Speed or format has changed: of what the line sends and what it receives. */
static void vser_uart_changed(struct vser_line *line)
{
	lockdep_assert_held(&vser_config_lock);

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
	lockdep_assert_held(&vser_config_lock);

	line->pacing = pacing;
	vser_wire_retune(&line->out);
	vser_wire_retune(&line->in);
}

static void vser_set_flow(struct vser_line *line, u32 flow)
{
	lockdep_assert_held(&vser_config_lock);

	WRITE_ONCE(line->flow, flow);
	vser_modem_send(line);
}

static int vser_set_fault(struct vser_line *line,
			  const struct vser_fault *fault)
{
	struct vser_wire *wires[] = { &line->out, &line->in };
	struct vser_faults *faults[ARRAY_SIZE(wires)] = {};
	size_t i;

	lockdep_assert_held(&vser_config_lock);

	for (i = 0; i < ARRAY_SIZE(wires) && vser_fault_any(fault); i++) {
		faults[i] = kmalloc(sizeof(*faults[i]), GFP_KERNEL_ACCOUNT);
		if (!faults[i])
			goto err_free;
		vser_faults_init(faults[i], fault);
	}

	line->fault = *fault;
	for (i = 0; i < ARRAY_SIZE(wires); i++) {
		spin_lock_bh(&wires[i]->lock);
		vser_wire_catch_up(wires[i], ktime_get_ns());
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

	lockdep_assert_held(&vser_config_lock);

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
 * Gives both queues another size, a power of two. What does not fit into a
 * smaller one is flushed. If there is no memory, nothing has changed.
 */
static int vser_set_fifo(struct vser_line *line, u32 size)
{
	void *tx = NULL, *rx = NULL;
	u32 tx_size = size, rx_size = size;
	struct vser_wire *lead;
	int ret = 0;

	lockdep_assert_held(&vser_config_lock);

	mutex_lock(&line->open_lock);
	if (line->tx.fifo.kfifo.data)
		tx = vser_buffer_alloc(size);
	if (line->rx.fifo.kfifo.data)
		rx = vser_buffer_alloc(size);
	if (IS_ERR(tx) || IS_ERR(rx)) {
		ret = PTR_ERR(IS_ERR(tx) ? tx : rx);
		goto out_free;
	}

	/* Somebody's copy may take as long as he likes. */
	if (mutex_lock_interruptible(&line->tx.lock)) {
		ret = -ERESTARTSYS;
		goto out_free;
	}
	spin_lock_bh(&line->out.lock);
	vser_wire_catch_up(&line->out, ktime_get_ns());
	vser_count(&line->tx_flushed, vser_queue_swap(&line->tx, &tx, &tx_size));
	vser_tx_admit(&line->out);
	vser_tx_made_room(line);
	spin_unlock_bh(&line->out.lock);
	mutex_unlock(&line->tx.lock);

	mutex_lock(&line->rx.lock);
	lead = vser_lead_lock(line);
	vser_count(&line->rx_flushed, vser_queue_swap(&line->rx, &rx, &rx_size));
	vser_lead_unlock(lead);
	mutex_unlock(&line->rx.lock);
	vser_rx_made_room(line);

out_free:
	if (!IS_ERR(tx))
		vser_buffer_free(tx, tx_size);
	if (!IS_ERR(rx))
		vser_buffer_free(rx, rx_size);
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
	if (!line->out.busy && !vser_queue_len(&line->tx))
		tx = vser_queue_take_buffer(&line->tx);
	spin_unlock_bh(&line->out.lock);

	lead = vser_lead_lock(line);
	if (!vser_queue_len(&line->rx))
		rx = vser_queue_take_buffer(&line->rx);
	vser_lead_unlock(lead);

	vser_buffer_free(tx, vser_queue_size(&line->tx));
	vser_buffer_free(rx, vser_queue_size(&line->rx));
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

static void vser_set_openers(struct vser_line *line, unsigned int openers)
{
	/* Pairs with vser_rx_open(): there is a buffer before there are openers. */
	smp_store_release(&line->openers, openers);
}

static int vser_line_open(struct vser_line *line, fmode_t mode)
{
	int ret;

	lockdep_assert_held(&line->open_lock);

	if (line->openers && line->exclusive)
		return -EBUSY;

	ret = vser_queue_alloc(&line->tx);
	if (!ret)
		ret = vser_queue_alloc(&line->rx);
	if (ret) {
		vser_line_reap(line);
		return ret;
	}

	vser_set_openers(line, line->openers + 1);
	if (line->openers == 1)
		vser_set_outputs(line, TIOCM_DTR | TIOCM_RTS);
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
	if (line->openers == 1) {
		vser_set_outputs(line, 0);
		vser_tx_break(line, false);
	}
	vser_set_openers(line, line->openers - 1);
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

/* A descriptor that can neither read nor write: open(2), access mode 3. */
static bool vser_control_only(struct file *file)
{
	return !(file->f_mode & (FMODE_READ | FMODE_WRITE));
}

static int vser_open(struct inode *inode, struct file *file)
{
	struct vser_line *line = container_of(inode->i_cdev, struct vser_line,
					      cdev);
	struct vser_file *vfile;
	int ret;

	vfile = kzalloc(sizeof(*vfile), GFP_KERNEL_ACCOUNT);
	if (!vfile)
		return -ENOMEM;
	vfile->line = line;
	mutex_init(&vfile->event_lock);

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

	if (!vser_control_only(file)) {
		mutex_lock(&line->open_lock);
		vser_line_close(line, file->f_mode);
		mutex_unlock(&line->open_lock);
	}
	kfree(vfile);

	return 0;
}

/* Reading and writing */

static struct vser_line *vser_file_line(struct file *file)
{
	struct vser_file *vfile = file->private_data;

	return vfile->line;
}

static bool vser_nonblocking(struct kiocb *iocb)
{
	return (iocb->ki_flags & IOCB_NOWAIT) ||
	       (iocb->ki_filp->f_flags & O_NONBLOCK);
}

static ssize_t vser_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vser_line *line = vser_file_line(iocb->ki_filp);
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
		if (n > 0)
			vser_rx_made_room(line);
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
	struct vser_line *line = vser_file_line(iocb->ki_filp);
	ssize_t done = 0, n;
	int ret;

	while (iov_iter_count(from)) {
		ret = vser_queue_lock(&line->tx, iocb);
		if (ret)
			return done ?: ret;
		n = vser_queue_from_iter(&line->tx, from);
		if (n > 0) {
			vser_count(&line->tx_written, n);
			vser_wire_kick(&line->out);
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

static int vser_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return vser_tx_drain(vser_file_line(file));
}

static __poll_t vser_poll(struct file *file, poll_table *wait)
{
	struct vser_file *vfile = file->private_data;
	struct vser_line *line = vfile->line;
	__poll_t events = 0;

	/* First register, then look: what comes in between wakes the caller. */
	poll_wait(file, &line->rx.wait, wait);
	poll_wait(file, &line->tx.wait, wait);
	poll_wait(file, &line->event_wait, wait);

	if ((file->f_mode & FMODE_READ) && vser_queue_len(&line->rx))
		events |= EPOLLIN | EPOLLRDNORM;
	if ((file->f_mode & FMODE_WRITE) &&
	    (!vser_queue_full(&line->tx) || !vser_tx_starve(line)))
		events |= EPOLLOUT | EPOLLWRNORM;
	if (READ_ONCE(line->event_seq) != READ_ONCE(vfile->next_event))
		events |= EPOLLPRI;

	return events;
}

static int vser_fasync(int fd, struct file *file, int on)
{
	return fasync_helper(fd, file, on, &vser_file_line(file)->fasync);
}

/* ioctl */

static int vser_get_user(void *value, unsigned long arg, size_t size)
{
	return copy_from_user(value, (void __user *)arg, size) ? -EFAULT : 0;
}

static int vser_put_user(unsigned long arg, const void *value, size_t size)
{
	return copy_to_user((void __user *)arg, value, size) ? -EFAULT : 0;
}

static long vser_ioctl_set_baud(struct file *file, unsigned long arg)
{
	u32 baud;

	if (vser_get_user(&baud, arg, sizeof(baud)))
		return -EFAULT;
	if (!vser_baud_valid(baud))
		return -EINVAL;

	mutex_lock(&vser_config_lock);
	vser_set_baud(vser_file_line(file), baud);
	mutex_unlock(&vser_config_lock);

	return 0;
}

static long vser_ioctl_get_baud(struct file *file, unsigned long arg)
{
	u32 baud = READ_ONCE(vser_file_line(file)->uart.baud);

	return vser_put_user(arg, &baud, sizeof(baud));
}

static long vser_ioctl_set_fmt(struct file *file, unsigned long arg)
{
	struct vser_format fmt;

	if (vser_get_user(&fmt, arg, sizeof(fmt)))
		return -EFAULT;
	if (!vser_format_valid(&fmt))
		return -EINVAL;

	mutex_lock(&vser_config_lock);
	vser_set_format(vser_file_line(file), &fmt);
	mutex_unlock(&vser_config_lock);

	return 0;
}

static long vser_ioctl_get_fmt(struct file *file, unsigned long arg)
{
	struct vser_format fmt;

	mutex_lock(&vser_config_lock);
	fmt = vser_file_line(file)->uart.fmt;
	mutex_unlock(&vser_config_lock);

	return vser_put_user(arg, &fmt, sizeof(fmt));
}

static long vser_ioctl_get_info(struct file *file, unsigned long arg)
{
	const struct vser_info info = {
		.abi = VSER_ABI,
		.line = vser_file_line(file)->index,
		.lines = vser_nr_lines,
	};

	return vser_put_user(arg, &info, sizeof(info));
}

static long vser_ioctl_set_wire(struct file *file, unsigned long arg)
{
	const struct vser_far_ops *far;
	struct vser_line *peer = NULL;
	struct vser_wiring wiring;
	int ret;

	if (vser_get_user(&wiring, arg, sizeof(wiring)))
		return -EFAULT;
	far = vser_far_by_type(wiring.type);
	if (!far || wiring.reserved[0] || wiring.reserved[1])
		return -EINVAL;
	if (far == &vser_far_nullmodem) {
		if (wiring.peer >= vser_nr_lines)
			return -EINVAL;
		peer = vser_lines[array_index_nospec(wiring.peer,
						     vser_nr_lines)];
	} else if (wiring.peer) {
		return -EINVAL;
	}

	mutex_lock(&vser_config_lock);
	ret = vser_rewire(vser_file_line(file), far, peer);
	mutex_unlock(&vser_config_lock);

	return ret;
}

static long vser_ioctl_get_wire(struct file *file, unsigned long arg)
{
	struct vser_line *line = vser_file_line(file);
	struct vser_wiring wiring = {};

	mutex_lock(&vser_config_lock);
	wiring.type = line->far->type;
	if (line->far == &vser_far_nullmodem)
		wiring.peer = line->out.to->index;
	mutex_unlock(&vser_config_lock);

	return vser_put_user(arg, &wiring, sizeof(wiring));
}

static long vser_ioctl_set_fault(struct file *file, unsigned long arg)
{
	struct vser_fault fault;
	int ret;

	if (vser_get_user(&fault, arg, sizeof(fault)))
		return -EFAULT;
	if (!vser_fault_valid(&fault))
		return -EINVAL;

	mutex_lock(&vser_config_lock);
	ret = vser_set_fault(vser_file_line(file), &fault);
	mutex_unlock(&vser_config_lock);

	return ret;
}

static long vser_ioctl_get_fault(struct file *file, unsigned long arg)
{
	struct vser_fault fault;

	mutex_lock(&vser_config_lock);
	fault = vser_file_line(file)->fault;
	mutex_unlock(&vser_config_lock);

	return vser_put_user(arg, &fault, sizeof(fault));
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

static long vser_ioctl_wait_modem(struct file *file, unsigned long arg)
{
	struct vser_line *line = vser_file_line(file);
	struct vser_modem_counts before;
	struct vser_modem_wait wait;
	int ret;

	if (vser_get_user(&wait, arg, sizeof(wait)))
		return -EFAULT;
	if (!wait.mask || wait.mask & ~VSER_MODEM_INPUTS)
		return -EINVAL;

	vser_modem_count(line, &before);
	ret = wait_event_interruptible(line->event_wait,
				       vser_modem_changed(line, &before) &
				       wait.mask);
	if (ret)
		return ret;
	wait.changed = vser_modem_changed(line, &before) & wait.mask;

	return vser_put_user(arg, &wait, sizeof(wait));
}

/*
 * Copies the event that @vfile is to read next, and returns by how many numbers
 * that takes it on: 0 if there is none. Events that were overwritten before
 * they were read make one event together.
 */
static u64 vser_event_peek(struct vser_file *vfile, struct vser_event *event)
{
	struct vser_line *line = vfile->line;
	struct vser_wire *lead = vser_lead_lock(line);
	u64 pending = line->event_seq - vfile->next_event;
	u64 steps = min_t(u64, pending, 1);

	if (pending > VSER_EVENTS) {
		steps = pending - VSER_EVENTS;
		*event = line->events[line->event_seq & (VSER_EVENTS - 1)];
		event->type = VSER_EVENT_LOST;
		event->value = min_t(u64, steps, U32_MAX);
	} else if (pending) {
		*event = line->events[vfile->next_event & (VSER_EVENTS - 1)];
	}
	vser_lead_unlock(lead);

	return steps;
}

static long vser_ioctl_read_event(struct file *file, unsigned long arg)
{
	struct vser_file *vfile = file->private_data;
	struct vser_line *line = vfile->line;
	struct vser_event event;
	u64 steps;
	int ret;

	for (;;) {
		if (mutex_lock_interruptible(&vfile->event_lock))
			return -ERESTARTSYS;
		steps = vser_event_peek(vfile, &event);
		ret = steps ? vser_put_user(arg, &event, sizeof(event)) : 0;
		if (steps && !ret)
			WRITE_ONCE(vfile->next_event, vfile->next_event + steps);
		mutex_unlock(&vfile->event_lock);
		if (steps)
			return ret;

		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(line->event_wait,
					       READ_ONCE(line->event_seq) !=
					       READ_ONCE(vfile->next_event));
		if (ret)
			return ret;
	}
}

static long vser_ioctl_set_mark(struct file *file, unsigned long arg)
{
	struct vser_line *line = vser_file_line(file);
	struct vser_wire *lead;
	u32 mark;

	if (vser_get_user(&mark, arg, sizeof(mark)))
		return -EFAULT;
	if (mark > 1)
		return -EINVAL;

	lead = vser_lead_lock(line);
	vser_wire_catch_up(lead, ktime_get_ns());
	WRITE_ONCE(line->mark, mark);
	vser_lead_unlock(lead);
	vser_wire_kick(lead);

	return 0;
}

static long vser_ioctl_get_mark(struct file *file, unsigned long arg)
{
	u32 mark = READ_ONCE(vser_file_line(file)->mark);

	return vser_put_user(arg, &mark, sizeof(mark));
}

static long vser_ioctl_get_counters(struct file *file, unsigned long arg)
{
	struct vser_line *line = vser_file_line(file);
	struct vser_wire *lead = vser_lead_lock(line);
	const struct vser_counters counters = {
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

	return vser_put_user(arg, &counters, sizeof(counters));
}

static long vser_ioctl_rx_queued(struct file *file, unsigned long arg)
{
	return put_user(vser_queue_len(&vser_file_line(file)->rx),
			(int __user *)arg);
}

static long vser_ioctl_tx_queued(struct file *file, unsigned long arg)
{
	return put_user(vser_queue_len(&vser_file_line(file)->tx),
			(int __user *)arg);
}

static long vser_ioctl_get_modem(struct file *file, unsigned long arg)
{
	struct vser_line *line = vser_file_line(file);

	return put_user(READ_ONCE(line->outputs) | READ_ONCE(line->inputs),
			(int __user *)arg);
}

/* Of the modem outputs, changes those in @mask to @bits. */
static long vser_change_modem(struct vser_line *line, u32 mask, u32 bits)
{
	mutex_lock(&line->open_lock);
	vser_set_outputs(line, (line->outputs & ~mask) | (bits & mask));
	mutex_unlock(&line->open_lock);

	return 0;
}

static long vser_ioctl_set_modem(struct file *file, unsigned long arg)
{
	u32 bits;

	if (vser_get_user(&bits, arg, sizeof(bits)))
		return -EFAULT;

	return vser_change_modem(vser_file_line(file), VSER_MODEM_OUTPUTS, bits);
}

static long vser_ioctl_raise_modem(struct file *file, unsigned long arg)
{
	u32 bits;

	if (vser_get_user(&bits, arg, sizeof(bits)))
		return -EFAULT;

	return vser_change_modem(vser_file_line(file),
				 bits & VSER_MODEM_OUTPUTS, bits);
}

static long vser_ioctl_drop_modem(struct file *file, unsigned long arg)
{
	u32 bits;

	if (vser_get_user(&bits, arg, sizeof(bits)))
		return -EFAULT;

	return vser_change_modem(vser_file_line(file),
				 bits & VSER_MODEM_OUTPUTS, 0);
}

static long vser_ioctl_start_break(struct file *file, unsigned long arg)
{
	vser_tx_break(vser_file_line(file), true);

	return 0;
}

static long vser_ioctl_end_break(struct file *file, unsigned long arg)
{
	vser_tx_break(vser_file_line(file), false);

	return 0;
}

/* As on a terminal: drains; with an argument of 0 sends a break, too. */
static long vser_ioctl_drain(struct file *file, unsigned long arg)
{
	struct vser_line *line = vser_file_line(file);
	int ret = vser_tx_drain(line);

	if (ret || arg)
		return ret;

	vser_tx_break(line, true);
	ret = msleep_interruptible(VSER_BREAK_MS) ? -EINTR : 0;
	vser_tx_break(line, false);

	return ret;
}

static long vser_ioctl_flush(struct file *file, unsigned long arg)
{
	struct vser_line *line = vser_file_line(file);

	if (arg != TCIFLUSH && arg != TCOFLUSH && arg != TCIOFLUSH)
		return -EINVAL;

	if (arg != TCIFLUSH)
		vser_tx_flush(line);

	return arg != TCOFLUSH ? vser_rx_flush(line) : 0;
}

static const struct {
	unsigned int cmd;
	long (*fn)(struct file *file, unsigned long arg);
} vser_ioctls[] = {
	{ VS_SET_BAUD,		vser_ioctl_set_baud },
	{ VS_GET_BAUD,		vser_ioctl_get_baud },
	{ VS_SET_FMT,		vser_ioctl_set_fmt },
	{ VS_GET_FMT,		vser_ioctl_get_fmt },
	{ VS_GET_INFO,		vser_ioctl_get_info },
	{ VS_SET_WIRE,		vser_ioctl_set_wire },
	{ VS_GET_WIRE,		vser_ioctl_get_wire },
	{ VS_SET_FAULT,		vser_ioctl_set_fault },
	{ VS_GET_FAULT,		vser_ioctl_get_fault },
	{ VS_WAIT_MODEM,	vser_ioctl_wait_modem },
	{ VS_READ_EVENT,	vser_ioctl_read_event },
	{ VS_SET_MARK,		vser_ioctl_set_mark },
	{ VS_GET_MARK,		vser_ioctl_get_mark },
	{ VS_GET_COUNTERS,	vser_ioctl_get_counters },
	{ FIONREAD,		vser_ioctl_rx_queued },
	{ TIOCOUTQ,		vser_ioctl_tx_queued },
	{ TIOCMGET,		vser_ioctl_get_modem },
	{ TIOCMSET,		vser_ioctl_set_modem },
	{ TIOCMBIS,		vser_ioctl_raise_modem },
	{ TIOCMBIC,		vser_ioctl_drop_modem },
	{ TIOCSBRK,		vser_ioctl_start_break },
	{ TIOCCBRK,		vser_ioctl_end_break },
	{ TCSBRK,		vser_ioctl_drain },
	{ TCFLSH,		vser_ioctl_flush },
};

static long vser_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vser_ioctls); i++)
		if (vser_ioctls[i].cmd == cmd)
			return vser_ioctls[i].fn(file, arg);

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
	.poll		= vser_poll,
	.fasync		= vser_fasync,
	.unlocked_ioctl	= vser_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/*
 * sysfs: /sys/class/vser/<name>/
 *
 * Each attribute reads back what it accepts. One trailing newline is ignored,
 * so that echo can be used; what is malformed is EINVAL and changes nothing.
 */

static struct vser_line *vser_dev_line(struct device *dev)
{
	return container_of(dev, struct vser_line, dev);
}

/* Copies what was written to an attribute, without its newline, to @text. */
static int vser_attr_text(const char *buf, size_t count, char *text,
			  size_t size)
{
	if (count && buf[count - 1] == '\n')
		count--;
	if (count >= size || memchr(buf, '\0', count))
		return -EINVAL;
	memcpy(text, buf, count);
	text[count] = '\0';

	return 0;
}

/**
 * struct vser_number_attr - an attribute that is a decimal number
 * @attr: as the driver core knows it
 * @min:  the least value
 * @max:  and the greatest
 * @get:  the value
 * @set:  change it; vser_config_lock held; 0 or an error
 */
struct vser_number_attr {
	struct device_attribute attr;
	u64 min;
	u64 max;
	u64 (*get)(struct vser_line *line);
	int (*set)(struct vser_line *line, u64 value);
};

static ssize_t vser_number_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct vser_number_attr *number =
		container_of(attr, struct vser_number_attr, attr);

	return sysfs_emit(buf, "%llu\n", number->get(vser_dev_line(dev)));
}

static ssize_t vser_number_store(struct device *dev,
				 struct device_attribute *attr,
				 const char *buf, size_t count)
{
	struct vser_number_attr *number =
		container_of(attr, struct vser_number_attr, attr);
	char text[24];
	const char *end = text;
	u64 value;
	int ret;

	if (vser_attr_text(buf, count, text, sizeof(text)) ||
	    !vser_parse_number(&end, number->max, &value) || *end ||
	    value < number->min)
		return -EINVAL;

	mutex_lock(&vser_config_lock);
	ret = number->set(vser_dev_line(dev), value);
	mutex_unlock(&vser_config_lock);

	return ret ?: count;
}

#define VSER_NUMBER_ATTR(name, min, max)				\
static struct vser_number_attr vser_attr_##name = {			\
	__ATTR(name, 0644, vser_number_show, vser_number_store),	\
	min, max, vser_get_##name, vser_put_##name			\
}

static u64 vser_get_baud(struct vser_line *line)
{
	return READ_ONCE(line->uart.baud);
}

static int vser_put_baud(struct vser_line *line, u64 baud)
{
	vser_set_baud(line, baud);

	return 0;
}

VSER_NUMBER_ATTR(baud, VSER_BAUD_MIN, VSER_BAUD_MAX);

static u64 vser_get_pacing(struct vser_line *line)
{
	return READ_ONCE(line->pacing);
}

static int vser_put_pacing(struct vser_line *line, u64 pacing)
{
	vser_set_pacing(line, pacing);

	return 0;
}

VSER_NUMBER_ATTR(pacing, 0, 1);

static u64 vser_get_fifo(struct vser_line *line)
{
	return vser_queue_size(&line->rx);
}

static int vser_put_fifo(struct vser_line *line, u64 size)
{
	return vser_set_fifo(line, roundup_pow_of_two(size));
}

VSER_NUMBER_ATTR(fifo, VSER_MIN_FIFO, VSER_MAX_FIFO);

static u64 vser_get_exclusive(struct vser_line *line)
{
	return READ_ONCE(line->exclusive);
}

static int vser_put_exclusive(struct vser_line *line, u64 exclusive)
{
	mutex_lock(&line->open_lock);
	WRITE_ONCE(line->exclusive, exclusive);
	mutex_unlock(&line->open_lock);

	return 0;
}

VSER_NUMBER_ATTR(exclusive, 0, 1);

static u64 vser_get_seed(struct vser_line *line)
{
	return READ_ONCE(line->generator.seed);
}

static int vser_put_seed(struct vser_line *line, u64 seed)
{
	struct vser_generator *generator = &line->generator;

	vser_set_generator(line, generator->kind, generator->text,
			   generator->len, seed, line->generator.period);

	return 0;
}

VSER_NUMBER_ATTR(seed, 0, U64_MAX);

static u64 vser_get_period_ns(struct vser_line *line)
{
	return READ_ONCE(line->generator.period);
}

static int vser_put_period_ns(struct vser_line *line, u64 period)
{
	struct vser_generator *generator = &line->generator;

	if (period && period < VSER_MIN_PERIOD)
		return -EINVAL;
	vser_set_generator(line, generator->kind, generator->text,
			   generator->len, generator->seed, period);

	return 0;
}

VSER_NUMBER_ATTR(period_ns, 0, VSER_MAX_PERIOD);

static u64 vser_get_latency_ns(struct vser_line *line)
{
	return READ_ONCE(line->latency);
}

static int vser_put_latency_ns(struct vser_line *line, u64 latency)
{
	WRITE_ONCE(line->latency, latency);
	vser_wire_look_again(&line->out);
	vser_wire_look_again(&line->in);

	return 0;
}

VSER_NUMBER_ATTR(latency_ns, VSER_MIN_LATENCY, VSER_MAX_LATENCY);

static ssize_t wire_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct vser_line *line = vser_dev_line(dev);
	ssize_t len;

	mutex_lock(&vser_config_lock);
	if (line->far == &vser_far_nullmodem)
		len = sysfs_emit(buf, "%s:%s\n", line->far->name,
				 dev_name(&line->out.to->dev));
	else
		len = sysfs_emit(buf, "%s\n", line->far->name);
	mutex_unlock(&vser_config_lock);

	return len;
}

static struct vser_line *vser_line_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < vser_nr_lines; i++)
		if (!strcmp(dev_name(&vser_lines[i]->dev), name))
			return vser_lines[i];

	return NULL;
}

static ssize_t wire_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	const struct vser_far_ops *far;
	struct vser_line *peer = NULL;
	char text[32], *name;
	size_t i;
	int ret;

	if (vser_attr_text(buf, count, text, sizeof(text)))
		return -EINVAL;
	name = strchr(text, ':');
	if (name)
		*name++ = '\0';

	for (i = 0; i < ARRAY_SIZE(vser_fars); i++)
		if (!strcmp(vser_fars[i]->name, text))
			break;
	if (i == ARRAY_SIZE(vser_fars))
		return -EINVAL;
	far = vser_fars[i];
	if ((far == &vser_far_nullmodem) != !!name)
		return -EINVAL;
	if (name) {
		peer = vser_line_by_name(name);
		if (!peer)
			return -EINVAL;
	}

	mutex_lock(&vser_config_lock);
	ret = vser_rewire(vser_dev_line(dev), far, peer);
	mutex_unlock(&vser_config_lock);

	return ret ?: count;
}
static DEVICE_ATTR_RW(wire);

static ssize_t format_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct vser_line *line = vser_dev_line(dev);
	struct vser_format fmt;

	mutex_lock(&vser_config_lock);
	fmt = line->uart.fmt;
	mutex_unlock(&vser_config_lock);

	return sysfs_emit(buf, "%u%c%u\n", fmt.datab,
			  VSER_PARITY_LETTERS[fmt.parity], fmt.stopb);
}

static ssize_t format_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	struct vser_format fmt;
	char text[8];

	if (vser_attr_text(buf, count, text, sizeof(text)) ||
	    !vser_format_parse(text, &fmt))
		return -EINVAL;

	mutex_lock(&vser_config_lock);
	vser_set_format(vser_dev_line(dev), &fmt);
	mutex_unlock(&vser_config_lock);

	return count;
}
static DEVICE_ATTR_RW(format);

static const char * const vser_flow_names[] = {
	[VSER_FLOW_NONE] = "none",
	[VSER_FLOW_RTSCTS] = "rtscts",
};

static ssize_t flow_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	u32 flow = READ_ONCE(vser_dev_line(dev)->flow);

	return sysfs_emit(buf, "%s\n", vser_flow_names[flow]);
}

static ssize_t flow_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	char text[16];
	int flow;

	if (vser_attr_text(buf, count, text, sizeof(text)))
		return -EINVAL;
	flow = match_string(vser_flow_names, ARRAY_SIZE(vser_flow_names), text);
	if (flow < 0)
		return -EINVAL;

	mutex_lock(&vser_config_lock);
	vser_set_flow(vser_dev_line(dev), flow);
	mutex_unlock(&vser_config_lock);

	return count;
}
static DEVICE_ATTR_RW(flow);

static ssize_t generator_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct vser_generator *generator = &vser_dev_line(dev)->generator;
	ssize_t len;
	u32 i;

	mutex_lock(&vser_config_lock);
	len = sysfs_emit(buf, "%s", vser_generator_names[generator->kind]);
	if (generator->kind == VSER_GEN_TEXT)
		for (i = 0; i < generator->len; i++)
			len += vser_escape(generator->text[i], buf + len);
	mutex_unlock(&vser_config_lock);

	return len + sysfs_emit_at(buf, len, "\n");
}

/* Reads "text:..." with C escapes into @text, which the caller frees. */
static int vser_parse_text(const char *escaped, u8 **text, u32 *len)
{
	char *raw = kstrdup(escaped, GFP_KERNEL);
	int n;

	if (!raw)
		return -ENOMEM;
	n = string_unescape_any_inplace(raw);
	if (n < 1 || n > VSER_MAX_TEXT) {
		kfree(raw);
		return -EINVAL;
	}
	*text = raw;
	*len = n;

	return 0;
}

static ssize_t generator_store(struct device *dev,
			       struct device_attribute *attr, const char *buf,
			       size_t count)
{
	struct vser_line *line = vser_dev_line(dev);
	size_t size = strlen("text:") + 4 * VSER_MAX_TEXT + 1;
	enum vser_generator_kind kind;
	u8 *raw = NULL;
	u32 len = 0;
	char *text;
	int ret;

	text = kmalloc(size, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	ret = vser_attr_text(buf, count, text, size);
	if (ret)
		goto out_free;

	if (!strncmp(text, "text:", strlen("text:"))) {
		kind = VSER_GEN_TEXT;
		ret = vser_parse_text(text + strlen("text:"), &raw, &len);
	} else {
		ret = match_string(vser_generator_names, VSER_GEN_TEXT, text);
		kind = ret;
	}
	if (ret < 0)
		goto out_free;

	mutex_lock(&vser_config_lock);
	vser_set_generator(line, kind, raw, len, line->generator.seed,
			   line->generator.period);
	mutex_unlock(&vser_config_lock);
	ret = count;

out_free:
	kfree(text);
	return ret;
}
static DEVICE_ATTR_RW(generator);

static ssize_t fault_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct vser_fault f;

	mutex_lock(&vser_config_lock);
	f = vser_dev_line(dev)->fault;
	mutex_unlock(&vser_config_lock);

	return sysfs_emit(buf, "bit=%u drop=%u dup=%u parity=%u frame=%u break=%u burst=%u seed=%llu\n",
			  f.bit, f.drop, f.dup, f.parity, f.frame, f.brk,
			  f.burst, f.seed);
}

static ssize_t fault_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	struct vser_line *line = vser_dev_line(dev);
	struct vser_fault fault;
	char text[160];
	int ret = -EINVAL;

	if (vser_attr_text(buf, count, text, sizeof(text)))
		return -EINVAL;

	mutex_lock(&vser_config_lock);
	fault = line->fault;
	if (vser_fault_parse(text, &fault))
		ret = vser_set_fault(line, &fault);
	mutex_unlock(&vser_config_lock);

	return ret ?: count;
}
static DEVICE_ATTR_RW(fault);

static struct attribute *vser_attrs[] = {
	&vser_attr_baud.attr.attr,
	&vser_attr_exclusive.attr.attr,
	&dev_attr_fault.attr,
	&vser_attr_fifo.attr.attr,
	&dev_attr_flow.attr,
	&dev_attr_format.attr,
	&dev_attr_generator.attr,
	&vser_attr_latency_ns.attr.attr,
	&vser_attr_pacing.attr.attr,
	&vser_attr_period_ns.attr.attr,
	&vser_attr_seed.attr.attr,
	&dev_attr_wire.attr,
	NULL
};

static const struct attribute_group vser_group = {
	.attrs = vser_attrs,
};

/**
 * struct vser_stat_attr - an attribute that is a counter of the line
 * @attr:   as the driver core knows it
 * @offset: of the counter, in &struct vser_line
 */
struct vser_stat_attr {
	struct device_attribute attr;
	size_t offset;
};

static ssize_t vser_stat_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct vser_stat_attr *stat =
		container_of(attr, struct vser_stat_attr, attr);
	u64 *counter = (void *)vser_dev_line(dev) + stat->offset;

	return sysfs_emit(buf, "%llu\n", READ_ONCE(*counter));
}

static ssize_t rx_queued_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%u\n", vser_queue_len(&vser_dev_line(dev)->rx));
}
static DEVICE_ATTR_RO(rx_queued);

static ssize_t tx_queued_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%u\n", vser_queue_len(&vser_dev_line(dev)->tx));
}
static DEVICE_ATTR_RO(tx_queued);

#define VSER_STAT(counter)						\
	(&(struct vser_stat_attr) {					\
		__ATTR(counter, 0444, vser_stat_show, NULL),		\
		offsetof(struct vser_line, counter)			\
	}.attr.attr)

static struct attribute *vser_stats_attrs[] = {
	&dev_attr_rx_queued.attr,
	&dev_attr_tx_queued.attr,
	VSER_STAT(rx_arrived),
	VSER_STAT(rx_brk),
	VSER_STAT(rx_delivered),
	VSER_STAT(rx_dup),
	VSER_STAT(rx_faults),
	VSER_STAT(rx_flushed),
	VSER_STAT(rx_frame),
	VSER_STAT(rx_generated),
	VSER_STAT(rx_marks),
	VSER_STAT(rx_merged),
	VSER_STAT(rx_overrun),
	VSER_STAT(rx_parity),
	VSER_STAT(rx_split),
	VSER_STAT(tx_flushed),
	VSER_STAT(tx_sent),
	VSER_STAT(tx_written),
	NULL
};

static const struct attribute_group vser_stats_group = {
	.name = "stats",
	.attrs = vser_stats_attrs,
};

static const struct attribute_group *vser_groups[] = {
	&vser_group,
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
	struct vser_line *line = vser_dev_line(dev);

	vser_buffer_free(line->tx.fifo.kfifo.data, vser_queue_size(&line->tx));
	vser_buffer_free(line->rx.fifo.kfifo.data, vser_queue_size(&line->rx));
	kfree(line->out.link.faults);
	kfree(line->in.link.faults);
	kfree(line->generator.text);
	kfree(line->events);
	kfree(line);
}

/* Sets a new line to the defaults. */
static void vser_line_init(struct vser_line *line)
{
	mutex_init(&line->open_lock);
	INIT_WORK(&line->reap, vser_reap_work);
	init_waitqueue_head(&line->event_wait);
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

/* Makes line @index, but not yet its node. */
static struct vser_line *vser_line_create(unsigned int index)
{
	struct vser_line *line;
	int ret;

	line = kzalloc(sizeof(*line), GFP_KERNEL);
	if (!line)
		return ERR_PTR(-ENOMEM);

	vser_line_init(line);
	line->index = index;

	device_initialize(&line->dev);
	line->dev.class = &vser_class;
	line->dev.devt = vser_devt + index;
	line->dev.release = vser_line_release;
	ret = index ? dev_set_name(&line->dev, VSER_NAME "%u", index) :
		      dev_set_name(&line->dev, VSER_NAME);
	if (ret) {
		put_device(&line->dev);
		return ERR_PTR(ret);
	}

	cdev_init(&line->cdev, &vser_fops);
	line->cdev.owner = THIS_MODULE;

	return line;
}

/*
 * Destroys the first @n lines, which have no node any more. Nobody has one open,
 * as that would pin the module; but what was written earlier may still be on its
 * way from one to another. So all are unplugged before the first one goes.
 */
static void vser_lines_destroy(unsigned int n)
{
	unsigned int i;

	mutex_lock(&vser_config_lock);
	for (i = 0; i < n; i++)
		vser_unplug(vser_lines[i]);
	mutex_unlock(&vser_config_lock);
	for (i = 0; i < n; i++) {
		hrtimer_cancel(&vser_lines[i]->out.timer);
		cancel_work_sync(&vser_lines[i]->reap);
		put_device(&vser_lines[i]->dev);
	}
}

/* Takes away the nodes of the first @n lines. */
static void vser_lines_unpublish(unsigned int n)
{
	while (n--)
		cdev_device_del(&vser_lines[n]->cdev, &vser_lines[n]->dev);
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

/* Makes the nodes of all lines; whoever opens one can reach them all. */
static int __init vser_lines_publish(unsigned int n)
{
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = cdev_device_add(&vser_lines[i]->cdev, &vser_lines[i]->dev);
		if (ret) {
			vser_lines_unpublish(i);
			return ret;
		}
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

	ret = vser_lines_publish(vser_nr_lines);
	if (ret)
		goto err_destroy_lines;

	return 0;

err_destroy_lines:
	vser_lines_destroy(vser_nr_lines);
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
	vser_lines_unpublish(vser_nr_lines);
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
