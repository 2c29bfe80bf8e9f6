// SPDX-License-Identifier: GPL-2.0
/*
 * The generator: what it can send, from which seed, how fast, and when it does
 * not. Each row of bytes is compared with one that is made here.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(1)

#define RUN	200000

static __u8 bytes[RUN];

static void generate(const char *kind, __u8 *to, size_t n)
{
	int fd = start_generator(kind, FAULT_OFF);

	read_full(fd, to, n);
	stop_generator(fd);
	check_line_books(0);
}

/* What it sends */

TEST(counter, "the counter counts from 0 to 255 and begins again")
{
	size_t i;

	generate("counter", bytes, RUN);
	for (i = 0; i < RUN; i++)
		CHECK_EQ(bytes[i], i % 256);
}

/* SplitMix64, as its author has it. */
static __u64 splitmix64(__u64 *x)
{
	__u64 z = (*x += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;

	return z ^ (z >> 31);
}

TEST(letters, "letters are those that their seed makes, and all of them come")
{
	__u64 state = 4711;
	bool seen[26] = { false };
	size_t i;

	set_attr(0, "seed", "4711");
	generate("letters", bytes, RUN);
	for (i = 0; i < RUN; i++) {
		CHECK_EQ(bytes[i],
			 'A' + (((splitmix64(&state) >> 32) * 26) >> 32));
		seen[bytes[i] - 'A'] = true;
	}
	for (i = 0; i < 26; i++)
		CHECK(seen[i]);
}

static int bit(size_t i)
{
	return bytes[i / 8] >> (7 - i % 8) & 1;
}

/* Is the row the same if it is moved on by so many bits? */
static bool repeats_after(size_t bits)
{
	size_t i;

	for (i = 0; i + bits < 8 * RUN; i++)
		if (bit(i) != bit(i + bits))
			return false;

	return true;
}

#define PERIOD	((1 << 15) - 1)

TEST(prbs15, "each bit of prbs15 is the sum of those 14 and 15 bits before")
{
	size_t i;

	generate("prbs15", bytes, RUN);
	for (i = 15; i < 8 * RUN; i++)
		CHECK_EQ(bit(i), bit(i - 14) ^ bit(i - 15));
}

TEST(prbs15_period, "prbs15 is repeated after 2^15 - 1 bits and not before")
{
	generate("prbs15", bytes, RUN);
	CHECK(repeats_after(PERIOD));
	CHECK(!repeats_after(PERIOD / 7));
	CHECK(!repeats_after(PERIOD / 31));
	CHECK(!repeats_after(PERIOD / 151));
}

TEST(prbs15_seeds, "prbs15 never is stuck, whatever its seed")
{
	static const char *const seeds[] = {
		"0", "1", "32766", "32767", "32768", "18446744073709551615",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seeds); i++) {
		tap_row(seeds[i]);
		set_attr(0, "seed", seeds[i]);
		generate("prbs15", bytes, 100);
		CHECK(memcmp(bytes, bytes + 1, 99));
	}
}

static void check_text(const char *value, const char *text, size_t n)
{
	size_t i;

	tap_row(value);
	generate(value, bytes, 1000);
	for (i = 0; i < 1000; i++)
		CHECK_EQ(bytes[i], (__u8)text[i % n]);
}

#define CHECK_TEXT(value, text)	check_text(value, text, sizeof(text) - 1)

TEST(text, "a text is repeated, with its escapes resolved")
{
	CHECK_TEXT("text:x", "x");
	CHECK_TEXT("text:hello ", "hello ");
	CHECK_TEXT("text:a:b", "a:b");
	CHECK_TEXT("text:letters", "letters");
	CHECK_TEXT("text:a\\n\\r\\t\\v\\f\\\\\\\"\\a\\e", "a\n\r\t\v\f\\\"\a\033");
	CHECK_TEXT("text:\\101\\x42\\7\\0", "AB\7\0");
	CHECK_TEXT("text:\\377\\xfe", "\377\376");
}

