// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - what all operations begin and end with: the caller's rights, arguments
 * and locks
 */
#include <linux/capability.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/security.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "io/lab.h"
#include "io_demo.h"

/*
 * May the caller call at all? A program that drives a device that does DMA, or
 * touches ports and memory at its own choice, can do all that /dev/mem could: so
 * capability and lockdown are the same. The right may be lost while a descriptor is
 * open: hence this is asked at each call that reaches hardware, not at the first.
 */
int io_demo_allowed(void)
{
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;

	return security_locked_down(LOCKDOWN_DEV_MEM);
}

/* Takes in the argument of an operation. */
int io_demo_enter(void *data, const void __user *arg, size_t size)
{
	int ret = io_demo_allowed();

	if (ret)
		return ret;

	return copy_from_user(data, arg, size) ? -EFAULT : 0;
}

int io_demo_leave(void __user *arg, const void *data, size_t size)
{
	return copy_to_user(arg, data, size) ? -EFAULT : 0;
}

/*
 * Does the caller see addresses as they are? The kernel answers that question
 * for its own files by the format %pK, and its answer is ours.
 */
bool io_demo_sees_addresses(void)
{
	char shown[2 * sizeof(void *) + 1], is[2 * sizeof(void *) + 1];
	void *address = io_demo_sees_addresses;

	snprintf(shown, sizeof(shown), "%pK", address);
	snprintf(is, sizeof(is), "%0*lx", (int)(2 * sizeof(void *)),
		 (unsigned long)address);

	return !strcmp(shown, is);
}

bool io_demo_is_op(u32 op)
{
	return op == IO_DEMO_READ || op == IO_DEMO_WRITE;
}

/*
 * Locks the file, or a card. No signal, or one that no handler sees (a debugger,
 * a shell that stops its job, the system that goes to sleep), is to end a call:
 * then it begins again.
 */
int io_demo_lock(struct mutex *lock)
{
	return mutex_lock_interruptible(lock) ? -ERESTARTSYS : 0;
}
