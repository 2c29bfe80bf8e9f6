// SPDX-License-Identifier: GPL-2.0
/*
 * vser - wires: what moves the bytes, and when
 *
 * A wire knows frames, their pace and its timer. What it carries, and where to, it
 * learns from its source and its far end alone (line.h).
 */
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "line.h"
#include "trace.h"

/* Does anybody wait for something of the line? */
static bool vser_heard(struct vser_line *line)
{
	/* The caller has the barrier. */
	return waitqueue_active(&line->face->wait);
}

/* Tells the faces at both ends of a wire its @news. */
static noinline void vser_wire_tell(struct vser_line *line,
				    struct vser_line *to, __poll_t news)
{
	__poll_t tx = news & VSER_KEY_TX;

	/* It may take long, but no spinlock is held meanwhile. */
	lockdep_assert_not_held(&line->out.lock);

	if (tx && vser_tx_empty(line))
		tx |= VSER_KEY_SENT;
	news &= ~VSER_KEY_TX;
	if (line == to) {
		news |= tx;
		tx = 0;
	}
	if (tx && vser_heard(line))
		line->face->ops->tell(line->face, tx);
	if (news && to && vser_heard(to))
		to->face->ops->tell(to->face, news);
}

/*
 * Releases the lock, and tells the news. Stores in *@heard if there was somebody to be
 * told. @softirq: bottom halves stay off. Returns the line that the wire leads to.
 */
static __always_inline struct vser_line *vser_wire_release(struct vser_wire *wire,
							   bool softirq,
							   bool *heard)
	__releases(&wire->lock)
{
	struct vser_line *line = wire->line, *to = wire->to;
	__poll_t news = wire->news;

	wire->news = 0;
	if (softirq)
		spin_unlock(&wire->lock);
	else
		spin_unlock_bh(&wire->lock);

	*heard = false;
	if (!news)
		return to;
	/* Pairs with vser_wait() and vser_poll(): they see it, or are seen here. */
	smp_mb();
	*heard = vser_heard(line) || (to && vser_heard(to));
	if (*heard)
		vser_wire_tell(line, to, news);

	return to;
}

/*
 * Has the timer look at the wire when a batch has ended. From look to look it is
 * the latency and not more, so that no byte waits longer: one that had not ended
 * at one look is handed on at the next. If the last look was late by more than
 * that, it is from now. Nor is it more than fits into a batch, so that who catches
 * up in between finds no more than that.
 */
void vser_wire_arm(struct vser_wire *wire, u64 now)
{
	u64 latency = READ_ONCE(wire->line->latency);
	u64 latest = max(wire->look + latency, now);
	u32 queued = min_t(u32, wire->source->queued(wire), VSER_BATCH);

	wire->look = vser_next_look(&wire->end, &wire->pace, queued, latest);
	hrtimer_start(&wire->timer, ns_to_ktime(wire->look),
		      HRTIMER_MODE_ABS_SOFT);
}

/*
 * How the ends of the wire are set from now on. Caller: config_lock of the line at
 * either end. One that changes the other end at the same time comes here after that.
 */
static void vser_wire_look_at_ends(struct vser_wire *wire)
{
	const struct vser_line *from = wire->line;
	const struct vser_line *to = wire->to ?: from;

	/* Each number is valid by itself. */
	wire->next.tx = data_race(from->uart);
	/* Likewise. */
	wire->next.rx = data_race(to->uart);
}

/* The frames that start from now on pass between the ends as they are set. */
static void vser_wire_take_ends(struct vser_wire *wire)
{
	struct vser_link *link = &wire->link;

	lockdep_assert_held(&wire->lock);

	if (!vser_uart_equal(&wire->next.tx, &link->tx) ||
	    !vser_uart_equal(&wire->next.rx, &link->rx))
		vser_link_set_ends(link, &wire->next.tx, &wire->next.rx);
	if (link->faults != wire->next.faults) {
		kfree(link->faults);
		link->faults = wire->next.faults;
	}
	wire->reset = false;
}

void vser_wire_set_ends(struct vser_wire *wire)
{
	vser_wire_look_at_ends(wire);
	vser_wire_take_ends(wire);
}

/*
 * The frames that start from now on get these faults, or none. Returns what the caller
 * is to free.
 */
struct vser_faults *vser_wire_set_faults(struct vser_wire *wire,
					 struct vser_faults *faults)
{
	lockdep_assert_held(&wire->lock);

	/* Those of the frame on the wire are freed when that has ended. */
	swap(wire->next.faults, faults);
	if (faults == wire->link.faults)
		faults = NULL;
	if (wire->busy)
		wire->reset = true;
	else
		vser_wire_take_ends(wire);

