/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vser - what a line is made of
 *
 * The objects of the engine, its design, and what its parts share. Each field says
 * who may touch it, and why that is safe. The parts, in the order in which a byte
 * that a program writes meets them, and what of a line they own:
 *
 *	face.c		@openers, @readers, @outputs, @account, @charged, @reap
 *	settings.c	@uart, @fault, @latency, @pacing, @flow, @exclusive
 *	send.c		@tx as its consumer, @admitted, @brk and its like
 *	wire.c		&struct vser_wire
 *	timer.c		its @late and @late_entry
 *	rewire.c	@far, @out.to, @lead
 *	far_end.c	&struct vser_far_ops; nothing of a line
 *	nullmodem.c	likewise, where the far end is a line
 *	generator.c	@generator
 *	receive.c	@rx_in, @throttled, @full, @deferred, @lost, @position
 *	modem.c		@inputs and its counters
 *	buffers.c	&struct vser_account
 *	lines.c		all of a line that nobody can reach yet, or any more
 *	sysfs.c		nothing: it reads and sets by the others
 *
 * What a face of a line is, says face.h. The character device is one: cdev.h has what it
 * keeps of a line and for an open file, among that the rx queue and all who wait.
 */
#ifndef VSER_LINE_H
#define VSER_LINE_H

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/termios.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "face.h"
#include "fault.h"
#include "frame.h"
#include "queue.h"
#include "vser.h"

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
#define VSER_BATCH		4096	/* frames from one look of the timer to the next */
#define VSER_TURN		65536	/* frames moved under one lock */
#define VSER_SLOW_TURN		256	/* if each is looked at, bit by bit */
#define VSER_TURN_NS		2000	/* that one takes if there is little to do */
#define VSER_LATE_TURNS		16	/* of one late wire before the next one's */
#define VSER_LOAD_PERIOD	NSEC_PER_MSEC	/* in which timers may take, of a CPU, */
#define VSER_LOAD_MOST		(200 * NSEC_PER_USEC)	/* no more than this */
#define VSER_LATE_LOOK		(50 * NSEC_PER_MSEC)	/* if a late wire is not served */
#define VSER_LATE_NICE		3	/* leaves others more than half of a CPU */
#define VSER_REPORTS		4	/* lines told of in a row */
#define VSER_DEFER		256	/* bytes worth waiting for an exchange */
#define VSER_MAX_LAG		(100 * NSEC_PER_MSEC)	/* of a generator */
#define VSER_CHARS_BATCH	64	/* characters that a face gets at once */
#define VSER_MARK_WINDOW	256	/* bytes that tell where marks are */
#define VSER_EVENTS		64	/* remembered per line, a power of two */
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
 *	               \-------------------/
 *
 * Objects. A &struct vser_line is one serial line; it lives from load to
 * unload. Its &struct vser_face takes what it receives: the character device into a
 * queue of its own, rx. The line counts what it has given (rx_in), and what programs
 * have taken of it (rx_out). A &struct vser_wire is one direction of a connection: it
 * takes frames from a source and hands them on at their pace, which its timer keeps.
 * &struct vser_far_ops says what is at the other end. A line owns two wires: line->out
 * takes what programs write to the far end, be that nothing, this line or another one;
 * line->in brings what the line's own generator makes. line->lead is the one wire that
 * may give bytes to the line's face: line->in, the line's own line->out (loopback) or
 * that of its peer (null modem).
 *
 * Time. A frame is handed on when its last bit has passed, never before, and at
 * most line->latency later: a wire that is busy wakes up once for a batch, and
 * one that is idle not at all. Frames follow each other exactly (frame.h),
 * whenever the timer happens to run. An unpaced wire needs no timer: the process
 * that queues bytes, or makes room, moves them. The sender's tx queue and an empty rx
 * queue exchange their buffers, so that each byte is copied twice and not three times.
 * For this, a reader that has made room may leave the bytes in tx until it has read the
 * rest. If it does not read on, the timer moves them, after line->latency.
 *
 * Bounds. Under a wire's lock a bounded number of frames is moved, and what has become
 * true is only recorded: vser_wire_unlock() tells it, once for all of them. The timers
 * of a CPU have a bounded share of it; what they cannot do, a worker does (timer.c).
 *
 * Rings. An open file may share memory with its process (ring.c), from and
 * to which bytes are moved when the process asks or polls. There the kernel is
 * but another program, of which the line knows only that it polls and has more to
 * send: VSER_RING_STARVED.
 *
 * Waiting. All that waits for something of a line is in one wait queue, face->wait,
 * and each wake-up there is keyed by what has become true. Tasks that sleep in a call
 * are in there themselves. Those that poll are in a wait queue of their open file,
 * which has one entry in face->wait that passes on what concerns this file: poll()
 * registers one queue, as aio and io_uring demand, and as they believe the key, no
 * file is woken for what another one may do.
 *
 * Contexts. Reads, writes, ioctls, sysfs, open and release run in process
 * context, and so does the worker for late wires; timers run in softirq context
 * (HRTIMER_MODE_ABS_SOFT). What both call runs in either: sources, far ends, wake-ups.
 * Nothing runs in hard interrupt context.
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
 * there, and the program brings in the rest without it (queue.h).
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

