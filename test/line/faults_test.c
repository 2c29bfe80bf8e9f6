// SPDX-License-Identifier: GPL-2.0
/*
 * Errors on demand: how they are set, what each of them does to the bytes and
 * to the counters, how often they come, and that the same seed makes the same.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(2)

static struct vser_fault get_fault(unsigned int line)
{
	int fd = open_nth(line, CONTROL_ONLY);
	struct vser_fault fault;

	memset(&fault, 0xff, sizeof(fault));
	CHECK_EQ(ioctl(fd, VS_GET_FAULT, &fault), 0);
	close(fd);

	return fault;
}

static int try_fault(unsigned int line, struct vser_fault fault)
{
	int fd = open_nth(line, CONTROL_ONLY);
	int ret = ioctl(fd, VS_SET_FAULT, &fault) ? errno : 0;

	close(fd);

	return ret;
}

/* Setting */

TEST(after_load, "a line makes no errors when the module was loaded")
{
	static const struct vser_fault off = { .burst = 1, .seed = 1 };
	struct vser_fault fault = get_fault(0);

	check_attr(0, "fault", FAULT_OFF);
	CHECK(!memcmp(&fault, &off, sizeof(off)));
}

TEST(both_ways, "what is set by ioctl is read back by sysfs, and the other way")
{
	static const char text[] =
		"bit=1 drop=2 dup=3 parity=4 frame=5 break=6 burst=7 seed=18446744073709551615";
	static const struct vser_fault same = {
		.bit = 1, .drop = 2, .dup = 3, .parity = 4, .frame = 5,
		.brk = 6, .burst = 7, .seed = UINT64_MAX,
	};
	struct vser_fault fault;

	CHECK_EQ(try_fault(1, same), 0);
	check_attr(1, "fault", text);
	set_attr(1, "fault", FAULT_OFF);
	set_attr(1, "fault", text);
	fault = get_fault(1);
	CHECK(!memcmp(&fault, &same, sizeof(same)));
	check_attr(0, "fault", FAULT_OFF);
}

TEST(some_keys, "a key that is absent keeps its value, in whatever order they are")
{
	set_attr(0, "fault", "seed=5 drop=1000000 burst=1000000");
	check_attr(0, "fault",
		   "bit=0 drop=1000000 dup=0 parity=0 frame=0 break=0 burst=1000000 seed=5");
	set_attr(0, "fault", "break=7\n");
	check_attr(0, "fault",
		   "bit=0 drop=1000000 dup=0 parity=0 frame=0 break=7 burst=1000000 seed=5");
	set_attr(0, "fault", "drop=0 seed=0 break=0 bit=0 burst=1");
	check_attr(0, "fault",
		   "bit=0 drop=0 dup=0 parity=0 frame=0 break=0 burst=1 seed=0");
}

TEST(malformed, "what is no list of faults is EINVAL and changes nothing")
{
	static const char *const values[] = {
		"\n", " ", "x", "bit", "bit=", "bit= ", "bit=x", "bit=1x",
		"bit=-1", "bit=+1", "bit= 1", "bit =1", " bit=1", "bit=1 ",
		"bit=1  drop=1", "bit=1\tdrop=1", "bit=1,drop=1", "bit=1\n\n",
		"\nbit=1", "bit=1 drop", "bit=1 drop=",
		"bit=1 =1", "=1", "bit=0x10", "bit=1.5", "Bit=1", "bits=1",
		"fault=1", "brk=1", "reserved=0", "bit=1000001",
		"drop=1000001", "dup=1000001", "parity=1000001",
		"frame=1000001", "break=1000001", "burst=0", "burst=1000001",
		"burst=4294967297", "bit=4294967296", "bit=4294967295",
		"bit=18446744073709551616", "seed=18446744073709551616",
		"seed=-1", "seed=", "seed=1seed=2", "seed=99999999999999999999",
		"bit=1 drop=1 dup=1 parity=1 frame=1 break=1 burst=0 seed=1",
	};
	size_t i;

	set_attr(0, "fault", "bit=9 drop=8 dup=7 parity=6 frame=5 break=4");
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		tap_row(values[i]);
		CHECK_EQ(try_attr(0, "fault", values[i]), EINVAL);
		check_attr(0, "fault",
			   "bit=9 drop=8 dup=7 parity=6 frame=5 break=4 burst=1 seed=1");
	}
	CHECK_EQ(try_attr_bytes(0, "fault", "bit=1", 6), EINVAL);
}

