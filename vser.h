/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * vser - a virtual serial line: the interface of /dev/vser
 *
 * Valid in the kernel and in user space, as C90 and as C++. Numbers and layouts
 * are the same for 32-bit and 64-bit programs.
 *
 * What the calls on /dev/vser may answer:
 *
 * ======== ===================================================================
 * EAGAIN   O_NONBLOCK (or RWF_NOWAIT) and nothing to read, no room to write
 * EBADF    read or write on a descriptor that was opened without that access
 * EBUSY    open: the line is open already, and lines are exclusive
 * EFAULT   a pointer does not lead to memory of the caller; nothing was changed
 *          and no byte was lost
 * EINTR    a signal handler ran while the call waited
 * EINVAL   a value is out of the range given here; nothing was changed
 * ENOMEM   open: no memory for the line's buffers
 * ENOTTY   no such ioctl on this device
 * ESPIPE   seek, pread or pwrite: the line is a stream
 * ======== ===================================================================
 *
 * An open with access mode 3 (O_WRONLY | O_RDWR, see open(2)) gives a
 * control-only descriptor: every ioctl works, nothing can be read or written,
 * and it does not count against exclusive use.
 *
 * FIONREAD gives the bytes that can be read now, TIOCOUTQ those that were
 * written and are not yet sent, both as an int, as on a terminal.
 */
#ifndef _VSER_H
#define _VSER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * Programs written for the teaching driver know the frame format as
 * "struct option", a name that <getopt.h> has too. They get it on request.
 */
#ifdef VSER_LEGACY_NAMES
#define vser_format option
#endif

/* The range of baud, in bits per second. */
#define VSER_BAUD_MIN		50
#define VSER_BAUD_MAX		4000000

/* Values of vser_format.parity. */
#define VSER_PARITY_NONE	0
#define VSER_PARITY_ODD		1
#define VSER_PARITY_EVEN	2
#define VSER_PARITY_MARK	3	/* the parity bit is always 1 */
#define VSER_PARITY_SPACE	4	/* the parity bit is always 0 */

/**
 * struct vser_format - how a byte is framed on the line
 * @datab:  data bits, 5 to 8
 * @parity: one of VSER_PARITY_*
 * @stopb:  stop bits, 1 or 2
 *
 * A frame is one start bit, @datab data bits, a parity bit unless @parity is
 * VSER_PARITY_NONE, and @stopb stop bits.
 */
struct vser_format {
	__u32 datab;
	__u32 parity;
	__u32 stopb;
};

#define VS_MAGIC	's'

/*
 * VS_SET_BAUD - set the speed, in bits per second, VSER_BAUD_MIN to
 *               VSER_BAUD_MAX. The frame on the line ends at the old speed.
 * VS_GET_BAUD - get the speed.
 * VS_SET_FMT  - set the frame format. The frame on the line ends in the old one.
 * VS_GET_FMT  - get the frame format.
 *
 * A line starts at 115200 baud, 8 data bits, no parity, 1 stop bit.
 */
#define VS_SET_BAUD	_IOW(VS_MAGIC, 0, __u32)
#define VS_GET_BAUD	_IOR(VS_MAGIC, 1, __u32)
#define VS_SET_FMT	_IOW(VS_MAGIC, 2, struct vser_format)
#define VS_GET_FMT	_IOR(VS_MAGIC, 3, struct vser_format)

#endif /* _VSER_H */
