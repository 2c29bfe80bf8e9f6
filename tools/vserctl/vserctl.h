/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vserctl - what its parts share
 *
 * main.c knows the commands; each file beside it is one of them, or a few that
 * belong together. A command that has commands of its own ("vserctl mem show")
 * is a command_group again.
 */
#ifndef VSERCTL_H
#define VSERCTL_H

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* Exit statuses, besides 0. */
#define EXIT_USAGE		2	/* the command line is wrong */

/**
 * struct command - a command, by its name
 * @name:    as typed
 * @summary: what it does, in a few words; for the list of commands
 * @run:     does it. argv[0] is the whole way to it, as "vserctl mem show".
 *           Returns the exit status; may also exit, since all that a process
 *           has in the kernel goes with it.
 */
struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
};

/**
 * struct command_group - commands under one name
 * @purpose:  what they are for: the first paragraphs of --help
 * @details:  what follows the list of commands in --help
 * @commands: ends with a name of NULL
 */
struct command_group {
	const char *purpose;
	const char *details;
	const struct command *commands;
};

/* command.c */

/* Runs the command that argv[1] names. */
int run_command(const struct command_group *group, int argc, char **argv);

/* line.c */
int info_command(int argc, char **argv);
int line_command(int argc, char **argv);

/* mem.c */
int mem_command(int argc, char **argv);

/* io.c */
int io_command(int argc, char **argv);

#endif /* VSERCTL_H */
