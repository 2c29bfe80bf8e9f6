// SPDX-License-Identifier: GPL-2.0
/* What the tests share that look at more than line 0. See wire.h. */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wire.h"

/* Lines */

void with_parameters(const char *parameters)
{
	if (exists("/sys/module/vser"))
		unload();
	load(parameters);
}

void with_lines(unsigned int n)
{
	char parameters[20];

	snprintf(parameters, sizeof(parameters), "lines=%u", n);
	with_parameters(parameters);
}

const char *name_of(unsigned int line)
{
	static char name[20];

	if (!line)
		return "vser";
	snprintf(name, sizeof(name), "vser%u", line);

	return name;
}

int open_nth(unsigned int line, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/dev/%s", name_of(line));

	return open_path(path, flags);
}

struct pair open_pair(int flags)
{
	struct pair pair;

	wire_line(0, "nullmodem:vser1");
	set_attr(0, "pacing", "0");
	set_attr(1, "pacing", "0");
	pair.a = open_nth(0, flags);
	pair.b = open_nth(1, flags);

	return pair;
}

int open_loopback(int flags)
{
	wire_line(0, "loopback");
	set_attr(0, "pacing", "0");

	return open_line(flags);
}

/* Attributes */

static int open_attr(unsigned int line, const char *name, int flags)
{
	char path[80];

	snprintf(path, sizeof(path), CLASS "/%s/%s", name_of(line), name);

	return open_path(path, flags);
}

int try_attr_bytes(unsigned int line, const char *name, const void *bytes,
		   size_t n)
{
	int fd = open_attr(line, name, O_WRONLY);
	ssize_t done = write(fd, bytes, n);
	int ret = done < 0 ? errno : 0;

	close(fd);
	if (!ret)
		CHECK_EQ(done, n);

	return ret;
}

int try_attr(unsigned int line, const char *name, const char *value)
{
	return try_attr_bytes(line, name, value, strlen(value));
}

void set_attr(unsigned int line, const char *name, const char *value)
{
	CHECK_EQ(try_attr(line, name, value), 0);
}

void set_attr_number(unsigned int line, const char *name, __u64 value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", value);
	set_attr(line, name, text);
}

const char *get_attr(unsigned int line, const char *name)
{
	static char value[4096];
	int fd = open_attr(line, name, O_RDONLY);
	ssize_t n = read(fd, value, sizeof(value) - 1);

	close(fd);
	CHECK(n > 0);
	value[n] = '\0';
	CHECK(strchr(value, '\n') == value + n - 1);
	value[n - 1] = '\0';

	return value;
}

void check_attr(unsigned int line, const char *name, const char *value)
{
	const char *is = get_attr(line, name);

	if (strcmp(is, value))
		printf("# %s of line %u is '%s', not '%s'\n", name, line, is,
		       value);
	CHECK(!strcmp(is, value));
}

void wire_line(unsigned int line, const char *far)
{
	set_attr(line, "wire", far);
}

/* Books */

__u64 stat_of(unsigned int line, const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "stats/%s", name);

	return strtoull(get_attr(line, path), NULL, 10);
}

static __u64 sum(unsigned int line, const char *const names[])
{
	__u64 total = 0;

	for (; *names; names++)
		total += stat_of(line, *names);

	return total;
}

void check_line_books(unsigned int line)
{
	static const char *const tx_out[] = {
		"tx_sent", "tx_queued", "tx_flushed", NULL
	};
	static const char *const rx_in[] = {
		"rx_arrived", "rx_generated", "rx_dup", "rx_split", "rx_marks",
		NULL
	};
	static const char *const rx_out[] = {
		"rx_delivered", "rx_queued", "rx_flushed", "rx_overrun",
		"rx_faults", "rx_merged", NULL
	};

	CHECK_EQ(stat_of(line, "tx_written"), sum(line, tx_out));
	CHECK_EQ(sum(line, rx_in), sum(line, rx_out));
}

/* Bytes */

/* The row is repeated after this many bytes, no size that a queue may have. */
#define ROW_PERIOD	65521

static const __u8 *row_period(void)
{
	static __u8 bytes[ROW_PERIOD];
	__u32 x = 1;
	size_t i;

	if (!bytes[0])
		for (i = 0; i < ROW_PERIOD; i++) {
			x = x * 1664525 + 1013904223;
			bytes[i] = x >> 24;
		}

	return bytes;
}

void fill_row(__u8 *bytes, __u64 at, size_t n)
{
	size_t from, len;

	for (; n; n -= len, at += len, bytes += len) {
		from = at % ROW_PERIOD;
		len = ROW_PERIOD - from < n ? ROW_PERIOD - from : n;
		memcpy(bytes, row_period() + from, len);
	}
}

