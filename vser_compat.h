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

#include <linux/hrtimer.h>
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

#endif /* VSER_COMPAT_H */
