/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vser - what goes wrong between two ends: faults on demand, and ends that are set
 * differently
 *
 * What a fault may be set to, and what becomes of a frame on its way. Also tested on the
 * build machine.
 */
#ifndef VSER_FAULT_H
#define VSER_FAULT_H

#include "frame.h"

/* Reads a decimal number; false if there is none, or none that fits. */
static inline bool vser_parse_number(const char **text, u64 max, u64 *number)
{
	const char *p = *text;
	u64 n = 0;

	if (*p < '0' || *p > '9')
		return false;

	for (; *p >= '0' && *p <= '9'; p++) {
		u32 digit = *p - '0';

		if (digit > max || n > div_u64(max - digit, 10))
			return false;
		n = n * 10 + digit;
	}
	*text = p;
	*number = n;

	return true;
}

/* Faults on demand */

static inline bool vser_fault_valid(const struct vser_fault *fault)
{
	return fault->bit <= VSER_FAULT_MAX && fault->drop <= VSER_FAULT_MAX &&
	       fault->dup <= VSER_FAULT_MAX && fault->parity <= VSER_FAULT_MAX &&
	       fault->frame <= VSER_FAULT_MAX && fault->brk <= VSER_FAULT_MAX &&
	       fault->burst >= 1 && fault->burst <= VSER_BURST_MAX &&
	       !fault->reserved;
}

static inline bool vser_fault_any(const struct vser_fault *fault)
{
	return fault->bit || fault->drop || fault->dup || fault->parity ||
	       fault->frame || fault->brk;
}

/* If @text names a field, as in "bit=": the field, and @text moved past it. */
static inline u32 *vser_fault_field(struct vser_fault *fault, const char **text)
{
	const struct {
		const char *name;
		u32 *field;
	} fields[] = {
		{ "bit=",	&fault->bit },
		{ "drop=",	&fault->drop },
		{ "dup=",	&fault->dup },
		{ "parity=",	&fault->parity },
		{ "frame=",	&fault->frame },
		{ "break=",	&fault->brk },
		{ "burst=",	&fault->burst },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		size_t len = strlen(fields[i].name);

		if (!strncmp(*text, fields[i].name, len)) {
			*text += len;
			return fields[i].field;
		}
	}

	return NULL;
}

/* Reads one "name=value" into @fault, and moves @text past it. */
static inline bool vser_fault_parse_one(const char **text,
					struct vser_fault *fault)
{
	u32 *field = vser_fault_field(fault, text);
	u64 number;

	if (field) {
		if (!vser_parse_number(text, 0xffffffff, &number))
			return false;
		*field = number;
		return true;
	}
	if (strncmp(*text, "seed=", 5))
		return false;
	*text += 5;

	return vser_parse_number(text, ~0ULL, &fault->seed);
}

/*
 * Reads "name=value name=value ...", in any order, into @fault; what is not
 * named stays as it is. False, and nothing changed, if @text is anything else.
 */
static inline bool vser_fault_parse(const char *text, struct vser_fault *fault)
{
	struct vser_fault f = *fault;

	for (;;) {
		if (!vser_fault_parse_one(&text, &f))
			return false;
		if (!*text)
			break;
		if (*text++ != ' ')
			return false;
	}
	if (!vser_fault_valid(&f))
		return false;
	*fault = f;

	return true;
}

/**
 * struct vser_dice - decides which frames a fault hits
 * @random: state of vser_random()
 * @left:   by kind, how many more frames the burst hits that is going on
 */
struct vser_dice {
	u64 random;
	u32 left[6];
};

static inline bool vser_dice_roll(struct vser_dice *dice, u32 kind, u32 ppm,
				  u32 burst)
{
	if (dice->left[kind]) {
		dice->left[kind]--;
		return true;
	}
	if (!ppm || vser_random_below(vser_random(&dice->random),
				      VSER_FAULT_MAX) >= ppm)
		return false;
	dice->left[kind] = burst - 1;

	return true;
}

/**
 * struct vser_faults - the faults of one direction
 * @fault: what is to go wrong
 * @dice:  and when
 */
struct vser_faults {
	struct vser_fault fault;
	struct vser_dice dice;
};

/**
 * struct vser_link - one direction between two ends
 * @tx:      how the sender is set
 * @rx:      how the receiver is set
 * @alike:   they are equal
 * @sampler: the receiver
 * @faults:  what goes wrong, or NULL
 */
struct vser_link {
	struct vser_uart tx;
	struct vser_uart rx;
	bool alike;
	struct vser_sampler sampler;
	struct vser_faults *faults;
};

/* Is every byte received as it was sent, but for bits that are not sent? */
static inline bool vser_link_clean(const struct vser_link *link)
{
	return !link->faults && link->alike;
}

