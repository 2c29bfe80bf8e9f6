/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vser - the arithmetic of frames: how long they take and when they end
 *
 * Pure functions on fixed-width numbers: no clock, no lock, no allocation. The
 * kernel module and the host's unit tests (test/unit/) compile the same text.
 */
#ifndef VSER_FRAME_H
#define VSER_FRAME_H

#ifdef __KERNEL__
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/types.h>
#else
#include <linux/types.h>
#include <stdbool.h>

typedef __u8 u8;
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
#endif

#include "vser.h"

#define VSER_NSEC_PER_SEC	1000000000ULL

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

static inline struct vser_pace vser_pace_of_line(u32 baud,
						 const struct vser_format *fmt)
{
	struct vser_pace pace = {
		.num = vser_frame_bits(fmt) * VSER_NSEC_PER_SEC,
		.den = baud,
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
 * When to look at the line next, given that a frame ends at @end and @queued
 * frames, this one included, are to be sent: at the end of the last frame that
 * lets none of them wait for longer than @latency_ns. In nanoseconds, rounded
 * up.
 */
static inline u64 vser_next_look(const struct vser_instant *end,
				 const struct vser_pace *pace, u64 queued,
				 u64 latency_ns)
{
	struct vser_instant look = *end;
	u64 more = div64_u64(latency_ns * pace->den, pace->num);

	if (more > queued - 1)
		more = queued - 1;
	vser_instant_advance(&look, pace, more);
	vser_instant_settle(&look);

	return look.ns;
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

#endif /* VSER_FRAME_H */
