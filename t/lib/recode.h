/*
 * Recode: the journal's records and keys, decoded and encoded again.
 *
 * Whatever the bytes are, one of two things must come out: they are refused, or
 * they come back as they were, for no record has two encodings.
 */
#ifndef GODWIT_T_LIB_RECODE_H
#define GODWIT_T_LIB_RECODE_H

#include "godwit/base/bytes.h"

enum recode_kind {
	RECODE_ROOT,
	RECODE_MAILBOX,
	RECODE_MESSAGE,
	RECODE_INTENT,
	RECODE_TROUBLE,
	RECODE_HISTORY,
	RECODE_MAILBOX_KEY,
	RECODE_MESSAGE_KEY,
	RECODE_NAME_KEY,
	RECODE_IDENTITY_KEY,
	RECODE_KEYWORD_KEY,
	RECODE_INTENT_KEY,
	RECODE_TROUBLE_KEY,
	RECODE_HISTORY_KEY,
	RECODE_UNBOUND,
	RECODE_SERVER,
	RECODE_KINDS,
};

enum recode_result {
	RECODE_REFUSED,
	RECODE_SAME,
	RECODE_OTHER, /* a bug */
};

enum recode_result recode(enum recode_kind kind, struct str bytes);

#endif