TEST(too_long, "a list of faults that is too long is EINVAL")
{
	char text[4000];

	memset(text, '0', sizeof(text));
	memcpy(text, "bit=", 4);
	CHECK_EQ(try_attr_bytes(0, "fault", text, sizeof(text)), EINVAL);
	check_attr(0, "fault", FAULT_OFF);
}

TEST(ioctl_invalid, "VS_SET_FAULT with a field out of range is EINVAL")
{
	static const struct vser_fault faults[] = {
		{ .burst = 1, .bit = 1000001 },
		{ .burst = 1, .drop = 1000001 },
		{ .burst = 1, .dup = 1000001 },
		{ .burst = 1, .parity = 1000001 },
		{ .burst = 1, .frame = 1000001 },
		{ .burst = 1, .brk = UINT32_MAX },
		{ .burst = 0 },
		{ .burst = 1000001 },
		{ .burst = 1, .reserved = 1 },
		{ .burst = 1, .reserved = 0x80000000 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		tap_row_number(i);
		CHECK_EQ(try_fault(0, faults[i]), EINVAL);
		check_attr(0, "fault", FAULT_OFF);
	}
}

/* What they do */

/* What became of 200 bytes that were sent with a fault that always hits. */
static const struct effect {
	const char *name;
	const char *format;
	const char *fault;
	int copies;		/* of each byte */
	int bits;		/* inverted in each byte */
	__u64 faults, dup, parity, frame, brk;
} effects[] = {
	{ "none", "8E1", FAULT_OFF, .copies = 1 },
	{ "bit", "8N1", "bit=1000000", .copies = 1, .bits = 1 },
	{ "bit, 8E1", "8E1", "bit=1000000", .copies = 1, .bits = 1,
	  .parity = 200 },
	{ "bit, 8O2", "8O2", "bit=1000000", .copies = 1, .bits = 1,
	  .parity = 200 },
	{ "drop", "8N1", "drop=1000000", .faults = 200 },
	{ "dup", "8N1", "dup=1000000", .copies = 2, .dup = 200 },
	{ "parity", "8E1", "parity=1000000", .copies = 1, .parity = 200 },
	{ "parity, mark", "8M1", "parity=1000000", .copies = 1, .parity = 200 },
	{ "no parity", "8N1", "parity=1000000", .copies = 1 },
	{ "frame", "8N1", "frame=1000000", .copies = 1, .frame = 200 },
	{ "frame, 8O2", "8O2", "frame=1000000", .copies = 1, .frame = 200 },
	{ "break", "8N1", "break=1000000", .faults = 200, .brk = 200 },
	{ "break, 8O2", "8O2", "break=1000000", .faults = 200, .brk = 200 },
	{ "parity, frame", "8E1", "parity=1000000 frame=1000000", .copies = 1,
	  .parity = 200, .frame = 200 },
	{ "bit, parity", "8E1", "bit=1000000 parity=1000000", .copies = 1,
	  .bits = 1 },
	{ "dup, frame", "8N1", "dup=1000000 frame=1000000", .copies = 2,
	  .dup = 200, .frame = 400 },
	{ "dup, drop", "8N1", "dup=1000000 drop=1000000", .faults = 200 },
	{ "burst", "8N1", "drop=1000000 burst=7", .faults = 200 },
};

/* Sends the bytes from 1 to 200. A 0 without its stop bit would be a break. */
static void send_bytes(int fd)
{
	__u8 bytes[200];
	int i;

	for (i = 0; i < 200; i++)
		bytes[i] = i + 1;
	CHECK_EQ(write(fd, bytes, 200), 200);
	CHECK_EQ(fsync(fd), 0);
}

static void check_bytes(int fd, const struct effect *effect)
{
	__u8 bytes[2 * 200 + 1], diff;
	int i, n = effect->copies * 200;

	CHECK_EQ(rx_queued(fd), n);
	if (n)
		CHECK_EQ(read(fd, bytes, sizeof(bytes)), n);
	for (i = 0; i < n; i++) {
		diff = bytes[i] ^ (i / effect->copies + 1);
		CHECK_EQ(__builtin_popcount(diff), effect->bits);
	}
}

static void check_effect(struct pair pair, const struct effect *effect)
{
	struct vser_counters before = vser_counters(pair.b), after;
	__u64 faults = stat_of(1, "rx_faults"), dup = stat_of(1, "rx_dup");

	tap_row(effect->name);
	set_attr(0, "format", effect->format);
	set_attr(1, "format", effect->format);
	set_attr(0, "fault", FAULT_OFF);
	set_attr(0, "fault", effect->fault);
	send_bytes(pair.a);
	check_bytes(pair.b, effect);
	after = vser_counters(pair.b);
	CHECK_EQ(after.parity - before.parity, effect->parity);
	CHECK_EQ(after.frame - before.frame, effect->frame);
	CHECK_EQ(after.brk - before.brk, effect->brk);
	CHECK_EQ(stat_of(1, "rx_faults") - faults, effect->faults);
	CHECK_EQ(stat_of(1, "rx_dup") - dup, effect->dup);
	CHECK_EQ(after.overrun, 0);
	check_line_books(0);
	check_line_books(1);
}

TEST(effects, "each fault does what its name says, and is counted")
{
	struct pair pair = open_pair(O_RDWR);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(effects); i++)
		check_effect(pair, &effects[i]);
}