struct vser_account;
struct vser_line;
struct vser_wire;

/*
 * What a task or a file can wait for, and a face is told of: those that have become
 * true, in the bits of poll().
 */
#define VSER_KEY_RX	(EPOLLIN | EPOLLRDNORM)		/* rx holds bytes */
#define VSER_KEY_TX	(EPOLLOUT | EPOLLWRNORM)	/* tx has room */
#define VSER_KEY_SENT	EPOLLMSG	/* tx is empty; poll() never tells it */
#define VSER_KEY_EVENT	EPOLLPRI	/* there is one more event */

/**
 * struct vser_source - what feeds a wire
 * @admit:  frames that are ready from now on get their place in time
 * @exchange: hands on all that is ready by exchanging buffers with the other side,
 *          if both can do so, and says so: then the source is idle. line->tx.lock
 *          held, too. NULL if the source is not a queue
 * @queued: the admitted frames that are not yet sent
 * @room:   how many the receiving side takes now; if none, it will call
 *          vser_wire_kick() when it can take some. @begun: the frame that is on
 *          the wire asks, which no longer waits for leave to start
 * @carry:  hand @n of them on; n is at most what @queued and @room said. Returns how
 *          many more are queued
 * @idle:   @carry has handed on the last one
 * @endless: it never runs dry
 *
 * All are called with the wire's lock held, in softirq or process context.
 */
struct vser_source {
	void (*admit)(struct vser_wire *wire);
	bool (*exchange)(struct vser_wire *wire);
	u32 (*queued)(struct vser_wire *wire);
	u32 (*room)(struct vser_wire *wire, bool begun);
	u32 (*carry)(struct vser_wire *wire, u32 n);
	void (*idle)(struct vser_wire *wire);
	bool endless;
};

/**
 * struct vser_ends - how the two ends of a wire are set
 * @tx:     the sender
 * @rx:     the receiver
 * @faults: what goes wrong between them, or NULL
 */
struct vser_ends {
	struct vser_uart tx;
	struct vser_uart rx;
	struct vser_faults *faults;
};

/**
 * struct vser_wire - one direction of a connection
 * @lock:   protects all of the struct; taken by processes and by the timer
 * @paced:  frames take time
 * @busy:   a frame is on the wire, and @timer is armed or about to take @lock, or
 *          the wire is late
 * @late:   the wire is in @late_entry's list: a worker is to go on with it. Bit 0, atomic
 * @late_entry: likewise
 * @reset:  the frame on the wire began before one of the ends was set anew: @link
 *          has yet to become @next
 * @slow:   the last run may have looked at its frames one by one
 * @stalled: unpaced, it has found no room for what is queued; until it is kicked
 *          because there is some, nobody else need do so. Written with
 *          WRITE_ONCE, writers look at it without the lock
 * @timer:  runs while the wire is busy
 * @line:   whose wire it is; constant
 * @source: what feeds it; constant
 * @to:     the line that it leads to, or NULL; written under line->config_lock
 *          too, with WRITE_ONCE: vser_rewire_lock() looks at it without a lock
 * @pace:   of the frames that start from now on
 * @end:    when the frame ends that is on the wire
 * @hold:   no frame starts before this, in ns: a break is on the wire, and is not
 *          yet as long as a frame
 * @look:   when @timer was last armed for, in ns
 * @link:   how the two ends are set, and what goes wrong between them
 * @next:   the same for the frames that start from now on; owns its faults, as @link
 *          does if it has others
 * @news:   what has become true while @lock is held, and is told when it is released:
 *          VSER_KEY_TX of @line, the others of @to
 */
