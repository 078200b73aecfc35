# shellcheck shell=bash
# imap.sh: an IMAP client for tests, plain over the loopback. It waits for the
# tagged answer to each command, so nothing here needs a pause.
#
#   imap_open PORT USER [PASSWORD]    connects, logs in
#   imap COMMAND                      prints the answer without the line ends;
#                                     fails unless it is OK. Each literal of it
#                                     becomes a file $imap_literals/1, 2, ...
#   imap_append MAILBOX FILE [FLAGS [DATE]]
#   imap_save MAILBOX DIR             each message as DIR/UID, exactly, and its
#                                     flags, sorted, as DIR/UID.flags, its date
#                                     as DIR/UID.date
#   imap_close
#
# Mailbox names are given as they go over the wire (modified UTF-7), unquoted.

imap_literals=$(mktemp -d "${tmp:-${TMPDIR:-/tmp}}/imap.XXXXXX")

imap_line() { # sets imap_text to the next line
	LC_ALL=C IFS= read -r -t 60 imap_text <&"$imap_fd" || {
		echo "imap.sh: the connection has ended" >&2
		return 1
	}
	imap_text=${imap_text%$'\r'}
}

# Reads up to the tagged answer. A line that ends in {N} goes on after N bytes.
imap_answer() {
	local literals=0 whole=
	rm -f "$imap_literals"/*
	while imap_line; do
		whole+=$imap_text
		if [[ $imap_text =~ \{([0-9]+)\}$ ]]; then
			literals=$((literals + 1))
			timeout 60 head -c "${BASH_REMATCH[1]}" \
				<&"$imap_fd" >"$imap_literals/$literals"
			continue
		fi
		printf '%s\n' "$whole"
		case $whole in
		"t OK"*) return 0 ;;
		"t "*) return 1 ;;
		esac
		whole=
	done
	return 1
}

imap() { # COMMAND
	printf 't %s\r\n' "$1" >&"$imap_fd"
	imap_answer
}

imap_open() { # PORT USER [PASSWORD]
	exec {imap_fd}<>"/dev/tcp/127.0.0.1/$1" || return
	imap_line || return
	imap "LOGIN $2 ${3:-secret}" >/dev/null
}

imap_append() { # MAILBOX FILE [FLAGS [DATE]]
	local size
	size=$(wc -c <"$2")
	printf 't APPEND "%s" (%s)%s {%d}\r\n' "$1" "${3:-}" \
		"${4:+ \"$4\"}" "$size" >&"$imap_fd"
	imap_line || return
	case $imap_text in
	+*) ;;
	*)
		echo "$imap_text"
		return 1
		;;
	esac
	{ cat "$2" && printf '\r\n'; } >&"$imap_fd"
	imap_answer
}

imap_save() { # MAILBOX DIR
	local line index=0 uid
	mkdir -p "$2"
	imap "EXAMINE \"$1\"" >/dev/null || return
	imap 'UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])' \
		>"$imap_literals.answer" || return
	while read -r line; do
		[[ $line =~ ^\*\ [0-9]+\ FETCH\ .*BODY\[\]\ \{ ]] || continue
		index=$((index + 1))
		[[ $line =~ [\ \(]UID\ ([0-9]+) ]]
		uid=${BASH_REMATCH[1]}
		mv "$imap_literals/$index" "$2/$uid"
		[[ $line =~ FLAGS\ \(([^\)]*)\) ]]
		imap_sorted "${BASH_REMATCH[1]}" >"$2/$uid.flags"
		[[ $line =~ INTERNALDATE\ \"([^\"]*)\" ]]
		echo "${BASH_REMATCH[1]}" >"$2/$uid.date"
	done <"$imap_literals.answer"
	rm -f "$imap_literals.answer"
}

# \Recent belongs to a session, not to the message.
imap_sorted() { # FLAGS
	tr ' ' '\n' <<<"$1" | sed '/^\\Recent$/d' | LC_ALL=C sort | paste -sd ' '
}

imap_close() {
	imap LOGOUT >/dev/null
	exec {imap_fd}>&-
}
