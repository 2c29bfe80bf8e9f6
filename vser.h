/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * vser - a virtual serial line: the interface of /dev/vser
 *
 * Valid in the kernel and in user space, as C90 and as C++. Numbers and layouts
 * are the same for 32-bit and 64-bit programs.
 *
 * What the calls on /dev/vser may answer:
 *
 * ========== =================================================================
 * EAGAIN     O_NONBLOCK (or RWF_NOWAIT) and nothing to read, no room to write
 * EACCES     mmap: with PROT_EXEC
 * EBADF      read or write on a descriptor that was opened without that access;
 *            VS_SET_RING: the descriptor is not both readable and writable;
 *            VS_SET_WIRE, VS_CONFIGURE: with VSER_WIRING_PEER_FD, there is no such
 *            descriptor
 * EBUSY      open: the line is open already, and it is exclusive;
 *            VS_SET_WIRE, VS_CONFIGURE: the peer is in a null modem with a third
 *            line;
 *            VS_SET_RING: the open file has rings
 * EDQUOT     open, VS_SET_RING, VS_CONFIGURE: the buffers of all lines together
 *            would take more than the module's max_buffers, or those of the user
 *            more than its user_buffers, and the caller lacks CAP_SYS_RESOURCE
 * EFAULT     a pointer does not lead to memory of the caller; nothing was changed
 *            and no byte was lost
 * EINTR      a signal ended the wait: a handler without SA_RESTART ran. With
 *            SA_RESTART, and when the process was stopped and goes on, the call
 *            goes on as if nothing had been, but for two that cannot: VS_WAIT_MODEM,
 *            and TCSBRK(0) and TCSBRKP once the break has begun, are EINTR then,
 *            too. No call that is EINTR has moved a byte or taken an event
 * EINVAL     a value is out of the range given here; nothing was changed
 * ENODEV     mmap, VS_SYNC_RING: the open file has no rings
 * ENOMEM     open: no memory for the line's buffers; VS_SET_FAULT, VS_CONFIGURE,
 *            VS_SET_RING, mmap
 * ENOTTY     no such ioctl on this device
 * EOPNOTSUPP an ioctl of a laboratory that is not loaded: numbers 0x40 to
 *            0x7f are mem_demo's, 0x80 to 0xbf io_demo's
 * EPERM      VS_SET_WIRE, VS_CONFIGURE: to another line without CAP_SYS_ADMIN and
 *            without a descriptor of it; VS_CONFIGURE: a change of exclusive use
 *            without CAP_SYS_ADMIN
 * EPROTO     VS_SYNC_RING, fsync, TCSBRK: an index of a ring is impossible
 * ESPIPE     seek, pread or pwrite: the line is a stream
 * ========== =================================================================
 *
 * An open with access mode 3 (O_WRONLY | O_RDWR, see open(2)) gives a
 * control-only descriptor: every ioctl works, nothing can be read or written,
 * and it does not count against exclusive use.
 *
 * FIONREAD gives the bytes that can be read now, TIOCOUTQ those that were
 * written and are not yet sent, both as an int, as on a terminal. So do TIOCMGET,
 * TIOCMSET, TIOCMBIS, TIOCMBIC, TIOCSBRK, TIOCCBRK, TCSBRK, TCSBRKP and TCFLSH what
 * they do there. TCSBRKP takes 0 to 36000 tenths of a second, 0 for 250 ms.
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

/**
 * struct vser_info - what this line and this module are
 * @abi:      revision of this interface, VSER_ABI; grows when something is added
 * @line:     number of the line; line 0 is /dev/vser, line N is /dev/vserN
 * @lines:    how many lines there are
 * @reserved: 0
 */
struct vser_info {
	__u32 abi;
	__u32 line;
	__u32 lines;
	__u32 reserved;
};

/*
 * 1: all up to VS_GET_COUNTERS
 * 2: VS_SET_RING, VS_SYNC_RING and mmap
 * 3: VS_WATCH_EVENTS; a descriptor that reads or writes gets POLLPRI only after
 *    it has asked for events. VSER_WIRE_UNPLUGGED, which is what the other end of a
 *    null modem becomes when a line leaves it; VSER_WIRING_PEER_FD. VS_CONFIGURE,
 *    VS_GET_CONFIG
 */
