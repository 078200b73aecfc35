/* How: libFuzzer brings main() and calls its own well-known name. */
#include "fuzz.h"

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_one((struct str){.ptr = (const char *)data, .len = size});
	return 0;
}
