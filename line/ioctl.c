// SPDX-License-Identifier: GPL-2.0
/*
 * vser - the ioctls of /dev/vser
 *
 * Each is a function that gets a copy of its argument; a table says which number
 * is whose, and what is copied. Touches an open file, and of a line the functions
 * that line.h names.
 */
#include <linux/capability.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/termios.h>
#include <linux/uaccess.h>

#include "cdev.h"

static_assert(sizeof(struct vser_format) == 12);
static_assert(sizeof(struct vser_info) == 16);
static_assert(sizeof(struct vser_wiring) == 16);
static_assert(sizeof(struct vser_fault) == 40);
static_assert(sizeof(struct vser_config) == 416);
static_assert(offsetof(struct vser_config, seed) == 56);
static_assert(offsetof(struct vser_config, text) == 160);
static_assert(sizeof(struct vser_modem_wait) == 8);
static_assert(sizeof(struct vser_event) == 16);
static_assert(sizeof(struct vser_counters) == 80);
static_assert(sizeof(struct vser_ring) == 32);
static_assert(sizeof(struct vser_ring_page) == 256);
static_assert(offsetof(struct vser_ring_page, rx_out) == 64);
static_assert(offsetof(struct vser_ring_page, tx_in) == 128);
static_assert(offsetof(struct vser_ring_page, tx_out) == 192);

/* Fixed as they are; how direction and size are encoded depends on the machine. */
#define VSER_FIXED(cmd, dir, nr, size)					\
	static_assert(_IOC_TYPE(cmd) == 's' && _IOC_NR(cmd) == (nr) &&	\
		      _IOC_DIR(cmd) == (dir) && _IOC_SIZE(cmd) == (size))

VSER_FIXED(VS_SET_BAUD, _IOC_WRITE, 0, 4);
VSER_FIXED(VS_GET_BAUD, _IOC_READ, 1, 4);
VSER_FIXED(VS_SET_FMT, _IOC_WRITE, 2, 12);
VSER_FIXED(VS_GET_FMT, _IOC_READ, 3, 12);

/*
 * What an ioctl works on. One that copies nothing finds its argument in @raw;
 * the others find here what the caller's pointer led to, or zeros, and leave
 * here what is to be stored there.
 */
union vser_arg {
	unsigned long raw;
	u32 number;
	struct vser_format fmt;
	struct vser_info info;
	struct vser_wiring wiring;
	struct vser_fault fault;
	struct vser_modem_wait wait;
	struct vser_event event;
	struct vser_counters counters;
};

static int vser_ioctl_set_baud(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_config config = {
		.mask = VSER_CONFIG_BAUD,
		.baud = arg->number,
	};

	return vser_line_configure(vfile->line, &config, NULL);
}

static int vser_ioctl_get_baud(struct vser_file *vfile, union vser_arg *arg)
{
	arg->number = READ_ONCE(vfile->line->uart.baud);

	return 0;
}

static int vser_ioctl_set_fmt(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_config config = {
		.mask = VSER_CONFIG_FORMAT,
		.format = arg->fmt,
	};

	return vser_line_configure(vfile->line, &config, NULL);
}

static int vser_ioctl_get_fmt(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	int ret;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	arg->fmt = line->uart.fmt;
	vser_config_unlock(line);

	return 0;
}

static int vser_ioctl_get_info(struct vser_file *vfile, union vser_arg *arg)
{
	arg->info = (struct vser_info) {
		.abi = VSER_ABI,
		.line = vfile->line->index,
		.lines = vser_nr_lines,
	};

	return 0;
}

/* A process that has a descriptor of a line can open it, and so rewire it. */
static int vser_plug_to_fd(struct vser_plug *plug, int fd)
{
	struct file *file = fget(fd);
	int ret = -EINVAL;

	if (!file)
		return -EBADF;
	if (file->f_op == &vser_fops) {
		plug->peer = vser_file_line(file);
		plug->may_join = true;
		ret = 0;
	}
	fput(file);

	return ret;
}

/* What @wiring means to the calling process. */
static int vser_plug_of_wiring(struct vser_plug *plug,
			       const struct vser_wiring *wiring)
{
	const struct vser_far_ops *far = vser_far_by_type(wiring->type);
	bool by_fd = wiring->flags & VSER_WIRING_PEER_FD;
	bool has_peer = far == &vser_far_nullmodem;

	if (!far || wiring->flags & ~VSER_WIRING_PEER_FD ||
	    (by_fd ? !has_peer : wiring->fd) ||
	    (wiring->peer && (by_fd || !has_peer)))
		return -EINVAL;
	*plug = (struct vser_plug) { .far = far };
	if (by_fd)
		return vser_plug_to_fd(plug, wiring->fd);
	if (has_peer) {
		if (wiring->peer >= vser_nr_lines)
			return -EINVAL;
		plug->peer = vser_lines[array_index_nospec(wiring->peer,
							   vser_nr_lines)];
		plug->may_join = capable(CAP_SYS_ADMIN);
	}

	return 0;
}

