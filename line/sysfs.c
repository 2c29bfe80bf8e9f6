// SPDX-License-Identifier: GPL-2.0
/*
 * vser - the files of a line in sysfs: /sys/class/vser/<name>/
 *
 * Each attribute reads back what it accepts. One trailing newline is ignored,
 * so that echo can be used; what is malformed is EINVAL and changes nothing.
 */
#include <linux/device.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/sysfs.h>

#include "line.h"

static struct vser_line *vser_dev_line(struct device *dev)
{
	return dev_get_drvdata(dev);
}

/* Copies what was written to an attribute, without its newline, to @text. */
static int vser_attr_text(const char *buf, size_t count, char *text,
			  size_t size)
{
	if (count && buf[count - 1] == '\n')
		count--;
	if (count >= size || memchr(buf, '\0', count))
		return -EINVAL;
	memcpy(text, buf, count);
	text[count] = '\0';

	return 0;
}

/**
 * struct vser_number_attr - an attribute that is a decimal number
 * @attr: as the driver core knows it
 * @min:  the least value
 * @max:  and the greatest
 * @get:  the value
 * @set:  change it; config_lock held; 0 or an error
 */
struct vser_number_attr {
	struct device_attribute attr;
	u64 min;
	u64 max;
	u64 (*get)(struct vser_line *line);
	int (*set)(struct vser_line *line, u64 value);
};

static ssize_t vser_number_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct vser_number_attr *number =
		container_of(attr, struct vser_number_attr, attr);

	return sysfs_emit(buf, "%llu\n", number->get(vser_dev_line(dev)));
}

static ssize_t vser_number_store(struct device *dev,
				 struct device_attribute *attr, const char *buf,
				 size_t count)
{
	struct vser_number_attr *number =
		container_of(attr, struct vser_number_attr, attr);
	struct vser_line *line = vser_dev_line(dev);
	char text[24];
	const char *end = text;
	u64 value;
	int ret;

	if (vser_attr_text(buf, count, text, sizeof(text)) ||
	    !vser_parse_number(&end, number->max, &value) || *end ||
	    value < number->min)
		return -EINVAL;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	ret = number->set(line, value);
	vser_config_unlock(line);

	return ret ?: count;
}

#define VSER_NUMBER_ATTR(name, min, max)				\
static struct vser_number_attr vser_attr_##name = {			\
	__ATTR(name, 0644, vser_number_show, vser_number_store),	\
	min, max, vser_get_##name, vser_put_##name			\
}

static u64 vser_get_baud(struct vser_line *line)
{
	return READ_ONCE(line->uart.baud);
}

static int vser_put_baud(struct vser_line *line, u64 baud)
{
	vser_set_baud(line, baud);

	return 0;
}

VSER_NUMBER_ATTR(baud, VSER_BAUD_MIN, VSER_BAUD_MAX);

static u64 vser_get_pacing(struct vser_line *line)
{
	return READ_ONCE(line->pacing);
}

static int vser_put_pacing(struct vser_line *line, u64 pacing)
{
	vser_set_pacing(line, pacing);

	return 0;
}

VSER_NUMBER_ATTR(pacing, 0, 1);

static u64 vser_get_fifo(struct vser_line *line)
{
	return READ_ONCE(line->rx_size);
}

static int vser_put_fifo(struct vser_line *line, u64 size)
{
	return vser_set_fifo(line, roundup_pow_of_two(size));
}

VSER_NUMBER_ATTR(fifo, VSER_MIN_FIFO, VSER_MAX_FIFO);

static u64 vser_get_exclusive(struct vser_line *line)
{
	return READ_ONCE(line->exclusive);
}

static int vser_put_exclusive(struct vser_line *line, u64 exclusive)
{
	mutex_lock(&line->open_lock);
	WRITE_ONCE(line->exclusive, exclusive);
	mutex_unlock(&line->open_lock);

	return 0;
}

VSER_NUMBER_ATTR(exclusive, 0, 1);

static u64 vser_get_seed(struct vser_line *line)
{
	return READ_ONCE(line->generator.seed);
}

static int vser_put_seed(struct vser_line *line, u64 seed)
{
	struct vser_generator *generator = &line->generator;

	vser_set_generator(line, generator->kind, generator->text,
			   generator->len, seed, line->generator.period);

	return 0;
}

VSER_NUMBER_ATTR(seed, 0, U64_MAX);

static u64 vser_get_period_ns(struct vser_line *line)
{
	return READ_ONCE(line->generator.period);
}

static int vser_put_period_ns(struct vser_line *line, u64 period)
{
	struct vser_generator *generator = &line->generator;

	if (period && period < VSER_MIN_PERIOD)
		return -EINVAL;
	vser_set_generator(line, generator->kind, generator->text,
			   generator->len, generator->seed, period);

	return 0;
}

VSER_NUMBER_ATTR(period_ns, 0, VSER_MAX_PERIOD);

