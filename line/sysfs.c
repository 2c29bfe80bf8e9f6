// SPDX-License-Identifier: GPL-2.0
/*
 * vser - the files of a line in sysfs: /sys/class/vser/<name>/
 *
 * Each attribute reads back what it accepts. One trailing newline is ignored,
 * so that echo can be used; what is malformed is EINVAL and changes nothing.
 */
#include <linux/device.h>
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
 * @bit:  the setting, one of VSER_CONFIG_*
 * @max:  what it has room for
 * @get:  the value
 * @put:  store it in the settings that are to change
 */
struct vser_number_attr {
	struct device_attribute attr;
	u32 bit;
	u64 max;
	u64 (*get)(struct vser_line *line);
	void (*put)(struct vser_config *config, u64 value);
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
	struct vser_config config = { .mask = number->bit };
	char text[24];
	const char *end = text;
	u64 value;

	if (vser_attr_text(buf, count, text, sizeof(text)) ||
	    !vser_parse_number(&end, number->max, &value) || *end)
		return -EINVAL;
	number->put(&config, value);

	return vser_line_configure(vser_dev_line(dev), &config, NULL) ?: count;
}

#define VSER_NUMBER_ATTR(name, bit, max)				\
static struct vser_number_attr vser_attr_##name = {			\
	__ATTR(name, 0644, vser_number_show, vser_number_store),	\
	bit, max, vser_get_##name, vser_put_##name			\
}

static u64 vser_get_baud(struct vser_line *line)
{
	return READ_ONCE(line->uart.baud);
}

static void vser_put_baud(struct vser_config *config, u64 value)
{
	config->baud = value;
}

VSER_NUMBER_ATTR(baud, VSER_CONFIG_BAUD, U32_MAX);

static u64 vser_get_pacing(struct vser_line *line)
{
	return READ_ONCE(line->pacing);
}

static void vser_put_pacing(struct vser_config *config, u64 value)
{
	config->pacing = value;
}

VSER_NUMBER_ATTR(pacing, VSER_CONFIG_PACING, U32_MAX);

static u64 vser_get_fifo(struct vser_line *line)
{
	return READ_ONCE(line->rx_size);
}

static void vser_put_fifo(struct vser_config *config, u64 value)
{
	config->fifo = value;
}

VSER_NUMBER_ATTR(fifo, VSER_CONFIG_FIFO, U32_MAX);

static u64 vser_get_exclusive(struct vser_line *line)
{
	return READ_ONCE(line->exclusive);
}

static void vser_put_exclusive(struct vser_config *config, u64 value)
{
	config->exclusive = value;
}

VSER_NUMBER_ATTR(exclusive, VSER_CONFIG_EXCLUSIVE, U32_MAX);

static u64 vser_get_seed(struct vser_line *line)
{
	return READ_ONCE(line->generator.seed);
}

static void vser_put_seed(struct vser_config *config, u64 value)
{
	config->seed = value;
}

VSER_NUMBER_ATTR(seed, VSER_CONFIG_SEED, U64_MAX);

static u64 vser_get_period_ns(struct vser_line *line)
{
	return READ_ONCE(line->generator.period);
}

static void vser_put_period_ns(struct vser_config *config, u64 value)
{
	config->period_ns = value;
}

VSER_NUMBER_ATTR(period_ns, VSER_CONFIG_PERIOD, U64_MAX);

static u64 vser_get_latency_ns(struct vser_line *line)
{
	return READ_ONCE(line->latency);
}

static void vser_put_latency_ns(struct vser_config *config, u64 value)
{
	config->latency_ns = value;
}

