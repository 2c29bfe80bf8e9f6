// SPDX-License-Identifier: GPL-2.0
/* kbuild cannot link vser.ko from a vser.o and others: so it is main.o. */
#include "../vser.c"