static int vser_ioctl_set_wire(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_config config = { .mask = VSER_CONFIG_WIRE };
	struct vser_line *line = vfile->line;
	struct vser_plug plug;
	int ret;

	ret = vser_plug_of_wiring(&plug, &arg->wiring);
	if (ret)
		return ret;
	/* Whatever the two are wired to. */
	if (plug.peer && plug.peer != line && !plug.may_join)
		return -EPERM;

	return vser_line_configure(line, &config, &plug);
}

static int vser_ioctl_get_wire(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	int ret;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	arg->wiring.type = line->far->type;
	if (line->far == &vser_far_nullmodem)
		arg->wiring.peer = line->out.to->index;
	vser_config_unlock(line);

	return 0;
}

static int vser_ioctl_set_fault(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_config config = {
		.mask = VSER_CONFIG_FAULT,
		.fault = arg->fault,
	};

	return vser_line_configure(vfile->line, &config, NULL);
}

static int vser_ioctl_get_fault(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	int ret;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	arg->fault = line->fault;
	vser_config_unlock(line);

	return 0;
}

/* Is all of it 0 that is to be so? */
static bool vser_config_reserved(const struct vser_config *config)
{
	return !config->reserved &&
	       !memchr_inv(config->reserved2, 0, sizeof(config->reserved2));
}

/*
 * Exclusive use is changed by an administrator alone: who has the line to himself
 * relies on it. Others leave it as it is, also if an administrator changes it meanwhile.
 */
static int vser_check_exclusive(struct vser_line *line,
				struct vser_config *config)
{
	if (!(config->mask & VSER_CONFIG_EXCLUSIVE))
		return 0;
	if (config->exclusive == READ_ONCE(line->exclusive)) {
		config->mask &= ~VSER_CONFIG_EXCLUSIVE;
		return 0;
	}
	if (!capable(CAP_SYS_ADMIN)) {
		config->refused = VSER_CONFIG_EXCLUSIVE;
		return -EPERM;
	}

	return 0;
}

static int vser_configure_file(struct vser_file *vfile,
			       struct vser_config *config)
{
	struct vser_plug plug;
	int ret;

	if (!vser_config_reserved(config))
		return -EINVAL;
	ret = vser_check_exclusive(vfile->line, config);
	if (ret)
		return ret;
	if (config->mask & VSER_CONFIG_WIRE) {
		ret = vser_plug_of_wiring(&plug, &config->wire);
		if (ret) {
			config->refused = VSER_CONFIG_WIRE;
			return ret;
		}
	}

	return vser_line_configure(vfile->line, config, &plug);
}

/*
 * Stores what was refused itself, which others do only if they succeed; and before
 * anything has changed, that nothing was.
 */
static int vser_ioctl_configure(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_config __user *user = (void __user *)arg->raw;
	struct vser_config config;
	int ret;

	if (copy_from_user(&config, user, sizeof(config)))
		return -EFAULT;
	config.refused = 0;
	if (put_user(config.refused, &user->refused))
		return -EFAULT;

	ret = vser_configure_file(vfile, &config);
	if (ret && put_user(config.refused, &user->refused))
		return -EFAULT;

	return ret;
}

/* Too large for a &union vser_arg, which every call makes zeros of. */
static int vser_ioctl_get_config(struct vser_file *vfile, union vser_arg *arg)
{
	void __user *user = (void __user *)arg->raw;
	struct vser_config config = {};
	int ret;

	ret = vser_line_get_config(vfile->line, &config);
	if (ret)
		return ret;

	return copy_to_user(user, &config, sizeof(config)) ? -EFAULT : 0;
}

static int vser_ioctl_wait_modem(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_modem_wait *wait = &arg->wait;
	struct vser_line *line = vfile->line;
	struct vser_modem_counts before;
	int ret;

	if (!wait->mask || wait->mask & ~VSER_MODEM_INPUTS)
		return -EINVAL;

	vser_modem_count(line, &before);
	ret = vser_wait(vfile->cdev, VSER_KEY_EVENT,
			vser_modem_changed(line, &before) & wait->mask);
	wait->changed = vser_modem_changed(line, &before) & wait->mask;

	/* Restarted, it would forget what has changed meanwhile, and sleep on. */
	return ret ? -EINTR : 0;
}