static u64 vser_get_latency_ns(struct vser_line *line)
{
	return READ_ONCE(line->latency);
}

static int vser_put_latency_ns(struct vser_line *line, u64 latency)
{
	WRITE_ONCE(line->latency, latency);
	vser_wire_look_again(&line->out);
	vser_wire_look_again(&line->in);

	return 0;
}

VSER_NUMBER_ATTR(latency_ns, VSER_MIN_LATENCY, VSER_MAX_LATENCY);

static ssize_t wire_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct vser_line *line = vser_dev_line(dev);
	ssize_t len;

	len = vser_config_lock(line);
	if (len)
		return len;
	if (line->far == &vser_far_nullmodem)
		len = sysfs_emit(buf, "%s:%s\n", line->far->name,
				 line->out.to->name);
	else
		len = sysfs_emit(buf, "%s\n", line->far->name);
	vser_config_unlock(line);

	return len;
}

static struct vser_line *vser_line_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < vser_nr_lines; i++)
		if (!strcmp(vser_lines[i]->name, name))
			return vser_lines[i];

	return NULL;
}

static ssize_t wire_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	const struct vser_far_ops *far;
	struct vser_line *peer = NULL;
	char text[32], *name;

	if (vser_attr_text(buf, count, text, sizeof(text)))
		return -EINVAL;
	name = strchr(text, ':');
	if (name)
		*name++ = '\0';

	far = vser_far_by_name(text);
	if (!far)
		return -EINVAL;
	/* A null modem leads to another line, and nothing else does. */
	if (far == &vser_far_nullmodem) {
		peer = name ? vser_line_by_name(name) : NULL;
		if (!peer)
			return -EINVAL;
	} else if (name) {
		return -EINVAL;
	}

	return vser_rewire(vser_dev_line(dev), far, peer) ?: count;
}
static DEVICE_ATTR_RW(wire);

static ssize_t format_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct vser_line *line = vser_dev_line(dev);
	struct vser_format fmt;
	int ret;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	fmt = line->uart.fmt;
	vser_config_unlock(line);

	return sysfs_emit(buf, "%u%c%u\n", fmt.datab,
			  VSER_PARITY_LETTERS[fmt.parity], fmt.stopb);
}

static ssize_t format_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	struct vser_line *line = vser_dev_line(dev);
	struct vser_format fmt;
	char text[8];
	int ret;

	if (vser_attr_text(buf, count, text, sizeof(text)) ||
	    !vser_format_parse(text, &fmt))
		return -EINVAL;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	vser_set_format(line, &fmt);
	vser_config_unlock(line);

	return count;
}
static DEVICE_ATTR_RW(format);

static const char * const vser_flow_names[] = {
	[VSER_FLOW_NONE] = "none",
	[VSER_FLOW_RTSCTS] = "rtscts",
};

static ssize_t flow_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	u32 flow = READ_ONCE(vser_dev_line(dev)->flow);

	return sysfs_emit(buf, "%s\n", vser_flow_names[flow]);
}

static ssize_t flow_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	struct vser_line *line = vser_dev_line(dev);
	char text[16];
	int flow, ret;

	if (vser_attr_text(buf, count, text, sizeof(text)))
		return -EINVAL;
	flow = match_string(vser_flow_names, ARRAY_SIZE(vser_flow_names), text);
	if (flow < 0)
		return -EINVAL;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	vser_set_flow(line, flow);
	vser_config_unlock(line);

	return count;
}
static DEVICE_ATTR_RW(flow);

static ssize_t generator_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct vser_line *line = vser_dev_line(dev);
	struct vser_generator *generator = &line->generator;
	ssize_t len;
	u32 i;

	len = vser_config_lock(line);
	if (len)
		return len;
	len = sysfs_emit(buf, "%s", vser_generator_names[generator->kind]);
	if (generator->kind == VSER_GEN_TEXT)
		for (i = 0; i < generator->len; i++)
			len += vser_escape(generator->text[i], buf + len);
	vser_config_unlock(line);

	return len + sysfs_emit_at(buf, len, "\n");
}

/* Reads "text:..." with C escapes into @text, which the caller frees. */
static int vser_parse_text(const char *escaped, u8 **text, u32 *len)
{
	char *raw = kstrdup(escaped, GFP_KERNEL);
	int n;

	if (!raw)
		return -ENOMEM;
	n = string_unescape_any_inplace(raw);
	if (n < 1 || n > VSER_MAX_TEXT) {
		kfree(raw);
		return -EINVAL;
	}
	*text = raw;
	*len = n;

	return 0;
}

