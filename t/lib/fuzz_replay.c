/*
 * How: the corpus of the program NAME is $srcdir/t/fuzz/corpus/NAME/; its files
 * are replayed in the order of their names. Each is copied to a heap block of
 * its own size, so that valgrind and AddressSanitizer see a read past its end.
 * An empty or missing corpus fails: a test that cannot fail is a defect.
 */
#include "fuzz.h"

#include "godwit/base/err.h"
#include "tap.h"

#include <dirent.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct str file_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct buf content = {0};
	char *exact;
	size_t got;

	check(file != NULL);
	do {
		got = fread(buf_reserve(&content, 65536), 1, 65536, file);
		buf_commit(&content, got);
	} while (got > 0);
	check(ferror(file) == 0 && fclose(file) == 0);
	exact = malloc(content.len == 0 ? 1 : content.len);
	check(exact != NULL);
	memcpy(exact, content.ptr, content.len);
	buf_clear(&content);
	return (struct str){.ptr = exact, .len = content.len};
}

static void replay(const char *dir, const char *name)
{
	struct buf path = {0};
	struct str input;

	buf_addf(&path, "%s/%s", dir, name);
	input = file_read(buf_z(&path));
	fuzz_one(input);
	ok(true, "%s does no harm", name);
	free((char *)input.ptr);
	buf_clear(&path);
}

static int replay_all(const char *dir)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, NULL, alphasort);
	int replayed = 0;

	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			replay(dir, entries[i]->d_name);
			replayed++;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return replayed;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	struct buf dir = {0};

	check(argc == 1);
	buf_addf(&dir, "%s/t/fuzz/corpus/%s", srcdir == NULL ? "." : srcdir,
		basename(argv[0]));
	ok(replay_all(buf_z(&dir)) > 0, "%s holds a corpus", buf_z(&dir));
	buf_clear(&dir);
	return tap_done();
}
