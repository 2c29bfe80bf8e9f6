/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vser - what older kernels lack
 *
 * The sources are written against the newest kernel; this file alone knows of
 * others. Each entry says what changed it and when it can go. VSER_HAVE_* are
 * probes of the kernel's headers, made in Kbuild: distribution kernels carry
 * newer interfaces than their version tells.
 */
#ifndef VSER_COMPAT_H
#define VSER_COMPAT_H

#include <linux/device.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>
#include <linux/uio.h>
#include <linux/version.h>

/*
 * hrtimer_setup() took the place of hrtimer_init() and the open assignment of
 * the function in v6.13. Can go when v6.12 is no longer supported.
 */
#ifndef VSER_HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/*
 * kthread_run_worker() took over the name and the work of kthread_create_worker() in
 * v6.14. Can go when v6.12 is no longer supported.
 */
#ifndef kthread_run_worker
#define kthread_run_worker	kthread_create_worker
#endif

/*
 * lockdep_assert_not_held() came with v5.13. Can go when v5.12 is no longer supported.
 */
#ifndef lockdep_assert_not_held
#define lockdep_assert_not_held(lock)	((void)(lock))
#endif

/*
 * class_create() lost its first argument, the module, in v6.4 (commit
 * 1aaba11da9aa), and is no macro since then. Can go when v6.3 is no longer
 * supported.
 */
#ifdef class_create
static inline struct class *vser_compat_class_create(const char *name)
{
	return class_create(THIS_MODULE, name);
}

#undef class_create
#define class_create	vser_compat_class_create
#endif

/*
 * class.devnode takes a const device since v6.2 (commit ff62b8e6588f). Can go
 * when v6.1 is no longer supported.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define vser_devnode_device	const struct device
#else
#define vser_devnode_device	struct device
#endif

/*
 * copy_splice_read() took over in v6.5 from generic_file_splice_read(), which
 * does the same for a device. Can go when v6.4 is no longer supported.
 */
#ifndef VSER_HAVE_COPY_SPLICE_READ
#define copy_splice_read	generic_file_splice_read
#endif

/*
 * user_backed_iter() came in v6.0 (commit fcb14cb1bdac), with ITER_UBUF. Can go
 * when v5.19 is no longer supported.
 */
#ifndef VSER_HAVE_USER_BACKED_ITER
static inline bool user_backed_iter(const struct iov_iter *i)
{
	return iter_is_iovec(i);
}
#endif

/*
 * fault_in_iov_iter_readable() and fault_in_iov_iter_writeable() came in v5.16
 * (commits a6294593e8a1 and cdd591fc86e3). They return how many bytes are missing.
 * Can go when v5.15 is no longer supported.
 */
#ifndef VSER_HAVE_FAULT_IN_IOV_ITER
static inline int vser_fault_in_page(unsigned long addr, unsigned int flags)
{
	bool unlocked;
	int ret;

	mmap_read_lock(current->mm);
	ret = fixup_user_fault(current->mm, addr, flags, &unlocked);
	mmap_read_unlock(current->mm);

	return ret;
}

static inline size_t vser_fault_in_iov(const struct iov_iter *i, size_t size,
				       unsigned int flags)
{
	const struct iovec *iov = i->iov;
	size_t skip = i->iov_offset, len, part;
	unsigned long addr;

	for (; size; iov++, skip = 0) {
		addr = (unsigned long)iov->iov_base + skip;
		len = min(iov->iov_len - skip, size);
		for (; len; len -= part, size -= part, addr += part) {
			part = min_t(size_t, len, PAGE_SIZE - offset_in_page(addr));
			if (vser_fault_in_page(addr, flags))
				return size;
		}
	}

	return 0;
}

static inline size_t fault_in_iov_iter_readable(const struct iov_iter *i,
						size_t size)
{
	return vser_fault_in_iov(i, size, 0);
}

static inline size_t fault_in_iov_iter_writeable(const struct iov_iter *i,
						 size_t size)
{
	return vser_fault_in_iov(i, size, FAULT_FLAG_WRITE);
}
#endif

/*
 * The largest order of a block of pages: MAX_ORDER was one more until v6.4
 * (commit 23baf831a32c), then the same, and got this name in v6.8 (commit
 * 5e0a760b4441). Can go when v6.7 is no longer supported.
 */
#ifndef MAX_PAGE_ORDER
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define MAX_PAGE_ORDER	MAX_ORDER
#else
#define MAX_PAGE_ORDER	(MAX_ORDER - 1)
#endif
#endif

/*
 * A VMA's flags are changed by functions since v6.3 (commit bc292ab00f6c). Can go
 * when v6.2 is no longer supported.
 */
