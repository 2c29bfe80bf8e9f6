// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl io - the hardware laboratory: its commands
 */
#include "io.h"
#include "vserctl.h"

static const struct command io_commands[] = {
	{ "ports", "who has which I/O ports", io_ports_command },
	{ "memory", "who has which I/O memory", io_memory_command },
	{ "read", "read a port or a word of I/O memory", io_read_command },
	{ "write", "write one", io_write_command },
	{ "send", "write a string to a port", io_send_command },
	{ "access", "every function for an access, tried and timed",
	  io_access_command },
	{ "edu", "the PCI devices of the laboratory's driver", io_edu_command },
	{ "factorial", "let a device compute, and wait for its interrupt",
	  io_factorial_command },
	{ "irq", "the time from an interrupt to who waits for it", io_irq_command },
	{ "dma", "buffers that a device reaches, through it and back",
	  io_dma_command },
	{ "cost", "what mapping memory for a device costs", io_cost_command },
	{ "reserved", "memory that was reserved at boot", io_reserved_command },
	{ "map", "the kernel's address spaces", io_map_command },
	{ }
};

static const struct command_group io_group = {
	.purpose = "Reach hardware by every function that the kernel has for it, on "
		   "devices that answer.",
	.details =
	"The laboratory is the kernel module io_demo; it is reached through /dev/vser "
	"and needs CAP_SYS_RAWIO. It touches nothing that another driver has.\n"
	"\n"
	"The devices are QEMU's: -device pc-testdev (ports and I/O memory that "
	"remember), -device isa-debugcon (a port whose bytes land in a file), -device "
	"edu (PCI: interrupts, DMA).\n"
	"\n"
	"Addresses are shown in full only to a caller with CAP_SYSLOG while the sysctl "
	"kernel.kptr_restrict is 1. Otherwise they stand as +OFFSET.\n"
	"\n"
	"Exit status: 0; 1 if something failed; 2 if the command line is wrong.\n"
	"\n"
	"docs/hardware.md is a guided tour.",
	.commands = io_commands,
};

int io_command(int argc, char **argv)
{
	return run_command(&io_group, argc, argv);
}
