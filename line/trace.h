/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vser - tracepoints, in /sys/kernel/tracing/events/vser/
 *
 * "line" is the number of the line: 0 is /dev/vser, N is /dev/vserN.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vser

#if !defined(VSER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VSER_TRACE_H

#include <linux/termios.h>
#include <linux/tracepoint.h>

#include "vser.h"

#define VSER_TRACE_MODEM						\
	{ TIOCM_CTS, "CTS" }, { TIOCM_DSR, "DSR" },			\
	{ TIOCM_RI, "RI" }, { TIOCM_CD, "DCD" }

/* A descriptor that can read or write was opened or closed. */
DECLARE_EVENT_CLASS(vser_users,
	TP_PROTO(u32 line, unsigned int openers, unsigned int readers),
	TP_ARGS(line, openers, readers),
	TP_STRUCT__entry(
		__field(u32, line)
		__field(unsigned int, openers)
		__field(unsigned int, readers)
	),
	TP_fast_assign(
		__entry->line = line;
		__entry->openers = openers;
		__entry->readers = readers;
	),
	TP_printk("line=%u openers=%u readers=%u", __entry->line,
		  __entry->openers, __entry->readers)
);

DEFINE_EVENT(vser_users, vser_open,
	TP_PROTO(u32 line, unsigned int openers, unsigned int readers),
	TP_ARGS(line, openers, readers)
);

DEFINE_EVENT(vser_users, vser_close,
	TP_PROTO(u32 line, unsigned int openers, unsigned int readers),
	TP_ARGS(line, openers, readers)
);

/* Bytes passed an end of the line; queued is what is left in that queue. */
DECLARE_EVENT_CLASS(vser_bytes,
	TP_PROTO(u32 line, u32 bytes, u32 queued),
	TP_ARGS(line, bytes, queued),
	TP_STRUCT__entry(
		__field(u32, line)
		__field(u32, bytes)
		__field(u32, queued)
	),
	TP_fast_assign(
		__entry->line = line;
		__entry->bytes = bytes;
		__entry->queued = queued;
	),
	TP_printk("line=%u bytes=%u queued=%u", __entry->line, __entry->bytes,
		  __entry->queued)
);

/* The line has sent frames to its far end. */
DEFINE_EVENT(vser_bytes, vser_tx,
	TP_PROTO(u32 line, u32 bytes, u32 queued),
	TP_ARGS(line, bytes, queued)
);

/* The line has received bytes. */
DEFINE_EVENT(vser_bytes, vser_rx,
	TP_PROTO(u32 line, u32 bytes, u32 queued),
	TP_ARGS(line, bytes, queued)
);

/* The line has lost bytes that it received: rx was full, or the line closed. */
DEFINE_EVENT(vser_bytes, vser_drop,
	TP_PROTO(u32 line, u32 bytes, u32 queued),
	TP_ARGS(line, bytes, queued)
);

/* The line's modem inputs have changed; both as TIOCM_*. */
TRACE_EVENT(vser_modem,
	TP_PROTO(u32 line, u32 inputs, u32 changed),
	TP_ARGS(line, inputs, changed),
	TP_STRUCT__entry(
		__field(u32, line)
		__field(u32, inputs)
		__field(u32, changed)
	),
	TP_fast_assign(
		__entry->line = line;
		__entry->inputs = inputs;
		__entry->changed = changed;
	),
	TP_printk("line=%u inputs=%s changed=%s", __entry->line,
		  __print_flags(__entry->inputs, "|", VSER_TRACE_MODEM),
		  __print_flags(__entry->changed, "|", VSER_TRACE_MODEM))
);

/* The line was wired; type as VSER_WIRE_*, to is -1 if it leads to no line. */
TRACE_EVENT(vser_wire,
	TP_PROTO(u32 line, u32 type, int to),
	TP_ARGS(line, type, to),
	TP_STRUCT__entry(
		__field(u32, line)
		__field(u32, type)
		__field(int, to)
	),
	TP_fast_assign(
		__entry->line = line;
		__entry->type = type;
		__entry->to = to;
	),
	TP_printk("line=%u type=%s to=%d", __entry->line,
		  __print_symbolic(__entry->type,
				   { VSER_WIRE_GENERATOR, "generator" },
				   { VSER_WIRE_LOOPBACK, "loopback" },
				   { VSER_WIRE_NULLMODEM, "nullmodem" },
				   { VSER_WIRE_OPEN, "open" },
				   { VSER_WIRE_UNPLUGGED, "unplugged" }),
		  __entry->to)
);

/*
 * A wire's timer ran, or the worker went on with it. late_ns: since when the first of
 * the frames had ended that it handed on, so how late that byte is; busy: there are more.
 */
TRACE_EVENT(vser_timer,
	TP_PROTO(u32 line, bool in, u64 late_ns, bool busy),
	TP_ARGS(line, in, late_ns, busy),
	TP_STRUCT__entry(
		__field(u32, line)
		__field(bool, in)
		__field(u64, late_ns)
		__field(bool, busy)
	),
	TP_fast_assign(
		__entry->line = line;
		__entry->in = in;
		__entry->late_ns = late_ns;
		__entry->busy = busy;
	),
	TP_printk("line=%u wire=%s late_ns=%llu busy=%d", __entry->line,
		  __entry->in ? "in" : "out", __entry->late_ns, __entry->busy)
);

#endif /* VSER_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH line
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