/* @vfile has read on from number @at. False if another thread was faster. */
static bool vser_event_take(struct vser_file *vfile, u64 at, u64 steps)
{
	struct vser_wire *lead = vser_lead_lock(vfile->line);
	bool taken = vfile->next_event == at;

	if (taken)
		WRITE_ONCE(vfile->next_event, at + steps);
	vser_lead_unlock(lead);

	return taken;
}

/* Stores the event itself: one that cannot be stored is not lost. */
static int vser_ioctl_read_event(struct vser_file *vfile, union vser_arg *arg)
{
	void __user *to = (void __user *)arg->raw;
	struct vser_event event;
	u64 steps, at;
	int ret;

	for (;;) {
		/* No lock: the caller's memory may be late. */
		steps = vser_event_peek(vfile->cdev, &vfile->next_event,
					&event, &at);
		if (steps && copy_to_user(to, &event, sizeof(event)))
			return -EFAULT;
		if (steps && !vser_event_take(vfile, at, steps))
			continue;

		/* The first one asks for the others. */
		if (cmpxchg(&vfile->watch, VSER_WATCH_UNSET, VSER_WATCH_ON) ==
		    VSER_WATCH_UNSET)
			vser_file_watch(vfile);
		if (steps)
			return 0;

		if (vser_file_nonblocking(vfile->file))
			return -EAGAIN;
		ret = vser_wait(vfile->cdev, VSER_KEY_EVENT,
				vser_file_has_event(vfile));
		if (ret)
			return ret;
	}
}

static int vser_ioctl_watch_events(struct vser_file *vfile, union vser_arg *arg)
{
	if (arg->number > 1)
		return -EINVAL;

	if (!arg->number)
		xchg(&vfile->watch, VSER_WATCH_OFF);
	else if (xchg(&vfile->watch, VSER_WATCH_ON) != VSER_WATCH_ON)
		vser_file_watch(vfile);

	return 0;
}

static int vser_ioctl_set_mark(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	struct vser_wire *lead;

	if (arg->number > 1)
		return -EINVAL;

	/* What has arrived by now is not affected. */
	vser_wire_kick(READ_ONCE(line->lead));
	lead = vser_lead_lock(line);
	vser_wire_catch_up(lead);
	WRITE_ONCE(line->mark, arg->number);
	vser_lead_unlock(lead);
	vser_wire_kick(lead);

	return 0;
}

static int vser_ioctl_get_mark(struct vser_file *vfile, union vser_arg *arg)
{
	arg->number = READ_ONCE(vfile->line->mark);

	return 0;
}

static int vser_ioctl_get_counters(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_line *line = vfile->line;
	struct vser_wire *lead = vser_lead_lock(line);

	arg->counters = (struct vser_counters) {
		.cts = line->n_cts,
		.dsr = line->n_dsr,
		.ri = line->n_ri,
		.dcd = line->n_dcd,
		.rx = line->position,
		.tx = READ_ONCE(line->tx_sent),
		.frame = line->rx_frame,
		.parity = line->rx_parity,
		.brk = line->rx_brk,
		.overrun = line->rx_overrun,
	};
	vser_lead_unlock(lead);

	return 0;
}

/*
 * Stores the answer itself, before there is anything to tell of: if it cannot be
 * stored, nothing has changed.
 */
static int vser_ioctl_set_ring(struct vser_file *vfile, union vser_arg *arg)
{
	const fmode_t both = FMODE_READ | FMODE_WRITE;
	void __user *user = (void __user *)arg->raw;
	struct vser_rings *rings;
	struct vser_ring ring;
	int ret = 0;

	if (copy_from_user(&ring, user, sizeof(ring)))
		return -EFAULT;
	if ((vfile->file->f_mode & both) != both)
		return -EBADF;
	if (!vser_ring_size_valid(ring.rx_size) ||
	    !vser_ring_size_valid(ring.tx_size) ||
	    !(ring.rx_size | ring.tx_size) || ring.reserved)
		return -EINVAL;
	if (vser_file_rings(vfile))
		return -EBUSY;

	rings = vser_rings_alloc(vfile, ring.rx_size, ring.tx_size);
	if (IS_ERR(rings))
		return PTR_ERR(rings);

	ring.rx_offset = ring.rx_size ? PAGE_SIZE : 0;
	ring.tx_offset = ring.tx_size ? PAGE_SIZE + ring.rx_size : 0;
	ring.length = rings->length;
	if (copy_to_user(user, &ring, sizeof(ring)))
		ret = -EFAULT;
	else if (!vser_file_set_rings(vfile, rings))
		ret = -EBUSY;
	if (ret)
		vser_rings_free(rings);

	return ret;
}

