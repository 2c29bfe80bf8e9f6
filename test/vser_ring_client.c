// SPDX-License-Identifier: GPL-2.0
/*
 * vser_ring_client - a small program that uses the rings of a vser line
 *
 * Sends what it reads from standard input, and writes to standard output what
 * it receives. Bytes go to the line and come from it without a system call;
 * there is one of them to wait, which moves the bytes of both rings, too.
 *
 * Usage: vser_ring_client LINE COUNT
 * It ends when all of its input has been sent, and COUNT bytes were received.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/ring.h"

#define RING_SIZE	65536

static void fail(const char *what)
{
	error(EXIT_FAILURE, errno, "%s", what);
}

/* What was read from standard input and is not yet in the tx ring. */
static struct {
	char bytes[4096];
	size_t from;
	size_t to;
	bool ended;
} input;

static void read_input(void)
{
	ssize_t n = read(STDIN_FILENO, input.bytes, sizeof(input.bytes));

	if (n < 0)
		fail("standard input");
	input.from = 0;
	input.to = n;
	input.ended = !n;
}

static void send_input(struct ring *ring)
{
	input.from += ring_put(ring, input.bytes + input.from,
			       input.to - input.from);
}

/* Returns how many bytes there were. */
static size_t receive(struct ring *ring)
{
	static char bytes[RING_SIZE];
	size_t n = ring_get(ring, bytes, sizeof(bytes));
	size_t done;
	ssize_t written;

	for (done = 0; done < n; done += written) {
		written = write(STDOUT_FILENO, bytes + done, n - done);
		if (written < 0)
			fail("standard output");
	}

	return n;
}

/* Sends and receives until there is no more input and @count bytes have come. */
static void run(int line, struct ring *ring, unsigned long count)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = line },
	};
	unsigned long received = 0;
	bool waiting;

	while (!input.ended || received < count) {
		/* A new piece of input when the last one is in the ring. */
		waiting = input.from < input.to;
		fds[0].fd = waiting || input.ended ? -1 : STDIN_FILENO;
		/* Room in the ring only if there is something to put there. */
		fds[1].events = waiting ? POLLIN | POLLOUT : POLLIN;
		if (poll(fds, 2, -1) < 0)
			fail("poll");
		if (fds[1].revents & POLLERR)
			error(EXIT_FAILURE, 0, "the indices are impossible");

		if (fds[0].revents)
			read_input();
		send_input(ring);
		received += receive(ring);
	}
}

int main(int argc, char **argv)
{
	struct ring ring;
	int line;

	if (argc != 3)
		error(EXIT_FAILURE, 0, "usage: %s LINE COUNT", argv[0]);

	/* Memory that is shared can be written only through such a descriptor. */
	line = open(argv[1], O_RDWR);
	if (line < 0)
		fail(argv[1]);
	if (ring_open(&ring, line, RING_SIZE, RING_SIZE))
		fail("no rings");

	run(line, &ring, strtoul(argv[2], NULL, 10));
	/* What is in the tx ring is sent first. */
	if (fsync(line))
		fail("fsync");

	return EXIT_SUCCESS;
}