	return faults;
}

/*
 * Hands on @n frames, and returns how many more are queued. If one of the ends was
 * set anew, @n is 1: for those that follow there may be less room.
 */
static u32 vser_wire_carry(struct vser_wire *wire, u32 n)
{
	u32 left = wire->source->carry(wire, n);

	if (wire->reset)
		vser_wire_take_ends(wire);
	if (!left)
		wire->source->idle(wire);

	return left;
}

/*
 * How many frames the receiving side takes from a busy wire. The first one is on
 * the wire: what stops the sender does not stop that.
 */
static u32 vser_wire_room(struct vser_wire *wire)
{
	u32 room = wire->source->room(wire, false);

	if (room)
		return room;

	return !!wire->source->room(wire, true);
}

/*
 * How many frames are moved under one lock: so many that it is held for a tenth of a
 * millisecond or so on the slowest machines. One that the receiver looks at bit by bit
 * costs a hundred times as much as one that is copied.
 */
static u32 vser_wire_most(struct vser_wire *wire)
{
	const struct vser_line *to = wire->to;

	if (to && (!vser_link_clean(&wire->link) ||
		   wire->link.tx.fmt.datab != 8 || READ_ONCE(to->mark)))
		return VSER_SLOW_TURN;

	/* A generator makes its bytes one by one. */
	return wire->source->endless ? VSER_BATCH : VSER_TURN;
}

/*
 * Hands on the frames that have ended by @now, as many as may be under one lock.
 * Returns true if there are more.
 */
bool vser_wire_run(struct vser_wire *wire, u64 now)
{
	bool reset = wire->reset;
	u32 most, room;
	u64 due, n;

	lockdep_assert_held(&wire->lock);

	/* It must not fall ever farther behind if it is faster than we are. */
	if (wire->source->endless &&
	    now > max(wire->look, wire->end.ns) + VSER_MAX_LAG)
		wire->end = (struct vser_instant) { .ns = now };

	due = vser_frames_due(&wire->end, &wire->pace, now);
	if (!due)
		return false;
	most = vser_wire_most(wire);
	wire->slow = most != VSER_TURN;
	n = min3(due, (u64)wire->source->queued(wire), (u64)most);
	if (reset)
		n = 1;
	room = vser_wire_room(wire);
	n = min_t(u64, n, room);
	if (!n) {
		wire->busy = false;
		return false;
	}
	vser_instant_advance(&wire->end, &wire->pace, n);
	/*
	 * It stays busy if there is more, and room. What there was does not shrink but
	 * by what was handed on, or if the ends have been set anew.
	 */
	wire->busy = vser_wire_carry(wire, n) &&
		     ((room > n && !reset) || wire->source->room(wire, false));

	return wire->busy && n < due;
}

/*
 * Hands on what has ended by now, as vser_wire_run(), which the timer may not have done
 * yet. Returns the time, or 0 if the wire is not paced: it does not need it, and looking
 * is dear.
 */
u64 vser_wire_catch_up(struct vser_wire *wire)
{
	u64 now;

	lockdep_assert_held(&wire->lock);

	if (!wire->paced)
		return 0;

	now = ktime_get_ns();
	if (wire->busy)
		vser_wire_run(wire, now);

	return now;
}

/*
 * Takes the lock of a wire on which all frames have been handed on that have ended by
 * now: what changes the frames to come cannot reach into the past. Returns the time, or
 * 0 if the wire is not paced. Process context, no wire's lock held.
 *
 * What ends meanwhile is not waited for, or a wire that is faster than we are could keep
 * us here; nor is anything by a process that is being killed: then what changes is a
 * little early.
 */
u64 vser_wire_lock_now(struct vser_wire *wire)
	__acquires(&wire->lock)
{
	u64 until = 0;

	for (;;) {
		vser_wire_lock(wire);
		if (!wire->paced)
			return 0;
		until = until ?: ktime_get_ns();
		if (!wire->busy || !vser_wire_run(wire, until) ||
		    fatal_signal_pending(current))
			return ktime_get_ns();
		vser_wire_unlock(wire);
		cond_resched();
	}
}

/* Has the timer look at the wire in @ns, unless it does so earlier. */
void vser_wire_look_within(struct vser_wire *wire, u64 ns)
{
	ktime_t at = ktime_add_ns(ktime_get(), ns);

	lockdep_assert_held(&wire->lock);

	if (!hrtimer_is_queued(&wire->timer) ||
	    ktime_before(at, hrtimer_get_expires(&wire->timer)))
		hrtimer_start(&wire->timer, at, HRTIMER_MODE_ABS_SOFT);
}

