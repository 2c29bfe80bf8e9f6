/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vserctl - arguments of options
 */
#ifndef ARGS_H
#define ARGS_H

#include <argp.h>

/*
 * A number from @min to @max; K, M and G after it mean 1024 and its powers.
 * Anything else ends the program, as a wrong command line does.
 */
unsigned long long parse_number(const struct argp_state *state,
				const char *what, const char *text,
				unsigned long long min, unsigned long long max);

#endif /* ARGS_H */