static int vser_ioctl_sync_ring(struct vser_file *vfile, union vser_arg *arg)
{
	struct vser_rings *rings = vser_file_rings(vfile);

	return rings ? vser_rings_sync(rings) : -ENODEV;
}

static int vser_ioctl_rx_queued(struct vser_file *vfile, union vser_arg *arg)
{
	arg->number = vser_queue_len(&vfile->cdev->rx);

	return 0;
}

static int vser_ioctl_tx_queued(struct vser_file *vfile, union vser_arg *arg)
{
	arg->number = vser_queue_len(&vfile->line->tx);

	return 0;
}

static int vser_ioctl_get_modem(struct vser_file *vfile, union vser_arg *arg)
{
	arg->number = vser_modem_driven(vfile->line) |
		      READ_ONCE(vfile->line->inputs);

	return 0;
}

static int vser_ioctl_set_modem(struct vser_file *vfile, union vser_arg *arg)
{
	return vser_change_modem(vfile->line, U32_MAX, arg->number);
}

static int vser_ioctl_raise_modem(struct vser_file *vfile, union vser_arg *arg)
{
	return vser_change_modem(vfile->line, arg->number, U32_MAX);
}

static int vser_ioctl_drop_modem(struct vser_file *vfile, union vser_arg *arg)
{
	return vser_change_modem(vfile->line, arg->number, 0);
}

/* Sleeps until this time of ktime_get_ns(), or until a signal comes. */
static int vser_sleep_until(u64 ns)
{
	ktime_t at = ns_to_ktime(ns);

	set_current_state(TASK_INTERRUPTIBLE);
	schedule_hrtimeout(&at, HRTIMER_MODE_ABS);

	return signal_pending(current) ? -ERESTARTSYS : 0;
}

/*
 * Starts a break once all that was written is sent, as on a terminal, O_NONBLOCK or
 * not. If it is interrupted, nothing has happened. What waits for the end of a break
 * that there is must not be waited for: that break goes on.
 */
static int vser_file_start_break(struct vser_file *vfile, u64 *nr)
{
	u64 until = 0;
	int ret;

	for (;;) {
		ret = 0;
		if (until)
			ret = vser_sleep_until(until);
		else if (!READ_ONCE(vfile->line->brk))
			ret = vser_file_drain(vfile);
		if (ret)
			return ret;
		if (vser_tx_start_break(vfile->line, vfile, nr, &until))
			return 0;
		/* A writer may fill tx as fast as it is emptied. */
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
}

static int vser_ioctl_start_break(struct vser_file *vfile, union vser_arg *arg)
{
	u64 nr;

	return vser_file_start_break(vfile, &nr);
}

static int vser_ioctl_end_break(struct vser_file *vfile, union vser_arg *arg)
{
	vser_tx_end_break(vfile->line, NULL, 0);

	return 0;
}

/*
 * Sends a break of @ms. Once it is on the line, a signal ends it, and the call must
 * not be restarted: that would send another one.
 */
static int vser_file_send_break(struct vser_file *vfile, unsigned int ms)
{
	u64 nr;
	int ret = vser_file_start_break(vfile, &nr);

	if (ret)
		return ret;

	ret = msleep_interruptible(ms) ? -EINTR : 0;
	vser_tx_end_break(vfile->line, vfile, nr);

	return ret;
}

/* As on a terminal: drains, or with an argument of 0 sends a break. */
static int vser_ioctl_drain(struct vser_file *vfile, union vser_arg *arg)
{
	return arg->raw ? vser_file_drain(vfile) :
			  vser_file_send_break(vfile, VSER_BREAK_MS);
}

/* As on a terminal: a break of so many tenths of a second, or of TCSBRK(0)'s length. */
static int vser_ioctl_send_break(struct vser_file *vfile, union vser_arg *arg)
{
	if (arg->raw > VSER_MAX_BREAK)
		return -EINVAL;

	return vser_file_send_break(vfile, arg->raw ? arg->raw * 100 :
						      VSER_BREAK_MS);
}

static int vser_ioctl_flush(struct vser_file *vfile, union vser_arg *arg)
{
	unsigned long which = arg->raw;

	if (which != TCIFLUSH && which != TCOFLUSH && which != TCIOFLUSH)
		return -EINVAL;

	if (which != TCOFLUSH)
		return vser_cdev_flush(vfile->cdev, which == TCIOFLUSH);
	vser_tx_flush(vfile->line);

	return 0;
}

/**
 * struct vser_ioctl - an operation of the line
 * @cmd: its number
 * @in:  bytes that it takes from the caller's memory
 * @out: bytes that it stores there if it succeeds
 * @fn:  does it; process context, no lock held
 */
struct vser_ioctl {
	unsigned int cmd;
	u16 in;
	u16 out;
	int (*fn)(struct vser_file *vfile, union vser_arg *arg);
};

/* Ours tell by their number what is copied, those of terminals do not. */
#define VSER_IOCTL(cmd, fn) {						\
	cmd,								\
	_IOC_DIR(cmd) & _IOC_WRITE ? _IOC_SIZE(cmd) : 0,		\
	_IOC_DIR(cmd) & _IOC_READ ? _IOC_SIZE(cmd) : 0,			\
	fn								\
}

