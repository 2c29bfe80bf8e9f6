// SPDX-License-Identifier: GPL-2.0
/*
 * Unit test of line/frame.h, on the build machine: which settings are valid,
 * how long frames take and when they end, to the fraction of a nanosecond, and
 * the random numbers. Time is checked against the same sums in 128 bits.
 */
#include <limits.h>
#include <stdint.h>

#include "tap.h"
#include "line/frame.h"

static struct vser_pace pace_of_line(u32 baud, const struct vser_format *fmt)
{
	struct vser_uart uart = { baud, *fmt };

	return vser_pace_of_uart(&uart);
}

/* Settings */

TEST(bits, "a frame has a start bit, data, parity and stop bits")
{
	static const struct {
		struct vser_format fmt;
		u32 bits;
	} rows[] = {
		{ { 5, VSER_PARITY_NONE, 1 }, 7 },
		{ { 5, VSER_PARITY_NONE, 2 }, 8 },
		{ { 6, VSER_PARITY_ODD, 1 }, 9 },
		{ { 7, VSER_PARITY_NONE, 1 }, 9 },
		{ { 7, VSER_PARITY_EVEN, 1 }, 10 },
		{ { 8, VSER_PARITY_NONE, 1 }, 10 },
		{ { 8, VSER_PARITY_NONE, 2 }, 11 },
		{ { 8, VSER_PARITY_MARK, 1 }, 11 },
		{ { 8, VSER_PARITY_SPACE, 2 }, 12 },
	};
	struct vser_format fmt;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_EQ(vser_frame_bits(&rows[i].fmt), rows[i].bits);
	for (fmt.datab = 5; fmt.datab <= 8; fmt.datab++)
		for (fmt.parity = 0; fmt.parity <= 4; fmt.parity++)
			for (fmt.stopb = 1; fmt.stopb <= 2; fmt.stopb++)
				CHECK_EQ(vser_frame_bits(&fmt),
					 1 + fmt.datab + (fmt.parity ? 1 : 0) +
					 fmt.stopb);
}

TEST(bauds, "speeds from 50 to 4000000 baud are valid, and no others")
{
	CHECK(!vser_baud_valid(0));
	CHECK(!vser_baud_valid(49));
	CHECK(vser_baud_valid(50));
	CHECK(vser_baud_valid(115200));
	CHECK(vser_baud_valid(4000000));
	CHECK(!vser_baud_valid(4000001));
	CHECK(!vser_baud_valid(INT_MAX));
	CHECK(!vser_baud_valid(UINT_MAX));
}

TEST(formats, "formats are valid with each field in its range, and no others")
{
	struct vser_format fmt;
	int valid = 0;

	for (fmt.datab = 0; fmt.datab <= 16; fmt.datab++)
		for (fmt.parity = 0; fmt.parity <= 16; fmt.parity++)
			for (fmt.stopb = 0; fmt.stopb <= 16; fmt.stopb++) {
				CHECK_EQ(vser_format_valid(&fmt),
					 fmt.datab >= 5 && fmt.datab < 9 &&
					 fmt.parity < 5 &&
					 (fmt.stopb == 1 || fmt.stopb == 2));
				valid += vser_format_valid(&fmt);
			}
	CHECK_EQ(valid, 4 * 5 * 2);
	CHECK(!vser_format_valid(&(struct vser_format) { UINT_MAX, 0, 1 }));
	CHECK(!vser_format_valid(&(struct vser_format) { 8, UINT_MAX, 1 }));
	CHECK(!vser_format_valid(&(struct vser_format) { 8, 0, UINT_MAX }));
}

/*
 * Time
 *
 * A test of time is made for many paces: every standard speed, and speeds from
 * the whole range, in the shortest, the usual and the longest format. An exact
 * instant is a number of units, of which there are pace.den in a nanosecond.
 */

static const u32 standard_bauds[] = {
	50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600,
	14400, 19200, 28800, 31250, 38400, 57600, 74880, 115200, 128000,
	230400, 250000, 256000, 460800, 500000, 576000, 921600, 1000000,
	1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 3999999, 4000000,
};

static void for_many_paces(void (*check)(struct vser_pace pace))
{
	static const struct vser_format formats[] = {
		{ 5, VSER_PARITY_NONE, 1 },
		{ 8, VSER_PARITY_NONE, 1 },
		{ 8, VSER_PARITY_EVEN, 2 },
	};
	size_t i, j;
	u32 baud;

	for (j = 0; j < ARRAY_SIZE(formats); j++) {
		for (i = 0; i < ARRAY_SIZE(standard_bauds); i++)
			check(pace_of_line(standard_bauds[i],
					   &formats[j]));
		for (baud = VSER_BAUD_MIN; baud < VSER_BAUD_MAX; baud += 9973)
			check(pace_of_line(baud, &formats[j]));
	}
	check(vser_pace_of_period(VSER_NSEC_PER_SEC));
}

