/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vser - frames: how long they take, what their bits are, and how a receiver samples
 * those
 *
 * Pure functions on fixed-width numbers: no clock, no lock, no allocation. The
 * kernel module and the host's unit tests (test/unit/) compile the same text.
 */
#ifndef VSER_FRAME_H
#define VSER_FRAME_H

#ifdef __KERNEL__
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <linux/types.h>
#include <stdbool.h>
#include <string.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}

static inline u64 div_u64_rem(u64 dividend, u32 divisor, u32 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}
#endif

#include "vser.h"

#define VSER_NSEC_PER_SEC	1000000000ULL

/**
 * struct vser_uart - how one end of a line is set
 * @baud: bits per second, VSER_BAUD_MIN to VSER_BAUD_MAX
 * @fmt:  frame format
 */
struct vser_uart {
	u32 baud;
	struct vser_format fmt;
};

static inline bool vser_baud_valid(u32 baud)
{
	return baud >= VSER_BAUD_MIN && baud <= VSER_BAUD_MAX;
}

static inline bool vser_format_valid(const struct vser_format *fmt)
{
	return fmt->datab >= 5 && fmt->datab <= 8 &&
	       fmt->parity <= VSER_PARITY_SPACE &&
	       fmt->stopb >= 1 && fmt->stopb <= 2;
}

static inline bool vser_uart_equal(const struct vser_uart *a,
				   const struct vser_uart *b)
{
	return a->baud == b->baud && a->fmt.datab == b->fmt.datab &&
	       a->fmt.parity == b->fmt.parity && a->fmt.stopb == b->fmt.stopb;
}

/* Those bits of a byte that the format sends. */
static inline u8 vser_data_mask(const struct vser_format *fmt)
{
	return 0xff >> (8 - fmt->datab);
}

/* Bits that one frame occupies on the line: 7 to 12. */
static inline u32 vser_frame_bits(const struct vser_format *fmt)
{
	return 1 + fmt->datab + (fmt->parity != VSER_PARITY_NONE) + fmt->stopb;
}

/**
 * struct vser_pace - how long one frame takes, exactly
 * @num: numerator, in nanoseconds; at most 2^62
 * @den: denominator; 1 to VSER_BAUD_MAX
 *
 * A frame takes @num / @den nanoseconds. Few speeds divide a second evenly, so
 * a rounded duration would drift: at 115200 baud by 6 microseconds a second.
 */
struct vser_pace {
	u64 num;
	u32 den;
};

static inline struct vser_pace vser_pace_of_uart(const struct vser_uart *uart)
{
	struct vser_pace pace = {
		.num = vser_frame_bits(&uart->fmt) * VSER_NSEC_PER_SEC,
		.den = uart->baud,
	};

	return pace;
}

static inline struct vser_pace vser_pace_of_period(u64 period_ns)
{
	struct vser_pace pace = { .num = period_ns, .den = 1 };

	return pace;
}

/**
 * struct vser_instant - a point in time, exactly
 * @ns:   whole nanoseconds
 * @frac: what is left, in units of 1 / den ns of the pace it advances by
 */
struct vser_instant {
	u64 ns;
	u32 frac;
};

/*
 * The farthest that vser_frames_due() looks back, about half an hour: times
 * VSER_BAUD_MAX, it is below 2^63.
 */
#define VSER_MAX_LAG_NS		(2000 * VSER_NSEC_PER_SEC)

/* Moves @t on by @n frames; @n * @pace->num must be below 2^63. */
static inline void vser_instant_advance(struct vser_instant *t,
					const struct vser_pace *pace, u64 n)
{
	t->ns += div_u64_rem(t->frac + n * pace->num, pace->den, &t->frac);
}

/*
 * Makes @t ready to advance by another pace. The fraction is rounded up: the
 * frame that it ends must not end early, and the error, once for each change
 * of pace, is below a nanosecond.
 */
static inline void vser_instant_settle(struct vser_instant *t)
{
	t->ns += t->frac != 0;
	t->frac = 0;
}

/*
 * How many frames have ended by @now_ns if one ends at @end and the next follow
 * at once. Never counts a frame that has not ended yet.
 */
