/*
 * A hostile client's commands; what can be read must be written and read again
 * to the same text.
 */
#include "fuzz.h"

#include "godwit/base/err.h"
#include "godwit/imap/command.h"
#include "godwit/imap/reader.h"

static struct imap_caps caps;

static void write_again(
	const struct imap_command *command, struct str tag, struct buf *text)
{
	struct imap_encoded encoded = {0};
	size_t from = 0;

	imap_command_encode(command, tag, &caps, false, &encoded);
	for (size_t i = 0; i < encoded.count; i++) {
		size_t end = encoded.parts[i].end;

		buf_add(text,
			str_sub(buf_str(&encoded.text), from, end - from));
		from = end;
		for (uint64_t k = 0; k < encoded.parts[i].octets; k++)
			buf_addc(text, 'x');
	}
	imap_encoded_clear(&encoded);
}

static void round_trip(struct arena *arena, struct str text)
{
	struct imap_command command;
	struct str tag;
	struct buf once = {0};
	struct buf twice = {0};

	if (imap_command_parse(arena, text, &tag, &command, NULL) != 0)
		return;
	write_again(&command, tag, &once);
	check(imap_command_parse(arena, buf_str(&once), &tag, &command, NULL) ==
		0);
	write_again(&command, tag, &twice);
	check(str_eq(buf_str(&once), buf_str(&twice)));
	buf_clear(&once);
	buf_clear(&twice);
}

void fuzz_one(struct str input)
{
	struct imap_reader *reader = imap_reader_new(1 << 16);
	struct arena arena = {0};
	enum imap_read read;
	struct str text;

	imap_caps_set(&caps, IMAP_CAP_LITERAL_PLUS);
	imap_reader_lend(reader, input);
	do {
		read = imap_reader_next(reader, &text, NULL);
		if (read == IMAP_READ_LINE)
			round_trip(&arena, text);
		if (read == IMAP_READ_LITERAL && !imap_reader_keep(reader))
			imap_reader_drop(reader);
		arena_reset(&arena);
	} while (read != IMAP_READ_MORE && read != IMAP_READ_FAILED);
	arena_clear(&arena);
	imap_reader_free(&reader);
}
