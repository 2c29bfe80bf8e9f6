// SPDX-License-Identifier: GPL-2.0
/*
 * Unit test of line/fault.h, on the build machine: frames as bits, receivers
 * that are set as the sender is and others, against a second model of the same,
 * and faults: what they do, and how often.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tap.h"
#include "line/fault.h"

#define NR_FORMATS	40

/* The formats, by number. */
static struct vser_format format(unsigned int i)
{
	return (struct vser_format) {
		.datab = 5 + i % 4,
		.parity = i / 4 % 5,
		.stopb = 1 + i / 20 % 2,
	};
}

static void set_row(const struct vser_uart *tx, const struct vser_uart *rx)
{
	char row[100];

	snprintf(row, sizeof(row), "%u %u%c%u to %u %u%c%u", tx->baud,
		 tx->fmt.datab, VSER_PARITY_LETTERS[tx->fmt.parity],
		 tx->fmt.stopb, rx->baud, rx->fmt.datab,
		 VSER_PARITY_LETTERS[rx->fmt.parity], rx->fmt.stopb);
	tap_row(row);
}

/* Frames as bits, made anew: one array element for each bit. */

static bool parity_of(const struct vser_format *fmt, unsigned int data)
{
	unsigned int ones = 0, i;

	for (i = 0; i < fmt->datab; i++)
		ones += data >> i & 1;

	return (fmt->parity == VSER_PARITY_EVEN && ones % 2 == 1) ||
	       (fmt->parity == VSER_PARITY_ODD && ones % 2 == 0) ||
	       fmt->parity == VSER_PARITY_MARK;
}

static unsigned int put_frame(const struct vser_format *fmt, u8 byte, bool *bits)
{
	unsigned int n = 0, i;

	bits[n++] = 0;
	for (i = 0; i < fmt->datab; i++)
		bits[n++] = byte >> i & 1;
	if (fmt->parity)
		bits[n++] = parity_of(fmt, byte);
	for (i = 0; i < fmt->stopb; i++)
		bits[n++] = 1;

	return n;
}

static void check_encoding(const struct vser_format *fmt, u8 byte)
{
	u16 word = vser_frame_encode(fmt, byte);
	unsigned int n, i;
	bool bits[12];

	n = put_frame(fmt, byte, bits);
	CHECK_EQ(n, vser_frame_bits(fmt));
	for (i = 0; i < n; i++)
		CHECK_EQ(word >> i & 1, bits[i]);
	CHECK_EQ(word >> n, 0);
}

TEST(encode, "each byte in each format is a start bit, data, parity, stop bits")
{
	unsigned int i, byte;

	for (i = 0; i < NR_FORMATS; i++) {
		struct vser_format fmt = format(i);

		for (byte = 0; byte < 256; byte++)
			check_encoding(&fmt, byte);
	}
}

TEST(parity, "the parity bit makes the number of ones odd or even, or is fixed")
{
	unsigned int i, byte;

	for (i = 0; i < NR_FORMATS; i++) {
		struct vser_format fmt = format(i);

		for (byte = 0; byte <= vser_data_mask(&fmt); byte++)
			CHECK_EQ(vser_parity_bit(&fmt, byte),
				 parity_of(&fmt, byte));
	}
}

TEST(mask, "a format sends as many bits of a byte as it has")
{
	static const u8 masks[] = { 0x1f, 0x3f, 0x7f, 0xff };
	unsigned int i;

	for (i = 0; i < NR_FORMATS; i++) {
		struct vser_format fmt = format(i);

		CHECK_EQ(vser_data_mask(&fmt), masks[fmt.datab - 5]);
	}
}

/* Links */

static void set_fault(struct vser_link *link, const struct vser_fault *fault)
{
	static struct vser_faults faults;

	link->faults = NULL;
	if (fault) {
		vser_faults_init(&faults, fault);
		link->faults = &faults;
	}
}

static void set_up(struct vser_link *link, struct vser_uart tx,
		   struct vser_uart rx, const struct vser_fault *fault)
{
	vser_link_set_ends(link, &tx, &rx);
	set_fault(link, fault);
}

static void check_char(const struct vser_char *c, u8 byte)
{
	CHECK_EQ(c->byte, byte);
	CHECK(!c->parity);
	CHECK(!c->frame);
	CHECK(!c->brk);
}

