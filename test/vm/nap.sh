# shellcheck shell=bash
# "nap SECONDS" is "sleep SECONDS" without a process, which on a busy machine is dear:
# who waits beside a virtual machine looks often. Sourced, never run.

# A pipe into which nobody writes, and which is never at its end.
exec {nap_pipe}<> <(:)

nap() {
	read -rt "$1" -u "$nap_pipe" || true
}
