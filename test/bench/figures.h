/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a bench tells: tables for people, or, with --json as its first argument, a
 * line of JSON for each figure. The lines of all benches make up one object, by
 * bench, row and column: {"ways": {"splice": {"pipe": 6.18}}}
 */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool json;

/* Takes it away from the other arguments. */
static inline void take_json(int *argc, char ***argv)
{
	json = *argc > 1 && !strcmp((*argv)[1], "--json");
	*argc -= json;
	*argv += json;
}

/* To people. */
static inline void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list arguments;

	if (json)
		return;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
}

/* To programs. */
static inline void figure(const char *bench, const char *row, const char *column,
			  double value)
{
	if (json)
		printf("{\"%s\": {\"%s\": {\"%s\": %.3f}}}\n", bench, row, column,
		       value);
}

#endif /* FIGURES_H */
