/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vserctl - the way into the kernel
 */
#ifndef DEVICE_H
#define DEVICE_H

/*
 * Opens the control side of a line: nothing can be read or written, and it does
 * not matter who has the line open. @node is a path; exits with a sentence if
 * it cannot be had.
 */
int device_open(const char *node);

/* As ioctl(), but exits with a sentence if it fails. @doing: "kmalloc: hold". */
int device_ioctl(int fd, unsigned long request, void *argument,
		 const char *doing);

/* What an errno of a laboratory's ioctl means to whoever typed the command. */
const char *device_error(unsigned long request, int error);

/* The node through which the laboratories are reached. */
#define LAB_NODE	"/dev/vser"

#endif /* DEVICE_H */
