# shellcheck shell=bash
# files.sh: which files the tidy tests look at, relative to the top of the tree.
# A release has no git, so the folders are searched.

. "${srcdir:-.}/t/lib/tap.sh"
cd "$srcdir" || exit

c_files() { # FOLDER...
	find "$@" -name '*.[ch]' 2>/dev/null | LC_ALL=C sort
}

all_files() {
	find README COPYING NEWS configure.ac Makefile.am .clang-format \
		.clang-tidy .editorconfig .gitignore .shellcheckrc \
		.ci .githooks contrib include man src t -type f \
		! -path 't/fuzz/corpus/*' ! -name '*.o' ! -name '.dirstamp' \
		! -path '*/.deps/*' 2>/dev/null | LC_ALL=C sort
}

text_files() {
	all_files | xargs -d '\n' grep -Il ''
}

shell_files() {
	text_files | xargs -d '\n' awk '
		FNR == 1 && (/^#!.*[\/ ](ba)?sh$/ || /^# shellcheck shell=/) {
			print FILENAME
		}'
}

# The lines that a command prints are what is wrong; there should be none.
none() { # SENTENCE COMMAND...
	local sentence=$1 wrong=0
	shift
	"$@" >"$tmp/wrong" 2>&1
	[ ! -s "$tmp/wrong" ] || wrong=1
	tap_result "$wrong" "$sentence" || sed 's/^/#   | /' "$tmp/wrong"
}

# The tools of Debian 12 judge; other versions would differ about the same code.
llvm_tool() { # NAME
	local tool
	for tool in "$1-14" "$1"; do
		if "$tool" --version 2>/dev/null | grep -q 'version 14\.'; then
			echo "$tool"
			return
		fi
	done
	return 1
}
