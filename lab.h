/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vser - the contract between vser.ko and the laboratories
 *
 * A laboratory is a module of its own whose ioctls are reached through any
 * descriptor of /dev/vser. It registers a table of them; vser checks type,
 * number, direction and size against the table, keeps the laboratory's state
 * for each open file, and releases it when the file is closed.
 */
#ifndef VSER_INT_H
#define VSER_INT_H

#include <linux/build_bug.h>
#include <linux/module.h>
#include <linux/types.h>

#include "vser.h"

/* The laboratories that there can be; each owns a range of ioctl numbers. */
enum vser_lab_id {
	VSER_LAB_MEM,
	VSER_LAB_IO,
	VSER_NR_LABS
};

/**
 * struct vser_lab_ioctl - one operation of a laboratory
 * @cmd: its number, complete
 * @fn:  does it. @state is what &vser_lab.open returned for this file. @arg is
 *       not yet checked. Runs in the caller's process context with no lock held;
 *       several threads may be in it with the same @state. Returns what ioctl(2)
 *       is to return, or a negative errno.
 */
struct vser_lab_ioctl {
	unsigned int cmd;
	long (*fn)(void *state, void __user *arg);
};

/**
 * struct vser_lab - a laboratory; constant while it is registered
 * @owner:     its module, which stays loaded while a file has state of it
 * @id:        which one
 * @capability: CAP_*, which the caller of an operation must have
 * @ioctls:    its operations
 * @nr_ioctls: how many
 * @open:      a file's first operation is about to run: makes the state that
 *             the file keeps until it is closed, or an error pointer. Process
 *             context; called once for a file, however many threads come.
 * @release:   the last descriptor of the file is closed, and no operation runs:
 *             frees the state with all that the file still holds
 *
 * The capability is checked at each call, as a descriptor may be handed to
 * another process; who lacks it is answered EPERM and opens nothing.
 */
struct vser_lab {
	struct module *owner;
	enum vser_lab_id id;
	int capability;
	const struct vser_lab_ioctl *ioctls;
	size_t nr_ioctls;
	void *(*open)(void);
	void (*release)(void *state);
};

/**
 * vser_lab_register - have the laboratory's ioctls answered
 * @lab: which; the caller may lose it only after vser_lab_unregister()
 *
 * To be called last in module init, when everything is ready: operations may
 * run before it returns. Return: 0, or -EBUSY if there is one of this id.
 */
int vser_lab_register(const struct vser_lab *lab);

/**
 * vser_lab_unregister - the opposite, first in module exit
 * @lab: as registered; no file has state of it, as that would pin its module
 */
void vser_lab_unregister(const struct vser_lab *lab);

#endif /* VSER_INT_H */