static inline u64 vser_frames_due(const struct vser_instant *end,
				  const struct vser_pace *pace, u64 now_ns)
{
	u64 lag, units;

	if (now_ns < end->ns || (now_ns == end->ns && end->frac))
		return 0;

	lag = now_ns - end->ns;
	if (lag > VSER_MAX_LAG_NS)
		lag = VSER_MAX_LAG_NS;
	units = lag * pace->den - end->frac;

	return 1 + div64_u64(units, pace->num);
}

/*
 * When to look at the line next, in ns, rounded up: a frame ends at @end, and
 * @queued frames, this one included, are to be sent. At @latest_ns, or at the
 * end of the last frame if that is earlier; but not before the first one ends.
 */
static inline u64 vser_next_look(const struct vser_instant *end,
				 const struct vser_pace *pace, u64 queued,
				 u64 latest_ns)
{
	struct vser_instant look = *end;

	if (latest_ns > end->ns) {
		u64 more = div64_u64((latest_ns - end->ns) * pace->den -
				     end->frac, pace->num);

		if (more < queued - 1)
			return latest_ns;
		vser_instant_advance(&look, pace, queued - 1);
	}
	vser_instant_settle(&look);

	return look.ns;
}

/*
 * Bits on the line
 *
 * A frame is a word of bits, the first on the line in bit 0: start (0), data
 * from the lowest bit up, parity, stop (1).
 */

/* The parity bit that belongs to @byte; 0 if the format has none. */
static inline bool vser_parity_bit(const struct vser_format *fmt, u8 byte)
{
	bool odd = false;

	for (; byte; byte &= byte - 1)
		odd = !odd;

	switch (fmt->parity) {
	case VSER_PARITY_ODD:
		return !odd;
	case VSER_PARITY_EVEN:
		return odd;
	case VSER_PARITY_MARK:
		return true;
	default:
		return false;
	}
}

static inline u16 vser_frame_encode(const struct vser_format *fmt, u8 byte)
{
	u32 at = 1 + fmt->datab;
	u16 word;

	byte &= vser_data_mask(fmt);
	word = byte << 1;
	if (fmt->parity != VSER_PARITY_NONE)
		word |= vser_parity_bit(fmt, byte) << at++;

	return word | ((1 << fmt->stopb) - 1) << at;
}

/**
 * struct vser_char - what a receiver makes of a frame
 * @byte:   the data bits
 * @parity: the parity bit is wrong
 * @frame:  the stop bit is 0
 * @brk:    so are all the others: a break, not a byte
 */
struct vser_char {
	u8 byte;
	bool parity;
	bool frame;
	bool brk;
};

/*
 * What one frame may be received as. Each byte received begins with a falling
 * edge, of which 12 bits have 6 at most; a frame may be sent twice, and may end
 * one that was begun before.
 */
#define VSER_CHARS_MAX		13

struct vser_chars {
	u32 n;
	struct vser_char chars[VSER_CHARS_MAX];
};

/**
 * struct vser_sampler - a receiver, in the middle of what it receives
 * @active: it receives a frame, of which it samples the middle of each bit; else
 *          it waits for the falling edge of a start bit
 * @level:  of the line, last seen
 * @bit:    number of the bit to be sampled next, 0 is start
 * @word:   the bits sampled so far
 * @next:   time until then
 *
 * Time counts in units in which a bit of the sender and half a bit of the
 * receiver are whole: 1 / (2 * sender's baud * receiver's baud) seconds.
 */
struct vser_sampler {
	bool active;
	bool level;
	u8 bit;
	u16 word;
	u64 next;
};

static inline void vser_sampler_reset(struct vser_sampler *sampler)
{
	memset(sampler, 0, sizeof(*sampler));
	sampler->level = true;
}

/* The stop bit was sampled as @stop: the frame is complete. */
static inline void vser_sampler_finish(struct vser_sampler *sampler,
				       const struct vser_format *fmt, bool stop,
				       struct vser_chars *out)
{
	struct vser_char *c = &out->chars[out->n++];
	bool parity = sampler->word >> (1 + fmt->datab) & 1;

	c->byte = sampler->word >> 1 & vser_data_mask(fmt);
	c->brk = !stop && !sampler->word;
	c->frame = !stop && !c->brk;
	c->parity = !c->brk && fmt->parity != VSER_PARITY_NONE &&
		    parity != vser_parity_bit(fmt, c->byte);
	sampler->active = false;
}

