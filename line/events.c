// SPDX-License-Identifier: GPL-2.0
/*
 * vser - what is received and is not a byte: events and modem lines
 *
 * Touches a line's modem inputs, their counters and its ring of events, under the
 * lock of the wire that leads to the line.
 */
#include <linux/slab.h>
#include <linux/termios.h>

#include "line.h"
#include "trace.h"

/* Events are remembered from the first open on. Caller: open_lock. */
int vser_line_alloc_events(struct vser_line *line)
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

void vser_modem_count(struct vser_line *line, struct vser_modem_counts *counts)
{
	counts->cts = READ_ONCE(line->n_cts);
	counts->dsr = READ_ONCE(line->n_dsr);
	counts->ri = READ_ONCE(line->n_ri);
	counts->dcd = READ_ONCE(line->n_dcd);
}

/* Which modem inputs have changed since they were counted in @before. */
u32 vser_modem_changed(struct vser_line *line,
		       const struct vser_modem_counts *before)
{
	struct vser_modem_counts now;

	vser_modem_count(line, &now);

	return (now.cts != before->cts ? TIOCM_CTS : 0) |
	       (now.dsr != before->dsr ? TIOCM_DSR : 0) |
	       (now.ri != before->ri ? TIOCM_RI : 0) |
	       (now.dcd != before->dcd ? TIOCM_CD : 0);
}

/*
 * Copies the event of number *@next, for a reader that has read those before, and
 * stores that number in *@at: @next is protected as the events are. Returns by how
 * many numbers it takes the reader on: 0 if there is none yet. Events that were
 * overwritten before they were read make one event together.
 */
u64 vser_event_peek(struct vser_line *line, const u64 *next,
		    struct vser_event *event, u64 *at)
{
	struct vser_wire *lead = vser_lead_lock(line);
	u64 pending = line->event_seq - *next;
	u64 steps = min_t(u64, pending, 1);

	*at = *next;
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

void vser_event(struct vser_line *line, u32 type, u32 value)
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
	line->lead->news |= VSER_KEY_EVENT;
}

/* The far end sets the line's modem inputs. */
void vser_modem_receive(struct vser_line *line, u32 inputs)
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
