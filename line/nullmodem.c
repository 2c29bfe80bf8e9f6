// SPDX-License-Identifier: GPL-2.0
/*
 * vser - far ends that are a line, line->out.to: "loopback", where it is the line
 * itself, and "nullmodem"
 *
 * line->out is the lead of that line, and its lock is held. Touches what that line
 * receives, by the functions of receive.c and events.c.
 */
#include <linux/termios.h>

#include "line.h"
#include "trace.h"

static void vser_link_listen(struct vser_line *line, bool on)
{
}

/* May the line begin to send, if there is room? */
static bool vser_link_clear_to_send(struct vser_line *line)
{
	return !line->brk && (READ_ONCE(line->flow) != VSER_FLOW_RTSCTS ||
			      READ_ONCE(line->may_send));
}

/*
 * The frame that is on the wire is finished when RTS goes off, as the shift register
 * of a UART empties itself. Only if that would lose it, it starts again later: the
 * other end has been closed, or has flow control, too, and was set anew and takes more
 * room now.
 */
static u32 vser_link_room(struct vser_line *line, bool begun)
{
	struct vser_line *to = line->out.to;

	if (line->brk || (!begun && !vser_link_clear_to_send(line)))
		return 0;
	if (READ_ONCE(line->flow) != VSER_FLOW_RTSCTS)
		return U32_MAX;
	if (begun && !vser_rx_open(to))
		return 0;
	if (READ_ONCE(to->flow) != VSER_FLOW_RTSCTS)
		return U32_MAX;

	return vser_rx_room(to, &line->out.link);
}

static void vser_link_receive(struct vser_line *line, const u8 *bytes, u32 n)
{
	vser_count(&line->out.to->rx_arrived, n);
	vser_rx_receive(line->out.to, &line->out.link, bytes, n);
}

/* The usual case of fast transfers, and the one that copies nothing. */
static bool vser_link_exchange(struct vser_line *line)
{
	struct vser_line *to = line->out.to;
	u32 n = vser_queue_len(&line->tx);

	if (!n || vser_rx_len(to) || !to->face->ops->exchange ||
	    !vser_link_clear_to_send(line) || !vser_rx_open(to) ||
	    !vser_rx_plain(to, &line->out.link) ||
	    to->rx_size != vser_queue_size(&line->tx))
		return false;

	/* First: who finds tx empty finds all of it counted as sent. */
	vser_count(&line->tx_sent, n);
	vser_count(&to->rx_arrived, n);
	vser_rx_took(to, n, n);
	to->face->ops->exchange(to->face, &line->tx);
	trace_vser_tx(line->index, n, 0);

	return true;
}

static void vser_link_at_rest(struct vser_line *line)
{
	vser_rx_rest(line->out.to, &line->out.link);
}

static void vser_link_modem(struct vser_line *line, u32 outputs, bool held)
{
	u32 inputs = 0;

	WRITE_ONCE(line->out.to->may_send, outputs & TIOCM_RTS);
	if ((outputs & TIOCM_RTS) && !held)
		inputs |= TIOCM_CTS;
	if (outputs & TIOCM_DTR)
		inputs |= TIOCM_DSR | TIOCM_CD;
	if (outputs & TIOCM_OUT1)
		inputs |= TIOCM_RI;
	vser_modem_receive(line->out.to, inputs);
}

static void vser_link_break(struct vser_line *line)
{
	vser_rx_break(line->out.to);
}

#define VSER_FAR_LINK						\
	.flow = VSER_FLOW_RTSCTS,				\
	.listen = vser_link_listen,				\
	.room = vser_link_room,					\
	.receive = vser_link_receive,				\
	.exchange = vser_link_exchange,				\
	.rest = vser_link_at_rest,				\
	.modem = vser_link_modem,				\
	.brk = vser_link_break

const struct vser_far_ops vser_far_loopback = {
	.name = "loopback",
	.type = VSER_WIRE_LOOPBACK,
	VSER_FAR_LINK
};

const struct vser_far_ops vser_far_nullmodem = {
	.name = "nullmodem",
	.type = VSER_WIRE_NULLMODEM,
	VSER_FAR_LINK
};
