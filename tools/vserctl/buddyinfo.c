// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl - /proc/buddyinfo; see buddyinfo.h
 *
 *	Node 0, zone    DMA32      3      1      4 ...
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buddyinfo.h"

#define PATH	"/proc/buddyinfo"

static void read_zone(struct buddyinfo *info, char *text)
{
	struct zone_blocks *zone = &info->zones[info->nr_zones];
	size_t order = 0;
	char *count, *rest;
	int start;

	if (info->nr_zones == MAX_ZONES)
		errx(EXIT_FAILURE, PATH ": more than %d zones", MAX_ZONES);
	if (sscanf(text, "Node %d, zone %15s%n", &zone->node, zone->zone,
		   &start) != 2)
		errx(EXIT_FAILURE, PATH ": cannot read \"%s\"", text);
	for (count = strtok_r(text + start, " \n", &rest);
	     count && order < MAX_ORDERS; count = strtok_r(NULL, " \n", &rest))
		zone->free[order++] = strtol(count, NULL, 10);
	info->nr_orders = order;
	info->nr_zones++;
}

void buddyinfo_read(struct buddyinfo *info)
{
	FILE *file = fopen(PATH, "re");
	char text[1024];

	if (!file)
		err(EXIT_FAILURE, PATH);
	memset(info, 0, sizeof(*info));
	while (fgets(text, sizeof(text), file))
		read_zone(info, text);
	fclose(file);
}

unsigned long long buddyinfo_free(const struct buddyinfo *info, size_t order)
{
	unsigned long long pages = 0;
	size_t zone, o;

	for (zone = 0; zone < info->nr_zones; zone++) {
		for (o = order; o < info->nr_orders; o++)
			pages += (unsigned long long)info->zones[zone].free[o] << o;
	}
	return pages * sysconf(_SC_PAGESIZE);
}