static const struct vser_ioctl vser_ioctls[] = {
	VSER_IOCTL(VS_SET_BAUD, vser_ioctl_set_baud),
	VSER_IOCTL(VS_GET_BAUD, vser_ioctl_get_baud),
	VSER_IOCTL(VS_SET_FMT, vser_ioctl_set_fmt),
	VSER_IOCTL(VS_GET_FMT, vser_ioctl_get_fmt),
	VSER_IOCTL(VS_GET_INFO, vser_ioctl_get_info),
	VSER_IOCTL(VS_SET_WIRE, vser_ioctl_set_wire),
	VSER_IOCTL(VS_GET_WIRE, vser_ioctl_get_wire),
	VSER_IOCTL(VS_SET_FAULT, vser_ioctl_set_fault),
	VSER_IOCTL(VS_GET_FAULT, vser_ioctl_get_fault),
	{ VS_CONFIGURE, 0, 0, vser_ioctl_configure },
	{ VS_GET_CONFIG, 0, 0, vser_ioctl_get_config },
	VSER_IOCTL(VS_WAIT_MODEM, vser_ioctl_wait_modem),
	VSER_IOCTL(VS_SET_MARK, vser_ioctl_set_mark),
	VSER_IOCTL(VS_GET_MARK, vser_ioctl_get_mark),
	VSER_IOCTL(VS_GET_COUNTERS, vser_ioctl_get_counters),
	VSER_IOCTL(VS_WATCH_EVENTS, vser_ioctl_watch_events),
	{ VS_READ_EVENT, 0, 0, vser_ioctl_read_event },
	{ VS_SET_RING, 0, 0, vser_ioctl_set_ring },
	{ VS_SYNC_RING, 0, 0, vser_ioctl_sync_ring },
	{ FIONREAD, 0, sizeof(int), vser_ioctl_rx_queued },
	{ TIOCOUTQ, 0, sizeof(int), vser_ioctl_tx_queued },
	{ TIOCMGET, 0, sizeof(int), vser_ioctl_get_modem },
	{ TIOCMSET, sizeof(int), 0, vser_ioctl_set_modem },
	{ TIOCMBIS, sizeof(int), 0, vser_ioctl_raise_modem },
	{ TIOCMBIC, sizeof(int), 0, vser_ioctl_drop_modem },
	{ TIOCSBRK, 0, 0, vser_ioctl_start_break },
	{ TIOCCBRK, 0, 0, vser_ioctl_end_break },
	{ TCSBRK, 0, 0, vser_ioctl_drain },
	{ TCSBRKP, 0, 0, vser_ioctl_send_break },
	{ TCFLSH, 0, 0, vser_ioctl_flush },
};

static int vser_ioctl_run(struct vser_file *vfile,
			  const struct vser_ioctl *ioctl, unsigned long raw)
{
	void __user *user = (void __user *)raw;
	union vser_arg arg = {};
	int ret;

	if (!ioctl->in && !ioctl->out)
		arg.raw = raw;
	if (ioctl->in && copy_from_user(&arg, user, ioctl->in))
		return -EFAULT;
	ret = ioctl->fn(vfile, &arg);
	if (!ret && ioctl->out && copy_to_user(user, &arg, ioctl->out))
		return -EFAULT;

	return ret;
}

long vser_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vser_file *vfile = file->private_data;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vser_ioctls); i++)
		if (vser_ioctls[i].cmd == cmd)
			return vser_ioctl_run(vfile, &vser_ioctls[i], arg);

	return vser_labs_ioctl(vfile, cmd, arg);
}