/* The line is at @level when the receiver samples it. */
static inline void vser_sampler_sample(struct vser_sampler *sampler,
				       const struct vser_format *fmt, bool level,
				       struct vser_chars *out)
{
	if (!sampler->bit && level)
		sampler->active = false;	/* too short for a start bit */
	else if (sampler->bit == vser_frame_bits(fmt) - fmt->stopb)
		vser_sampler_finish(sampler, fmt, level, out);
	else
		sampler->word |= level << sampler->bit++;
}

/* The line is at @level for @time; @bit_time is a bit of the receiver. */
static inline void vser_sampler_feed(struct vser_sampler *sampler,
				     const struct vser_format *fmt, u64 bit_time,
				     bool level, u64 time,
				     struct vser_chars *out)
{
	if (!sampler->active && sampler->level && !level) {
		sampler->active = true;
		sampler->bit = 0;
		sampler->word = 0;
		sampler->next = bit_time / 2;
	}
	sampler->level = level;

	while (sampler->active && sampler->next < time) {
		vser_sampler_sample(sampler, fmt, level, out);
		sampler->next += bit_time;
	}
	sampler->next -= time;
}

/*
 * Marked bytes, as in PARMRK: 0xff 0xff is a byte 0xff, 0xff 0x00 and any byte are an
 * error. Where a reader of such bytes may be, if that is not known: a set of these.
 */
enum {
	VSER_MARK_BETWEEN = 1,	/* no mark has been begun */
	VSER_MARK_BEGUN = 2,	/* after 0xff */
	VSER_MARK_ERROR = 4,	/* after 0xff 0x00 */
	VSER_MARK_ANY = 7,
};

/* And where it may be after one more byte; anywhere, if these are not marked bytes. */
static inline u32 vser_mark_next(u32 places, u8 byte)
{
	u32 next = places & VSER_MARK_ERROR ? VSER_MARK_BETWEEN : 0;

	if (places & VSER_MARK_BETWEEN)
		next |= byte == 0xff ? VSER_MARK_BEGUN : VSER_MARK_BETWEEN;
	if (places & VSER_MARK_BEGUN && byte == 0xff)
		next |= VSER_MARK_BETWEEN;
	if (places & VSER_MARK_BEGUN && byte == 0x00)
		next |= VSER_MARK_ERROR;

	return next ?: VSER_MARK_ANY;
}

/* One step of SplitMix64: a fair 64-bit number; the same seed, the same row. */
static inline u64 vser_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;

	return z ^ (z >> 31);
}

/* A number from 0 to @below - 1, from the upper half of @random. */
static inline u32 vser_random_below(u64 random, u32 below)
{
	return ((random >> 32) * below) >> 32;
}

/*
 * Eight bits, first one highest, of the pseudo-random binary sequence with the
 * polynomial x^15 + x^14 + 1 and a period of 2^15 - 1 bits. @state is not 0.
 */
static inline u8 vser_prbs15(u16 *state)
{
	u8 byte = 0;
	u32 i;

	for (i = 0; i < 8; i++) {
		u16 bit = (*state >> 14 ^ *state >> 13) & 1;

		*state = (*state << 1 | bit) & 0x7fff;
		byte = byte << 1 | bit;
	}

	return byte;
}

/*
 * Writes @byte as it stands in a C string, up to four characters and no NUL, to
 * @to. Returns how many characters.
 */
static inline u32 vser_escape(u8 byte, char *to)
{
	if (byte >= ' ' && byte <= '~' && byte != '\\') {
		*to = byte;
		return 1;
	}
	to[0] = '\\';
	to[1] = '0' + (byte >> 6);
	to[2] = '0' + (byte >> 3 & 7);
	to[3] = '0' + (byte & 7);

	return 4;
}

/* The letter of each parity, as in "8N1". */
#define VSER_PARITY_LETTERS	"NOEMS"

/* Reads a format as "8N1"; false, and nothing changed, if it is none. */
static inline bool vser_format_parse(const char *text, struct vser_format *fmt)
{
	struct vser_format f;
	const char *letter;

	if (strlen(text) != 3)
		return false;
	letter = strchr(VSER_PARITY_LETTERS, text[1]);
	if (!letter)
		return false;
	f.datab = text[0] - '0';
	f.parity = letter - VSER_PARITY_LETTERS;
	f.stopb = text[2] - '0';
	if (!vser_format_valid(&f))
		return false;
	*fmt = f;

	return true;
}

#endif /* VSER_FRAME_H */
