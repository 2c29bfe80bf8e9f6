// SPDX-License-Identifier: GPL-2.0
/*
 * vser_client - a small program that uses a vser line
 *
 * Shows how a program talks to /dev/vser: speed and frame format by ioctl,
 * waiting with poll, being told by SIGIO. Each command is one function.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vser.h"

static const char parity_letters[] = "NOEMS";

/* How a command opens the line; 3 is control-only, see vser.h. */
#define CONTROL_ONLY	3

static int open_line(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		error(EXIT_FAILURE, errno, "%s", path);

	return fd;
}

static unsigned long parse_number(const char *text, unsigned long max)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || number > max)
		error(EXIT_FAILURE, 0, "not a number up to %lu: %s", max, text);

	return number;
}

/* "8N1": data bits, parity letter, stop bits. The driver checks the range. */
static struct vser_format parse_format(const char *text)
{
	const char *letter = NULL;
	struct vser_format fmt;

	if (strlen(text) == 3)
		letter = strchr(parity_letters, text[1]);
	if (!letter)
		error(EXIT_FAILURE, 0, "not a frame format, as 8N1: %s", text);

	fmt.datab = text[0] - '0';
	fmt.parity = letter - parity_letters;
	fmt.stopb = text[2] - '0';

	return fmt;
}

static void print_settings(int fd)
{
	struct vser_format fmt;
	__u32 baud;

	if (ioctl(fd, VS_GET_BAUD, &baud))
		error(EXIT_FAILURE, errno, "VS_GET_BAUD");
	if (ioctl(fd, VS_GET_FMT, &fmt))
		error(EXIT_FAILURE, errno, "VS_GET_FMT");

	printf("%u baud, %u%c%u\n", baud, fmt.datab,
	       parity_letters[fmt.parity], fmt.stopb);
}

static void cmd_get(const char *path, char **args)
{
	(void)args;
	print_settings(open_line(path, CONTROL_ONLY));
}

static void cmd_set(const char *path, char **args)
{
	struct vser_format fmt = parse_format(args[1]);
	__u32 baud = parse_number(args[0], UINT_MAX);
	int fd = open_line(path, CONTROL_ONLY);

	if (ioctl(fd, VS_SET_BAUD, &baud))
		error(EXIT_FAILURE, errno, "VS_SET_BAUD %u", baud);
	if (ioctl(fd, VS_SET_FMT, &fmt))
		error(EXIT_FAILURE, errno, "VS_SET_FMT %s", args[1]);

	print_settings(fd);
}

static void cmd_poll(const char *path, char **args)
{
	int timeout = parse_number(args[0], INT_MAX);
	struct pollfd pfd = { .events = POLLIN };
	char letter;
	int ready;

	pfd.fd = open_line(path, O_RDONLY | O_NONBLOCK);
	ready = poll(&pfd, 1, timeout);
	if (ready < 0)
		error(EXIT_FAILURE, errno, "poll");
	if (!ready) {
		printf("nothing within %d ms\n", timeout);
		return;
	}
	if (read(pfd.fd, &letter, 1) != 1)
		error(EXIT_FAILURE, errno, "read");
	printf("readable: '%c'\n", letter);
}

static void cmd_sigio(const char *path, char **args)
{
	unsigned long count = parse_number(args[0], UINT_MAX);
	siginfo_t info;
	sigset_t set;
	char letter;
	int fd;

	/* Blocked, the signal waits for sigwaitinfo(); it carries the event. */
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);

	fd = open_line(path, O_RDONLY | O_NONBLOCK);
	if (fcntl(fd, F_SETOWN, getpid()) || fcntl(fd, F_SETSIG, SIGRTMIN) ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC))
		error(EXIT_FAILURE, errno, "fcntl");

	while (count) {
		if (sigwaitinfo(&set, &info) < 0)
			error(EXIT_FAILURE, errno, "sigwaitinfo");
		if (info.si_code != POLL_IN)
			continue;
		while (count && read(fd, &letter, 1) == 1) {
			printf("signal, POLL_IN: '%c'\n", letter);
			count--;
		}
	}
}

static const struct command {
	const char *name;
	unsigned int args;
	void (*run)(const char *path, char **args);
} commands[] = {
	{ "get",	0,	cmd_get },
	{ "set",	2,	cmd_set },
	{ "poll",	1,	cmd_poll },
	{ "sigio",	1,	cmd_sigio },
};

static const char doc[] =
	"Uses a vser line.\v"
	"get               print speed and frame format\n"
	"set BAUD FORMAT   set them, as in: set 9600 8O1\n"
	"poll MS           wait up to MS milliseconds for a byte, and read it\n"
	"sigio COUNT       read COUNT bytes, each when a signal tells of it";

static const struct argp_option options[] = {
	{ "device", 'd', "PATH", 0, "the line (default: /dev/vser)", 0 },
	{ 0 }
};

struct arguments {
	const char *device;
	char **command;
	unsigned int words;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'd':
		arguments->device = arg;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->command = state->argv + state->next;
		arguments->words = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_option, "COMMAND [ARG...]", doc, NULL, NULL, NULL
	};
	struct arguments arguments = { .device = "/dev/vser" };
	size_t i;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(arguments.command[0], commands[i].name))
			continue;
		if (arguments.words != commands[i].args + 1)
			error(EXIT_FAILURE, 0, "%s takes %u arguments, see --help",
			      commands[i].name, commands[i].args);
		commands[i].run(arguments.device, arguments.command + 1);
		return EXIT_SUCCESS;
	}
	error(EXIT_FAILURE, 0, "no such command: %s", arguments.command[0]);
}