struct vser_wire {
	/*
	 * Innermost; taken by processes, bottom halves off, and by the timer. To be
	 * released by vser_wire_unlock() or vser_wire_unlock_softirq() alone, as
	 * these tell the news.
	 */
	spinlock_t lock;
	bool paced;
	bool busy;
	bool reset;
	bool slow;
	bool stalled;
	struct hrtimer timer;
	unsigned long late;
	struct llist_node late_entry;
	struct vser_line *line;
	const struct vser_source *source;
	struct vser_line *to;
	struct vser_pace pace;
	struct vser_instant end;
	u64 hold;
	u64 look;
	struct vser_link link;
	struct vser_ends next;
	__poll_t news;
};

/**
 * struct vser_far_ops - what a line is wired to
 * @name:    in sysfs
 * @type:    in ioctls, VSER_WIRE_*
 * @flow:    the flow control that a line gets when it is wired so
 * @listen:  the line got its first reader (@on), or lost its last; line->
 *           open_lock held, process context
 * @room:    how many frames it takes from the line now. @begun: as in
 *           struct vser_source
 * @receive: @n bytes arrive from the line
 * @exchange: takes all that is in tx at once by changing places with it, and
 *            says if it could; line->tx.lock held, too. May be NULL
 * @rest:    the line has nothing more to send; not called where frames arrive just as
 *           they were sent, as there the receiver has no rest to look at
 * @modem:   the line's outputs are @outputs, of VSER_MODEM_OUTPUTS; @held: RTS
 *           is seen off nevertheless, as rx is filling up
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
	u32 (*room)(struct vser_line *line, bool begun);
	void (*receive)(struct vser_line *line, const u8 *bytes, u32 n);
	bool (*exchange)(struct vser_line *line);
	void (*rest)(struct vser_line *line);
	void (*modem)(struct vser_line *line, u32 outputs, bool held);
	void (*brk)(struct vser_line *line);
};

/**
 * struct vser_generator - what line->in sends; protected by its lock
 * @kind:   of what, one of VSER_GEN_*
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
	/* The far end has yet to be told how line->throttled changed RTS. */
	VSER_RTS_STALE,
};