TEST(text_reads_back, "a text that is read from sysfs and written back is the same")
{
	static const char *const values[] = {
		"text:plain", "text:a\\nb", "text:\\\\n", "text:\\\\\\\\",
		"text:\\0001", "text:\\0017", "text:\\x001", "text:\\377\\200",
		"text: spaces ", "text:\\\"", "text:'", "text:\\e[1m",
		"text:%s", "text:\\\\101", "text:end\\\\",
	};
	static __u8 first[1000], second[1000];
	char value[2000];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		tap_row(values[i]);
		generate(values[i], first, sizeof(first));
		strcpy(value, get_attr(0, "generator"));
		generate(value, second, sizeof(second));
		CHECK(!memcmp(first, second, sizeof(first)));
		check_attr(0, "generator", value);
	}
}

TEST(longest_text, "a text has 256 bytes at most")
{
	char value[5 + 4 * 257 + 1] = "text:";
	size_t i;

	for (i = 0; i < 256; i++)
		strcat(value, "\\001");
	set_attr(0, "generator", value);
	generate(value, bytes, 1000);
	for (i = 0; i < 1000; i++)
		CHECK_EQ(bytes[i], 1);
	CHECK(get_attr(0, "generator"));
	strcat(value, "x");
	CHECK_EQ(try_attr(0, "generator", value), EINVAL);

	strcpy(value, "text:");
	memset(value + 5, 'y', 256);
	value[5 + 256] = '\0';
	set_attr(0, "generator", value);
	check_attr(0, "generator", value);
	strcat(value, "y");
	CHECK_EQ(try_attr(0, "generator", value), EINVAL);
}

TEST(format, "the generator sends the bits that the format has")
{
	size_t i;

	set_attr(0, "format", "6E1");
	generate("counter", bytes, 1000);
	for (i = 0; i < 1000; i++)
		CHECK_EQ(bytes[i], i % 64);
	CHECK_EQ(stat_of(0, "rx_parity"), 0);
}

/* Again from the beginning */

TEST(same_seed, "the same seed makes the same run, another one another")
{
	static const char *const kinds[] = { "letters", "prbs15" };
	static __u8 other[RUN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		tap_row(kinds[i]);
		set_attr(0, "seed", "7");
		generate(kinds[i], bytes, RUN);
		set_attr(0, "seed", "7");
		generate(kinds[i], other, RUN);
		CHECK(!memcmp(bytes, other, RUN));
		set_attr(0, "seed", "8");
		generate(kinds[i], other, RUN);
		CHECK(memcmp(bytes, other, RUN));
	}
}

TEST(goes_on, "it goes on where it was when the line is opened again")
{
	int fd, i;

	set_attr(0, "generator", "counter");
	set_attr(0, "period_ns", "100000");
	for (i = 0; i < 30; i++) {
		fd = open_line(O_RDONLY);
		read_full(fd, bytes, 1);
		CHECK_EQ(bytes[0], i);
		close(fd);
	}
}

/* Without pacing it fills the queue whenever that is read */

TEST(fills, "with period 0 and no pacing it fills what was read, and loses nothing")
{
	int fd = start_generator("counter", FAULT_OFF);

	CHECK_EQ(rx_queued(fd), FIFO_SIZE);
	read_full(fd, bytes, FIFO_SIZE - 1);
	CHECK(rx_queued(fd) > 1);
	read_full(fd, bytes, RUN);
	CHECK_EQ(bytes[0], 255);
	CHECK_EQ(bytes[1], 0);
	CHECK_EQ(stat_of(0, "rx_overrun"), 0);
	close(fd);
	check_line_books(0);
}

TEST(reader_never_waits, "who reads a generator without pacing never waits")
{
	int fd = start_generator("prbs15", FAULT_OFF);
	int i;

	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (i = 0; i < 1000; i++)
		CHECK(read(fd, bytes, 1 + i * 100) > 0);
}

/* At a pace it is never early */

/* No more bytes came than there was time for, and in the end there are some. */
static void check_pace(int fd, __u64 start_ns, __u64 frame_ns, __u64 n)
{
	__u64 generated;

	do {
		generated = stat_of(0, "rx_generated");
		CHECK(generated <= (now_ns() - start_ns) / frame_ns);
		read_away(fd);
	} while (generated < n);
}

