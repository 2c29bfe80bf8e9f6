// SPDX-License-Identifier: GPL-2.0
/*
 * Have the emulator tell each instruction that moving bytes takes, for
 * test/bench/profile, which says where they go: rounds of one byte there and back, or
 * blocks from one process to another, in the pace that they find in the long run.
 *
 * Usage: profile pipe|plain_fifo|nullmodem|loopback trip|SIZE ROUNDS
 * The third serial port is the emulator's monitor; see run --monitor.
 */
#define _GNU_SOURCE

#include <limits.h>
#include <stdbool.h>
#include <termios.h>

#include "channel.h"

#define MONITOR		"/dev/ttyS2"
/*
 * Whatever the port said before we had it ends with a line of its own. The second
 * command and the last are for QEMU from 8.1 on, the first and the last but one for
 * those before.
 */
#define START		"\nsinglestep on\none-insn-per-tb on\nlog exec\n" \
			"info status\ninfo jit\n"
#define STOP		"log none\n"
#define PATIENCE	2000		/* rounds that it may take to answer */
#define MAX_STARTS	20
#define MANY_TRIPS	20000
#define MANY_BYTES	(32 << 20)
#define MANY_BLOCKS	32768

/* Found by name in what the emulator tells: it is called before each round. */
__attribute__((noinline, noipa)) void mark_round(void)
{
	__asm__ volatile("");
}

static int open_monitor(void)
{
	int fd = open(MONITOR, O_RDWR | O_NOCTTY | O_NONBLOCK);
	struct termios raw;

	if (fd < 0 || tcgetattr(fd, &raw))
		fail(MONITOR);
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSANOW, &raw))
		fail(MONITOR);

	return fd;
}

static void tell_monitor(int fd, const char *commands)
{
	if (write(fd, commands, strlen(commands)) != (ssize_t)strlen(commands))
		fail(MONITOR);
}

/*
 * Has the monitor done what START asks for? Does not wait: who sleeps is let go first
 * afterwards, and that would be measured.
 */
static bool monitor_is_done(int fd)
{
	static char said[65536];	/* it redraws the line for each letter */
	static size_t n;
	ssize_t more;

	more = read(fd, said + n, sizeof(said) - 1 - n);
	if (more <= 0)
		return false;
	n += more;
	said[n] = '\0';
	if (n == sizeof(said) - 1)
		error(EXIT_FAILURE, 0, MONITOR ": it says too much");

	return strstr(said, "single step mode") || strstr(said, "one-insn-per-tb: on");
}

static struct ends make_channel(const char *name, struct ends *back)
{
	struct ends there;

	if (!strcmp(name, "pipe")) {
		*back = make_pipe();
		return make_pipe();
	}
	if (!strcmp(name, "plain_fifo"))
		there = make_plain_fifo();
	else if (!strcmp(name, "nullmodem"))
		there = make_nullmodem();
	else if (!strcmp(name, "loopback"))
		there = make_loopback();
	else
		error(2, 0, "%s: no channel that is known", name);
	*back = (struct ends) { there.reader, there.writer };

	return there;
}

/* One byte or block to the other process; if it answers, the answer. */
static void go_round(int writer, int reader, size_t size)
{
	write_all(writer, size);
	if (reader >= 0)
		read_all(reader, size);
}

int main(int argc, char **argv)
{
	struct ends there, back;
	bool trip;
	unsigned long size, rounds, before, i;
	pid_t child;
	int monitor;

	if (argc != 4)
		error(2, 0, "usage: profile CHANNEL trip|SIZE ROUNDS");
	trip = !strcmp(argv[2], "trip");
	size = trip ? 1 : strtoul(argv[2], NULL, 10);
	rounds = strtoul(argv[3], NULL, 10);
	if (!size || size > MAX_BLOCK || !rounds || rounds > INT_MAX)
		error(2, 0, "SIZE is 1 to %d, ROUNDS at least 1", MAX_BLOCK);

	monitor = open_monitor();
	there = make_channel(argv[1], &back);
	child = fork_other();
	if (!child) {
		for (;;) {
			read_all(there.reader, size);
			if (trip)
				write_all(back.writer, size);
		}
	}

	if (trip)
		before = MANY_TRIPS;
	else
		before = MANY_BYTES / size < MANY_BLOCKS ? MANY_BYTES / size : MANY_BLOCKS;
	for (i = 0; i < before || !monitor_is_done(monitor); i++) {
		if (i >= before + MAX_STARTS * PATIENCE)
			error(EXIT_FAILURE, 0, "the emulator does not go step by step");
		if (i >= before && (i - before) % PATIENCE == 0)
			tell_monitor(monitor, START);
		go_round(there.writer, trip ? back.reader : -1, size);
	}
	for (i = 0; i < rounds; i++) {
		mark_round();
		go_round(there.writer, trip ? back.reader : -1, size);
	}
	mark_round();
	tell_monitor(monitor, STOP);
	/* Until the monitor has done that. */
	sleep(1);

	return 0;
}