#define VSER_ABI		3

/* Values of vser_wiring.type: what a line is wired to. */
#define VSER_WIRE_GENERATOR	1	/* sends by itself, absorbs what it gets */
#define VSER_WIRE_LOOPBACK	2	/* the line's own receiver */
#define VSER_WIRE_NULLMODEM	3	/* another line */
#define VSER_WIRE_OPEN		4	/* nothing: absorbs what it gets */
#define VSER_WIRE_UNPLUGGED	5	/* a plug that is pulled: what is sent waits */

/* Bits of vser_wiring.flags. */
#define VSER_WIRING_PEER_FD	1	/* the other line is that of a descriptor */

/**
 * struct vser_wiring - what a line is wired to
 * @type:  one of VSER_WIRE_*
 * @peer:  VSER_WIRE_NULLMODEM: number of the other line; else 0, also with
 *         VSER_WIRING_PEER_FD
 * @flags: VS_SET_WIRE, with VSER_WIRE_NULLMODEM: VSER_WIRING_PEER_FD; else 0
 * @fd:    with VSER_WIRING_PEER_FD: a descriptor of the other line, opened in any
 *         mode, control-only too; else 0
 *
 * To join two lines takes a right to both. CAP_SYS_ADMIN is one to all lines, an
 * open descriptor is one to its line. VS_GET_WIRE sets @flags and @fd to 0.
 */
struct vser_wiring {
	__u32 type;
	__u32 peer;
	__u32 flags;
	__s32 fd;
};

/**
 * struct vser_fault - errors on demand
 * @bit:      one data bit of the frame is inverted
 * @drop:     the frame is lost
 * @dup:      the frame is sent twice
 * @parity:   the parity bit is inverted, if the format has one
 * @frame:    the stop bit is 0
 * @brk:      the whole frame is 0: a break
 * @burst:    how many frames in a row a fault hits, 1 to VSER_BURST_MAX
 * @reserved: must be 0
 * @seed:     start of the row of random numbers; the same seed, the same faults
 *
 * The first six are probabilities for each frame, in parts per million, 0 to
 * VSER_FAULT_MAX. They apply to the frames that the line sends, and to those
 * that its generator sends to it. Setting them starts the row anew.
 */
struct vser_fault {
	__u32 bit;
	__u32 drop;
	__u32 dup;
	__u32 parity;
	__u32 frame;
	__u32 brk;
	__u32 burst;
	__u32 reserved;
	__u64 seed;
};

#define VSER_FAULT_MAX		1000000
#define VSER_BURST_MAX		1000000

/* Values of vser_config.flow: who stops a sender. */
#define VSER_FLOW_NONE		1	/* nobody */
#define VSER_FLOW_RTSCTS	2	/* RTS of the receiver, which is its CTS */

/* Values of vser_config.generator: what the line's generator sends. */
#define VSER_GEN_LETTERS	1	/* random letters A to Z */
#define VSER_GEN_COUNTER	2	/* 0, 1, 2 ... 255, 0 ... */
#define VSER_GEN_PRBS15		3	/* the bits of x^15 + x^14 + 1 */
#define VSER_GEN_TEXT		4	/* a text, again and again */

#define VSER_TEXT_MAX		256

/* Bits of vser_config.mask and vser_config.refused. */
#define VSER_CONFIG_BAUD	0x001	/* @baud */
#define VSER_CONFIG_FORMAT	0x002	/* @format */
#define VSER_CONFIG_PACING	0x004	/* @pacing */
#define VSER_CONFIG_EXCLUSIVE	0x008	/* @exclusive */
#define VSER_CONFIG_FLOW	0x010	/* @flow */
#define VSER_CONFIG_FIFO	0x020	/* @fifo */
#define VSER_CONFIG_LATENCY	0x040	/* @latency_ns */
#define VSER_CONFIG_GENERATOR	0x080	/* @generator, @text_len and @text */
#define VSER_CONFIG_SEED	0x100	/* @seed */
#define VSER_CONFIG_PERIOD	0x200	/* @period_ns */
#define VSER_CONFIG_FAULT	0x400	/* @fault */
#define VSER_CONFIG_WIRE	0x800	/* @wire */
#define VSER_CONFIG_ALL		0xfff

