/* How: two tables, of operations and of reasons. */
#include "godwit/sync/plan.h"

#include "godwit/base/err.h"

static const struct op_word {
	const char *name;
	enum side side;
} op_words[OP_KINDS] = {
	[OP_CONFLICT] = {"keep", BASE},
	[OP_PAIR] = {"pair", BASE},
	[OP_PULL] = {"pull", LOCAL},
	[OP_PUSH] = {"push", REMOTE},
	[OP_COPY_LOCAL] = {"copy", LOCAL},
	[OP_COPY_REMOTE] = {"copy", REMOTE},
	[OP_MOVE_LOCAL] = {"move", LOCAL},
	[OP_MOVE_REMOTE] = {"move", REMOTE},
	[OP_FLAG_LOCAL] = {"flag", LOCAL},
	[OP_FLAG_REMOTE] = {"flag", REMOTE},
	[OP_FLAG_BASE] = {"note", BASE},
	[OP_LEAVE_REMOTE] = {"leave", REMOTE},
	[OP_REMOVE_REMOTE] = {"remove", REMOTE},
	[OP_TRASH_REMOTE] = {"trash", REMOTE},
	[OP_MARK_REMOTE] = {"mark", REMOTE},
	[OP_REMOVE_LOCAL] = {"remove", LOCAL},
	[OP_FORGET] = {"forget", BASE},
};

static const char *const reason_texts[REASONS] = {
	[REASON_NEW_ON_SERVER] = "new on the server",
	[REASON_NEW_IN_MAILDIR] = "new in the Maildir",
	[REASON_SAME_ON_BOTH] = "the same message is on both sides",
	[REASON_FLAGS_ON_SERVER] = "flags changed on the server",
	[REASON_FLAGS_IN_MAILDIR] = "flags changed in the Maildir",
	[REASON_FLAGS_ON_BOTH] = "flags changed on both sides",
	[REASON_GONE_FROM_SERVER] = "gone from the server",
	[REASON_GONE_FROM_MAILDIR] = "gone from the Maildir",
	[REASON_GONE_FROM_BOTH] = "gone from both sides",
	[REASON_EXPUNGED] = "marked as deleted, and `expunge` is set",
	[REASON_CANNOT_EXPUNGE] =
		"gone from the Maildir; the server cannot expunge it alone",
	[REASON_SAME_NAME] = "another file of the Maildir has the same name",
	[REASON_MOVED_ON_SERVER] = "moved on the server",
	[REASON_MOVED_IN_MAILDIR] = "moved in the Maildir",
	[REASON_COPIED_ON_SERVER] = "copied on the server",
	[REASON_COPIED_IN_MAILDIR] = "copied in the Maildir",
};

bool op_is_add(enum op_kind kind)
{
	return kind < OP_REMOVE_REMOTE;
}

const char *op_name(enum op_kind kind)
{
	check(kind < OP_KINDS);
	return op_words[kind].name;
}

enum side op_side(enum op_kind kind)
{
	check(kind < OP_KINDS);
	return op_words[kind].side;
}

const char *op_reason_text(enum op_reason reason)
{
	check(reason < REASONS);
	return reason_texts[reason];
}
