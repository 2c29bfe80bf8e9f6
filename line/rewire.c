// SPDX-License-Identifier: GPL-2.0
/*
 * vser - wiring: putting a line's plug into a far end, and taking it out
 *
 * Touches line->far and line->out.to of the lines concerned, under their
 * config_lock.
 */
#include <linux/mutex.h>
#include <linux/termios.h>

#include "line.h"
#include "trace.h"

/* The last act under the lock of the old lead. */
static void vser_set_lead(struct vser_line *line, struct vser_wire *lead)
{
	/* Pairs with vser_lead_lock(). */
	smp_store_release(&line->lead, lead);
}

/* Takes the plug out: the line sends nothing, and nothing leads anywhere. */
void vser_unplug(struct vser_line *line)
{
	struct vser_line *to;

	lockdep_assert_held(&line->config_lock);

	mutex_lock(&line->open_lock);
	line->far->listen(line, false);

	vser_wire_lock_now(&line->out);
	line->far->rest(line);
	line->far = &vser_far_unplugged;
	line->out.busy = false;
	/* What has arrived is told to the line where it has. */
	vser_wire_unlock(&line->out);

	vser_wire_lock(&line->out);
	to = line->out.to;
	WRITE_ONCE(line->out.to, NULL);
	if (to)
		vser_set_lead(to, &to->in);
	vser_wire_unlock(&line->out);
	mutex_unlock(&line->open_lock);
}

/* Puts the plug of an unplugged line into @far, which leads to @to or NULL. */
static void vser_plug(struct vser_line *line, const struct vser_far_ops *far,
		      struct vser_line *to)
{
	struct vser_wire *lead;

	/* First: the news of a lead is told to the line that it leads to. */
	vser_wire_lock(&line->out);
	WRITE_ONCE(line->out.to, to);
	vser_wire_unlock(&line->out);
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
	vser_wire_lock(&line->out);
	line->far = far;
	WRITE_ONCE(line->flow, far->flow);
	vser_wire_set_ends(&line->out);
	vser_wire_unlock(&line->out);
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
int vser_rewire(struct vser_line *line, const struct vser_far_ops *far,
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
