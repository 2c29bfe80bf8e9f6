// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl - show vser's lines, and run its laboratories
 *
 * Here are the commands.
 */
#include <argp.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "vserctl.h"

static const struct command commands[] = {
	{ "info", "what is loaded: interface, lines, laboratories", info_command },
	{ "line", "the settings, state and counters of a line", line_command },
	{ "mem", "the memory laboratory", mem_command },
	{ "io", "the hardware laboratory", io_command },
	{ }
};

static const struct command_group all_commands = {
	.purpose = "Show vser's virtual serial lines, and run its laboratories.",
	.details = "\"vserctl COMMAND --help\" explains a command; the manual page "
		   "is vserctl(8).",
	.commands = commands,
};

int main(int argc, char **argv)
{
	int status;

	argp_err_exit_status = EXIT_USAGE;
	/* No remark on short options below each list; a user's wish comes first. */
	setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
	/* By whatever path it was called, this is what it is. */
	argv[0] = (char *)"vserctl";
	status = run_command(&all_commands, argc, argv);
	if (fflush(stdout) || ferror(stdout))
		err(EXIT_FAILURE, "standard output");
	return status;
}
