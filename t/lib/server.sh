# shellcheck shell=bash
# server.sh: what the throw-away servers share. t/lib/dovecot, cyrus and courier
# source it, define what server_main names, and call that.
#
# A server runs on 127.0.0.1 as an ordinary user (root becomes nobody), on two
# ports that it finds free: DIR/port (IMAP with STARTTLS) and DIR/port-tls
# (TLS from the first byte). Users u1 and u2, password secret; certificates in
# DIR/tls (see t/lib/certs); what it says in DIR/log. A second start in the same
# DIR keeps mail and ports.
#
# It lives until `stop`, until the process that started it is gone (TEST_OWNER,
# a pid, else the caller), or for SERVER_SECONDS (900), whichever is first: a
# supervisor holds DIR/lock and ends the server's process group.

lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
owner=${TEST_OWNER:-$PPID}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Runs this script again as nobody, who may go wherever root may.
as_ordinary_user() { # ARGUMENT...
	[ "$(id -u)" = 0 ] && [ "${server_drops_root:?}" = yes ] || return 0
	chown nobody "$dir"
	exec setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups \
		--inh-caps +dac_override --ambient-caps +dac_override \
		env HOME="$dir" TEST_OWNER="$owner" "$0" "$@"
}

# Unpacks Debian packages that cannot be installed here beside others, with what
# they need and the machine lacks, into the tree $root, once. Mail transport
# agents are left out. Trees are kept in SERVER_CACHE, else in the build.
unpack() { # NAME PACKAGE...
	local cache=${SERVER_CACHE:-${builddir:-$lib/../..}/t/servers} name=$1
	shift
	mkdir -p "$cache"
	root=$(cd "$cache" && pwd)/$name
	exec 8>"$root.lock"
	flock 8
	[ -e "$root/complete" ] || unpack_into "$root" "$@" || return
	exec 8>&-
}

unpack_into() { # ROOT PACKAGE...
	local root=$1 needed
	shift
	needed=$({
		printf '%s\n' "$@"
		apt-get -s --no-install-recommends install "$@" 2>/dev/null |
			sed -n 's/^Inst \([^ ]*\).*/\1/p'
	} | grep -vE '^(exim|postfix|courier-mta)' | sort -u)
	rm -rf "$root"
	mkdir -p "$root/debs"
	# shellcheck disable=SC2086
	(cd "$root/debs" && apt-get -q download $needed) \
		>"$root/download.log" 2>&1 || return
	find "$root/debs" -name '*.deb' -exec dpkg -x {} "$root" \;
	rm -r "$root/debs"
	chmod -R a+rX "$root"
	touch "$root/complete"
}

listens() { # PORT
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

ports_are_free() { # PORT
	port=$1
	port_tls=$((port + 1))
	! listens "$port" && ! listens "$port_tls"
}

# Those of the last start, else two neighbours below the range that the kernel
# gives to outgoing connections. Servers that start at the same time differ in
# pid, so they look at different ones.
pick_ports() {
	local try
	if [ -e "$dir/port" ]; then
		ports_are_free "$(cat "$dir/port")" && return
	fi
	for ((try = $$; try < $$ + 100; try++)); do
		ports_are_free $((20000 + try % 6000 * 2)) && return
	done
	die "no free port on 127.0.0.1"
}

# Runs the server until it is told to stop or its time is over. Fd 9 is DIR/lock.
supervise() { # COMMAND...
	set -m
	trap : TERM
	"$@" </dev/null >>"$dir/log" 2>&1 9>&- &
	local server=$!
	timeout "${SERVER_SECONDS:-900}" tail --pid="$owner" -f /dev/null \
		</dev/null >/dev/null 2>&1 9>&- &
	local watch=$!
	wait -n || true
	kill -KILL -- "-$server" "-$watch"
	wait
}

# A server may say other things before the greeting that names it.
greets() {
	local line
	exec 3<>"/dev/tcp/127.0.0.1/$port" || return
	while read -r -t 10 line <&3; do
		[[ $line != *ready* ]] || return 0
	done
	return 1
}

# True when both ports serve; false when the server ends, or does not serve in
# half a minute.
await_server() {
	local end=$((SECONDS + 30))
	until listens "$port_tls" && (greets) 2>/dev/null; do
		! flock -n "$dir/lock" true || return 1
		((SECONDS < end)) || return 1
		sleep 0.01
	done
}

start() {
	umask 022
	install
	as_ordinary_user start "$dir"
	exec 9>"$dir/lock"
	flock -n 9 || die "a server is running in $dir already"
	"$lib/certs" "$dir/tls"
	pick_ports
	server_configure
	supervise "${server[@]}" </dev/null >/dev/null 2>&1 &
	echo $! >"$dir/supervisor"
	exec 9>&-
	if ! await_server; then
		tail -n 20 "$dir/log" >&2
		stop
		die "the server does not start; its log is above"
	fi
	echo "$port" >"$dir/port"
	echo "$port_tls" >"$dir/port-tls"
}

stop() {
	[ -e "$dir/lock" ] || return 0
	flock -n "$dir/lock" true && return
	kill "$(cat "$dir/supervisor")"
	flock "$dir/lock" true
}

# What a later start needs is got now: packages may be far.
install() {
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	server_install || die "what it needs is not to be had"
}

# Before, define server_drops_root, yes or no; server_install: it makes sure
# that what the server is made of is there, still as the caller; and
# server_configure: it writes into $dir what the server needs to serve $port and
# $port_tls, and sets the array `server` to the command that serves in the
# foreground.
server_main() { # start|stop|install DIR
	case $1 in
	start | stop | install) "$1" ;;
	*) die "usage: ${0##*/} start|stop|install DIR" ;;
	esac
}
