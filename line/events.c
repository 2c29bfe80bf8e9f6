// SPDX-License-Identifier: GPL-2.0
/*
 * vser - the events that the character device remembers, in a ring
 *
 * Touches that ring, under the lock of the wire that leads to the line.
 */
#include <linux/slab.h>

#include "cdev.h"

/* Events are remembered from the first open on. Caller: open_lock. */
int vser_cdev_alloc_events(struct vser_cdev *cdev)
{
	struct vser_event *events;
	struct vser_wire *lead;

	if (cdev->events)
		return 0;

	events = kcalloc(VSER_EVENTS, sizeof(*events), GFP_KERNEL_ACCOUNT);
	if (!events)
		return -ENOMEM;

	lead = vser_lead_lock(cdev->face.line);
	cdev->events = events;
	vser_lead_unlock(lead);

	return 0;
}

void vser_cdev_event(struct vser_face *face, const struct vser_event *event)
{
	struct vser_cdev *cdev = vser_cdev_of(face);

	if (!cdev->events)
		return;

	cdev->events[cdev->event_seq & (VSER_EVENTS - 1)] = *event;
	WRITE_ONCE(cdev->event_seq, cdev->event_seq + 1);
}

/*
 * Copies the event of number *@next, for a reader that has read those before, and
 * stores that number in *@at: @next is protected as the events are. Returns by how
 * many numbers it takes the reader on: 0 if there is none yet. Events that were
 * overwritten before they were read make one event together.
 */
u64 vser_event_peek(struct vser_cdev *cdev, const u64 *next,
		    struct vser_event *event, u64 *at)
{
	struct vser_wire *lead = vser_lead_lock(cdev->face.line);
	u64 pending = cdev->event_seq - *next;
	u64 steps = min_t(u64, pending, 1);

	*at = *next;
	if (pending > VSER_EVENTS) {
		steps = pending - VSER_EVENTS;
		*event = cdev->events[cdev->event_seq & (VSER_EVENTS - 1)];
		event->type = VSER_EVENT_LOST;
		event->value = min_t(u64, steps, U32_MAX);
	} else if (pending) {
		*event = cdev->events[*at & (VSER_EVENTS - 1)];
	}
	vser_lead_unlock(lead);

	return steps;
}