TEST(back_to_back, "with period 0 it sends at the speed of the line, never early")
{
	__u64 now;
	int fd;

	set_attr(0, "generator", "counter");
	set_attr(0, "period_ns", "0");
	now = now_ns();
	fd = open_line(O_RDONLY);
	check_pace(fd, now, 10 * NSEC_PER_SEC / 115200, 2000);
	close(fd);
	check_line_books(0);
}

TEST(back_to_back_format, "the pace follows the format: 8E2 takes twelve bits a byte")
{
	__u64 now;
	int fd;

	set_attr(0, "period_ns", "0");
	set_attr(0, "format", "8E2");
	now = now_ns();
	fd = open_line(O_RDONLY);
	check_pace(fd, now, 12 * NSEC_PER_SEC / 115200, 1000);
}

TEST(period, "with a period, each byte has its time, paced or not")
{
	__u64 now;
	int fd;

	set_attr(0, "pacing", "0");
	set_attr(0, "period_ns", "5000000");
	now = now_ns();
	fd = open_line(O_RDONLY);
	check_pace(fd, now, 5000000, 40);
}

TEST(overrun, "at a pace it does not wait: what is not read in time is lost")
{
	int i, fd;

	set_attr(0, "fifo", "16");
	set_attr(0, "generator", "counter");
	set_attr(0, "period_ns", "10000");
	fd = open_line(O_RDONLY);
	WAIT_UNTIL(stat_of(0, "rx_overrun") > 100);
	set_attr(0, "period_ns", "3600000000000");
	read_full(fd, bytes, 16);
	for (i = 0; i < 16; i++)
		CHECK_EQ(bytes[i], i);
	close(fd);
	check_line_books(0);
}

TEST(new_period, "a new period begins at once, however long the old one was")
{
	int fd;

	set_attr(0, "period_ns", "3600000000000");
	fd = open_line(O_RDONLY);
	set_attr(0, "period_ns", "1000000");
	read_full(fd, bytes, 10);
}

TEST(large_queue, "unpaced, it keeps a queue of any size full, without a timer")
{
	size_t size = 4 << 20, half = size / 2;
	int fd;

	set_attr(0, "latency_ns", "1000000000");
	set_attr(0, "fifo", "4194304");
	fd = start_generator("counter", FAULT_OFF);
	CHECK_EQ(rx_queued(fd), size);
	while (half) {
		ssize_t n = read(fd, bytes, half < RUN ? half : RUN);

		CHECK(n > 0);
		half -= n;
	}
	CHECK_EQ(rx_queued(fd), size);
	stop_generator(fd);
	check_line_books(0);
}

/* When it is silent */

static void check_silent(int flags)
{
	int fd = open_line(flags);

	sleep_ms(20);
	CHECK_EQ(stat_of(0, "rx_generated"), 0);
	close(fd);
}

TEST(nobody_reads, "it sends nothing while no descriptor can be read")
{
	set_attr(0, "period_ns", "1000");
	check_silent(O_WRONLY);
	check_silent(CONTROL_ONLY);
	set_attr(0, "pacing", "0");
	set_attr(0, "period_ns", "0");
	check_silent(O_WRONLY);
	check_silent(CONTROL_ONLY);
}

TEST(last_reader, "it sends until the last reader has closed the line")
{
	__u64 generated;
	int first, second;

	set_attr(0, "exclusive", "0");
	set_attr(0, "period_ns", "100000");
	first = open_line(O_RDONLY);
	second = open_line(O_RDWR);
	close(first);
	generated = stat_of(0, "rx_generated");
	WAIT_UNTIL(stat_of(0, "rx_generated") > generated + 2);
	first = open_line(O_WRONLY);
	close(second);
	generated = stat_of(0, "rx_generated");
	sleep_ms(20);
	CHECK_EQ(stat_of(0, "rx_generated"), generated);
	close(first);
}