/**
 * struct vser_line - a serial line
 * @flags:     VSER_RTS_STALE
 * @index:     number of the line; constant
 * @name:      of its device and its node; constant
 *
 * @config_lock: protects how the line is wired and set
 *
 * How it is set; written under @config_lock, and read without by those that
 * use READ_ONCE because they need no two of them to agree
 * @flow:      one of VSER_FLOW_*; read by the wires at both ends
 * @uart:      speed and frame format; written under out.lock, too
 * @fault:     faults on demand
 * @latency:   ns that a byte may wait for its batch; read by both wires
 * @pacing:    frames take time
 * @exclusive: one user at a time; read under @open_lock
 *
 * @open_lock: protects the next five, and the lifetime of the buffers
 * @account:   of the user that pays for the buffers; NULL if there are none
 * @charged:   bytes in them
 * @openers:   descriptors that can read or write. Wires read it without the
 *             lock, to see if the line receives and if to schedule @reap
 * @readers:   descriptors that can read
 * @outputs:   modem lines that the program drives, TIOCM_*, or if the line is
 *             closed, that the next open raises; read by vser_modem_driven()
 *             without the lock
 * @reap:      frees the buffers of a closed line once they are empty
 *
 * @face:      gets what is received; constant once the line can be opened
 * @tx:        bytes to be sent; producer: writers, consumer: @out
 * @rx_out:    bytes that programs have taken of what @face was given, modulo 2^32;
 *             written by vser_rx_taken(), under a lock of the face's
 *
 * @far:       what the line is wired to; written under @config_lock,
 *             open_lock and out.lock, so that each of them is enough to read it
 * @out:       the wire to the far end, fed by @tx
 * @admitted:  tx.fifo.in as far as @out knows of it; protected by out.lock
 * @brk:       the line is to send a break; protected by out.lock, and read by
 *             vser_file_start_break() without it
 * @brk_sent:  the far end has been told of it; protected by out.lock
 * @brk_owner: who started it, or has last asked for it to go on;
 *             only to compare with. Protected by out.lock
 * @brk_nr:    how often that was; protected by out.lock
 *
 * @in:        the wire from the line's own generator
 * @generator: what it sends; protected by in.lock
 *
 * @lead:      the wire that leads here; written under @config_lock and the
 *             lock of the wire that it named before
 * What follows is protected by the lock of @lead:
 * @rx_in:     bytes that @face was given, modulo 2^32. It has grown before a program
 *             can see the bytes, so that what is left is never less than what they
 *             can take
 * @rx_size:   how many @face may hold; written with WRITE_ONCE, readers look at it
 *             without the lock
 * @throttled: rx was seven eighths full, and is not yet half empty: RTS is off
 *             for the far end to see, and the reader that empties half of rx has
 *             to say so; written with WRITE_ONCE, readers look at it without the
 *             lock
 * @full:      the wire found no room in rx, and waits until half of it is empty;
 *             never without @throttled, which stays true as long as this is
 * @deferred:  the wire has bytes for rx, and waits until that is empty; written
 *             with WRITE_ONCE, readers look at it without the lock
 * @mark:      mark errors in what is read
 * @inputs:    modem lines that the far end drives, TIOCM_*; written with
 *             WRITE_ONCE, and read without the lock
 * @may_send:  the far end's program has RTS on, whatever is seen of it because
 *             of a queue that fills up; likewise
 * @lost:      bytes that found no room, and no event has told of yet
 * @position:  bytes given to @face since the module was loaded
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
 * @rx_flushed:   bytes taken from rx unread; as @rx_out
 * @rx_delivered: bytes that programs read; as @rx_out
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
	unsigned long flags;
	u32 index;
	char name[16];

	/* Process context, outermost; several in the order of @index. */
	struct mutex config_lock;
	u32 flow;
	struct vser_uart uart;
	struct vser_fault fault;
	u32 latency;
	bool pacing;
	bool exclusive;

	/* Process context; inside config_lock, outside the queues' locks. */
	struct mutex open_lock;
	struct vser_account *account;
	size_t charged;
	unsigned int openers;
	unsigned int readers;
	u32 outputs;
	u32 admitted;
	struct work_struct reap;

	struct vser_face *face;
	struct vser_queue tx;
	u32 rx_out;

	const struct vser_far_ops *far;
	struct vser_wire out;

	struct vser_wire in;
	struct vser_generator generator;

	struct vser_wire *lead;
	u32 rx_in;
	u32 rx_size;
	bool brk;
	bool brk_sent;
	const void *brk_owner;
	u64 brk_nr;
	bool throttled;
	bool full;
	bool deferred;
	bool mark;
	bool may_send;
	u32 inputs;
	u32 lost;
	u64 position;

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

/**
 * struct vser_plug - what a line is to be wired to
 * @far:      the far end
 * @peer:     the other line of a null modem, else NULL
 * @may_join: the caller has a right to @peer
 */
struct vser_plug {
	const struct vser_far_ops *far;
	struct vser_line *peer;
	bool may_join;
};

/**
 * struct vser_rewired - lines whose wiring may change in one step
 * @line:  the line that is wired
 * @plug:  to what; if @line stays wired as it is, @plug.far is NULL
 * @old:   what its wire led to before: another line, itself or NULL
 * @lines: all of them by index, which is the order in which they are locked
 * @n:     how many; at most a line, its peer, and its peer to be
 */
struct vser_rewired {
	struct vser_line *line;
	struct vser_plug plug;
	struct vser_line *old;
	struct vser_line *lines[3];
	unsigned int n;
};

/* How often each modem input has changed. */
struct vser_modem_counts {
	u64 cts, dsr, ri, dcd;
};

/* face.c */

void vser_reap_work(struct work_struct *work);
int vser_line_open(struct vser_line *line, fmode_t mode);
void vser_line_close(struct vser_line *line, fmode_t mode);
int vser_change_modem(struct vser_line *line, u32 mask, u32 bits);

