// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl - finds a command by its name, and runs it; see vserctl.h
 */
#include <argp.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vserctl.h"

static const struct command *find_command(const struct command *command,
					  const char *name)
{
	for (; command->name; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

struct dispatch {
	const struct command_group *group;
	const struct command *command;
	int first;	/* index of the command's name in argv */
};

static error_t parse_command(int key, char *arg, struct argp_state *state)
{
	struct dispatch *dispatch = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		dispatch->command = find_command(dispatch->group->commands, arg);
		if (!dispatch->command)
			argp_error(state, "there is no command \"%s\"", arg);
		/* What follows is the command's. */
		dispatch->first = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Puts the list of commands between what the group says of itself. */
static char *help_text(int key, const char *text, void *input)
{
	const struct dispatch *dispatch = input;
	const struct command *command;
	char *list = NULL;
	size_t size;
	FILE *out;

	if (key != ARGP_KEY_HELP_POST_DOC || !dispatch)
		return (char *)text;
	out = open_memstream(&list, &size);
	if (!out)
		err(EXIT_FAILURE, "help");
	fputs("Commands:\n", out);
	for (command = dispatch->group->commands; command->name; command++)
		fprintf(out, "  %-10s %s\n", command->name, command->summary);
	fprintf(out, "\n%s", text);
	if (fclose(out))
		err(EXIT_FAILURE, "help");
	return list;
}

int run_command(const struct command_group *group, int argc, char **argv)
{
	struct dispatch dispatch = { .group = group };
	struct argp argp = {
		.parser = parse_command,
		.args_doc = "COMMAND [ARGUMENT...]",
		.help_filter = help_text,
	};
	char *doc, *way;

	/* argp cuts its text at a vertical tab: before and after the options. */
	if (asprintf(&doc, "%s\v%s", group->purpose, group->details) < 0)
		err(EXIT_FAILURE, "help");
	argp.doc = doc;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &dispatch);
	free(doc);

	if (asprintf(&way, "%s %s", argv[0], dispatch.command->name) < 0)
		err(EXIT_FAILURE, "%s", dispatch.command->name);
	argv[dispatch.first] = way;
	return dispatch.command->run(argc - dispatch.first,
				     argv + dispatch.first);
}