static void check_identity(u32 baud, struct vser_format fmt)
{
	struct vser_uart uart = { baud, fmt };
	struct vser_outcome outcome;
	struct vser_chars rest = { 0 };
	struct vser_link link;
	unsigned int byte;

	set_up(&link, uart, uart, NULL);
	CHECK(vser_link_clean(&link));
	for (byte = 0; byte < 256; byte++) {
		vser_link_send(&link, byte, &outcome);
		CHECK(!outcome.dropped);
		CHECK(!outcome.duplicated);
		CHECK_EQ(outcome.received.n, 1);
		check_char(&outcome.received.chars[0],
			   byte & vser_data_mask(&fmt));
	}
	vser_link_rest(&link, &rest);
	CHECK_EQ(rest.n, 0);
}

TEST(identity, "a receiver that is set as the sender gets each byte, at any speed")
{
	static const u32 bauds[] = { 50, 51, 9600, 115200, 3999999, 4000000 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(bauds); i++)
		for (j = 0; j < NR_FORMATS; j++)
			check_identity(bauds[i], format(j));
}

/*
 * The second model. It has the whole waveform in advance, and looks up in it
 * what the receiver samples. Time counts from the start of the first frame, in
 * units of which a bit of the sender takes 2 * rx.baud, and one of the receiver
 * 2 * tx.baud.
 */

#define MODEL_BYTES	12
#define MODEL_CHARS	(MODEL_BYTES * 6 + 1)

struct model {
	struct vser_uart tx;
	struct vser_uart rx;
	bool bits[MODEL_BYTES * 12];
	unsigned int nr_bits;
	struct vser_char chars[MODEL_CHARS];
	unsigned int nr_chars;
};

static bool level_at(const struct model *m, u64 time)
{
	u64 i = time / (2ULL * m->rx.baud);

	return i < m->nr_bits ? m->bits[i] : true;
}

/* The first falling edge that is not before this time, or UINT64_MAX. */
static u64 next_edge(const struct model *m, u64 time)
{
	u64 bit = 2ULL * m->rx.baud;
	unsigned int i;

	for (i = 0; i < m->nr_bits; i++)
		if (!m->bits[i] && (!i || m->bits[i - 1]) && i * bit >= time)
			return i * bit;

	return UINT64_MAX;
}

/* The line is 0 now. When does it become 1? */
static u64 next_rise(const struct model *m, u64 time)
{
	u64 i = time / (2ULL * m->rx.baud);

	while (i < m->nr_bits && !m->bits[i])
		i++;

	return i * 2ULL * m->rx.baud;
}

/* What is received from this edge on. Returns when to look for the next. */
static u64 model_char(struct model *m, u64 edge)
{
	const struct vser_format *fmt = &m->rx.fmt;
	unsigned int n = 1 + fmt->datab + !!fmt->parity, data = 0, i;
	u64 middle = edge + m->tx.baud, bit = 2ULL * m->tx.baud;
	struct vser_char *c;
	bool any = false, last = false, stop;

	if (level_at(m, middle))
		return middle;
	for (i = 1; i < n; i++) {
		last = level_at(m, middle + i * bit);
		any |= last;
		if (i <= fmt->datab)
			data |= last << (i - 1);
	}
	stop = level_at(m, middle + n * bit);

	c = &m->chars[m->nr_chars++];
	c->byte = data;
	c->brk = !stop && !any;
	c->frame = !stop && any;
	c->parity = !c->brk && fmt->parity && last != parity_of(fmt, data);

	return stop ? middle + n * bit : next_rise(m, middle + n * bit);
}

static void model_receive(struct model *m, const u8 *bytes, unsigned int n)
{
	unsigned int i;
	u64 edge;

	m->nr_bits = 0;
	m->nr_chars = 0;
	for (i = 0; i < n; i++)
		m->nr_bits += put_frame(&m->tx.fmt, bytes[i],
					m->bits + m->nr_bits);
	for (edge = next_edge(m, 0); edge != UINT64_MAX;)
		edge = next_edge(m, model_char(m, edge));
}

static void collect(struct vser_char *all, unsigned int *n,
		    const struct vser_chars *chars)
{
	CHECK(*n + chars->n <= MODEL_CHARS);
	memcpy(all + *n, chars->chars, chars->n * sizeof(*all));
	*n += chars->n;
}