/**
 * struct vser_config - all that a line can be set to
 * @mask:       which of the fields are set, of VSER_CONFIG_*; the others are not
 *              looked at
 * @refused:    out: the one of VSER_CONFIG_* that was refused, or 0 if none was;
 *              a bit of @mask that is none of them is refused itself
 * @baud:       bits per second, VSER_BAUD_MIN to VSER_BAUD_MAX
 * @format:     how a byte is framed
 * @pacing:     1: frames take time; 0: they do not
 * @exclusive:  1: one user at a time, a second open is EBUSY; 0: any number
 * @flow:       one of VSER_FLOW_*. If it is not set together with @wire, wiring
 *              the line to something else sets it to what that has by default
 * @fifo:       bytes for each direction, 16 to 4194304, rounded up to a power of
 *              two. What does not fit into smaller queues is flushed
 * @latency_ns: how long a byte may wait for others, 10000 to 1000000000 ns
 * @generator:  one of VSER_GEN_*
 * @text_len:   VSER_GEN_TEXT: bytes of @text, 1 to VSER_TEXT_MAX; else 0
 * @reserved:   must be 0
 * @seed:       where VSER_GEN_LETTERS and VSER_GEN_PRBS15 start
 * @period_ns:  from byte to byte of the generator, 1000 to 3600000000000 ns, or 0:
 *              back to back
 * @fault:      errors on demand
 * @wire:       what the line is wired to, as for VS_SET_WIRE
 * @reserved2:  must be 0
 * @text:       VSER_GEN_TEXT: what is repeated; bytes beyond @text_len are not
 *              looked at
 *
 * If @generator, @seed or @period_ns is set, the generator starts anew; if @fault is
 * set, its row of random numbers does: also with the value that is there already.
 */
struct vser_config {
	__u32 mask;
	__u32 refused;
	__u32 baud;
	struct vser_format format;
	__u32 pacing;
	__u32 exclusive;
	__u32 flow;
	__u32 fifo;
	__u32 latency_ns;
	__u32 generator;
	__u32 text_len;
	__u32 reserved;
	__u64 seed;
	__u64 period_ns;
	struct vser_fault fault;
	struct vser_wiring wire;
	__u64 reserved2[4];
	__u8 text[VSER_TEXT_MAX];
};

/**
 * struct vser_modem_wait - wait for a change of the modem lines
 * @mask:    in: which to wait for, of TIOCM_CTS, TIOCM_DSR, TIOCM_CD, TIOCM_RI
 * @changed: out: those of @mask that have changed since the call
 */
struct vser_modem_wait {
	__u32 mask;
	__u32 changed;
};

/* Values of vser_event.type. */
#define VSER_EVENT_MODEM	1	/* a modem line has changed */
#define VSER_EVENT_BREAK	2	/* a break was received */
#define VSER_EVENT_PARITY	3	/* a byte came with a parity error */
#define VSER_EVENT_FRAME	4	/* a byte came with a framing error */
#define VSER_EVENT_OVERRUN	5	/* bytes came and found no room */
#define VSER_EVENT_LOST		6	/* events came and were not read in time */

/**
 * struct vser_event - something that was received and is not a byte
 * @position: how many bytes had been received on this line before it happened,
 *            since the module was loaded; of a byte in error, its own position,
 *            or with VS_SET_MARK that of its mark
 * @type:     one of VSER_EVENT_*
 * @value:    VSER_EVENT_MODEM: the state of all TIOCM_* inputs after the change;
 *            VSER_EVENT_OVERRUN, VSER_EVENT_LOST: how many; else 0
 */
struct vser_event {
	__u64 position;
	__u32 type;
	__u32 value;
};

/**
 * struct vser_counters - what has happened on a line since the module was loaded
 * @cts:     changes of CTS
 * @dsr:     changes of DSR
 * @ri:      changes of RI
 * @dcd:     changes of DCD
 * @rx:      bytes received
 * @tx:      frames sent
 * @frame:   framing errors
 * @parity:  parity errors
 * @brk:     breaks received
 * @overrun: bytes received that found no room
 */
