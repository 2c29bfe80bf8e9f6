// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl - the way into the kernel; see device.h
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "device.h"

/* Access mode 3: neither reading nor writing, see open(2). */
#define CONTROL_ONLY	(O_WRONLY | O_RDWR)

int device_open(const char *node)
{
	int fd = open(node, CONTROL_ONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENXIO:
		errx(EXIT_FAILURE, "%s: no such line; is vser loaded (modprobe vser)?",
		     node);
	case EACCES:
		errx(EXIT_FAILURE, "%s: its owner does not let you; try it as root",
		     node);
	default:
		err(EXIT_FAILURE, "%s", node);
	}
}

/* The ioctl numbers of the laboratories; see vser.h, EOPNOTSUPP. */
static const char *lab_of(unsigned long request)
{
	return _IOC_NR(request) < 0x80 ? "mem_demo" : "io_demo";
}

const char *device_error(unsigned long request, int error)
{
	static char text[128];

	switch (error) {
	case EOPNOTSUPP:
		snprintf(text, sizeof(text), "%s is not loaded: modprobe %s",
			 lab_of(request), lab_of(request));
		return text;
	case ENOTTY:
		return "this kernel's vser does not know that; is it older than vserctl?";
	case EPERM:
		return "not without CAP_SYS_ADMIN; try it as root";
	default:
		return strerror(error);
	}
}

int device_ioctl(int fd, unsigned long request, void *argument,
		 const char *doing)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		errx(EXIT_FAILURE, "%s: %s", doing, device_error(request, errno));
	return result;
}