static void compare(struct model *m, const u8 *bytes, unsigned int n)
{
	struct vser_char all[MODEL_CHARS];
	struct vser_outcome outcome;
	struct vser_chars rest = { 0 };
	struct vser_link link;
	unsigned int nr = 0, i;

	set_row(&m->tx, &m->rx);
	model_receive(m, bytes, n);
	set_up(&link, m->tx, m->rx, NULL);
	for (i = 0; i < n; i++) {
		vser_link_send(&link, bytes[i], &outcome);
		collect(all, &nr, &outcome.received);
	}
	vser_link_rest(&link, &rest);
	collect(all, &nr, &rest);

	CHECK_EQ(nr, m->nr_chars);
	for (i = 0; i < nr; i++) {
		CHECK_EQ(all[i].byte, m->chars[i].byte);
		CHECK_EQ(all[i].parity, m->chars[i].parity);
		CHECK_EQ(all[i].frame, m->chars[i].frame);
		CHECK_EQ(all[i].brk, m->chars[i].brk);
	}
}

/* Random numbers that are not those of the driver. */
static u32 any(u32 below)
{
	static u64 state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;

	return (state >> 33) % below;
}

static void compare_chars(const struct vser_chars *a, const struct vser_chars *b)
{
	u32 i;

	CHECK_EQ(a->n, b->n);
	for (i = 0; i < a->n; i++) {
		CHECK_EQ(a->chars[i].byte, b->chars[i].byte);
		CHECK_EQ(a->chars[i].parity, b->chars[i].parity);
		CHECK_EQ(a->chars[i].frame, b->chars[i].frame);
		CHECK_EQ(a->chars[i].brk, b->chars[i].brk);
	}
}

/*
 * One step of both links, which then have received the same: half of the frames are
 * in order, the others have any bits set.
 */
static void step_both(struct vser_link *link, struct vser_link *by_bits)
{
	const struct vser_format *fmt = &link->tx.fmt;
	u16 word = any(2) ? vser_frame_encode(fmt, any(256)) :
			    any(1 << (vser_frame_bits(fmt) - 1)) << 1;
	struct vser_chars chars = { 0 }, expected = { 0 };

	if (any(10)) {
		vser_link_frame(link, word, &chars);
		vser_link_bits(by_bits, word, &expected);
	} else {
		vser_link_rest(link, &chars);
		vser_link_rest(by_bits, &expected);
	}
	compare_chars(&chars, &expected);
	CHECK_EQ(link->sampler.active, by_bits->sampler.active);
	CHECK_EQ(link->sampler.level, by_bits->sampler.level);
	if (link->sampler.active) {
		CHECK_EQ(link->sampler.bit, by_bits->sampler.bit);
		CHECK_EQ(link->sampler.word, by_bits->sampler.word);
		CHECK_EQ(link->sampler.next, by_bits->sampler.next);
	}
}

TEST(in_order, "a frame in order comes to the same as bit by bit, whatever was before")
{
	unsigned int i, n;

	for (i = 0; i < NR_FORMATS; i++) {
		struct vser_uart uart = { 9600, format(i) }, other = { 9599, format(i) };
		struct vser_link link, by_bits;

		set_up(&link, uart, uart, NULL);
		by_bits = link;
		set_row(&uart, &uart);
		for (n = 0; n < 20000; n++) {
			step_both(&link, &by_bits);
			if (!any(100)) {
				const struct vser_uart *rx = any(2) ? &uart : &other;

				vser_link_set_ends(&link, &uart, rx);
				vser_link_set_ends(&by_bits, &uart, rx);
			}
		}
	}
}

/* A speed: any, or one that is near another. */
static u32 any_baud(u32 near)
{
	static const u32 factors[] = { 50, 90, 93, 95, 98, 100, 102, 105, 107, 200 };
	u64 baud;

	switch (any(4)) {
	case 0:
		return VSER_BAUD_MIN + any(VSER_BAUD_MAX - VSER_BAUD_MIN + 1);
	case 1:
		return VSER_BAUD_MIN << any(17);
	default:
		baud = (u64)near * factors[any(ARRAY_SIZE(factors))] / 100;
		return vser_baud_valid(baud) ? baud : near;
	}
}

TEST(model, "receivers get what a second model gets, however they are set")
{
	struct model m;
	u8 bytes[MODEL_BYTES];
	unsigned int i, j;

	for (i = 0; i < 100000; i++) {
		m.tx.baud = any_baud(9600);
		m.rx.baud = any_baud(m.tx.baud);
		m.tx.fmt = format(any(NR_FORMATS));
		m.rx.fmt = any(2) ? m.tx.fmt : format(any(NR_FORMATS));
		for (j = 0; j < MODEL_BYTES; j++)
			bytes[j] = any(4) ? any(256) : any(2) * 0xff;
		compare(&m, bytes, 1 + any(MODEL_BYTES));
	}
}