struct vser_counters {
	__u64 cts;
	__u64 dsr;
	__u64 ri;
	__u64 dcd;
	__u64 rx;
	__u64 tx;
	__u64 frame;
	__u64 parity;
	__u64 brk;
	__u64 overrun;
};

/**
 * struct vser_ring - rings of an open file, which it shares with the process
 * @rx_size:   in: bytes for what is received, or 0: no such ring
 * @tx_size:   in: bytes for what is to be sent, or 0: no such ring
 * @rx_offset: out: where the rx ring begins in the mapping
 * @tx_offset: out: where the tx ring begins in the mapping
 * @length:    out: what is to be mapped, in bytes
 * @reserved:  must be 0
 *
 * A size is a power of two, a multiple of the page size, and at most
 * VSER_RING_MAX; one of the two may be 0. The mapping is had by mmap() with this
 * length, offset 0 and MAP_SHARED; it starts with a &struct vser_ring_page.
 */
struct vser_ring {
	__u32 rx_size;
	__u32 tx_size;
	__u32 rx_offset;
	__u32 tx_offset;
	__u64 length;
	__u64 reserved;
};

#define VSER_RING_MAX		(4 << 20)
#define VSER_RING_START		0xfffff000

/**
 * struct vser_ring_page - the indices of both rings, where the mapping starts
 * @rx_in:  bytes that the kernel has put into the rx ring
 * @rx_out: bytes that the process has taken from it
 * @tx_in:  bytes that the process has put into the tx ring
 * @tx_out: bytes that the kernel has taken from it
 * @unused0: keeps the next index in a cache line of its own
 * @unused1: the same
 * @unused2: the same
 * @unused3: the same
 *
 * All run on, through 2^32; byte number N of a ring is at N modulo its size. They
 * start at VSER_RING_START, so that a program that fails when they come to 2^32
 * fails soon. A ring holds in - out bytes, 0 up to its size. Who writes an index
 * stores it with release semantics, after he has written or read the bytes that
 * it speaks of; who reads the other's loads it with acquire semantics, before he
 * touches those bytes.
 *
 * The process writes @rx_out and @tx_in. The kernel writes @rx_in and @tx_out, and
 * keeps its own copy of these two: if something else is there, that is not seen.
 */
struct vser_ring_page {
	__u32 rx_in;
	__u32 unused0[15];
	__u32 rx_out;
	__u32 unused1[15];
	__u32 tx_in;
	__u32 unused2[15];
	__u32 tx_out;
	__u32 unused3[15];
};

#define VS_MAGIC	's'

