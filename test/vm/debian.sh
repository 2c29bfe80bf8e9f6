# shellcheck shell=bash
# What fetch and debug-kernel share: the cache folder and a private apt.
# Sourced, never run.
#
# The private apt has its own sources, lists and package cache. So the kernels
# of one Debian release can be had on a host that runs another one, no root is
# needed, and what the host has installed or pinned changes nothing.

# Everything in here can be downloaded or built again: removing it is safe.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vser

# The Debian suite whose archive carries each kernel series; "newest" is whatever
# is the newest.
# shellcheck disable=SC2034 # for those that source this
declare -A suite_of_kernel=(
	[5.10]=bullseye
	[6.1]=bookworm
	[6.12]=bookworm-backports
	[newest]=sid
)

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
	say "$@"
	exit 1
}

# The address from which the host itself gets packages with this Release label.
host_mirror() {
	# shellcheck disable=SC2016 # apt replaces these, not the shell
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' \
		'Created-By: Packages' |
		awk -F '|' -v label="$1" '
			$1 == "Debian" && $2 == label && !found++ { print $3 }'
}

# Wait until no other process has this lock, and take it; it is held until the file
# descriptor in the variable $2 is closed. A process that dies loses it, so that there
# is no limit: what a lock is held for, a build of a kernel at most, ends.
take_lock() {
	local file=$1
	local -n descriptor=$2

	mkdir -p "${file%/*}"
	exec {descriptor}>"$file"
	flock --nonblock "$descriptor" && return
	say "waiting for another process, which holds $file"
	flock "$descriptor"
}

apt_lock=''

# Make the private apt for a suite, and ask the mirror what there is. From here on until
# apt_done is called, or to the end of the process, no other process uses the suite's:
# what was asked about it remains true until it is downloaded.
apt_update() {
	local suite=$1 home=$cache/apt/$1 main security
	local options='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg target=Packages]'

	main=$(host_mirror Debian)
	if [[ -z $main ]]; then
		say 'apt knows no Debian mirror; run "apt-get update" as root first'
		return 1
	fi
	security=$(host_mirror Debian-Security)

	take_lock "$home/lock" apt_lock
	mkdir -p "$home"/{lists,archives}/partial
	# What is installed here must not influence what is chosen.
	: >"$home/status"
	{
		echo "deb $options $main $suite main"
		# These two are updated in place.
		if [[ $suite != sid && $suite != *-backports ]]; then
			echo "deb $options $main $suite-updates main"
			[[ -z $security ]] || echo "deb $options $security $suite-security main"
		fi
	} >"$home/sources.list"
	# The host's own configuration is read before this: it may hold a proxy.
	cat >"$home/apt.conf" <<-END
		Dir::State::lists "$home/lists";
		Dir::State::status "$home/status";
		Dir::Cache "$home";
		Dir::Etc::sourcelist "$home/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; };
		APT::Sandbox::User "root";
		APT::Update::Error-Mode "any";
		# A mirror that stands still is better than none.
		Acquire::Check-Valid-Until "false";
		Acquire::Languages "none";
		Acquire::Retries "2";
		Acquire::http::Timeout "20";
		Acquire::https::Timeout "20";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
	apt-get --config-file "$home/apt.conf" -qq update >&2
}

# Let others use the suite's apt: all is downloaded.
apt_done() {
	exec {apt_lock}>&-
	apt_lock=''
}

# The value of one field of the newest version of a package.
package_field() {
	local suite=$1 package=$2 field=$3

	apt-cache --config-file "$cache/apt/$suite/apt.conf" \
		show --no-all-versions "$package" |
		sed -n "s/^$field: //p"
}

# The packages that are named and all that they depend on.
with_dependencies() {
	local suite=$1
	shift

	apt-get --config-file "$cache/apt/$suite/apt.conf" --simulate \
		--no-install-recommends install "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p'
}

# Download packages into a folder and unpack them there, into "root".
unpack_packages() {
	local suite=$1 folder=$2 deb
	shift 2

	(cd "$folder" &&
		apt-get --config-file "$cache/apt/$suite/apt.conf" -qq download "$@" >&2) ||
		return 1
	for deb in "$folder"/*.deb; do
		dpkg-deb --extract "$deb" "$folder/root" || return 1
		rm "$deb"
	done
}

is_fresh() {
	[[ $(find "$1" -xtype d -mtime -1 2>/dev/null) ]]
}

# Print the folder that a link names. Before that, unless it was done in the last
# 24 hours, run a command that brings the folder up to date and sets the link
# anew; when it fails, the folder had earlier is good enough. The command may
# use the empty folder $scratch, on the same file system as the link.
#
# The same folder is made by one process at a time: two would do the same work. Others
# are made meanwhile.
print_newest() {
	# shellcheck disable=SC2034 # take_lock sets it, by its name
	local link=$1 lock
	shift

	is_fresh "$link" || take_lock "$link.lock" lock
	if ! is_fresh "$link"; then
		scratch=$link.unfinished
		trap 'rm -rf "$scratch"' EXIT
		rm -rf "$scratch"
		mkdir "$scratch"
		if ! "$@"; then
			[[ -d $link ]] || die 'and the cache holds nothing to use instead'
			say 'so taking what the cache has from earlier'
		fi
	fi
	readlink "$link"
}
