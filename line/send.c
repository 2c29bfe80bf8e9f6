// SPDX-License-Identifier: GPL-2.0
/*
 * vser - sending: from the program to the far end
 *
 * Touches the tx queue, as its consumer, and the break that the line sends.
 */
#include <linux/workqueue.h>

#include "line.h"
#include "trace.h"

void vser_tx_admit(struct vser_wire *wire)
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

/* There is room in tx, or nothing left in it. */
void vser_tx_made_room(struct vser_line *line)
{
	lockdep_assert_held(&line->out.lock);

	line->out.news |= VSER_KEY_TX;
}

static u32 vser_tx_carry(struct vser_wire *wire, u32 n)
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

	return vser_tx_queued(wire);
}

/* Nothing may be left in the buffers of a line that nobody has open. */
void vser_line_check_reap(struct vser_line *line)
{
	if (!READ_ONCE(line->openers))
		schedule_work(&line->reap);
}

static void vser_tx_idle(struct vser_wire *wire)
{
	struct vser_line *line = wire->line;

	if (!vser_link_clean(&wire->link))
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

const struct vser_source vser_tx_source = {
	.admit = vser_tx_admit,
	.exchange = vser_tx_exchange,
	.queued = vser_tx_queued,
	.room = vser_tx_room,
	.carry = vser_tx_carry,
	.idle = vser_tx_idle,
};

/* There are @n more bytes in tx. Caller: tx.lock. */
void vser_tx_wrote(struct vser_line *line, u32 n)
{
	vser_count(&line->tx_written, n);
	/* Pairs with vser_wire_resume(): or the bytes are admitted there. */
	smp_mb();
	if (!READ_ONCE(line->out.stalled))
		vser_wire_pump(&line->out, true);
}

/* Drops what is to be sent, but for the frame that is on the wire: that ends. */
void vser_tx_flush(struct vser_line *line)
{
	u64 now = vser_wire_lock_now(&line->out);

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
	vser_wire_unlock(&line->out);

	vser_line_check_reap(line);
	vser_wire_kick(&line->out);
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
 * Starts a break for @owner, or has the one go on that there is, and stores its
 * number in *@nr. Returns false if that is not yet possible: there are bytes to be
 * sent before, or the break before it is not over until *@until, in ns.
 */
bool vser_tx_start_break(struct vser_line *line, const void *owner, u64 *nr,
			 u64 *until)
{
	struct vser_wire *wire = &line->out;
	bool start = true;
	u64 now;

	*until = 0;
	now = vser_wire_lock_now(wire);
	if (!line->brk && wire->paced && now < wire->hold)
		*until = wire->hold;
	if (!line->brk && (*until || !vser_tx_empty(line)))
		start = false;
	if (start) {
		WRITE_ONCE(line->brk, true);
		line->brk_owner = owner;
		*nr = ++line->brk_nr;
		vser_tx_send_break(line, now);
	}
	vser_wire_unlock(wire);

	return start;
}

/* The line was opened: a break that a control-only descriptor wants begins now. */
void vser_tx_resume_break(struct vser_line *line)
{
	vser_tx_send_break(line, vser_wire_lock_now(&line->out));
	vser_wire_unlock(&line->out);
}

/*
 * Ends the break that there is, or only that of @owner, and of that only number
 * @nr, if these are not NULL and 0.
 */
void vser_tx_end_break(struct vser_line *line, const void *owner, u64 nr)
{
	vser_wire_lock(&line->out);
	if ((!owner || owner == line->brk_owner) &&
	    (!nr || nr == line->brk_nr)) {
		WRITE_ONCE(line->brk, false);
		line->brk_sent = false;
	}
	vser_wire_unlock(&line->out);

	vser_wire_kick(&line->out);
}