TEST(model_formats, "any format is received in any other as the second model has it")
{
	static const u8 bytes[] = { 0x00, 0xff, 0x55, 0xaa, 0x80, 0x01, 'v' };
	struct model m;
	unsigned int i, j;

	m.tx.baud = 9600;
	m.rx.baud = 9600;
	for (i = 0; i < NR_FORMATS; i++)
		for (j = 0; j < NR_FORMATS; j++) {
			m.tx.fmt = format(i);
			m.rx.fmt = format(j);
			compare(&m, bytes, ARRAY_SIZE(bytes));
		}
}

/* The bytes that test/line/mismatch_test.c expects of the driver. */
TEST(answers, "9600 baud is received at 19200 baud and the other way as in the table")
{
	static const u8 sent[] = {
		0x00, 0xff, 0x55, 0xaa, 0x41, 0x7e, 0x80, 0x01, 'v', 's', 'e', 'r'
	};
	static const struct {
		u32 tx, rx;
		unsigned int n;
		u8 bytes[16];
	} rows[] = {
		{ 9600, 19200, 16, { 0x00, 0xfe, 0x66, 0x66, 0x66, 0x06, 0x86,
				     0x06, 0x06, 0x78, 0xe6, 0xf8, 0x66, 0x78,
				     0x18, 0xfe } },
		{ 19200, 9600, 6, { 0xf8, 0x98, 0x0f, 0xf4, 0x21, 0xfd } },
	};
	struct model m = { .tx.fmt = { 8, 0, 1 }, .rx.fmt = { 8, 0, 1 } };
	size_t i;
	unsigned int j;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		m.tx.baud = rows[i].tx;
		m.rx.baud = rows[i].rx;
		compare(&m, sent, ARRAY_SIZE(sent));
		CHECK_EQ(m.nr_chars, rows[i].n);
		for (j = 0; j < rows[i].n; j++)
			CHECK_EQ(m.chars[j].byte, rows[i].bytes[j]);
	}
}

/* How far the speeds may be apart: half a bit in the last bit sampled. */
static void check_tolerance(u32 rx, bool perfect)
{
	struct vser_uart tx_uart = { 1000000, { 8, VSER_PARITY_NONE, 1 } };
	struct vser_uart rx_uart = { rx, { 8, VSER_PARITY_NONE, 1 } };
	struct vser_outcome outcome;
	struct vser_link link;
	unsigned int byte, wrong = 0;

	set_row(&tx_uart, &rx_uart);
	set_up(&link, tx_uart, rx_uart, NULL);
	for (byte = 0; byte < 256; byte++) {
		vser_link_send(&link, byte, &outcome);
		wrong += outcome.received.n != 1 ||
			 outcome.received.chars[0].byte != byte ||
			 outcome.received.chars[0].frame;
	}
	CHECK_EQ(!wrong, perfect);
}

TEST(tolerance, "speeds that are 2 percent apart do, those 7 percent apart do not")
{
	check_tolerance(1000000, true);
	check_tolerance(1020000, true);
	check_tolerance(980000, true);
	check_tolerance(1050000, true);
	check_tolerance(960000, true);
	check_tolerance(1070000, false);
	check_tolerance(930000, false);
}

/* Limits */

TEST(most_chars, "no frame is received as more bytes than there is room for")
{
	static const u32 bauds[] = {
		50, 51, 75, 300, 9600, 115200, 921600, 3999999, 4000000
	};
	struct vser_fault fault = {
		.bit = 300000, .dup = 700000, .parity = 300000,
		.frame = 300000, .brk = 100000, .burst = 3,
	};
	struct vser_outcome outcome;
	struct vser_link link;
	unsigned int i, most = 0;

	for (i = 0; i < 1000000; i++) {
		if (i % 100 == 0) {
			struct vser_uart tx = { bauds[any(9)], format(any(40)) };
			struct vser_uart rx = { bauds[any(9)], format(any(40)) };

			set_row(&tx, &rx);
			fault.seed = i;
			set_up(&link, tx, rx, &fault);
		}
		vser_link_send(&link, any(2) ? any(256) : 0x55, &outcome);
		CHECK(outcome.received.n <= VSER_CHARS_MAX);
		if (outcome.received.n > most)
			most = outcome.received.n;
		if (!any(4)) {
			outcome.received.n = 0;
			vser_link_rest(&link, &outcome.received);
			CHECK(outcome.received.n <= 1);
		}
	}
	printf("# %u at most\n", most);
	CHECK(most >= 8);
}

