// SPDX-License-Identifier: GPL-2.0
/*
 * vser - far ends: what a line can be wired to
 *
 * A far end is a table of functions (&struct vser_far_ops); a new kind of wiring
 * is a new table, and an entry in the list at the end. Here are those that only absorb
 * what they get; nullmodem.c has those that are a line. Reads line->brk, and touches
 * nothing.
 */
#include <linux/string.h>

#include "line.h"

/* Far ends that absorb what they get: "generator" and "open" */

static void vser_sink_listen(struct vser_line *line, bool on)
{
}

static u32 vser_sink_room(struct vser_line *line, bool begun)
{
	return line->brk ? 0 : U32_MAX;
}

static void vser_sink_receive(struct vser_line *line, const u8 *bytes, u32 n)
{
}

static void vser_sink_rest(struct vser_line *line)
{
}

static void vser_sink_modem(struct vser_line *line, u32 outputs, bool held)
{
}

static void vser_sink_break(struct vser_line *line)
{
}

#define VSER_FAR_SINK						\
	.receive = vser_sink_receive,				\
	.rest = vser_sink_rest,					\
	.modem = vser_sink_modem,				\
	.brk = vser_sink_break

const struct vser_far_ops vser_far_generator = {
	.name = "generator",
	.type = VSER_WIRE_GENERATOR,
	.flow = VSER_FLOW_NONE,
	.listen = vser_generator_switch,
	.room = vser_sink_room,
	VSER_FAR_SINK
};

static const struct vser_far_ops vser_far_open = {
	.name = "open",
	.type = VSER_WIRE_OPEN,
	.flow = VSER_FLOW_NONE,
	.listen = vser_sink_listen,
	.room = vser_sink_room,
	VSER_FAR_SINK
};

/*
 * A plug that is pulled: what the line sends waits, and nobody is there. So is a line
 * whose peer has left the null modem, and one that is just being wired.
 */

static u32 vser_unplugged_room(struct vser_line *line, bool begun)
{
	return 0;
}

const struct vser_far_ops vser_far_unplugged = {
	.name = "unplugged",
	.type = VSER_WIRE_UNPLUGGED,
	.flow = VSER_FLOW_RTSCTS,
	.listen = vser_sink_listen,
	.room = vser_unplugged_room,
	VSER_FAR_SINK
};

static const struct vser_far_ops * const vser_fars[] = {
	&vser_far_generator,
	&vser_far_loopback,
	&vser_far_nullmodem,
	&vser_far_open,
	&vser_far_unplugged,
};

const struct vser_far_ops *vser_far_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vser_fars); i++)
		if (!strcmp(vser_fars[i]->name, name))
			return vser_fars[i];

	return NULL;
}

const struct vser_far_ops *vser_far_by_type(u32 type)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vser_fars); i++)
		if (vser_fars[i]->type == type)
			return vser_fars[i];

	return NULL;
}
