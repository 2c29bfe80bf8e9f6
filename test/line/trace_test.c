// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints: each event is there when its thing happens, and only then,
 * with fields that say what happened; and a filter can choose by any field.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(2)

/* An instance has a buffer of its own, in which nobody else's events are. */
#define INSTANCE	"/sys/kernel/tracing/instances/vser_test/"
#define EVENTS		INSTANCE "events/vser/"

static void __attribute__((destructor)) remove_instance(void)
{
	rmdir(INSTANCE);
}

static int try_tracing(const char *file, const char *text)
{
	char path[100];
	int fd, ret;

	snprintf(path, sizeof(path), INSTANCE "%s", file);
	fd = open_path(path, O_WRONLY | O_TRUNC);
	ret = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);

	return ret;
}

static void set_tracing(const char *file, const char *text)
{
	CHECK_EQ(try_tracing(file, text), 0);
}

/* From now on these events are recorded; "": all. */
static void trace(const char *event)
{
	char file[40];

	CHECK(!mkdir(INSTANCE, 0700) || errno == EEXIST);
	set_tracing("trace_clock", "global");
	set_tracing("events/vser/enable", "0");
	set_tracing("events/vser/filter", "0");
	set_tracing("trace", "");
	snprintf(file, sizeof(file), "events/vser/%s/enable", event);
	set_tracing(file, "1");
}

/* What was recorded: a row for each event, without what stands before it. */
static const char *traced(void)
{
	static char text[8192];
	char row[512], *event;
	size_t len = 0;
	FILE *file;

	file = fopen(INSTANCE "trace", "r");
	CHECK(file);
	*text = '\0';
	while (fgets(row, sizeof(row), file)) {
		if (*row == '#')
			continue;
		event = strstr(row, ": vser_");
		CHECK(event);
		len += snprintf(text + len, sizeof(text) - len, "%s",
				event + 2);
		CHECK(len < sizeof(text));
	}
	fclose(file);

	return text;
}

static void check_traced(const char *wanted)
{
	const char *is = traced();

	if (strcmp(is, wanted))
		printf("# it is:\n# %s\n# and not:\n# %s\n", is, wanted);
	CHECK(!strcmp(is, wanted));
}

/* Without flow control, so that what does not fit in its 16 bytes is lost. */
static int open_small_loopback(void)
{
	int fd;

	set_attr(0, "fifo", "16");
	fd = open_loopback(O_RDWR);
	set_attr(0, "flow", "none");

	return fd;
}

/* The events */

TEST(open_close, "vser_open and vser_close tell how many have the line open")
{
	int reader, writer;

	set_attr(1, "exclusive", "0");
	trace("vser_open");
	set_tracing("events/vser/vser_close/enable", "1");
	reader = open_nth(1, O_RDONLY);
	close(open_nth(1, CONTROL_ONLY));
	writer = open_nth(1, O_WRONLY);
	close(open_nth(0, O_RDWR));
	close(reader);
	close(writer);
	check_traced("vser_open: line=1 openers=1 readers=1\n"
		     "vser_open: line=1 openers=2 readers=1\n"
		     "vser_open: line=0 openers=1 readers=1\n"
		     "vser_close: line=0 openers=0 readers=0\n"
		     "vser_close: line=1 openers=1 readers=0\n"
		     "vser_close: line=1 openers=0 readers=0\n");
}

TEST(open_fails, "an open that fails is no event")
{
	close(open_nth(0, O_RDONLY));
	trace("vser_open");
	open_nth(0, O_RDONLY);
	CHECK_ERR(open(LINE, O_RDONLY), EBUSY);
	check_traced("vser_open: line=0 openers=1 readers=1\n");
}

TEST(tx, "vser_tx tells how many bytes a line has sent")
{
	struct pair pair = open_pair(O_RDWR);

	trace("vser_tx");
	write_row(pair.a, 0, 7);
	write_row(pair.b, 0, 1000);
	check_traced("vser_tx: line=0 bytes=7 queued=0\n"
		     "vser_tx: line=1 bytes=1000 queued=0\n");
}

TEST(tx_left, "vser_tx tells how many bytes are left")
{
	struct pair pair;

	set_attr(1, "fifo", "16");
	pair = open_pair(O_RDWR);
	trace("vser_tx");
	write_row(pair.a, 0, 20);
	check_traced("vser_tx: line=0 bytes=16 queued=4\n");
	read_row(pair.b, 0, 16);
	check_traced("vser_tx: line=0 bytes=16 queued=4\n"
		     "vser_tx: line=0 bytes=4 queued=0\n");
}

TEST(rx, "vser_rx tells how many bytes a line has received, and has to read")
{
	struct pair pair = open_pair(O_RDWR);

	trace("vser_rx");
	write_row(pair.a, 0, 7);
	write_row(pair.a, 7, 3);
	write_row(pair.b, 0, 1);
	check_traced("vser_rx: line=1 bytes=7 queued=7\n"
		     "vser_rx: line=1 bytes=3 queued=10\n"
		     "vser_rx: line=0 bytes=1 queued=1\n");
}

TEST(drop_full, "vser_drop tells how many bytes found no room")
{
	int fd = open_small_loopback();

	trace("vser_drop");
	write_row(fd, 0, 16);
	check_traced("");
	write_row(fd, 16, 4);
	check_traced("vser_drop: line=0 bytes=4 queued=16\n");
}

