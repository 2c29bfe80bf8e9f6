// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - a walk through the page tables
 *
 * The walk starts at a process's top-level table. On x86-64 its upper half is
 * the kernel's, the same in every process, so that kernel addresses are found
 * there too: init_mm, which would be the other way to them, is not for modules.
 * Other architectures keep the two apart, and have no walk here.
 */
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "lab.h"

#ifdef CONFIG_X86_64

#include <asm/cpufeature.h>

unsigned int mem_walk_levels(void)
{
	return pgtable_l5_enabled() ? 5 : 4;
}

/* An entry's bits; the tables above the last have MEM_ENTRY_LEAF, not PAT, at 7. */
static u32 mem_walk_flags(u64 value, u32 level)
{
	static const struct {
		u64 bit;
		u32 flag;
	} bits[] = {
		{ _PAGE_PRESENT,	MEM_ENTRY_PRESENT },
		{ _PAGE_RW,		MEM_ENTRY_WRITE },
		{ _PAGE_USER,		MEM_ENTRY_USER },
		{ _PAGE_PWT,		MEM_ENTRY_WRITETHROUGH },
		{ _PAGE_PCD,		MEM_ENTRY_NOCACHE },
		{ _PAGE_ACCESSED,	MEM_ENTRY_ACCESSED },
		{ _PAGE_DIRTY,		MEM_ENTRY_DIRTY },
		{ _PAGE_GLOBAL,		MEM_ENTRY_GLOBAL },
		{ _PAGE_SPECIAL,	MEM_ENTRY_SPECIAL },
		{ _PAGE_NX,		MEM_ENTRY_NOEXEC },
	};
	bool leaf = level == MEM_LEVEL_PTE || (value & _PAGE_PSE);
	u64 pat = level == MEM_LEVEL_PTE ? _PAGE_PAT : _PAGE_PAT_LARGE;
	u32 flags = 0;
	size_t i;

	/* Of an entry that is not present, the other bits mean something else. */
	if (!(value & _PAGE_PRESENT))
		return 0;

	for (i = 0; i < ARRAY_SIZE(bits); i++)
		if (value & bits[i].bit)
			flags |= bits[i].flag;
	if (leaf)
		flags |= MEM_ENTRY_LEAF;
	if (leaf && (value & pat))
		flags |= MEM_ENTRY_PAT;

	return flags;
}

static u32 mem_walk_note(struct mem_walk *walk, u32 level, u64 value, u32 index)
{
	struct mem_level *entry = &walk->level[walk->levels++];

	entry->value = value;
	entry->level = level;
	entry->flags = mem_walk_flags(value, level);
	entry->index = index;
	entry->reserved = 0;

	return entry->flags;
}

static void mem_walk_found(struct mem_walk *walk, u64 pfn, u64 size,
			   unsigned long addr)
{
	walk->physical = (pfn << PAGE_SHIFT) + (addr & (size - 1));
	walk->page_size = size;
	walk->flags |= MEM_WALK_PRESENT;
}

/*
 * May a table below those for @addr's gigabyte be freed while we read it?
 *
 * A table that goes is first taken out of the one above it, and is freed when no
 * CPU can still be using it. Of a process's tables that takes an interrupt to every
 * CPU or a grace period of RCU: both wait for a CPU that has its interrupts off
 * (get_user_pages_fast() stands on the same). Of the kernel's it takes a flush of
 * every TLB: an interrupt to every CPU, or since v6.15, on processors that can,
 * a broadcast, which waits for nobody. There, only tables that cannot go are read.
 * An area of vmalloc's or a module's holds its own, as long as it is mapped. In the
 * direct map, pages of one kind can become a large page again, and their table goes.
 */
static bool mem_walk_table_may_go(unsigned long addr)
{
#ifdef X86_FEATURE_INVLPGB
	return addr >= TASK_SIZE_MAX && virt_addr_valid((void *)addr) &&
	       boot_cpu_has(X86_FEATURE_INVLPGB);
#else
	return false;
#endif
}

/* Goes down from table to table; each entry is read once. Interrupts off. */
static void mem_walk_descend(struct mm_struct *mm, unsigned long addr,
			     struct mem_walk *walk)
{
	pgd_t pgd = READ_ONCE(*pgd_offset(mm, addr));
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;
	pte_t pte;
	u32 flags;

	flags = mem_walk_note(walk, MEM_LEVEL_PGD, pgd_val(pgd), pgd_index(addr));
	if (!(flags & MEM_ENTRY_PRESENT))
		return;

	/* With four levels this is the same entry once more. */
	p4d = READ_ONCE(*p4d_offset(&pgd, addr));
	flags = mem_walk_note(walk, MEM_LEVEL_P4D, p4d_val(p4d),
			      pgtable_l5_enabled() ? p4d_index(addr) : 0);
	if (!pgtable_l5_enabled())
		walk->level[walk->levels - 1].flags |= MEM_ENTRY_FOLDED;
	if (!(flags & MEM_ENTRY_PRESENT))
		return;

	pud = READ_ONCE(*pud_offset(&p4d, addr));
	flags = mem_walk_note(walk, MEM_LEVEL_PUD, pud_val(pud), pud_index(addr));
	if (flags & MEM_ENTRY_LEAF)
		mem_walk_found(walk, pud_pfn(pud), PUD_SIZE, addr);
	if (!(flags & MEM_ENTRY_PRESENT) || (flags & MEM_ENTRY_LEAF))
		return;
	if (mem_walk_table_may_go(addr)) {
		walk->flags |= MEM_WALK_STOPPED;
		return;
	}

	pmd = READ_ONCE(*pmd_offset(&pud, addr));
	flags = mem_walk_note(walk, MEM_LEVEL_PMD, pmd_val(pmd), pmd_index(addr));
	if (flags & MEM_ENTRY_LEAF)
		mem_walk_found(walk, pmd_pfn(pmd), PMD_SIZE, addr);
	if (!(flags & MEM_ENTRY_PRESENT) || (flags & MEM_ENTRY_LEAF))
		return;

	pte = READ_ONCE(*pte_offset_kernel(&pmd, addr));
	flags = mem_walk_note(walk, MEM_LEVEL_PTE, pte_val(pte), pte_index(addr));
	if (flags & MEM_ENTRY_PRESENT)
		mem_walk_found(walk, pte_pfn(pte), PAGE_SIZE, addr);
}

/*
 * Walks from @mm's top-level table to what maps @addr, and fills in levels,
 * physical, page_size, MEM_WALK_PRESENT and MEM_WALK_STOPPED of @walk, which are 0.
 * A kernel address is one of an object that the caller holds. With interrupts off,
 * no table that is read can go: see mem_walk_table_may_go().
 */
void mem_walk_tables(struct mm_struct *mm, unsigned long addr,
		     struct mem_walk *walk)
{
	unsigned long flags;

	local_irq_save(flags);
	mem_walk_descend(mm, addr, walk);
	local_irq_restore(flags);
}

#else /* !CONFIG_X86_64 */

unsigned int mem_walk_levels(void)
{
	return CONFIG_PGTABLE_LEVELS;
}

void mem_walk_tables(struct mm_struct *mm, unsigned long addr,
		     struct mem_walk *walk)
{
}

#endif /* CONFIG_X86_64 */
