# shellcheck shell=bash
# What the environment variable STRESS_HOST asks for. Sourced by those that boot
# machines, never run.

# Start as many busy loops as it says, in the background. They are jobs of the shell that
# calls this, which ends them; if it is killed, they see it, and end by themselves.
stress_host() {
	local i j

	[[ ${STRESS_HOST:-0} =~ ^[0-9]+$ ]] || {
		printf '%s: STRESS_HOST is a number, not %s\n' "${0##*/}" "$STRESS_HOST" >&2
		exit 2
	}
	for ((i = 0; i < ${STRESS_HOST:-0}; i++)); do
		while kill -0 $$ 2>/dev/null; do
			for ((j = 0; j < 100000; j++)); do :; done
		done &
	done
}
