// SPDX-License-Identifier: GPL-2.0
/*
 * vser - receiving: from a wire to the face
 *
 * Touches all that is protected by the lock of the wire that leads to the line. What
 * the face holds is called rx here: line->rx_size bytes at most.
 */
#include <linux/mutex.h>

#include "line.h"
#include "trace.h"

/* At least half of rx is empty: time to go on. */
static bool vser_rx_low(struct vser_line *line)
{
	return vser_rx_len(line) <= READ_ONCE(line->rx_size) / 2;
}

/* Seven eighths of rx are full: the sender is to stop. */
static bool vser_rx_is_high(struct vser_line *line, u32 len)
{
	u32 size = READ_ONCE(line->rx_size);

	return len >= size - size / 8;
}

static bool vser_rx_high(struct vser_line *line)
{
	return vser_rx_is_high(line, vser_rx_len(line));
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
u32 vser_rx_room(struct vser_line *line, const struct vser_link *link)
{
	u32 room;

	vser_assert_lead(line);

	if (line->full && !vser_rx_low(line))
		return 0;
	line->full = false;

	do {
		room = vser_rx_space(line);
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

/*
 * If the sender has a lot queued, it is best to wait until the reader has taken
 * the rest, too, and then to exchange buffers instead of copying. The timer
 * moves the bytes if the reader does not go on. Returns true if it is so.
 */
static bool vser_rx_defer(struct vser_line *line, struct vser_wire *lead)
{
	struct vser_queue *tx = &lead->line->tx;
	u32 rest = vser_rx_len(line);
	bool deferred = rest && lead == &lead->line->out && !lead->paced &&
			line->face->ops->exchange &&
			vser_queue_len(tx) >= max_t(u32, rest, VSER_DEFER) &&
			vser_queue_size(tx) == line->rx_size &&
			vser_rx_plain(line, &lead->link);

	WRITE_ONCE(line->deferred, deferred);
	if (!deferred)
		return false;

	/*
	 * If another reader takes the rest, it sees this afterwards; or it has
	 * taken it before, and that is seen here.
	 */
	smp_mb();
	if (!vser_rx_len(line)) {
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
		vser_wire_pump(lead, false);

	/* If rx has filled up again by now, RTS has not changed. */
	vser_rx_relax(line);
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
void vser_rx_made_room(struct vser_line *line)
{
	/* Pairs with the barriers in vser_rx_throttle() and vser_rx_defer(). */
	smp_mb();
	if (READ_ONCE(line->throttled) ? vser_rx_low(line) :
	    READ_ONCE(line->deferred) && !vser_rx_len(line))
		vser_rx_fetch(line);
}

/* Something but a byte was received: the face is to record it. */
void vser_event(struct vser_line *line, u32 type, u32 value)
{
	const struct vser_event event = {
		.position = line->position,
		.type = type,
		.value = value,
	};

	vser_assert_lead(line);

	line->face->ops->event(line->face, &event);
	line->lead->news |= VSER_KEY_EVENT;
}

static void vser_rx_overrun(struct vser_line *line, u32 n)
{
	trace_vser_drop(line->index, n, vser_rx_len(line));
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

/*
 * The face takes @n more bytes, for which there is room, and holds @len then. No program
 * sees them yet.
 */
void vser_rx_took(struct vser_line *line, u32 n, u32 len)
{
	vser_rx_tell_lost(line);
	line->position += n;
	WRITE_ONCE(line->rx_in, line->rx_in + n);
	trace_vser_rx(line->index, n, len);
	if (!line->throttled && vser_rx_is_high(line, len))
		vser_rx_throttle(line);
	line->lead->news |= VSER_KEY_RX;
}

/* Bytes arrive at the line just as they were sent. */
static void vser_rx_push(struct vser_line *line, const u8 *bytes, u32 n)
{
	u32 len = vser_rx_len(line), taken = 0;

	vser_assert_lead(line);

	if (vser_rx_open(line))
		taken = min(n, line->rx_size - len);
	if (taken) {
		vser_rx_took(line, taken, len + taken);
		line->face->ops->push(line->face, bytes, taken);
	}
	if (taken < n)
		vser_rx_overrun(line, n - taken);
}

/* Characters that have arrived, and go to the face together. */
struct vser_batch {
	struct vser_char chars[VSER_CHARS_BATCH];
	u32 n;
};

static void vser_rx_push_batch(struct vser_line *line, struct vser_batch *batch)
{
	const struct vser_face_ops *ops = line->face->ops;
	const struct vser_char *c = batch->chars;
	u32 left = batch->n, taken;

	vser_assert_lead(line);

	batch->n = 0;
	while (left) {
		taken = vser_rx_open(line) ?
			ops->push_chars(line->face, c, left) : 0;
		c += taken;
		left -= taken;
		if (!left)
			break;
		/* Of those that come after it, one may be shorter. */
		if (!c->brk)
			vser_rx_overrun(line, 1);
		c++;
		left--;
	}
}

/* A byte or a break arrives, and with it perhaps an error. */
static void vser_rx_char(struct vser_line *line, struct vser_batch *batch,
			 const struct vser_char *c)
{
	/* An event comes before what it is about, and after all that came before. */
	if (c->parity || c->frame || c->brk) {
		vser_rx_push_batch(line, batch);
		vser_rx_tell_lost(line);
	} else if (batch->n == ARRAY_SIZE(batch->chars)) {
		vser_rx_push_batch(line, batch);
	}
	vser_count(&line->rx_parity, c->parity);
	vser_count(&line->rx_frame, c->frame);
	vser_count(&line->rx_brk, c->brk);
	if (c->parity)
		vser_event(line, VSER_EVENT_PARITY, 0);
	if (c->frame)
		vser_event(line, VSER_EVENT_FRAME, 0);
	if (c->brk)
		vser_event(line, VSER_EVENT_BREAK, 0);

	batch->chars[batch->n++] = *c;
}

/* What a receiver made of @sent frames. */
static void vser_rx_chars(struct vser_line *line, struct vser_batch *batch,
			  const struct vser_chars *chars, u32 sent)
{
	u32 received = 0, i;

	for (i = 0; i < chars->n; i++) {
		vser_rx_char(line, batch, &chars->chars[i]);
		received += !chars->chars[i].brk;
	}
	if (received > sent)
		vser_count(&line->rx_split, received - sent);
	else
		vser_count(&line->rx_merged, sent - received);
}

/* Frames arrive at the line over @link, and are looked at one by one. */
static void vser_rx_look_at(struct vser_line *line, struct vser_link *link,
			    const u8 *bytes, u32 n)
{
	struct vser_outcome outcome;
	struct vser_batch batch;
	u32 i;

	batch.n = 0;
	for (i = 0; i < n; i++) {
		vser_link_send(link, bytes[i], &outcome);
		vser_count(&line->rx_faults, outcome.dropped);
		vser_count(&line->rx_dup, outcome.duplicated);
		vser_rx_chars(line, &batch, &outcome.received,
			      !outcome.dropped + outcome.duplicated);
	}
	vser_rx_push_batch(line, &batch);
}

/* Frames arrive at the line over @link. */
void vser_rx_receive(struct vser_line *line, struct vser_link *link,
		     const u8 *bytes, u32 n)
{
	if (vser_rx_plain(line, link))
		vser_rx_push(line, bytes, n);
	else
		vser_rx_look_at(line, link, bytes, n);
	vser_rx_tell_lost(line);
}

/* A break arrives at the line. */
void vser_rx_break(struct vser_line *line)
{
	static const struct vser_char brk = { .brk = true };
	struct vser_batch batch;

	batch.n = 0;
	vser_rx_char(line, &batch, &brk);
	vser_rx_push_batch(line, &batch);
	vser_rx_tell_lost(line);
}

/* The wire that leads here has come to rest. */
void vser_rx_rest(struct vser_line *line, struct vser_link *link)
{
	struct vser_chars chars = {};
	struct vser_batch batch;

	if (vser_link_clean(link))
		return;

	batch.n = 0;
	vser_link_rest(link, &chars);
	vser_rx_chars(line, &batch, &chars, 0);
	vser_rx_push_batch(line, &batch);
	vser_rx_tell_lost(line);
}

/*
 * @n bytes were taken from the face, which no program will read. Caller: as
 * vser_rx_taken().
 */
void vser_rx_flushed(struct vser_line *line, u32 n)
{
	vser_count(&line->rx_flushed, n);
	vser_rx_taken(line, n);
}

/* The face holds @size bytes from now on. Caller: the lead's lock. */
void vser_rx_resized(struct vser_line *line, u32 size)
{
	vser_assert_lead(line);

	WRITE_ONCE(line->rx_size, size);
	if (vser_rx_high(line))
		vser_rx_throttle(line);
}
