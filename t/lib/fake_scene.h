/*
 * A fake server alone on a stage: for tests of what it says.
 *
 * A scene has a server and one session, without a client of ours between: the
 * test says each line of the client's, and sees each of the server's.
 */
#ifndef GODWIT_T_LIB_FAKE_SCENE_H
#define GODWIT_T_LIB_FAKE_SCENE_H

#include "fake_server.h"

struct scene {
	struct fate fate;
	struct fake_server *server;
	struct fake_session *session; /* opened by scene_play() */
};

/* An INBOX (UIDVALIDITY 1001), and these capabilities beside IMAP4rev1. */
void scene_begin(struct scene *scene, const char *caps);
void scene_end(struct scene *scene);

struct fake_mailbox *scene_inbox(const struct scene *scene);
void scene_append(struct fake_mailbox *box, const char *body);

/* INBOX with messages 1 to `count`, of mod-sequences 2 to count + 1. */
void scene_fill(struct scene *scene, unsigned count);

/*
 * QRESYNC is enabled, no mailbox selected. INBOX had six messages
 * (mod-sequences 2 to 7); then 2 and 4 were expunged (8, 9), 5 was flagged
 * (10), and 7 is new (11).
 */
void scene_begin_qresync(struct scene *scene);

/*
 * Says the script's "C: " lines one by one; its "S: " lines are what must be
 * heard. FLAGS, RECENT and PERMANENTFLAGS of a SELECT are left out.
 */
void scene_play(struct scene *scene, const char *script, const char *sentence);

/* Adds what the server says now, as "S: " lines. */
void scene_hear(struct scene *scene, struct buf *got);

/* That the client did nothing wrong so far. */
void scene_no_complaints(const struct scene *scene, const char *sentence);

/* Another client does it, at once. */
void scene_act(struct scene *scene, enum fake_act what, const char *mailbox,
	size_t message, uint64_t flags);

#endif