static __uint128_t units(struct vser_instant t, struct vser_pace pace)
{
	return (__uint128_t)t.ns * pace.den + t.frac;
}

/* The first whole nanosecond that is not before this. */
static u64 round_up(__uint128_t units, struct vser_pace pace)
{
	return (units + pace.den - 1) / pace.den;
}

/* An instant with a fraction, if the pace has any. */
static struct vser_instant some_instant(struct vser_pace pace)
{
	return (struct vser_instant) {
		.ns = 12345678901234, .frac = pace.den / 3
	};
}

static void check_pace(struct vser_pace pace)
{
	/* 1.75 us to 0.24 s, the generator's second aside */
	CHECK(pace.num / pace.den >= 1750);
	CHECK(pace.num <= VSER_NSEC_PER_SEC * pace.den);
}

TEST(pace, "a frame takes as long as its bits")
{
	struct vser_format fmt = { 8, VSER_PARITY_EVEN, 2 };
	struct vser_pace pace = pace_of_line(9600, &fmt);

	CHECK_EQ(pace.num, 12 * VSER_NSEC_PER_SEC);
	CHECK_EQ(pace.den, 9600);
	for_many_paces(check_pace);
}

static void check_batches(struct vser_pace pace)
{
	static const u64 batches[] = { 1, 2, 3, 64, 1000, 4096, 65536 };
	struct vser_instant start = some_instant(pace);
	struct vser_instant single = start, batched = start;
	size_t i;
	u64 n;

	for (i = 0; i < ARRAY_SIZE(batches); i++) {
		vser_instant_advance(&batched, &pace, batches[i]);
		for (n = 0; n < batches[i]; n++)
			vser_instant_advance(&single, &pace, 1);
		CHECK(single.frac < pace.den);
		CHECK(units(single, pace) ==
		      units(start, pace) + (__uint128_t)n * pace.num);
		CHECK_EQ(batched.ns, single.ns);
		CHECK_EQ(batched.frac, single.frac);
		start = single;
	}
}

TEST(batches, "frames end at the same instant one by one and in batches")
{
	for_many_paces(check_batches);
}

TEST(no_drift, "after ten million frames not a fraction is lost")
{
	static const u32 bauds[] = { 50, 110, 115200, 3999999, 4000000 };
	static const struct vser_format fmt = { 8, VSER_PARITY_NONE, 1 };
	const u64 frames = 10000000;
	size_t i;
	u64 n;

	for (i = 0; i < ARRAY_SIZE(bauds); i++) {
		struct vser_pace pace = pace_of_line(bauds[i], &fmt);
		struct vser_instant t = some_instant(pace);
		__uint128_t start = units(t, pace);

		for (n = 0; n < frames; n++)
			vser_instant_advance(&t, &pace, 1);
		CHECK(units(t, pace) == start + (__uint128_t)frames * pace.num);
	}
}

static void check_settle(struct vser_pace pace)
{
	struct vser_instant t = { .ns = 1000 };
	u32 fracs[] = { 0, 1, pace.den / 2, pace.den - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fracs); i++) {
		t.ns = 1000;
		t.frac = fracs[i];
		vser_instant_settle(&t);
		CHECK_EQ(t.ns, fracs[i] ? 1001 : 1000);
		CHECK_EQ(t.frac, 0);
	}
}

TEST(settle, "an instant that is settled is rounded up, never down")
{
	for_many_paces(check_settle);
}

/* The same as vser_frames_due(), in 128 bits; looks back without a limit. */
static u64 frames_due(struct vser_instant end, struct vser_pace pace, u64 now)
{
	__uint128_t now_units = (__uint128_t)now * pace.den;

	if (now_units < units(end, pace))
		return 0;

	return 1 + (now_units - units(end, pace)) / pace.num;
}

static void check_due(struct vser_pace pace)
{
	static const u64 frames[] = { 1, 2, 3, 10, 100, 1000, 2000 };
	struct vser_instant end = some_instant(pace);
	u64 at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		at = round_up(units(end, pace) + (frames[i] - 1) * pace.num,
			      pace);
		CHECK_EQ(vser_frames_due(&end, &pace, at - 1), frames[i] - 1);
		CHECK_EQ(vser_frames_due(&end, &pace, at), frames[i]);
		CHECK_EQ(vser_frames_due(&end, &pace, at + 1), frames[i]);
	}
	CHECK_EQ(vser_frames_due(&end, &pace, 0), 0);
}