TEST(effects_paced, "each fault does the same on a paced line")
{
	struct pair pair = open_pair(O_RDWR);
	size_t i;

	set_attr(0, "pacing", "1");
	set_attr(0, "baud", "1000000");
	set_attr(1, "baud", "1000000");
	for (i = 0; i < ARRAY_SIZE(effects); i++)
		check_effect(pair, &effects[i]);
}

TEST(one_direction, "faults hit what the line sends, not what it receives")
{
	struct pair pair = open_pair(O_RDWR);

	set_attr(1, "fault", "drop=1000000");
	write_row(pair.a, 0, 100);
	read_row(pair.b, 0, 100);
	write_row(pair.b, 0, 100);
	CHECK_EQ(rx_queued(pair.a), 0);
	CHECK_EQ(stat_of(0, "rx_faults"), 100);
}

TEST(neighbours, "a fault leaves the bytes before and after it alone")
{
	static const char *const faults[] = {
		"frame=1000000", "break=1000000", "drop=1000000"
	};
	struct pair pair = open_pair(O_RDWR);
	__u8 got[201];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		tap_row(faults[i]);
		set_attr(0, "fault", FAULT_OFF);
		write_row(pair.a, 0, 100);
		set_attr(0, "fault", faults[i]);
		CHECK_EQ(write(pair.a, "x", 1), 1);
		set_attr(0, "fault", FAULT_OFF);
		write_row(pair.a, 100, 100);
		read_row(pair.b, 0, 100);
		if (!i) {
			CHECK_EQ(read(pair.b, got, 1), 1);
			CHECK_EQ(got[0], 'x');
		}
		read_row(pair.b, 100, 100);
	}
}

/* The generator with faults, without pacing */

#define RUN	100000

static void generate(const char *fault, __u8 *bytes)
{
	int fd = start_generator("counter", fault);

	read_full(fd, bytes, RUN);
	stop_generator(fd);
}

/* The SHA-256 of the bytes is this, in hexadecimal. */
static void check_sha256(const __u8 *bytes, size_t n, const char *wanted)
{
	FILE *file = tmpfile(), *tool;
	char command[40], is[65];

	CHECK(file);
	CHECK_EQ(fwrite(bytes, 1, n, file), n);
	CHECK_EQ(fflush(file), 0);
	snprintf(command, sizeof(command), "sha256sum < /dev/fd/%d",
		 fileno(file));
	tool = popen(command, "r");
	CHECK(tool);
	CHECK_EQ(fscanf(tool, "%64s", is), 1);
	CHECK_EQ(pclose(tool), 0);
	fclose(file);
	if (strcmp(is, wanted))
		printf("# it is %s\n", is);
	CHECK(!strcmp(is, wanted));
}

#define EVERYTHING	"bit=20000 drop=20000 dup=20000 parity=20000 frame=20000 break=20000 burst=3 seed=42"