static inline void vser_link_set_ends(struct vser_link *link,
				      const struct vser_uart *tx,
				      const struct vser_uart *rx)
{
	link->tx = *tx;
	link->rx = *rx;
	link->alike = vser_uart_equal(&link->tx, &link->rx);
	vser_sampler_reset(&link->sampler);
}

static inline void vser_faults_init(struct vser_faults *faults,
				    const struct vser_fault *fault)
{
	memset(faults, 0, sizeof(*faults));
	faults->fault = *fault;
	faults->dice.random = fault->seed;
}

static inline void vser_link_feed(struct vser_link *link, bool level, u64 time,
				  struct vser_chars *out)
{
	vser_sampler_feed(&link->sampler, &link->rx.fmt, 2ULL * link->tx.baud,
			  level, time, out);
}

/*
 * Puts the bits of a frame on the line. One that ends in a 0 lets the line go
 * to 1 for its last quarter of a bit, so that the fault stays one of this frame
 * and does not swallow the start bit of the next.
 */
static inline void vser_link_bits(struct vser_link *link, u16 word,
				  struct vser_chars *out)
{
	u64 bit_time = 2ULL * link->rx.baud;
	u32 bits = vser_frame_bits(&link->tx.fmt), i;

	for (i = 0; i < bits - 1; i++)
		vser_link_feed(link, word >> i & 1, bit_time, out);
	vser_link_feed(link, word >> i & 1, bit_time - bit_time / 4, out);
	vser_link_feed(link, true, bit_time / 4, out);
}

/*
 * As vser_link_bits(), at a fraction of the cost if the ends are set alike, the
 * receiver waits for a start bit, and the frame is in order: then it is received as
 * it was sent.
 */
static inline void vser_link_frame(struct vser_link *link, u16 word,
				   struct vser_chars *out)
{
	u8 byte = word >> 1 & vser_data_mask(&link->tx.fmt);

	if (link->alike && !link->sampler.active && link->sampler.level &&
	    word == vser_frame_encode(&link->tx.fmt, byte))
		out->chars[out->n++] = (struct vser_char) { .byte = byte };
	else
		vser_link_bits(link, word, out);
}

/**
 * struct vser_outcome - what became of a frame
 * @lost:       a fault took it
 * @dropped:    a fault took it, or made a break of it
 * @duplicated: a fault doubled it
 * @received:   what the receiver got
 */
struct vser_outcome {
	bool lost;
	bool dropped;
	bool duplicated;
	struct vser_chars received;
};

/* Casts the dice for one frame: changes its @word, and says what it comes to. */
static inline void vser_faults_apply(struct vser_faults *faults,
				     const struct vser_format *fmt, u16 *word,
				     struct vser_outcome *outcome)
{
	const struct vser_fault *fault = &faults->fault;
	struct vser_dice *dice = &faults->dice;
	u32 stop = vser_frame_bits(fmt) - fmt->stopb;
	bool drop, brk, dup;

	/* Every die is cast for every frame, whatever the others say. */
	drop = vser_dice_roll(dice, 0, fault->drop, fault->burst);
	brk = vser_dice_roll(dice, 1, fault->brk, fault->burst);
	if (vser_dice_roll(dice, 2, fault->bit, fault->burst))
		*word ^= 2 << vser_random_below(vser_random(&dice->random),
						fmt->datab);
	if (vser_dice_roll(dice, 3, fault->parity, fault->burst) &&
	    fmt->parity != VSER_PARITY_NONE)
		*word ^= 1 << (stop - 1);
	if (vser_dice_roll(dice, 4, fault->frame, fault->burst))
		*word &= (1 << stop) - 1;
	dup = vser_dice_roll(dice, 5, fault->dup, fault->burst);

	if (brk)
		*word = 0;
	outcome->lost = drop;
	outcome->dropped = drop || brk;
	outcome->duplicated = dup && !outcome->dropped;
}

/* Sends one byte over the link. */
static inline void vser_link_send(struct vser_link *link, u8 byte,
				  struct vser_outcome *outcome)
{
	u16 word = vser_frame_encode(&link->tx.fmt, byte);

	memset(outcome, 0, sizeof(*outcome));
	if (link->faults)
		vser_faults_apply(link->faults, &link->tx.fmt, &word, outcome);
	if (outcome->lost)
		return;
	vser_link_frame(link, word, &outcome->received);
	if (outcome->duplicated)
		vser_link_frame(link, word, &outcome->received);
}

/* The sender has nothing more: the line is 1 until the receiver is done. */
static inline void vser_link_rest(struct vser_link *link,
				  struct vser_chars *out)
{
	vser_link_feed(link, true,
		       2ULL * link->tx.baud * vser_frame_bits(&link->rx.fmt),
		       out);
}

#endif /* VSER_FAULT_H */
