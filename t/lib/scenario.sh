# shellcheck shell=bash
# scenario.sh: what has to go well on every server, whatever it can. Brings
# both.sh along; the user that is configured is connected.
#
#   scenario PREFIX SEPARATOR    as the server has them: '' /  or  INBOX. .

. "${srcdir:-.}/t/lib/both.sh"

scenario() { # PREFIX SEPARATOR
	local prefix=$1 separator=$2 uid
	local birds="${prefix}Lists${separator}V&APY-gel"
	give INBOX 1
	give INBOX 2 '\Seen work'
	give INBOX 3 '\Answered \Flagged \Draft'
	imap "CREATE \"$birds\"" >/dev/null
	give "$birds" 4
	ok 'a first sync fills the Maildir' godwit sync
	ok 'with all of it' both INBOX INBOX
	ok 'also below' both "$birds" Lists/Vögel
	ok 'the next sync does nothing' quiet_sync

	drop INBOX 5
	drop INBOX 6 FSa
	mkdir -p "$mail/Entwürfe"/{cur,new,tmp}
	drop Entwürfe 7 D
	ok 'what is new here' godwit sync
	ok 'goes there' both INBOX INBOX
	ok 'also a mailbox' both "${prefix}Entw&APw-rfe" Entwürfe
	ok 'the next sync does nothing' quiet_sync

	reflag INBOX 1 FSa
	reflag INBOX 3 R
	imap 'SELECT INBOX' >/dev/null
	imap "UID STORE $(uid_of 2) -FLAGS (\\Seen work)" >/dev/null
	imap "UID STORE $(uid_of 5) +FLAGS (\\Flagged later)" >/dev/null
	ok 'flags' godwit sync
	ok 'go both ways' both INBOX INBOX
	rm "$(file_of INBOX 1)"
	imap 'SELECT INBOX' >/dev/null
	uid=$(uid_of 6)
	imap "UID STORE $uid +FLAGS (\\Deleted)" >/dev/null
	imap "UID EXPUNGE $uid" >/dev/null
	give INBOX 8
	ok 'removals' godwit sync
	ok 'go both ways' both INBOX INBOX
	imap 'SELECT INBOX' >/dev/null
	is 'to there' "$(uid_of 1)" 0
	status 'and to here' 1 file_of INBOX 6
	ok 'the next sync does nothing' quiet_sync

	rm -r "$state"
	ok 'without its journal' godwit sync
	ok 'a sync loses and doubles nothing' both INBOX INBOX
	is 'of all that there is' "$(maildir_side INBOX | wc -l)" 4
	ok 'the next sync does nothing' quiet_sync
}
