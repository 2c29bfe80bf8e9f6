/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vser - what a line is made of
 *
 * The objects of vser.c, where their design is told. Each field says who may
 * touch it, and why that is safe.
 */
#ifndef VSER_LINE_H
#define VSER_LINE_H

#include <linux/eventpoll.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "vser.h"
#include "vser_frame.h"
#include "vser_int.h"
#include "vser_queue.h"

struct vser_account;
struct vser_line;
struct vser_wire;

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
 * @carry:  hand @n of them on; n is at most what @queued and @room said
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
 * @stalled: unpaced, it has found no room for what is queued; until it is kicked
 *          because there is some, nobody else need do so. Written with
 *          WRITE_ONCE, writers look at it without the lock
 * @timer:  runs while the wire is busy
 * @line:   whose wire it is; constant
 * @source: what feeds it; constant
 * @to:     the line that it leads to, or NULL; written under line->config_lock
 *          too, with WRITE_ONCE: vser_rewire() looks at it without a lock
 * @pace:   of the frames that start from now on
 * @end:    when the frame ends that is on the wire
 * @hold:   no frame starts before this, in ns: a break is on the wire, and is not
 *          yet as long as a frame
 * @look:   when @timer was last armed for, in ns
 * @link:   how the two ends are set, and what goes wrong between them
 */
struct vser_wire {
	/* Innermost; taken by processes, bottom halves off, and by the timer. */
	spinlock_t lock;
	bool paced;
	bool busy;
	bool reset;
	bool stalled;
	struct hrtimer timer;
	struct vser_line *line;
	const struct vser_source *source;
	struct vser_line *to;
	struct vser_pace pace;
	struct vser_instant end;
	u64 hold;
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
 * @room:    how many frames it takes from the line now. @begun: as in
 *           struct vser_source
 * @receive: @n bytes arrive from the line
 * @exchange: takes all that is in tx at once by changing places with it, and
 *            says if it could; line->tx.lock held, too. May be NULL
 * @rest:    the line has nothing more to send
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
	/* The far end has yet to be told how line->throttled changed RTS. */
	VSER_RTS_STALE,
};

/* Bits of vfile->flags, which are atomic. */
enum {
	/* The program was told that tx is full, and not yet that there is room. */
	VSER_TX_STARVED,
	/* The tx ring holds bytes for which tx had no room. */
	VSER_RING_STARVED,
};

/*
 * What a task or a file can wait for. The keys of line->wait: each wake-up names
 * those that have become true, in the bits of poll().
 */
#define VSER_KEY_RX	(EPOLLIN | EPOLLRDNORM)		/* rx holds bytes */
#define VSER_KEY_TX	(EPOLLOUT | EPOLLWRNORM)	/* tx has room */
#define VSER_KEY_SENT	EPOLLMSG	/* tx is empty; poll() never tells it */
#define VSER_KEY_EVENT	EPOLLPRI	/* there is one more event */

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
 * @flow:      enum vser_flow; read by the wires at both ends
 * @uart:      speed and frame format
 * @fault:     faults on demand
 * @latency:   ns that a byte may wait for its batch; read by both wires
 * @pacing:    frames take time
 * @exclusive: one user at a time; read under @open_lock
 *
 * @open_lock: protects the next four, and the lifetime of both buffers
 * @account:   of the user that pays for both buffers; NULL if there are none
 * @openers:   descriptors that can read or write. Wires read it without the
 *             lock, to see if the line receives and if to schedule @reap
 * @readers:   descriptors that can read
 * @outputs:   modem lines that the program drives, TIOCM_*, or if the line is
 *             closed, that the next open raises; read by vser_modem_driven()
 *             without the lock
 * @reap:      frees the buffers of a closed line once they are empty
 *
 * @tx:        bytes to be sent; producer: writers, consumer: @out
 * @rx:        bytes received; producer: @lead, consumer: readers
 * @wait:      everything that waits for this line: a &struct vser_waiter for each
 *             task that sleeps, a &struct vser_file for each file that is polled
 *             or wants SIGIO. Wake-ups are keyed by VSER_KEY_RX and its like
 *
 * @far:       what the line is wired to; written under @config_lock,
 *             open_lock and out.lock, so that each of them is enough to read it
 * @out:       the wire to the far end, fed by @tx
 * @admitted:  tx.fifo.in as far as @out knows of it; protected by out.lock
 * @brk:       the line is to send a break; protected by out.lock, and read by
 *             vser_file_start_break() without it
 * @brk_sent:  the far end has been told of it; protected by out.lock
 * @brk_owner: the open file that started it, or has last asked for it to go on;
 *             only to compare with. Protected by out.lock
 * @brk_nr:    how often that was; protected by out.lock
 *
 * @in:        the wire from the line's own generator
 * @generator: what it sends; protected by in.lock
 *
 * @lead:      the wire that leads here; written under @config_lock and the
 *             lock of the wire that it named before
 * What follows is protected by the lock of @lead:
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
 * @position:  bytes put into rx since the module was loaded
 * @events:    the last VSER_EVENTS events, or NULL while nobody ever opened
 * @event_seq: events since then; written with WRITE_ONCE, and read without the
 *             lock by those that wait
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
	unsigned int openers;
	unsigned int readers;
	u32 outputs;
	u32 admitted;
	struct work_struct reap;

	struct vser_queue tx;
	struct vser_queue rx;
	wait_queue_head_t wait;

	const struct vser_far_ops *far;
	struct vser_wire out;

	struct vser_wire in;
	struct vser_generator generator;

	struct vser_wire *lead;
	bool brk;
	bool brk_sent;
	const struct vser_file *brk_owner;
	u64 brk_nr;
	bool throttled;
	bool full;
	bool deferred;
	bool mark;
	bool may_send;
	u32 inputs;
	u32 lost;
	u64 position;
	struct vser_event *events;
	u64 event_seq;

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
 * struct vser_lab_file - what an open file has to do with one laboratory
 * @lab:   the laboratory, whose module it pins, or NULL as long as no operation
 *         was asked for; set once, after @state, by a release
 * @state: the laboratory's own
 */