TEST(due, "a frame is due from the nanosecond in which it ends, never before")
{
	for_many_paces(check_due);
}

static void check_due_anywhere(struct vser_pace pace)
{
	struct vser_instant end = some_instant(pace);
	u64 seed = pace.den, now;
	int i;

	for (i = 0; i < 100; i++) {
		now = end.ns + (vser_random(&seed) >> (23 + i % 41));
		if (now - end.ns > VSER_MAX_LAG_NS)
			continue;
		CHECK_EQ(vser_frames_due(&end, &pace, now),
			 frames_due(end, pace, now));
	}
}

TEST(due_anywhere, "as many frames are due as have ended, at any time")
{
	for_many_paces(check_due_anywhere);
}

static void check_lag(struct vser_pace pace)
{
	struct vser_instant end = some_instant(pace);
	u64 last = end.ns + VSER_MAX_LAG_NS;
	u64 most = frames_due(end, pace, last);

	CHECK_EQ(vser_frames_due(&end, &pace, last), most);
	CHECK_EQ(vser_frames_due(&end, &pace, last + 1), most);
	CHECK_EQ(vser_frames_due(&end, &pace, 2 * last), most);
	CHECK_EQ(vser_frames_due(&end, &pace, UINT64_MAX), most);
}

TEST(lag, "however long ago a frame ended, nothing overflows")
{
	for_many_paces(check_lag);
}

/*
 * The next look is at the end of the k-th frame from now, rounded up: k is at
 * most what is queued, the first frame waits no longer than the latency, and
 * no later frame would do.
 */
/* @after: when to look at the latest, in ns after the first frame's end. */
static void check_look(struct vser_pace pace, u64 queued, int64_t after)
{
	struct vser_instant end = some_instant(pace);
	u64 latest = end.ns + after;
	u64 look = vser_next_look(&end, &pace, queued, latest);
	u64 first = round_up(units(end, pace), pace);
	__uint128_t last = units(end, pace) +
			   (__uint128_t)(queued - 1) * pace.num;

	/* Not before anything has ended, nor after everything has. */
	CHECK(look >= first);
	CHECK(look <= first || look <= round_up(last, pace));
	/* As late as it may be, unless all has ended earlier. */
	CHECK(look <= first || look <= latest);
	CHECK(look >= latest || look == round_up(last, pace));
}

static void check_looks(struct vser_pace pace)
{
	static const u64 queues[] = { 1, 2, 100, 4096, 65536, UINT32_MAX };
	static const int64_t latests[] = {
		-1000000, -1, 0, 1, 10000, 1000000, 1000001, VSER_NSEC_PER_SEC
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(queues); i++)
		for (j = 0; j < ARRAY_SIZE(latests); j++)
			check_look(pace, queues[i], latests[j]);
}

TEST(looks, "the next look is as late as it may be, and when there is something to see")
{
	for_many_paces(check_looks);
}

/* Random numbers */

TEST(random_answers, "the random numbers are those of SplitMix64")
{
	static const u64 answers[] = {
		6457827717110365317ULL, 3203168211198807973ULL,
		9817491932198370423ULL, 4593380528125082431ULL,
		16408922859458223821ULL,
	};
	u64 state = 1234567;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(answers); i++)
		CHECK(vser_random(&state) == answers[i]);
}

TEST(random_range, "a random number is below its bound")
{
	static const u32 bounds[] = { 1, 2, 26, 1000000, INT_MAX, UINT_MAX };
	u64 state = 1;
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(bounds); i++) {
		CHECK_EQ(vser_random_below(0, bounds[i]), 0);
		CHECK_EQ(vser_random_below(UINT64_MAX, bounds[i]),
			 bounds[i] - 1);
		for (n = 0; n < 1000; n++)
			CHECK(vser_random_below(vser_random(&state),
						bounds[i]) < bounds[i]);
	}
}

TEST(random_fair, "letters come equally often")
{
	enum { LETTERS = 26, EACH = 10000 };
	int count[LETTERS] = { 0 };
	double chi_square = 0;
	u64 state = 42;
	int i;

	for (i = 0; i < LETTERS * EACH; i++)
		count[vser_random_below(vser_random(&state), LETTERS)]++;
	for (i = 0; i < LETTERS; i++)
		chi_square += (double)(count[i] - EACH) * (count[i] - EACH) /
			      EACH;
	/* 25 degrees of freedom: beyond this in one of a thousand rows only. */
	CHECK(chi_square < 52.6);
}