/* lines.c */

extern unsigned int vser_nr_lines;
extern struct vser_line **vser_lines;
void vser_lines_stop(unsigned int n);
void vser_lines_destroy(unsigned int n);
int vser_lines_create(unsigned int n);

/* buffers.c */

extern unsigned long vser_max_buffers;
extern unsigned long vser_user_buffers;
struct vser_account *vser_account_get(void);
void vser_account_put(struct vser_account *account);
int vser_account_move(struct vser_account *from, struct vser_account *account,
		      size_t size);
int vser_buffer_charge(struct vser_account *account, size_t size);
void vser_buffer_uncharge(struct vser_account *account, size_t size);
void *vser_line_buffer_alloc(struct vser_line *line, size_t size);
void vser_line_buffer_free(struct vser_line *line, void *buffer, size_t size);
int vser_queue_alloc(struct vser_queue *queue, struct vser_line *line);

/* settings.c */

int vser_config_lock(struct vser_line *line);
void vser_config_unlock(struct vser_line *line);
int vser_line_configure_locked(struct vser_line *line,
			       struct vser_config *config);
int vser_line_configure(struct vser_line *line, struct vser_config *config,
			const struct vser_plug *plug);
int vser_line_get_config(struct vser_line *line, struct vser_config *config);

/* rewire.c */

void vser_unplug(struct vser_line *line);
int vser_rewire_lock(struct vser_rewired *rewired, struct vser_line *line,
		     const struct vser_plug *plug);
void vser_rewire_unlock(struct vser_rewired *rewired);
int vser_rewire_check(struct vser_rewired *rewired);
void vser_rewire_unplug(struct vser_rewired *rewired);
void vser_rewire_plug(struct vser_rewired *rewired, u32 flow);

/* far_end.c */

extern const struct vser_far_ops vser_far_generator;
extern const struct vser_far_ops vser_far_unplugged;
const struct vser_far_ops *vser_far_by_name(const char *name);
const struct vser_far_ops *vser_far_by_type(u32 type);

/* nullmodem.c */

extern const struct vser_far_ops vser_far_loopback;
extern const struct vser_far_ops vser_far_nullmodem;

/* generator.c */

void vser_generator_restart(struct vser_generator *generator);
extern const struct vser_source vser_generator_source;
void vser_generator_switch(struct vser_line *line, bool on);

/* receive.c */

void vser_rx_resized(struct vser_line *line, u32 size);
u32 vser_rx_room(struct vser_line *line, const struct vser_link *link);
void vser_rx_made_room(struct vser_line *line);
void vser_rx_took(struct vser_line *line, u32 n, u32 len);
void vser_rx_flushed(struct vser_line *line, u32 n);
void vser_rx_break(struct vser_line *line);
void vser_rx_receive(struct vser_line *line, struct vser_link *link,
		     const u8 *bytes, u32 n);
void vser_rx_rest(struct vser_line *line, struct vser_link *link);
void vser_event(struct vser_line *line, u32 type, u32 value);

/* send.c */

void vser_tx_admit(struct vser_wire *wire);
void vser_tx_made_room(struct vser_line *line);
void vser_line_check_reap(struct vser_line *line);
extern const struct vser_source vser_tx_source;
void vser_tx_wrote(struct vser_line *line, u32 n);
void vser_tx_flush(struct vser_line *line);
bool vser_tx_start_break(struct vser_line *line, const void *owner, u64 *nr,
			 u64 *until);
void vser_tx_resume_break(struct vser_line *line);
void vser_tx_end_break(struct vser_line *line, const void *owner, u64 nr);

/* wire.c */