VSER_NUMBER_ATTR(latency_ns, VSER_CONFIG_LATENCY, U32_MAX);

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
	struct vser_config config = { .mask = VSER_CONFIG_WIRE };
	/* Only root can write here. */
	struct vser_plug plug = { .may_join = true };
	char text[32], *name;

	if (vser_attr_text(buf, count, text, sizeof(text)))
		return -EINVAL;
	name = strchr(text, ':');
	if (name)
		*name++ = '\0';

	plug.far = vser_far_by_name(text);
	if (!plug.far)
		return -EINVAL;
	/* A null modem leads to another line, and nothing else does. */
	if (plug.far == &vser_far_nullmodem) {
		plug.peer = name ? vser_line_by_name(name) : NULL;
		if (!plug.peer)
			return -EINVAL;
	} else if (name) {
		return -EINVAL;
	}

	return vser_line_configure(vser_dev_line(dev), &config, &plug) ?: count;
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
	struct vser_config config = { .mask = VSER_CONFIG_FORMAT };
	char text[8];

	if (vser_attr_text(buf, count, text, sizeof(text)) ||
	    !vser_format_parse(text, &config.format))
		return -EINVAL;

	return vser_line_configure(vser_dev_line(dev), &config, NULL) ?: count;
}
static DEVICE_ATTR_RW(format);

/* From VSER_FLOW_NONE on. */
static const char * const vser_flow_names[] = {
	[VSER_FLOW_NONE - 1] = "none",
	[VSER_FLOW_RTSCTS - 1] = "rtscts",
};

static ssize_t flow_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	u32 flow = READ_ONCE(vser_dev_line(dev)->flow);

	return sysfs_emit(buf, "%s\n", vser_flow_names[flow - 1]);
}

static ssize_t flow_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	struct vser_config config = { .mask = VSER_CONFIG_FLOW };
	char text[16];
	int at;

	if (vser_attr_text(buf, count, text, sizeof(text)))
		return -EINVAL;
	at = match_string(vser_flow_names, ARRAY_SIZE(vser_flow_names), text);
	if (at < 0)
		return -EINVAL;
	config.flow = VSER_FLOW_NONE + at;

	return vser_line_configure(vser_dev_line(dev), &config, NULL) ?: count;
}
static DEVICE_ATTR_RW(flow);

/* From VSER_GEN_LETTERS on. */
static const char * const vser_generator_names[] = {
	[VSER_GEN_LETTERS - 1] = "letters",
	[VSER_GEN_COUNTER - 1] = "counter",
	[VSER_GEN_PRBS15 - 1] = "prbs15",
	[VSER_GEN_TEXT - 1] = "text:",
};

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
	len = sysfs_emit(buf, "%s", vser_generator_names[generator->kind - 1]);
	if (generator->kind == VSER_GEN_TEXT)
		for (i = 0; i < generator->len; i++)
			len += vser_escape(generator->text[i], buf + len);
	vser_config_unlock(line);

	return len + sysfs_emit_at(buf, len, "\n");
}

/* Reads a text with C escapes, and changes @escaped. */
static int vser_parse_text(char *escaped, struct vser_config *config)
{
	int n = string_unescape_any_inplace(escaped);

	if (n < 1 || n > VSER_TEXT_MAX)
		return -EINVAL;
	memcpy(config->text, escaped, n);
	config->text_len = n;

	return 0;
}

static ssize_t generator_store(struct device *dev,
			       struct device_attribute *attr, const char *buf,
			       size_t count)
{
	struct vser_config config = { .mask = VSER_CONFIG_GENERATOR };
	size_t size = strlen("text:") + 4 * VSER_TEXT_MAX + 1;
	char *text;
	int ret;

	text = kmalloc(size, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	ret = vser_attr_text(buf, count, text, size);
	if (ret)
		goto out_free;

	if (!strncmp(text, "text:", strlen("text:"))) {
		config.generator = VSER_GEN_TEXT;
		ret = vser_parse_text(text + strlen("text:"), &config);
	} else {
		ret = match_string(vser_generator_names, VSER_GEN_TEXT - 1,
				   text);
		config.generator = VSER_GEN_LETTERS + ret;
	}
	if (ret >= 0)
		ret = vser_line_configure(vser_dev_line(dev), &config, NULL);

out_free:
	kfree(text);
	return ret ?: count;
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
	struct vser_config config = { .mask = VSER_CONFIG_FAULT };
	struct vser_line *line = vser_dev_line(dev);
	char text[160];
	int ret;

	if (vser_attr_text(buf, count, text, sizeof(text)))
		return -EINVAL;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	config.fault = line->fault;
	ret = -EINVAL;
	if (vser_fault_parse(text, &config.fault))
		ret = vser_line_configure_locked(line, &config);
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
