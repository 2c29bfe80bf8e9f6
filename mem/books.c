// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - the books: what a file is charged, and how much there may be
 *
 * What is allocated for a caller is charged before it is allocated, by the most
 * that it can take, and what it did not take is given back afterwards.
 */
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "lab.h"

/*
 * Protects the books: of each file, of all files, and of each row. Process
 * context, innermost; held for arithmetic alone. One lock for all of them, since
 * a request is refused by any of them without a trace in the others.
 */
static DEFINE_SPINLOCK(mem_demo_books_lock);

static u64 mem_demo_held;

/* By allocator; only those with &mem_demo_row.most are counted. */
static unsigned int mem_demo_row_held[MEM_NR_ALLOCATORS + 1];

/* Does so much more fit? */
static bool mem_demo_fits(u64 held, u64 bytes, u64 quota)
{
	return held <= quota && bytes <= quota - held;
}

/* All of it or nothing. */
int mem_demo_charge(struct mem_demo_file *file, u64 bytes)
{
	int ret = -EDQUOT;

	spin_lock(&mem_demo_books_lock);
	if (mem_demo_fits(file->held, bytes, mem_demo_quota_file) &&
	    mem_demo_fits(mem_demo_held, bytes, mem_demo_quota_total)) {
		file->held += bytes;
		mem_demo_held += bytes;
		ret = 0;
	}
	spin_unlock(&mem_demo_books_lock);

	return ret;
}

void mem_demo_uncharge(struct mem_demo_file *file, u64 bytes)
{
	spin_lock(&mem_demo_books_lock);
	file->held -= bytes;
	mem_demo_held -= bytes;
	spin_unlock(&mem_demo_books_lock);
}

void mem_demo_read_books(struct mem_demo_file *file, u64 *held_file,
			 u64 *held_total)
{
	spin_lock(&mem_demo_books_lock);
	*held_file = file->held;
	*held_total = mem_demo_held;
	spin_unlock(&mem_demo_books_lock);
}

/* Of some allocators there may be only so many objects: all @n or none. */
int mem_demo_count(const struct mem_demo_row *row, unsigned int n)
{
	unsigned int *held = &mem_demo_row_held[row->id];
	int ret = 0;

	if (!row->most)
		return 0;

	spin_lock(&mem_demo_books_lock);
	if (mem_demo_fits(*held, n, row->most))
		*held += n;
	else
		ret = row->caps & MEM_CAP_SINGLE ? -EBUSY : -EDQUOT;
	spin_unlock(&mem_demo_books_lock);

	return ret;
}

void mem_demo_uncount(const struct mem_demo_row *row, unsigned int n)
{
	if (!row->most)
		return;

	spin_lock(&mem_demo_books_lock);
	mem_demo_row_held[row->id] -= n;
	spin_unlock(&mem_demo_books_lock);
}
