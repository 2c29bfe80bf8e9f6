// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl - what a long run is at; see progress.h
 */
#include <stdio.h>
#include <unistd.h>

#include "progress.h"

/* Back to the start of the line, and clear to its end. */
#define ERASE_LINE	"\r\033[K"

void progress(size_t done, size_t total, const char *what)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, ERASE_LINE "%zu of %zu: %s", done, total, what);
}

void progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fputs(ERASE_LINE, stderr);
}