/*
 * If nobody else goes on with an unpaced wire, the timer does, after the latency or
 * before. It may still be queued for a time that was right when the wire was paced,
 * or had another latency.
 */
void vser_wire_move_later(struct vser_wire *wire)
{
	vser_wire_look_within(wire, READ_ONCE(wire->line->latency));
}

/* Moves what can be moved, without a pace. Returns true if there is more. */
static bool vser_wire_move(struct vser_wire *wire)
{
	u32 left = wire->source->queued(wire), most = VSER_SLOW_TURN;
	u32 moved = 0, n;

	/* Mostly there is little: what it costs need not be known. */
	if (left > most)
		most = vser_wire_most(wire);

	while (left && moved < most) {
		n = min3(left, most - moved, wire->source->room(wire, false));
		if (!n) {
			WRITE_ONCE(wire->stalled, true);
			return false;
		}
		left = vser_wire_carry(wire, n);
		moved += n;
	}
	if (left)
		vser_wire_move_later(wire);

	return left;
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
		vser_wire_take_ends(wire);
	if (!wire->paced)
		return vser_wire_move(wire);
	if (!wire->source->queued(wire) || !wire->source->room(wire, false))
		return false;

	wire->busy = true;
	wire->end = (struct vser_instant) { .ns = max(now, wire->hold) };
	vser_instant_advance(&wire->end, &wire->pace, 1);
	wire->look = now;
	vser_wire_arm(wire, now);

	return false;
}

/*
 * A wire that may have stalled goes on, with all that is queued by now. Returns
 * true if there is more to be done at once.
 */
bool vser_wire_resume(struct vser_wire *wire, u64 now)
{
	WRITE_ONCE(wire->stalled, false);
	/* Pairs with vser_tx_wrote(): its bytes are admitted. */
	smp_mb();
	wire->source->admit(wire);

	return vser_wire_start(wire, now);
}

/*
 * A paced wire goes on, with what has ended by now, and what is queued. Returns true
 * if more has ended.
 */
static bool vser_wire_go_on(struct vser_wire *wire, u64 now)
{
	if (wire->busy && vser_wire_run(wire, now))
		return true;
	vser_wire_resume(wire, now);

	return false;
}

/*
 * Moves all there is at once, on a wire without a pace, if that can be done. Caller:
 * also tx.lock of the line, whose wire line->out it is.
 */
static bool vser_wire_exchange_locked(struct vser_wire *wire)
{
	lockdep_assert_held(&wire->lock);
	lockdep_assert_held(&wire->line->tx.lock);

	if (!wire->source->exchange(wire))
		return false;

	WRITE_ONCE(wire->stalled, false);

	return true;
}

bool vser_wire_exchange(struct vser_wire *wire)
{
	bool done;

	vser_wire_lock(wire);
	done = !wire->paced && vser_wire_exchange_locked(wire);
	vser_wire_unlock(wire);

	return done;
}

/*
 * Does what there is to do on the wire. Process context, no wire's lock held.
 * @exchange: by exchanging buffers, if that can be done; then tx.lock is held.
 *
 * As much as the largest queue holds, and of a process that is being killed no
 * more than it has begun. Faults may leave nothing of what a generator sends, so
 * that the queue never fills: hence not so much if each frame is looked at. If there
 * is more, the timer goes on: vser_wire_move().
 */
void vser_wire_pump(struct vser_wire *wire, bool exchange)
{
	u32 moved = 0, most = VSER_MAX_FIFO, turn;
	bool more;

	do {
		vser_wire_lock(wire);
		if (wire->paced)
			more = vser_wire_go_on(wire, ktime_get_ns());
		else if (exchange && vser_wire_exchange_locked(wire))
			more = false;
		else
			more = vser_wire_resume(wire, 0);
		if (more) {
			turn = vser_wire_most(wire);
			moved += turn;
			if (wire->source->endless && turn == VSER_SLOW_TURN)
				most = VSER_TURN;
		}
		vser_wire_unlock(wire);
	} while (more && moved < most && vser_may_go_on());
}

/* The modem outputs that the line drives: none while it is closed. */
u32 vser_modem_driven(struct vser_line *line)
{
	return READ_ONCE(line->openers) ? READ_ONCE(line->outputs) : 0;
}

/*
 * Tells the far end the line's modem outputs. RTS is what the program wants
 * and, with flow control, seen off while rx is filling up. Returns the line at
 * the far end, or NULL: it may have received bytes.
 */