__u8 row_byte(__u64 at)
{
	return row_period()[at % ROW_PERIOD];
}

void write_row(int fd, __u64 at, size_t n)
{
	__u8 bytes[4096];
	ssize_t done;
	size_t len;

	for (; n; n -= done, at += done) {
		len = n < sizeof(bytes) ? n : sizeof(bytes);
		fill_row(bytes, at, len);
		done = write(fd, bytes, len);
		CHECK(done > 0);
	}
}

void read_row_by(int fd, __u64 at, size_t n, size_t most)
{
	__u8 bytes[4096], wanted[4096];
	ssize_t done;
	size_t len;

	if (most > sizeof(bytes))
		most = sizeof(bytes);
	for (; n; n -= done, at += done) {
		len = n < most ? n : most;
		done = read(fd, bytes, len);
		CHECK(done > 0);
		fill_row(wanted, at, done);
		CHECK(!memcmp(bytes, wanted, done));
	}
}

void read_row(int fd, __u64 at, size_t n)
{
	read_row_by(fd, at, n, n);
}

void check_read(int fd, const void *bytes, size_t n)
{
	__u8 got[1024];
	size_t i;

	CHECK(n < sizeof(got));
	CHECK_EQ(rx_queued(fd), n);
	if (!n)
		return;
	CHECK_EQ(read(fd, got, sizeof(got)), n);
	for (i = 0; i < n; i++)
		CHECK_EQ(got[i], ((const __u8 *)bytes)[i]);
}

void read_full(int fd, void *to, size_t n)
{
	__u8 *bytes = to;
	ssize_t done;

	for (; n; n -= done, bytes += done) {
		done = read(fd, bytes, n);
		CHECK(done > 0);
	}
}

size_t read_away(int fd)
{
	__u8 bytes[4096];
	size_t total = 0;
	ssize_t n;

	while (rx_queued(fd)) {
		n = read(fd, bytes, sizeof(bytes));
		CHECK(n > 0 || errno == EAGAIN);
		if (n > 0)
			total += n;
	}

	return total;
}

/* The generator */

int start_generator(const char *kind, const char *fault)
{
	wire_line(0, "open");
	set_attr(0, "pacing", "0");
	set_attr(0, "period_ns", "0");
	set_attr(0, "generator", kind);
	set_attr(0, "fault", FAULT_OFF);
	set_attr(0, "fault", fault);
	wire_line(0, "generator");

	return open_line(O_RDONLY);
}

void stop_generator(int fd)
{
	wire_line(0, "open");
	CHECK_EQ(ioctl(fd, TCFLSH, 2), 0);
	close(fd);
}

/* Modem lines and events */

int modem(int fd)
{
	int bits;

	CHECK_EQ(ioctl(fd, TIOCMGET, &bits), 0);

	return bits;
}

void set_modem(int fd, unsigned long request, int bits)
{
	CHECK_EQ(ioctl(fd, request, &bits), 0);
}

struct vser_counters vser_counters(int fd)
{
	struct vser_counters counters;

	CHECK_EQ(ioctl(fd, VS_GET_COUNTERS, &counters), 0);

	return counters;
}

void skip_events(int fd)
{
	struct vser_event event;

	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (!ioctl(fd, VS_READ_EVENT, &event))
		;
	CHECK_EQ(errno, EAGAIN);
}

void check_event(int fd, __u32 type, __u64 position, __u32 value)
{
	struct vser_event event;

	CHECK_EQ(poll_now(fd, POLLPRI), POLLPRI);
	CHECK_EQ(ioctl(fd, VS_READ_EVENT, &event), 0);
	CHECK_EQ(event.type, type);
	CHECK_EQ(event.position, position);
	CHECK_EQ(event.value, value);
}

void check_no_event(int fd)
{
	struct vser_event event;

	CHECK_EQ(poll_now(fd, POLLPRI), 0);
	CHECK_ERR(ioctl(fd, VS_READ_EVENT, &event), EAGAIN);
}

void signal_once_in(pid_t pid, long call)
{
	WAIT_UNTIL(blocked_in(pid, call));
	CHECK_EQ(kill(pid, SIGUSR1), 0);
	sleep_ms(20);
	CHECK(!has_ended(pid));
	WAIT_UNTIL(blocked_in(pid, call));
}

/* Before each test. Linked after line.c, whose choice this overrides. */

static unsigned int fresh_lines;

void begin_with_lines(unsigned int n)
{
	fresh_lines = n;
}

static void load_fresh(void)
{
	with_lines(fresh_lines);
}

static void __attribute__((constructor)) use_fresh_lines(void)
{
	if (fresh_lines)
		tap_before_each = load_fresh;
}