static ssize_t generator_store(struct device *dev,
			       struct device_attribute *attr, const char *buf,
			       size_t count)
{
	struct vser_line *line = vser_dev_line(dev);
	size_t size = strlen("text:") + 4 * VSER_MAX_TEXT + 1;
	enum vser_generator_kind kind;
	u8 *raw = NULL;
	u32 len = 0;
	char *text;
	int ret;

	text = kmalloc(size, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	ret = vser_attr_text(buf, count, text, size);
	if (ret)
		goto out_free;

	if (!strncmp(text, "text:", strlen("text:"))) {
		kind = VSER_GEN_TEXT;
		ret = vser_parse_text(text + strlen("text:"), &raw, &len);
	} else {
		ret = match_string(vser_generator_names, VSER_GEN_TEXT, text);
		kind = ret;
	}
	if (ret < 0)
		goto out_free;

	ret = vser_config_lock(line);
	if (ret) {
		kfree(raw);
		goto out_free;
	}
	vser_set_generator(line, kind, raw, len, line->generator.seed,
			   line->generator.period);
	vser_config_unlock(line);
	ret = count;

out_free:
	kfree(text);
	return ret;
}
static DEVICE_ATTR_RW(generator);

static ssize_t fault_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct vser_line *line = vser_dev_line(dev);
	struct vser_fault f;
	int len;

	len = vser_config_lock(line);
	if (len)
		return len;
	f = line->fault;
	vser_config_unlock(line);

	len = sysfs_emit(buf, "bit=%u drop=%u dup=%u parity=%u frame=%u ",
			 f.bit, f.drop, f.dup, f.parity, f.frame);
	len += sysfs_emit_at(buf, len, "break=%u burst=%u seed=%llu\n",
			     f.brk, f.burst, f.seed);

	return len;
}

static ssize_t fault_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	struct vser_line *line = vser_dev_line(dev);
	struct vser_fault fault;
	char text[160];
	int ret;

	if (vser_attr_text(buf, count, text, sizeof(text)))
		return -EINVAL;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	fault = line->fault;
	ret = -EINVAL;
	if (vser_fault_parse(text, &fault))
		ret = vser_set_fault(line, &fault);
	vser_config_unlock(line);

	return ret ?: count;
}
static DEVICE_ATTR_RW(fault);

static struct attribute *vser_attrs[] = {
	&vser_attr_baud.attr.attr,
	&vser_attr_exclusive.attr.attr,
	&dev_attr_fault.attr,
	&vser_attr_fifo.attr.attr,
	&dev_attr_flow.attr,
	&dev_attr_format.attr,
	&dev_attr_generator.attr,
	&vser_attr_latency_ns.attr.attr,
	&vser_attr_pacing.attr.attr,
	&vser_attr_period_ns.attr.attr,
	&vser_attr_seed.attr.attr,
	&dev_attr_wire.attr,
	NULL
};

static const struct attribute_group vser_group = {
	.attrs = vser_attrs,
};

/**
 * struct vser_stat_attr - an attribute that is a counter of the line
 * @attr:   as the driver core knows it
 * @offset: of the counter, in &struct vser_line
 */
struct vser_stat_attr {
	struct device_attribute attr;
	size_t offset;
};

static ssize_t vser_stat_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct vser_stat_attr *stat =
		container_of(attr, struct vser_stat_attr, attr);
	u64 *counter = (void *)vser_dev_line(dev) + stat->offset;

	return sysfs_emit(buf, "%llu\n", READ_ONCE(*counter));
}

static ssize_t rx_queued_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%u\n", vser_rx_len(vser_dev_line(dev)));
}
static DEVICE_ATTR_RO(rx_queued);

static ssize_t tx_queued_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%u\n", vser_queue_len(&vser_dev_line(dev)->tx));
}
static DEVICE_ATTR_RO(tx_queued);

#define VSER_STAT(counter)						\
	(&((struct vser_stat_attr) {					\
		__ATTR(counter, 0444, vser_stat_show, NULL),		\
		offsetof(struct vser_line, counter)			\
	}).attr.attr)

static struct attribute *vser_stats_attrs[] = {
	&dev_attr_rx_queued.attr,
	&dev_attr_tx_queued.attr,
	VSER_STAT(rx_arrived),
	VSER_STAT(rx_brk),
	VSER_STAT(rx_delivered),
	VSER_STAT(rx_dup),
	VSER_STAT(rx_faults),
	VSER_STAT(rx_flushed),
	VSER_STAT(rx_frame),
	VSER_STAT(rx_generated),
	VSER_STAT(rx_marks),
	VSER_STAT(rx_merged),
	VSER_STAT(rx_overrun),
	VSER_STAT(rx_parity),
	VSER_STAT(rx_split),
	VSER_STAT(tx_flushed),
	VSER_STAT(tx_sent),
	VSER_STAT(tx_written),
	NULL
};

static const struct attribute_group vser_stats_group = {
	.name = "stats",
	.attrs = vser_stats_attrs,
};

const struct attribute_group *vser_groups[] = {
	&vser_group,
	&vser_stats_group,
	NULL
};