/*
 * VS_SET_BAUD - set the speed, in bits per second, VSER_BAUD_MIN to
 *               VSER_BAUD_MAX. The frame on the line ends at the old speed.
 * VS_GET_BAUD - get the speed.
 * VS_SET_FMT  - set the frame format. The frame on the line ends in the old one.
 * VS_GET_FMT  - get the frame format.
 *
 * VS_GET_INFO - tell ABI revision and line.
 * VS_SET_WIRE - wire the line to something else. What was written and is not
 *               yet sent goes to the new far end. The other end of a null modem
 *               that the line leaves is unplugged. EINVAL: no such type, flag or
 *               line, a descriptor of something else, or the line itself; EBUSY:
 *               the peer is wired to a third line; EPERM: to another line without
 *               CAP_SYS_ADMIN and without a descriptor of it.
 * VS_GET_WIRE - what the line is wired to.
 * VS_SET_FAULT, VS_GET_FAULT - errors on demand.
 * VS_CONFIGURE - set everything that the mask names, in one step: no frame is sent
 *               with some of the new settings and some of the old ones, and a frame
 *               that is on the line ends as it began. All or nothing: if it fails,
 *               nothing has changed, and vser_config.refused tells the field that
 *               was refused. EINVAL: a field is out of its range, a bit of the mask
 *               is unknown, or a reserved field is not 0; EBADF, EBUSY, EPERM: of
 *               the wiring, as for VS_SET_WIRE, but the wiring that there is takes
 *               no right to the other line; EPERM: a change of exclusive use
 *               without CAP_SYS_ADMIN; EDQUOT, ENOMEM: no room for queues or
 *               no memory.
 * VS_GET_CONFIG - get everything, as VS_CONFIGURE takes it: the mask has all bits.
 * VS_WAIT_MODEM - wait until a modem line changes. EINTR on a signal, with
 *               SA_RESTART too, and after a stop (SIGSTOP, SIGCONT) or a sleep of
 *               the system: restarted, it would not know of a change in between.
 *               VS_GET_COUNTERS or TIOCMGET tell of that one; events miss none.
 * VS_READ_EVENT - take the next event, in the order in which they happened;
 *               waits for one, or EAGAIN with O_NONBLOCK. Each open file sees
 *               all events since its open, whatever VS_WATCH_EVENTS says.
 *               Duplicates of a descriptor (dup, fork) are one open file: an
 *               event that one of them takes, the others do not see.
 * VS_WATCH_EVENTS - 1: poll() says POLLPRI while there is an event to read, and
 *               with O_ASYNC each event sends SIGIO (POLL_PRI). 0: neither. A
 *               control-only descriptor starts with 1. One that reads or writes
 *               starts with 0, so that an event that nobody reads does not keep
 *               poll() from waiting for bytes; its first VS_READ_EVENT sets 1,
 *               unless VS_WATCH_EVENTS was called before.
 * VS_SET_MARK - 1: errors are marked in what is read, as a terminal does with
 *               PARMRK: 0xff 0x00 before a byte with a parity or framing error,
 *               0xff 0x00 0x00 for a break, 0xff 0xff for a byte 0xff. 0: not,
 *               the default.
 * VS_GET_MARK - is it on?
 * VS_GET_COUNTERS - counters, as TIOCGICOUNT has them.
 * VS_SET_RING - give the open file rings, of which it has none; they stay until
 *               it is closed. It must be open for reading and writing, or it
 *               cannot be mapped so.
 * VS_SYNC_RING - move what can be moved, from the tx ring to what waits to be
 *               sent, as write() does, and from what was received to the rx
 *               ring, as read() does. Never waits for bytes or room. poll(),
 *               select() and epoll do the same, and then say POLLIN if the rx
 *               ring is not empty and POLLOUT if the tx ring is not full.
 *               EPROTO, with poll() POLLERR: in a ring there would be more than
 *               its size; nothing is moved in that direction.
 *
 * A line starts at 115200 baud, 8 data bits, no parity, 1 stop bit, wired to a
 * generator that sends a random letter A to Z each second.
 */
#define VS_SET_BAUD	_IOW(VS_MAGIC, 0, __u32)
#define VS_GET_BAUD	_IOR(VS_MAGIC, 1, __u32)
#define VS_SET_FMT	_IOW(VS_MAGIC, 2, struct vser_format)
#define VS_GET_FMT	_IOR(VS_MAGIC, 3, struct vser_format)
#define VS_GET_INFO	_IOR(VS_MAGIC, 4, struct vser_info)
#define VS_SET_WIRE	_IOW(VS_MAGIC, 5, struct vser_wiring)
#define VS_GET_WIRE	_IOR(VS_MAGIC, 6, struct vser_wiring)
#define VS_SET_FAULT	_IOW(VS_MAGIC, 7, struct vser_fault)
#define VS_GET_FAULT	_IOR(VS_MAGIC, 8, struct vser_fault)
#define VS_WAIT_MODEM	_IOWR(VS_MAGIC, 9, struct vser_modem_wait)
#define VS_READ_EVENT	_IOR(VS_MAGIC, 10, struct vser_event)
#define VS_SET_MARK	_IOW(VS_MAGIC, 11, __u32)
#define VS_GET_MARK	_IOR(VS_MAGIC, 12, __u32)
#define VS_GET_COUNTERS	_IOR(VS_MAGIC, 13, struct vser_counters)
#define VS_SET_RING	_IOWR(VS_MAGIC, 14, struct vser_ring)
#define VS_SYNC_RING	_IO(VS_MAGIC, 15)
#define VS_WATCH_EVENTS	_IOW(VS_MAGIC, 16, __u32)
#define VS_CONFIGURE	_IOWR(VS_MAGIC, 17, struct vser_config)
#define VS_GET_CONFIG	_IOR(VS_MAGIC, 18, struct vser_config)

#endif /* _VSER_H */
