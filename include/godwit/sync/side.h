/*
 * Sides: the three states of a message that a merge compares.
 *
 * Whatever exists on each of them is an array of SIDES, indexed by these; a
 * set of sides is a mask of SIDE_BIT.
 */
#ifndef GODWIT_SYNC_SIDE_H
#define GODWIT_SYNC_SIDE_H

enum side {
	LOCAL,  /* the Maildir */
	REMOTE, /* the server */
	BASE,   /* what both were when they were last in step: the journal */
	SIDES,
};

#define SIDE_BIT(side) (1U << (side))

#endif