TEST(drop_closed, "vser_drop tells how many bytes came to a closed line")
{
	struct pair pair = open_pair(O_RDWR);

	set_attr(0, "flow", "none");
	close(pair.b);
	trace("vser_drop");
	write_row(pair.a, 0, 9);
	check_traced("vser_drop: line=1 bytes=9 queued=0\n");
}

TEST(modem, "vser_modem tells how the modem lines are, and which have changed")
{
	struct pair pair = open_pair(O_RDWR);

	trace("vser_modem");
	set_modem(pair.a, TIOCMBIC, TIOCM_RTS);
	set_modem(pair.a, TIOCMBIC, TIOCM_RTS);
	set_modem(pair.b, TIOCMBIS, TIOCM_OUT1);
	set_modem(pair.a, TIOCMSET, TIOCM_RTS);
	close(pair.b);
	check_traced("vser_modem: line=1 inputs=DSR|DCD changed=CTS\n"
		     "vser_modem: line=0 inputs=CTS|DSR|RI|DCD changed=RI\n"
		     "vser_modem: line=1 inputs=CTS changed=CTS|DSR|DCD\n"
		     "vser_modem: line=0 inputs= changed=CTS|DSR|RI|DCD\n");
}

TEST(wire, "vser_wire tells how a line was wired, and to which")
{
	trace("vser_wire");
	wire_line(0, "loopback");
	wire_line(0, "loopback");
	wire_line(0, "nullmodem:vser1");
	wire_line(1, "generator");
	check_traced("vser_wire: line=0 type=loopback to=0\n"
		     "vser_wire: line=1 type=nullmodem to=0\n"
		     "vser_wire: line=0 type=nullmodem to=1\n"
		     "vser_wire: line=0 type=unplugged to=-1\n"
		     "vser_wire: line=1 type=generator to=-1\n");
}

/* The one vser_timer there is has this before and after its late_ns. */
static void check_timer(const char *before, const char *after)
{
	const char *at;
	char *end;

	WAIT_UNTIL(*traced());
	at = traced();
	printf("# %s", at);
	CHECK(!strncmp(at, before, strlen(before)));
	strtoull(at + strlen(before), &end, 10);
	CHECK(!strncmp(end, after, strlen(after)));
}

TEST(timer_out, "vser_timer tells that what a line sends was handed on")
{
	int fd = open_loopback(O_RDWR);

	set_attr(0, "pacing", "1");
	trace("vser_timer");
	write_row(fd, 0, 1);
	read_row(fd, 0, 1);
	check_timer("vser_timer: line=0 wire=out late_ns=", " busy=0\n");
	sleep_ms(50);
	CHECK(!strstr(strchr(traced(), '\n'), "vser_timer"));
}

TEST(timer_in, "vser_timer tells that the generator of a line has sent")
{
	set_attr(1, "period_ns", "200000000");
	trace("vser_timer");
	open_nth(1, O_RDONLY);
	check_timer("vser_timer: line=1 wire=in late_ns=", " busy=1\n");
}

TEST(timer_idle, "there is no vser_timer while nothing moves, or without pacing")
{
	int fd = open_loopback(O_RDWR);

	trace("vser_timer");
	write_row(fd, 0, 1000);
	read_row(fd, 0, 1000);
	set_attr(0, "pacing", "1");
	sleep_ms(50);
	check_traced("");
}

/* Filters */

TEST(filter_line, "a filter can choose one line of all events")
{
	struct pair pair = open_pair(O_RDWR);

	trace("");
	set_tracing("events/vser/filter", "line == 1");
	write_row(pair.a, 0, 7);
	close(pair.a);
	check_traced("vser_rx: line=1 bytes=7 queued=7\n"
		     "vser_modem: line=1 inputs= changed=CTS|DSR|DCD\n");
}

TEST(filter_fields, "each event can be filtered by each of its fields")
{
	static const struct {
		const char *event;
		const char *filter;
	} rows[] = {
		{ "vser_open",	"line == 0 && openers == 1 && readers > 0" },
		{ "vser_close",	"line == 0 && openers == 0 && readers < 1" },
		{ "vser_tx",	"line == 0 && bytes > 4 && queued == 0" },
		{ "vser_rx",	"line == 0 && bytes > 4 && queued != 0" },
		{ "vser_drop",	"line == 0 && bytes == 4 && queued == 16" },
		{ "vser_modem",	"line == 0 && inputs & 0x20 && changed & 0x20" },
		{ "vser_wire",	"line == 0 && type == 2 && to == 0" },
		{ "vser_timer",	"line == 0 && in == 0 && late_ns >= 0 && busy == 0" },
	};
	char file[60], name[40];
	const char *all;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].filter);
		trace(rows[i].event);
		snprintf(file, sizeof(file), "events/vser/%s/filter",
			 rows[i].event);
		set_tracing(file, rows[i].filter);

		fd = open_small_loopback();
		write_row(fd, 0, 20);
		read_row(fd, 0, 16);
		set_attr(0, "pacing", "1");
		write_row(fd, 0, 1);
		read_row(fd, 0, 1);
		close(fd);
		wire_line(0, "open");

		snprintf(name, sizeof(name), "%s: ", rows[i].event);
		WAIT_UNTIL(*(all = traced()));
		CHECK(!strncmp(all, name, strlen(name)));
	}
}

TEST(filter_wrong, "a filter by a field that no event has is EINVAL")
{
	trace("vser_tx");
	CHECK_EQ(try_tracing("events/vser/vser_tx/filter", "speed == 1"),
		 EINVAL);
}
