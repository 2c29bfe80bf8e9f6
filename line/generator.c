// SPDX-License-Identifier: GPL-2.0
/*
 * vser - the generator: what line->in brings
 *
 * Touches line->generator, under the lock of line->in.
 */
#include <linux/hrtimer.h>

#include "line.h"

static u8 vser_generator_next(struct vser_generator *generator)
{
	switch (generator->kind) {
	case VSER_GEN_COUNTER:
		return generator->next++;
	case VSER_GEN_PRBS15:
		return vser_prbs15(&generator->bits);
	case VSER_GEN_TEXT:
		if (generator->next == generator->len)
			generator->next = 0;
		return generator->text[generator->next++];
	default:
		return 'A' + vser_random_below(vser_random(&generator->random),
					       26);
	}
}

void vser_generator_restart(struct vser_generator *generator)
{
	u32 bits;

	switch (generator->kind) {
	case VSER_GEN_LETTERS:
		generator->random = generator->seed;
		break;
	case VSER_GEN_PRBS15:
		/* Any state but 0 will do. */
		div_u64_rem(generator->seed, 0x7fff, &bits);
		generator->bits = bits + 1;
		break;
	default:
		generator->next = 0;
	}
}

static void vser_generator_admit(struct vser_wire *wire)
{
}

/* It never runs dry. */
static u32 vser_generator_queued(struct vser_wire *wire)
{
	return wire->line->generator.on ? U32_MAX : 0;
}

/* At a pace it sends come what may; without, it fills rx. */
static u32 vser_generator_room(struct vser_wire *wire, bool begun)
{
	return wire->paced ? U32_MAX : vser_rx_room(wire->line, &wire->link);
}

static u32 vser_generator_carry(struct vser_wire *wire, u32 n)
{
	struct vser_line *line = wire->line;
	u8 bytes[64];
	u32 len, i;

	vser_count(&line->rx_generated, n);
	while (n) {
		len = min_t(u32, n, sizeof(bytes));
		for (i = 0; i < len; i++)
			bytes[i] = vser_generator_next(&line->generator);
		vser_rx_receive(line, &wire->link, bytes, len);
		n -= len;
	}

	return U32_MAX;
}

/* It always has something to send. */
static void vser_generator_idle(struct vser_wire *wire)
{
}

const struct vser_source vser_generator_source = {
	.admit = vser_generator_admit,
	.queued = vser_generator_queued,
	.room = vser_generator_room,
	.carry = vser_generator_carry,
	.idle = vser_generator_idle,
	.endless = true,
};

void vser_generator_switch(struct vser_line *line, bool on)
{
	vser_wire_lock(&line->in);
	line->generator.on = on;
	if (!on)
		line->in.busy = false;
	vser_wire_unlock(&line->in);

	if (on)
		vser_wire_kick(&line->in);
	else
		hrtimer_cancel(&line->in.timer);
}
