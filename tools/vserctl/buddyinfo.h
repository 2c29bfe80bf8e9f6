/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vserctl - /proc/buddyinfo: how many free blocks there are of each order
 */
#ifndef BUDDYINFO_H
#define BUDDYINFO_H

#include <stddef.h>

#define MAX_ZONES	64
#define MAX_ORDERS	32

struct zone_blocks {
	int node;
	char zone[16];
	long free[MAX_ORDERS];
};

struct buddyinfo {
	struct zone_blocks zones[MAX_ZONES];
	size_t nr_zones;
	size_t nr_orders;
};

/* Takes what the file says now; exits with a sentence if it cannot. */
void buddyinfo_read(struct buddyinfo *info);

/* The memory that is free in blocks of @order and larger, in bytes. */
unsigned long long buddyinfo_free(const struct buddyinfo *info, size_t order);

#endif /* BUDDYINFO_H */
