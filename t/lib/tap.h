/*
 * TAP for tests in C: one sentence a behaviour.
 *
 * Each call prints one TAP line and, when it fails, where it stands and what
 * was expected and got, as comments that prove(1) shows. A test program ends
 * with `return tap_done();`, which prints the plan.
 */
#ifndef GODWIT_T_LIB_TAP_H
#define GODWIT_T_LIB_TAP_H

#include "godwit/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define ok(cond, ...) tap_ok((cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...)                                                 \
	tap_is_int((got), (want), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...)                                                 \
	tap_is_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)

/* Each returns whether it passed. */
bool tap_ok(bool cond, const char *file, int line, const char *sentence, ...)
	__attribute__((format(printf, 4, 5)));
bool tap_is_int(intmax_t got, intmax_t want, const char *file, int line,
	const char *sentence, ...) __attribute__((format(printf, 5, 6)));
bool tap_is_str(struct str got, struct str want, const char *file, int line,
	const char *sentence, ...) __attribute__((format(printf, 5, 6)));

/* A comment line. */
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * How often to try what is tried again and again: a few times with
 * GODWIT_TEST_SHORT=1 (under valgrind), many times with GODWIT_TEST_LONG=1.
 */
unsigned tap_rounds(unsigned few, unsigned usual, unsigned many);

/* Prints the plan; returns the program's exit status. */
int tap_done(void);

#endif