TEST(rest, "a receiver that waits for the rest of a frame gets it as ones")
{
	struct vser_uart tx = { 9600, { 8, VSER_PARITY_NONE, 1 } };
	struct vser_uart rx = { 300, { 8, VSER_PARITY_NONE, 1 } };
	struct vser_outcome outcome;
	struct vser_chars chars = { 0 };
	struct vser_link link;

	set_up(&link, tx, rx, NULL);
	vser_link_send(&link, 0, &outcome);
	vser_link_send(&link, 0, &outcome);
	CHECK_EQ(outcome.received.n, 0);
	vser_link_rest(&link, &chars);
	CHECK_EQ(chars.n, 1);
	check_char(&chars.chars[0], 0xff);
	chars.n = 0;
	vser_link_rest(&link, &chars);
	CHECK_EQ(chars.n, 0);
}

TEST(reset, "setting an end forgets what was received in part")
{
	struct vser_uart tx = { 9600, { 8, VSER_PARITY_NONE, 1 } };
	struct vser_uart rx = { 300, { 8, VSER_PARITY_NONE, 1 } };
	struct vser_chars chars = { 0 };
	struct vser_outcome outcome;
	struct vser_link link;

	set_up(&link, tx, rx, NULL);
	vser_link_send(&link, 0, &outcome);
	vser_link_send(&link, 0, &outcome);
	vser_link_set_ends(&link, &tx, &rx);
	vser_link_rest(&link, &chars);
	CHECK_EQ(chars.n, 0);
}

/* Faults, one at a time, each time */

static void check_fault(struct vser_fault fault, unsigned int i, u8 byte)
{
	struct vser_uart uart = { 115200, format(i) };
	u8 data = byte & vser_data_mask(&uart.fmt);
	struct vser_char *c;
	struct vser_outcome o;
	struct vser_link link;
	bool parity = uart.fmt.parity;

	set_up(&link, uart, uart, &fault);
	CHECK(!vser_link_clean(&link));
	vser_link_send(&link, byte, &o);
	c = o.received.chars;
	CHECK_EQ(o.dropped, fault.drop || fault.brk);
	CHECK_EQ(o.duplicated, !!fault.dup);
	CHECK_EQ(o.received.n, fault.drop ? 0 : 1 + !!fault.dup);
	if (fault.drop)
		return;
	CHECK_EQ(c->brk, fault.brk ||
		 (fault.frame && !data && !parity_of(&uart.fmt, data)));
	if (c->brk)
		return;
	CHECK_EQ(__builtin_popcount(c->byte ^ data), !!fault.bit);
	CHECK_EQ(c->frame, !!fault.frame);
	if (parity && uart.fmt.parity <= VSER_PARITY_EVEN)
		CHECK_EQ(c->parity, fault.parity || fault.bit);
	else
		CHECK_EQ(c->parity, parity && fault.parity);
	if (fault.dup)
		CHECK_EQ(c[1].byte, c[0].byte);
}

TEST(faults, "each fault does to each byte in each format what its name says")
{
	static const struct vser_fault faults[] = {
		{ .burst = 1, .bit = VSER_FAULT_MAX },
		{ .burst = 1, .drop = VSER_FAULT_MAX },
		{ .burst = 1, .dup = VSER_FAULT_MAX },
		{ .burst = 1, .parity = VSER_FAULT_MAX },
		{ .burst = 1, .frame = VSER_FAULT_MAX },
		{ .burst = 1, .brk = VSER_FAULT_MAX },
	};
	unsigned int i, j, byte;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		for (j = 0; j < NR_FORMATS; j++)
			for (byte = 0; byte < 256; byte++)
				check_fault(faults[i], j, byte);
}

TEST(neighbours, "a frame in error takes nothing from the next one")
{
	static const struct vser_fault faults[] = {
		{ .burst = 1, .frame = VSER_FAULT_MAX },
		{ .burst = 1, .brk = VSER_FAULT_MAX },
		{ .burst = 1, .drop = VSER_FAULT_MAX },
	};
	struct vser_outcome outcome;
	struct vser_link link;
	unsigned int i, j, byte;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		for (j = 0; j < NR_FORMATS; j++) {
			struct vser_uart uart = { 115200, format(j) };

			for (byte = 0; byte < 256; byte++) {
				set_up(&link, uart, uart, &faults[i]);
				vser_link_send(&link, ~byte, &outcome);
				set_fault(&link, NULL);
				vser_link_send(&link, byte, &outcome);
				CHECK_EQ(outcome.received.n, 1);
				check_char(outcome.received.chars,
					   byte & vser_data_mask(&uart.fmt));
			}
		}
}