static struct vser_line *vser_modem_tell(struct vser_line *line)
{
	bool heard;
	u32 outputs;

	vser_wire_lock(&line->out);
	vser_wire_catch_up(&line->out);
	/*
	 * Read under the lock: of two that change an output at once, the last
	 * to come here sees both changes.
	 */
	outputs = vser_modem_driven(line);
	line->far->modem(line, outputs,
			 READ_ONCE(line->flow) == VSER_FLOW_RTSCTS &&
			 READ_ONCE(line->throttled));

	return vser_wire_release(&line->out, false, &heard);
}

/*
 * The lock of a wire that leads to @line was released: if RTS as the far end sees it
 * has changed under it, tells the far end.
 *
 * Each path that sets VSER_RTS_STALE ends here. So it is enough to take the bit once:
 * if it is set again after that, the path that sets it is on its way here. To tell may
 * move frames of @line to the far end, which may change RTS there. That cannot go on
 * for long, as each change takes half a queue; if there is more, the wire is paced, and
 * its timer comes here.
 *
 * Nothing waits for this: a wire looks for room itself, and a reader that makes room
 * starts the wire, in vser_rx_made_room().
 */
static noinline void vser_wire_report_stale(struct vser_line *line)
{
	unsigned int round;

	for (round = 0; line && round < VSER_REPORTS; round++) {
		if (!test_and_clear_bit(VSER_RTS_STALE, &line->flags))
			return;
		line = vser_modem_tell(line);
	}
}

static __always_inline void vser_wire_report(struct vser_line *line)
{
	/* RTS changes seldom: first a look without an atomic operation. */
	if (line && test_bit(VSER_RTS_STALE, &line->flags))
		vser_wire_report_stale(line);
}

void vser_wire_unlock(struct vser_wire *wire)
	__releases(&wire->lock)
{
	bool heard;

	vser_wire_report(vser_wire_release(wire, false, &heard));
}

/*
 * For who has bottom halves off anyway, and took the lock by spin_lock(). Returns true
 * if somebody was told.
 */
bool vser_wire_unlock_softirq(struct vser_wire *wire)
	__releases(&wire->lock)
{
	bool heard;

	vser_wire_report(vser_wire_release(wire, true, &heard));

	return heard;
}

/*
 * Something has changed that the wire may have waited for: frames to send, or
 * room for them. No wire's lock held.
 */
void vser_wire_kick(struct vser_wire *wire)
{
	vser_wire_pump(wire, false);
}

/*
 * The line's modem outputs have changed, or who is to be told of them. On return
 * the far end knows, and nothing is under way that it sent without knowing; and
 * what waited, on either wire, goes on.
 */
void vser_modem_send(struct vser_line *line)
{
	vser_wire_lock_now(&line->out);
	vser_wire_unlock(&line->out);
	vser_modem_tell(line);
	vser_wire_kick(READ_ONCE(line->lead));
	vser_wire_kick(&line->out);
}

/*
 * Sets how the frames are sent that start from now on: by period, speed and
 * format, and pacing. Caller: config_lock of the line at either end, as for
 * vser_wire_look_at_ends().
 */
void vser_wire_tune(struct vser_wire *wire)
{
	u64 period = wire->source->endless ? wire->line->generator.period : 0;
	/* Each number is valid by itself. */
	struct vser_uart uart = data_race(wire->line->uart);

	lockdep_assert_held(&wire->lock);

	vser_wire_catch_up(wire);
	vser_instant_settle(&wire->end);
	wire->pace = period ? vser_pace_of_period(period) :
			      vser_pace_of_uart(&uart);
	wire->paced = period || READ_ONCE(wire->line->pacing);
	/* The frame on the wire ends as it began; without a pace, at once. */
	if (!wire->paced && wire->busy && vser_wire_room(wire))
		vser_wire_carry(wire, 1);
	if (!wire->paced)
		wire->busy = false;
	vser_wire_look_at_ends(wire);
	if (wire->busy)
		wire->reset = true;
	else
		vser_wire_take_ends(wire);
}

void vser_wire_retune(struct vser_wire *wire)
{
	vser_wire_lock_now(wire);
	vser_wire_tune(wire);
	vser_wire_unlock(wire);

	vser_wire_kick(wire);
}

/* The latency has changed: it counts from @now. */
void vser_wire_look_again(struct vser_wire *wire, u64 now)
{
	lockdep_assert_held(&wire->lock);

	if (wire->busy) {
		wire->look = now;
		vser_wire_arm(wire, now);
	}
}

void vser_wire_init(struct vser_wire *wire, struct vser_line *line,
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
	vser_wire_look_at_ends(wire);
}
