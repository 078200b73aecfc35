/*
 * Limits: every bound that godwit sets to what others send, with its reason.
 *
 * A server, a Maildir or a config file that goes past one gets a clear error
 * (P7: no unbounded memory, no hang). The tests lower none of them.
 */
#ifndef GODWIT_BASE_LIMITS_H
#define GODWIT_BASE_LIMITS_H

#include <stddef.h>

enum {
	/* One response line without its literals. ESEARCH and FLAGS lines of
	 * real servers stay below 1 MiB even for a million messages. */
	LIMIT_LINE_BYTES = 8 << 20,

	/* A literal that is kept in memory (a mailbox name, a header block).
	 * Bodies stream and have no limit. */
	LIMIT_LITERAL_MEMORY_BYTES = 4 << 20,

	/* Parentheses within parentheses. BODYSTRUCTURE is never asked for, so
	 * 4 would do; servers' own extensions get some room. */
	LIMIT_LIST_DEPTH = 32,

	/* Words of one list: flags, capabilities, IDs. Cyrus has 128 keywords
	 * a mailbox, others some hundred. */
	LIMIT_LIST_WORDS = 16384,

	/* Namespaces of one kind; real servers have one or two. */
	LIMIT_NAMESPACES = 64,

	/* Commands sent and not yet answered, all kinds. */
	LIMIT_PIPELINE_COMMANDS = 64,

	/* Connections of an account, whatever its `connections` says: Gmail
	 * grants 15, Dovecot 10 as it comes. */
	LIMIT_CONNECTIONS = 16,

	/* Pipelined STATUS: about 50 break Exchange's parser. */
	LIMIT_PIPELINE_STATUS = 25,

	/* One command line as we send it; RFC 2683 3.2.1.5 asks for 8000,
	 * Courier resets the connection at 16 KiB. */
	LIMIT_COMMAND_LINE_BYTES = 8000,

	/* What may travel before the answer to the login: Dovecot cuts a client
	 * off at about 1.5 KB. */
	LIMIT_BEFORE_LOGIN_BYTES = 1000,

	/* LITERAL- (RFC 7888): longer literals must wait for "+". */
	LIMIT_LITERAL_MINUS_BYTES = 4096,

	/* A keyword's name; Dovecot takes 50, others more. */
	LIMIT_KEYWORD_BYTES = 256,

	/* Distinct keywords of one mailbox, remembered. */
	LIMIT_KEYWORDS = 4096,

	/* Memory for distinct sets of them: a million messages, each with its
	 * own choice of 16, take 54 MiB. */
	LIMIT_KEYWORD_SET_BYTES = 64 << 20,

	/* A Maildir's keyword file: 26 lines of keywords, and some garbage. */
	LIMIT_KEYWORD_FILE_BYTES = 64 << 10,

	/* A mailbox's name on the server, decoded. */
	LIMIT_MAILBOX_NAME_BYTES = 1000,

	/* Messages of one mailbox, as a server lists them; a tenth of a GiB a
	 * million in memory. */
	LIMIT_MESSAGES = 20000000,

	/* Mailboxes of one account. */
	LIMIT_MAILBOXES = 100000,

	/* Mailboxes whose new names are looked for in one survey. In which
	 * order names become free takes a look at all pairs. */
	LIMIT_RENAMES = 1000,

	/* A path component on disk (NAME_MAX of the usual file systems). */
	LIMIT_NAME_BYTES = 255,

	/* Bytes that wait to be sent before the engine is told to pause. */
	LIMIT_OUTPUT_BYTES = 256 << 10,

	/* One step of decompressing: DEFLATE makes up to 1032 bytes of one. */
	LIMIT_INFLATE_BYTES = 256 << 10,

	/* One durable batch: 256 messages or 32 MiB, whichever is first. */
	LIMIT_BATCH_MESSAGES = 256,
	LIMIT_BATCH_BYTES = 32 << 20,

	/* A body over this resumes where it was cut off. */
	LIMIT_RESUME_BYTES = 4 << 20,

	/* The config file; accounts take a few hundred bytes each. */
	LIMIT_CONFIG_BYTES = 1 << 20,

	/* Collections within collections in it; its own keys need 5. */
	LIMIT_CONFIG_DEPTH = 8,

	/* Accounts in it: each is compared with each. */
	LIMIT_CONFIG_ACCOUNTS = 1000,

	/* What a password command may print. OAuth tokens reach 8 KiB. */
	LIMIT_PASSWORD_BYTES = 64 << 10,

	/* A SASL challenge or response, decoded. */
	LIMIT_SASL_BYTES = 64 << 10,

	/* SCRAM's iteration count, the server's to choose: a few seconds of
	 * one core. Servers ask for 4096 to some 100,000. */
	LIMIT_SCRAM_ITERATIONS = 4 << 20,

	/* The journal's history: so many runs, not older than that. At a run
	 * every five minutes 1000 are three days and a half; runs that did
	 * nothing are not recorded, so it is far longer. */
	LIMIT_HISTORY_RUNS = 1000,
	LIMIT_HISTORY_DAYS = 90,

	/* Records of one run; its counts go on. A first sync of a million
	 * messages needs no million lines to say so. */
	LIMIT_HISTORY_RUN_RECORDS = 10000,
};

#endif