TEST(same_seed, "the same seed makes the same errors, and these are known")
{
	static __u8 first[RUN], second[RUN];

	set_attr(0, "format", "8E1");
	generate(EVERYTHING, first);
	generate(EVERYTHING, second);
	CHECK(!memcmp(first, second, RUN));
	check_sha256(first, RUN,
		     "ea6cfa5b4d5da7dbb2867d63ebdeb11ce7b65b27a21cf8aa176244936a998454");
}

TEST(other_seed, "another seed makes other errors")
{
	static __u8 first[RUN], second[RUN];

	generate("bit=20000 seed=1", first);
	generate("bit=20000 seed=2", second);
	CHECK(memcmp(first, second, RUN));
}

TEST(pieces, "errors do not depend on the pieces in which bytes are written")
{
	static __u8 first[4000], second[4000];
	struct pair pair = open_pair(O_RDWR);
	size_t n, i;

	set_attr(0, "fault", EVERYTHING);
	write_row(pair.a, 0, 2000);
	n = rx_queued(pair.b);
	CHECK_EQ(read(pair.b, first, sizeof(first)), n);

	set_attr(0, "pacing", "1");
	set_attr(0, "baud", "1000000");
	set_attr(1, "baud", "1000000");
	set_attr(0, "fault", EVERYTHING);
	for (i = 0; i < 2000; i += 40)
		write_row(pair.a, i, 40);
	WAIT_UNTIL(!tx_queued(pair.a));
	CHECK_EQ(rx_queued(pair.b), n);
	CHECK_EQ(read(pair.b, second, sizeof(second)), n);
	CHECK(!memcmp(first, second, n));
}

/*
 * Frequencies
 *
 * Of n frames, each hit with probability p, np are hit, give or take three
 * times the square root of np(1 - p). As the seed is fixed, so is the outcome.
 */
static void check_rate(__u64 hits, __u64 n, double p)
{
	double off = hits - n * p;

	printf("# %llu of %llu were hit\n", hits, n);
	CHECK(n);
	CHECK(off * off <= 9 * n * p * (1 - p));
}

TEST_WITHIN(rates, 60, "each fault comes as often as it was asked for, within 3 sigma")
{
	static const struct {
		const char *fault;
		const char *stat;
		double p;
	} rows[] = {
		{ "bit=100000 seed=11",		"rx_parity",	0.1 },
		{ "drop=500000 seed=12",	"rx_faults",	0.5 },
		{ "dup=20000 seed=13",		"rx_dup",	0.02 },
		{ "parity=1000 seed=14",	"rx_parity",	0.001 },
		{ "frame=300000 seed=15",	"rx_frame",	0.3 },
		{ "break=999000 seed=16",	"rx_brk",	0.999 },
	};
	static __u8 bytes[RUN];
	__u64 n, hits;
	size_t i;
	int fd;

	set_attr(0, "format", "8E1");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].fault);
		n = stat_of(0, "rx_generated");
		hits = stat_of(0, rows[i].stat);
		fd = start_generator("text:U", rows[i].fault);
		while (stat_of(0, "rx_generated") < n + 170000)
			CHECK(read(fd, bytes, RUN) > 0);
		stop_generator(fd);
		n = stat_of(0, "rx_generated") - n;
		hits = stat_of(0, rows[i].stat) - hits;
		check_rate(hits, n, rows[i].p);
		check_line_books(0);
	}
}

TEST(bursts, "a burst hits as many frames in a row as it was asked for")
{
	static __u8 bytes[RUN];
	unsigned int gap, bursts = 0;
	size_t i;

	generate("drop=1000 burst=20 seed=5", bytes);
	for (i = 1; i < RUN; i++) {
		gap = (__u8)(bytes[i] - bytes[i - 1] - 1);
		CHECK(!gap || gap >= 20);
		bursts += gap == 20;
	}
	CHECK(bursts > 50);
}

TEST(longest_burst, "the longest burst hits a million frames")
{
	struct pair pair = open_pair(O_RDWR);
	int i;

	set_attr(0, "fault", "drop=1000000 burst=1000000");
	write_row(pair.a, 0, 1);
	CHECK_EQ(stat_of(1, "rx_faults"), 1);
	set_attr(0, "fault", "drop=0 burst=1");
	for (i = 0; i < 10; i++)
		write_row(pair.a, i, 1);
	read_row(pair.b, 0, 10);
}