void vser_wire_unlock(struct vser_wire *wire) __releases(&wire->lock);
bool vser_wire_unlock_softirq(struct vser_wire *wire) __releases(&wire->lock);
void vser_wire_arm(struct vser_wire *wire, u64 now);
bool vser_wire_run(struct vser_wire *wire, u64 now);
bool vser_wire_resume(struct vser_wire *wire, u64 now);
void vser_wire_set_ends(struct vser_wire *wire);
u64 vser_wire_catch_up(struct vser_wire *wire);
u64 vser_wire_lock_now(struct vser_wire *wire) __acquires(&wire->lock);
void vser_wire_look_within(struct vser_wire *wire, u64 ns);
void vser_wire_move_later(struct vser_wire *wire);
bool vser_wire_exchange(struct vser_wire *wire);
void vser_wire_pump(struct vser_wire *wire, bool exchange);
u32 vser_modem_driven(struct vser_line *line);
void vser_wire_kick(struct vser_wire *wire);
void vser_modem_send(struct vser_line *line);
void vser_wire_tune(struct vser_wire *wire);
void vser_wire_retune(struct vser_wire *wire);
void vser_wire_look_again(struct vser_wire *wire, u64 now);
struct vser_faults *vser_wire_set_faults(struct vser_wire *wire,
					 struct vser_faults *faults);
void vser_wire_init(struct vser_wire *wire, struct vser_line *line,
		    const struct vser_source *source);

/* timer.c */

enum hrtimer_restart vser_wire_timer(struct hrtimer *timer);
int vser_wires_init(void);
void vser_wires_stop(void);
void vser_wires_exit(void);

/* modem.c */

void vser_modem_count(struct vser_line *line, struct vser_modem_counts *counts);
u32 vser_modem_changed(struct vser_line *line,
		       const struct vser_modem_counts *before);
void vser_modem_receive(struct vser_line *line, u32 inputs);

/* sysfs.c */

extern const struct attribute_group *vser_groups[];

/* Small ones that many use */

/* Does the line receive? Then its face can take bytes. */
static inline bool vser_rx_open(struct vser_line *line)
{
	/* Pairs with vser_set_openers(). */
	return smp_load_acquire(&line->openers);
}

/*
 * Bytes that the face was given, and that no program has taken. A bystander may see it
 * too high, for a moment: out is looked at first.
 */
static inline u32 vser_rx_len(struct vser_line *line)
{
	/* Pairs with vser_rx_taken(): what was taken has left the face. */
	u32 out = smp_load_acquire(&line->rx_out);

	return min(READ_ONCE(line->rx_in) - out, READ_ONCE(line->rx_size));
}

/* Bytes that the face may be given now. Caller: the lead's lock. */
static inline u32 vser_rx_space(struct vser_line *line)
{
	return line->rx_size - vser_rx_len(line);
}

/* Does what comes over @link arrive just as it was sent? Caller: the lead's lock. */
static inline bool vser_rx_plain(struct vser_line *line,
				 const struct vser_link *link)
{
	return vser_link_clean(link) && link->tx.fmt.datab == 8 && !line->mark;
}

/*
 * A program has taken @n bytes of what the face was given. Caller: a lock of the
 * face's. To be followed by vser_rx_made_room(), without it.
 */
static inline void vser_rx_taken(struct vser_line *line, u32 n)
{
	/* The engine, which sees it, may give the face as many. */
	smp_store_release(&line->rx_out, line->rx_out + n);
}

static inline bool vser_tx_empty(struct vser_line *line)
{
	return vser_queue_empty(&line->tx);
}

static inline void vser_count(u64 *counter, u64 n)
{
	WRITE_ONCE(*counter, *counter + n);
}

static inline void vser_wire_lock(struct vser_wire *wire)
	__acquires(&wire->lock)
{
	spin_lock_bh(&wire->lock);
}

/*
 * The lock under which @line receives; to be released with vser_lead_unlock().
 * Who changes line->lead holds the lock of the wire that it named. So the wire that
 * line->lead still names when its lock is held is the right one.
 */
static inline struct vser_wire *vser_lead_lock(struct vser_line *line)
	__acquires(&line->lead->lock)
{
	struct vser_wire *wire;

	for (;;) {
		wire = READ_ONCE(line->lead);
		vser_wire_lock(wire);
		/* Pairs with vser_set_lead(): what was received under the old. */
		if (wire == smp_load_acquire(&line->lead))
			return wire;
		vser_wire_unlock(wire);
	}
}

static inline void vser_lead_unlock(struct vser_wire *wire)
	__releases(&wire->lock)
{
	vser_wire_unlock(wire);
}

static inline void vser_assert_lead(struct vser_line *line)
{
	lockdep_assert_held(&line->lead->lock);
}

#endif /* VSER_LINE_H */
