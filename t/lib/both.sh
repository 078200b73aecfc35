# shellcheck shell=bash
# both.sh: an account on a throw-away server and its Maildir, and whether they
# are equal. Brings tap.sh and imap.sh along.
#
#   server_start KIND [USER]...   a server of t/lib/KIND, in $server; sets $port
#                         and $port_tls, or ends the test if it is not to be had.
#                         With dovecot, the users may be others than u1 and u2
#   configure [KEY: VALUE]...     writes $config: one account, home, of user u1
#                         over TLS; a KEY given replaces or adds to that, without
#                         VALUE takes away. A new user has an empty Maildir
#   godwit ARGUMENT...    runs the program, with $config
#   message NUMBER [BYTES]        a small message, different for each number
#   give MAILBOX NUMBER [FLAGS [DATE]]   a message for the server
#   drop FOLDER NUMBER [LETTERS]         one for the Maildir, as a mail reader
#                         would: into new, or with letters into cur
#   file_of FOLDER NUMBER                the file that holds it
#   reflag FOLDER NUMBER LETTERS         renames that, to these letters
#   uid_of NUMBER         its UID, in the mailbox that is selected; 0: not there
#   both MAILBOX FOLDER   fails, and shows how, unless they hold the same
#                         messages: bytes, flags, keywords and dates
#   server_side MAILBOX, maildir_side FOLDER     what `both` compares
#   quiet_sync            fails, and shows what was done, unless a sync succeeds
#                         and does nothing
#   json_of ARGUMENT...   what a run with --json prints; its status in $result
#
# Mailboxes are named as on the wire, folders below $mail.

. "${srcdir:-.}/t/lib/tap.sh"
. "$srcdir/t/lib/imap.sh"

mail=$tmp/Mail
state=$tmp/state
config=$tmp/godwit.yaml
export HOME=$tmp PASSWORD=secret

server_start() { # KIND [USER]...
	local kind=$1 user
	shift
	chmod 711 "$tmp" # Dovecot's Maildirs want access(2), which asks the user
	server=$tmp/server
	server_kind=$srcdir/t/lib/$kind
	mkdir -p "$server"
	for user in "$@"; do
		printf '%s:{PLAIN}secret\n' "$user" >>"$server/users"
	done
	at_exit "$server_kind" stop "$server"
	if ! "$server_kind" start "$server" 2>"$tmp/start"; then
		grep -q 'not to be had' "$tmp/start" &&
			skip_all "$kind is not to be had"
		note "$(cat "$tmp/start")"
		ok "$kind starts" false
		done_testing
	fi
	port=$(cat "$server/port")
	port_tls=$(cat "$server/port-tls")
}

configure() { # [KEY: VALUE]...
	local line user
	local -A keys=(
		[user]=u1
		[server]=localhost:$port_tls
		[tls]="{ca: $server/tls/ca.crt}"
		[password]='{env: PASSWORD}'
		[timeout]=30s
	)
	for line; do
		keys[${line%%:*}]=${line#*:}
	done
	user=${keys[user]# }
	mail=$tmp/Mail-$user
	state=$tmp/state-$user
	keys[maildir]=${keys[maildir]:-$mail}
	keys[state]=${keys[state]:-$state}
	{
		printf 'accounts:\n  home:\n'
		for line in "${!keys[@]}"; do
			[ -z "${keys[$line]}" ] ||
				printf '    %s: %s\n' "$line" "${keys[$line]}"
		done
	} >"$config"
}

godwit() {
	"$godwit" "$@" -c "$config"
}

message() { # NUMBER [BYTES]
	printf 'From: bird@example.org\r\nSubject: number %d.\r\n' "$1"
	printf 'Message-ID: <%d@example.org>\r\n\r\n' "$1"
	printf 'Body of %d.\r\n' "$1"
	[ -z "${2:-}" ] || head -c "$2" /dev/zero | tr '\0' x | fold -w 70 |
		sed 's/$/\r/'
}

give() { # MAILBOX NUMBER [FLAGS [DATE]]
	message "$2" >"$tmp/message"
	imap_append "$1" "$tmp/message" "${3:-}" \
		"${4:-01-Feb-2003 04:05:06 +0000}" >"$tmp/append" && return
	cat "$tmp/append"
	return 1
}

drop() { # FOLDER NUMBER [LETTERS]
	local name=1700000000.M$2P1.here
	message "$2" | tr -d '\r' >"$mail/$1/tmp/$name"
	touch -d "2004-05-06 07:08:09Z + $2 seconds" "$mail/$1/tmp/$name"
	if [ -n "${3+x}" ]; then
		mv "$mail/$1/tmp/$name" "$mail/$1/cur/$name:2,$3"
	else
		mv "$mail/$1/tmp/$name" "$mail/$1/new/$name"
	fi
}

file_of() { # FOLDER NUMBER
	grep -lrF "Subject: number $2." "$mail/$1/cur" "$mail/$1/new"
}

reflag() { # FOLDER NUMBER LETTERS
	local file
	file=$(file_of "$1" "$2")
	mv "$file" "$mail/$1/cur/$(basename "${file%:2,*}"):2,$3"
}

uid_of() { # NUMBER
	local uid
	uid=$(imap "UID SEARCH SUBJECT \"number $1.\"" |
		sed -n 's/^\* SEARCH //p')
	echo "${uid:-0}"
}

server_side() { # MAILBOX
	imap "EXAMINE \"$1\"" >"$tmp/examine" || return
	! grep -q '^\* 0 EXISTS' "$tmp/examine" || return 0
	printf 't UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])\r\n' >&"$imap_fd"
	"$srcdir/t/lib/sides" server <&"$imap_fd"
}

maildir_side() { # FOLDER
	"$srcdir/t/lib/sides" maildir "$mail/$1"
}

both() { # MAILBOX FOLDER
	server_side "$1" >"$tmp/side.server" || return
	maildir_side "$2" >"$tmp/side.maildir" || return
	diff -u "$tmp/side.server" "$tmp/side.maildir"
}

json_of() { # ARGUMENT...
	result=0
	godwit "$@" --json 2>"$tmp/errors" || result=$?
	return "$result"
}

quiet_sync() {
	json_of sync >"$tmp/quiet" || {
		cat "$tmp/errors" "$tmp/quiet"
		return 1
	}
	! grep -vE '"event":"(mailbox|note|summary)"' "$tmp/quiet" || return
	! grep -E '"(added|removed|moved|copied|flagged)":[1-9]' "$tmp/quiet"
}