TEST(no_overrun, "with flow control faults make no byte an overrun")
{
	struct pair pair;
	pid_t writer;
	size_t n = 0;

	set_attr(1, "fifo", "64");
	pair = open_pair(O_RDWR);
	set_attr(0, "fault", "dup=500000 bit=100000 seed=9");
	CHILD(writer)
		write_row(pair.a, 0, 5000);
	while (!has_ended(writer))
		n += read_away(pair.b);
	check_child(writer);
	n += read_away(pair.b);
	CHECK_EQ(stat_of(1, "rx_overrun"), 0);
	CHECK_EQ(n, 5000 + stat_of(1, "rx_dup"));
	check_line_books(1);
}

/*
 * The receiver samples each bit of a frame that may be hit: millions of frames take
 * many seconds. A process that is killed must not stay for that.
 */
#define MILLIONS	(4 << 20)

/* Line 1 does not mind what is lost. */
static struct pair open_careless(void)
{
	struct pair pair;

	set_attr(0, "fifo", "4194304");
	pair = open_pair(O_RDWR);
	set_attr(1, "flow", "none");
	set_attr(0, "fault", "bit=1000");

	return pair;
}

TEST_WITHIN(killed_writer, 120, "a writer that is killed does not write on")
{
	size_t size = 16 * MILLIONS;
	struct pair pair;
	pid_t writer;
	void *bytes;

	bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(bytes != MAP_FAILED);
	pair = open_careless();
	CHILD(writer)
		if (write(pair.a, bytes, size) < 0)
			abort();
	WAIT_UNTIL(stat_of(0, "tx_sent") > 0);
	kill_child(writer);
	CHECK(stat_of(0, "tx_written") < size);
	CHECK_EQ(ioctl(pair.a, TCFLSH, TCOFLUSH), 0);
	check_line_books(0);
	check_line_books(1);
}

static void hold_by_break(const struct pair *pair)
{
	CHECK_EQ(ioctl(pair->a, TIOCSBRK), 0);
}

static void go_by_break(const struct pair *pair)
{
	CHECK_EQ(ioctl(pair->a, TIOCCBRK), 0);
}

static void hold_by_rts(const struct pair *pair)
{
	set_modem(pair->b, TIOCMBIC, TIOCM_RTS);
}

static void go_by_rts(const struct pair *pair)
{
	set_modem(pair->b, TIOCMBIS, TIOCM_RTS);
}

static void go_by_flow(const struct pair *pair)
{
	(void)pair;
	set_attr(0, "flow", "none");
}

static const struct {
	const char *name;
	void (*hold)(const struct pair *pair);
	void (*go)(const struct pair *pair);
} releases[] = {
	{ "the end of a break",	hold_by_break,	go_by_break },
	{ "RTS",		hold_by_rts,	go_by_rts },
	{ "another flow control", hold_by_rts,	go_by_flow },
};

/* Of what it has let go, the rest goes by the timer. */
TEST_WITHIN(killed_kicker, 120, "a process that is killed leaves to the timer what it has let go")
{
	static const __u8 bytes[MILLIONS];
	struct pair pair;
	pid_t kicker;
	__u64 sent;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(releases); i++) {
		tap_row(releases[i].name);
		pair = open_careless();
		/* The timer alone takes a minute for all. */
		set_attr(0, "latency_ns", "20000000");
		releases[i].hold(&pair);
		CHECK_EQ(write(pair.a, bytes, MILLIONS), MILLIONS);
		sent = stat_of(0, "tx_sent");
		CHILD(kicker)
			releases[i].go(&pair);
		WAIT_UNTIL(stat_of(0, "tx_sent") > sent);
		kill_child(kicker);
		CHECK(tx_queued(pair.a) > 0);
		sent = stat_of(0, "tx_sent");
		WAIT_UNTIL(stat_of(0, "tx_sent") > sent);
		CHECK_EQ(ioctl(pair.a, TCFLSH, TCOFLUSH), 0);
		close(pair.a);
		close(pair.b);
		check_line_books(0);
		check_line_books(1);
	}
}

TEST(nothing_left, "a generator of which nothing is left does not stop the machine")
{
	int fd = start_generator("counter", "drop=1000000");

	CHECK_EQ(rx_queued(fd), 0);
	set_attr(0, "fault", FAULT_OFF);
	WAIT_UNTIL(rx_queued(fd) > 0);
	close(fd);
	check_line_books(0);
}
