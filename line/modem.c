// SPDX-License-Identifier: GPL-2.0
/*
 * vser - the modem lines that a line receives
 *
 * Touches a line's modem inputs and their counters, under the lock of the wire that
 * leads to the line.
 */
#include <linux/termios.h>

#include "line.h"
#include "trace.h"

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
