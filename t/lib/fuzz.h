/*
 * Fuzz targets: one function each, fed by a corpus or by libFuzzer.
 *
 * A target is t/fuzz/NAME.c, defines fuzz_one() and links $(FUZZ_LIBS), which
 * have main(). In a plain build the program replays t/fuzz/corpus/NAME/, a TAP
 * line a file, so the corpus runs in `make check`; after configure
 * --enable-fuzzing it is a libFuzzer program, which `make fuzz` runs.
 */
#ifndef GODWIT_T_LIB_FUZZ_H
#define GODWIT_T_LIB_FUZZ_H

#include "godwit/base/bytes.h"

/*
 * Defined by the target: hands one hostile input to the code under test. A
 * crash, a sanitizer's report or a failed check() is the finding. `input` is a
 * heap block of exactly its length; input.ptr is not NULL.
 */
void fuzz_one(struct str input);

#endif
