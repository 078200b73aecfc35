# shellcheck shell=bash
# tap.sh: TAP for tests in bash; one sentence a behaviour.
#
#   . "${srcdir:-.}/t/lib/tap.sh"
#   ok SENTENCE COMMAND...           the command succeeds
#   status SENTENCE WANT COMMAND...  the command exits with WANT
#   is SENTENCE GOT WANT             two strings are equal
#   like SENTENCE GOT REGEX          a string matches
#   same SENTENCE FILE FILE          two files are equal, byte for byte
#   note TEXT
#   rounds FEW USUAL MANY            one of them, as of tap_rounds() in tap.h
#   skip_all REASON                  nothing here can run: says why, ends
#   done_testing                     prints the plan, ends
#
# The output of a command that failed is shown; that of the last command of ok
# or status is in $tmp/out (both streams). $tmp is a folder of this test's own,
# removed at its end, after what at_exit COMMAND... asked for (last in, first
# out), which is how servers are stopped. $srcdir and $builddir are absolute,
# $godwit is the program (under valgrind, another one: t/lib/watched).

srcdir=$(cd "${srcdir:-.}" && pwd)
builddir=$(cd "${builddir:-$srcdir}" && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/godwit.XXXXXX")
godwit=${GODWIT_PROGRAM:-$builddir/godwit}
export srcdir builddir tmp TEST_OWNER=$$

tap_run=0
tap_failed=0
tap_at_exit=()

tap_end() {
	local i
	for ((i = ${#tap_at_exit[@]} - 1; i >= 0; i--)); do
		eval "${tap_at_exit[i]}"
	done
	chmod -R u+rwX "$tmp"
	rm -rf "$tmp"
}
trap tap_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

at_exit() { # COMMAND...
	tap_at_exit+=("${*@Q}")
}

note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

rounds() { # FEW USUAL MANY
	if [ "${GODWIT_TEST_LONG:-0}" != 0 ]; then
		echo "$3"
	elif [ "${GODWIT_TEST_SHORT:-0}" != 0 ]; then
		echo "$1"
	else
		echo "$2"
	fi
}

tap_result() { # PASSED SENTENCE
	tap_run=$((tap_run + 1))
	if [ "$1" = 0 ]; then
		printf 'ok %d - %s\n' "$tap_run" "$2"
	else
		printf 'not ok %d - %s\n' "$tap_run" "$2"
		printf '#   at %s:%d\n' "${BASH_SOURCE[2]}" "${BASH_LINENO[1]}"
		tap_failed=$((tap_failed + 1))
		return 1
	fi
}

tap_values() { # EXPECTED GOT
	printf 'expected: %s\ngot: %s\n' "$1" "$2" | sed 's/^/#   /'
}

ok() {
	local sentence=$1 got=0
	shift
	"$@" >"$tmp/out" 2>&1 || got=$?
	tap_result $((got != 0)) "$sentence" && return
	tap_values "status 0 of $*" "status $got"
	sed 's/^/#   | /' "$tmp/out"
	return 1
}

status() {
	local sentence=$1 want=$2 got=0
	shift 2
	"$@" >"$tmp/out" 2>&1 || got=$?
	tap_result $((got != want)) "$sentence" && return
	tap_values "status $want of $*" "status $got"
	sed 's/^/#   | /' "$tmp/out"
	return 1
}

is() {
	local differ=0
	[ "$2" = "$3" ] || differ=1
	tap_result "$differ" "$1" && return
	tap_values "$3" "$2"
	return 1
}

like() {
	local differ=0
	[[ $2 =~ $3 ]] || differ=1
	tap_result "$differ" "$1" && return
	tap_values "a match of $3" "$2"
	return 1
}

same() {
	local differ=0
	cmp "$2" "$3" >"$tmp/out" 2>&1 || differ=1
	tap_result "$differ" "$1" && return
	sed 's/^/#   | /' "$tmp/out"
	return 1
}

skip_all() {
	printf '1..0 # SKIP %s\n' "$*"
	exit 0
}

done_testing() {
	printf '1..%d\n' "$tap_run"
	exit $((tap_failed != 0))
}