#ifndef VSER_HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/*
 * Pages that are charged to a memory control group can be mapped into user space
 * since v5.11 (commit 18b2db3b0385). Can go when v5.10 is no longer supported.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
#define VSER_GFP_MAPPABLE	GFP_KERNEL_ACCOUNT
#else
#define VSER_GFP_MAPPABLE	GFP_KERNEL
#endif

/*
 * kmap_local_page() came in v5.11 (commit f3ba3c710ac5). What was there before
 * needs the same nesting, and that nobody sleeps in between. Can go when v5.10 is
 * no longer supported.
 */
#ifndef VSER_HAVE_KMAP_LOCAL_PAGE
#define kmap_local_page(page)	kmap_atomic(page)
#define kunmap_local(address)	kunmap_atomic(address)
#endif

/*
 * Workqueues say that they are per CPU since v6.17 (commit 930c2ea566af); until
 * then all were that did not say otherwise. Can go when v6.16 is no longer
 * supported.
 */
#ifndef VSER_HAVE_WQ_PERCPU
#define WQ_PERCPU	0
#endif

/*
 * A flag against merging caches is there since v6.5 (commit d0bf7d5759c1). Can go
 * when v6.4 is no longer supported.
 */
#ifdef SLAB_NO_MERGE
#define VSER_SLAB_NO_MERGE	SLAB_NO_MERGE
#else
#define VSER_SLAB_NO_MERGE	0
#endif

/*
 * vmalloc() takes GFP_NOIO, GFP_NOFS and __GFP_RETRY_MAYFAIL since v5.17 (commits
 * 451769ebb7e7 and 30d3f01191d3). Can go when v5.16 is no longer supported.
 */
#define VSER_VMALLOC_TAKES_NOIO	(LINUX_VERSION_CODE >= KERNEL_VERSION(5, 17, 0))

/*
 * __vmalloc() warns of __GFP_RETRY_MAYFAIL since v6.19 (commit 07003531e03c), and
 * took it again later (commit 3caedb3b99ea). Can go when v7.1 is no longer
 * supported.
 */
#define VSER_VMALLOC_TAKES_RETRY (LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0) || \
				  LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0))

/*
 * vmalloc() and what kvmalloc() falls back to do not sleep with GFP_ATOMIC and
 * GFP_NOWAIT since v6.19; until then their page tables were allocated with
 * GFP_KERNEL, whatever the flags. No header tells. Can go when v6.18 is no longer
 * supported.
 */
#define VSER_VMALLOC_TAKES_ATOMIC (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0))

/*
 * pcim_iomap_region() took over in v6.11 (commit acc2364fe661) from
 * pcim_iomap_regions() with its table. Can go when v6.10 is no longer supported.
 */
#ifndef VSER_HAVE_PCIM_IOMAP_REGION
static inline void __iomem *pcim_iomap_region(struct pci_dev *pdev, int bar,
					      const char *name)
{
	int ret = pcim_iomap_regions(pdev, BIT(bar), name);

	return ret ? IOMEM_ERR_PTR(ret) : pcim_iomap_table(pdev)[bar];
}
#endif

/*
 * PCI_IRQ_LEGACY got this name in v6.8 (commit 58ff9c5acb4a). Can go when v6.7 is
 * no longer supported.
 */
#ifndef PCI_IRQ_INTX
#define PCI_IRQ_INTX	PCI_IRQ_LEGACY
#endif

/*
 * is_swiotlb_force_bounce() came in v5.15 (commit 903cd0f315fe). Until then swiotlb=force shows in
 * this size alone. Can go when v5.14 is no longer supported.
 */
#ifndef VSER_HAVE_SWIOTLB_FORCE_BOUNCE
static inline bool is_swiotlb_force_bounce(struct device *dev)
{
	return swiotlb_max_segment() == 1;
}
#endif

/*
 * Since v5.17 (commit 1a3c7bb08826) what serves power management alone needs no
 * #ifdef and no __maybe_unused. Stable releases of older kernels have it too, but
 * not all alike: with some, DEFINE_SIMPLE_DEV_PM_OPS() is static of itself. Can go
 * when v5.16 is no longer supported.
 */
#ifndef SYSTEM_SLEEP_PM_OPS
#define SYSTEM_SLEEP_PM_OPS(suspend_fn, resume_fn)			\
	.suspend = suspend_fn, .resume = resume_fn,			\
	.freeze = suspend_fn, .thaw = resume_fn,			\
	.poweroff = suspend_fn, .restore = resume_fn,
#endif
#ifndef pm_sleep_ptr
#define pm_sleep_ptr(ptr)	(ptr)
#endif

#endif /* VSER_COMPAT_H */
