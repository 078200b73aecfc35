/*
 * How: a buf whose memory is overwritten before it is released. The bytes are
 * copied into fresh memory of the right size, so that no growth leaves an
 * unwiped copy behind.
 */
#include "godwit/base/secret.h"

#include <string.h>

void secret_set(struct secret *secret, struct str s)
{
	struct buf fresh = {0};

	buf_add(&fresh, s);
	buf_wipe(&secret->hidden);
	secret->hidden = fresh;
}

struct str secret_get(const struct secret *secret)
{
	return buf_str(&secret->hidden);
}

void secret_clear(struct secret *secret)
{
	buf_wipe(&secret->hidden);
}