struct vser_lab_file {
	const struct vser_lab *lab;
	void *state;
};

/**
 * struct vser_rings - what an open file shares with the process
 * @page:    the start of the mapping, which the process may write at any time;
 *           the indices in there that are ours are only ever stored to
 * @account: of the user that pays for them; constant, as the next five
 * @length:  of the mapping, in bytes
 * @rx:      bytes received; we are the producer, the process is the consumer
 * @tx:      bytes to be sent; the other way round
 * @rx_size: bytes in @rx, a power of two, or 0
 * @tx_size: bytes in @tx, a power of two, or 0
 * @rx_in:   bytes put into @rx; protected by line->rx.lock
 * @tx_out:  bytes taken from @tx; protected by line->tx.lock
 * @vfile:   the open file; constant
 */
struct vser_rings {
	struct vser_file *vfile;
	struct vser_ring_page *page;
	struct vser_account *account;
	size_t length;
	u8 *rx;
	u8 *tx;
	u32 rx_size;
	u32 tx_size;
	u32 rx_in;
	u32 tx_out;
};

/* What is set about the events of an open file. */
enum vser_watch {
	/* A data descriptor that has not asked for them. */
	VSER_WATCH_UNSET,
	VSER_WATCH_ON,
	VSER_WATCH_OFF,
};

/**
 * struct vser_file - an open file
 * @line:       of what
 * @file:       as the kernel knows it
 * @flags:      VSER_TX_STARVED, VSER_RING_STARVED
 * @watch:      enum vser_watch: do POLLPRI and SIGIO tell of events? Changed by
 *              xchg() and cmpxchg(), as two threads may do so at once
 * @wait:       those that poll the file, and nothing else
 * @entry:      in line->wait from the first poll, or the first F_SETFL with
 *              O_ASYNC, to the close: passes on what concerns this file
 * @follows:    @entry is in there; written under the lock of line->wait
 * @fasync:     the file wants SIGIO; has its own lock, of the core
 * @next_event: number of the first event that it has not read; protected as the
 *              line's events are, written with WRITE_ONCE, read without by poll
 * @lab_lock:   protects what @labs become
 * @labs:       by enum vser_lab_id
 * @rings:      or NULL as long as none were asked for; set once, by a release
 */
struct vser_file {
	struct vser_line *line;
	struct file *file;
	unsigned long flags;
	u32 watch;
	wait_queue_head_t wait;
	wait_queue_entry_t entry;
	bool follows;
	struct fasync_struct *fasync;
	u64 next_event;
	/* Process context; inside vser_labs_lock, outside the laboratory's. */
	struct mutex lab_lock;
	struct vser_lab_file labs[VSER_NR_LABS];
	struct vser_rings *rings;
};

#endif /* VSER_LINE_H */