/* How often */

/* n trials with probability p: within three sigma? */
static void check_rate(const char *what, u64 hits, u64 n, double p)
{
	double off = hits - n * p;

	tap_row(what);
	CHECK(off * off <= 9 * n * p * (1 - p));
}

#define FRAMES	10000000

TEST_WITHIN(rates, 60, "of ten million frames, faults hit as many as was asked for")
{
	const double drop = .05, brk = .02, bit = .1, par = .003, frame = .2,
		     dup = .0007;
	const struct vser_fault fault = {
		.drop = 50000, .brk = 20000, .bit = 100000, .parity = 3000,
		.frame = 200000, .dup = 700, .burst = 1, .seed = 2026,
	};
	struct vser_uart uart = { 115200, { 8, VSER_PARITY_EVEN, 1 } };
	u64 dropped = 0, brks = 0, bits = 0, parities = 0, frames = 0, dups = 0;
	u64 received = 0;
	struct vser_outcome o;
	struct vser_link link;
	unsigned int i;

	set_up(&link, uart, uart, &fault);
	for (i = 0; i < FRAMES; i++) {
		const struct vser_char *c;

		vser_link_send(&link, 'U', &o);
		c = o.received.chars;
		dropped += o.dropped;
		brks += o.received.n && c->brk;
		if (o.dropped)
			continue;
		received++;
		dups += o.duplicated;
		bits += c->byte != 'U';
		parities += c->parity;
		frames += c->frame;
	}
	check_rate("drop", dropped - brks, FRAMES, drop);
	check_rate("break", brks, FRAMES, (1 - drop) * brk);
	check_rate("bit", bits, received, bit);
	check_rate("frame", frames, received, frame);
	check_rate("dup", dups, received, dup);
	/* One of the two makes the parity wrong, both make it right. */
	check_rate("parity", parities, received,
		   bit * (1 - par) + par * (1 - bit));
}

/*
 * Dice. The frames that are hit were computed by another program, from the
 * description of SplitMix64.
 */

TEST(dice_answers, "the same seed always hits the same frames")
{
	static const unsigned int hits[] = {
		80, 145, 171, 215, 217, 251, 257, 295, 303, 315
	};
	struct vser_dice dice = { .random = 42 };
	unsigned int i, n = 0;

	for (i = 0; n < ARRAY_SIZE(hits); i++)
		if (vser_dice_roll(&dice, 3, 20000, 1))
			CHECK_EQ(i, hits[n++]);
}

TEST(dice_extremes, "what is impossible never happens, what is certain always")
{
	struct vser_dice dice = { .random = 1 };
	unsigned int i;

	for (i = 0; i < 1000000; i++) {
		CHECK(!vser_dice_roll(&dice, 0, 0, 1));
		CHECK(vser_dice_roll(&dice, 1, VSER_FAULT_MAX, 1));
	}
}

TEST(dice_burst, "a burst hits as many frames in a row as was asked for")
{
	static const u32 bursts[] = { 1, 2, 7, 1000, VSER_BURST_MAX };
	struct vser_dice dice;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(bursts); i++) {
		memset(&dice, 0, sizeof(dice));
		while (!vser_dice_roll(&dice, 2, 1, bursts[i]))
			;
		for (n = 1; vser_dice_roll(&dice, 2, 0, 1); n++)
			CHECK(!vser_dice_roll(&dice, 3, 0, 1));
		CHECK_EQ(n, bursts[i]);
	}
}

TEST(same_dice, "a fault that is set anew begins anew")
{
	struct vser_fault fault = {
		.bit = 100000, .drop = 100000, .dup = 100000, .frame = 100000,
		.burst = 2, .seed = 99,
	};
	struct vser_uart uart = { 115200, { 8, VSER_PARITY_NONE, 1 } };
	static struct vser_outcome first[10000];
	struct vser_outcome second;
	struct vser_link link;
	unsigned int i;

	set_up(&link, uart, uart, &fault);
	for (i = 0; i < ARRAY_SIZE(first); i++)
		vser_link_send(&link, i, &first[i]);
	set_fault(&link, &fault);
	for (i = 0; i < ARRAY_SIZE(first); i++) {
		vser_link_send(&link, i, &second);
		CHECK(!memcmp(&first[i], &second, sizeof(second)));
	}
}
