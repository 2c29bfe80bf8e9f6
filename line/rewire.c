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

/*
 * Puts the plug of an unplugged line into @far, which leads to @to or NULL. From then on
 * it has this flow control.
 */
static void vser_plug(struct vser_line *line, const struct vser_far_ops *far,
		      struct vser_line *to, u32 flow)
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
	WRITE_ONCE(line->flow, flow);
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
 * Takes the configuration locks of @line, and of all lines that are concerned if it is
 * wired to what @plug says; NULL: it stays wired as it is. No lock held.
 */
int vser_rewire_lock(struct vser_rewired *rewired, struct vser_line *line,
		     const struct vser_plug *plug)
{
	int ret;

	*rewired = (struct vser_rewired) { .line = line };
	if (plug)
		rewired->plug = *plug;

	/* Again if the peer has changed before it was locked. */
	for (;;) {
		rewired->n = 0;
		rewired->old = READ_ONCE(line->out.to);
		vser_rewired_add(rewired, line);
		if (plug) {
			vser_rewired_add(rewired, rewired->old);
			vser_rewired_add(rewired, plug->peer);
		}
		ret = vser_rewired_lock(rewired);
		if (ret)
			return ret;
		if (!plug || line->out.to == rewired->old)
			return 0;
		vser_rewired_unlock(rewired, rewired->n);
	}
}

void vser_rewire_unlock(struct vser_rewired *rewired)
{
	vser_rewired_unlock(rewired, rewired->n);
}

/*
 * May the line be wired so? If it is already, there is nothing to be done, and no
 * right is needed.
 */
int vser_rewire_check(struct vser_rewired *rewired)
{
	struct vser_line *peer = rewired->plug.peer;

	if (peer == rewired->line)
		return -EINVAL;
	if (rewired->line->far == rewired->plug.far &&
	    (!peer || rewired->old == peer)) {
		rewired->plug.far = NULL;
		return 0;
	}
	/* Another user may own it. */
	if (peer && !rewired->plug.may_join)
		return -EPERM;
	if (peer && peer->far == &vser_far_nullmodem)
		return -EBUSY;

	return 0;
}

/* From here to vser_rewire_plug(), which follows, the line neither sends nor receives. */
void vser_rewire_unplug(struct vser_rewired *rewired)
{
	struct vser_line *line = rewired->line, *old = rewired->old;
	const struct vser_far_ops *pulled = &vser_far_unplugged;

	vser_unplug(line);
	if (old && old != line) {
		/* What it has to send is not for anybody else: it waits. */
		vser_unplug(old);
		vser_plug(old, pulled, NULL, pulled->flow);
		vser_plugged(old);
	}
	if (rewired->plug.peer)
		vser_unplug(rewired->plug.peer);
}

/* @flow: that of the line from now on. The peer has what the wiring gives by default. */
void vser_rewire_plug(struct vser_rewired *rewired, u32 flow)
{
	struct vser_line *line = rewired->line, *peer = rewired->plug.peer;
	const struct vser_far_ops *far = rewired->plug.far;

	if (peer)
		vser_plug(peer, far, line, far->flow);
	vser_plug(line, far, far == &vser_far_loopback ? line : peer, flow);
	if (peer)
		vser_plugged(peer);
	vser_plugged(line);
}
