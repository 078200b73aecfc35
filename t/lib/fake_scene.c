/*
 * How: what is said and heard is written down as it comes, and then compared
 * with the script as a whole.
 */
#include "fake_scene.h"

#include "tap.h"

void scene_begin(struct scene *scene, const char *caps)
{
	fate_init(&scene->fate, 1);
	scene->server = fake_server_new(&scene->fate);
	scene->session = NULL;
	imap_caps_parse(&scene->server->caps, str_of(caps));
}

void scene_end(struct scene *scene)
{
	fake_session_close(&scene->session);
	fake_server_free(&scene->server);
}

struct fake_mailbox *scene_inbox(const struct scene *scene)
{
	return fake_server_find(scene->server, "INBOX");
}

void scene_append(struct fake_mailbox *box, const char *body)
{
	fake_mailbox_append(box, str_of(body), 0, (struct imap_date){0});
}

void scene_fill(struct scene *scene, unsigned count)
{
	for (unsigned i = 1; i <= count; i++) {
		struct buf body = {0};

		buf_addf(&body, "Subject: %u\r\n\r\n", i);
		scene_append(scene_inbox(scene), buf_z(&body));
		buf_clear(&body);
	}
}

/* What every SELECT says, and nothing here is about. */
static bool is_left_out(struct str line)
{
	return str_starts(line, STR("* FLAGS (")) ||
	       str_starts(line, STR("* 0 RECENT")) ||
	       (str_starts(line, STR("* OK [PERMANENTFLAGS (")) &&
		       !str_starts(line, STR("* OK [PERMANENTFLAGS ()")));
}

void scene_hear(struct scene *scene, struct buf *got)
{
	struct buf *out = fake_session_output(scene->session);
	struct str rest;
	struct str line;

	while (fake_session_work(scene->session))
		continue;
	rest = buf_str(out);
	while (rest.len > 0 && str_split(&rest, '\n', &line)) {
		line.len--;
		if (!is_left_out(line))
			buf_addf(got, "S: %.*s\n", STR_FMT(line));
	}
	buf_reset(out);
}

void scene_play(struct scene *scene, const char *script, const char *sentence)
{
	struct str rest = str_of(script);
	struct buf got = {0};
	struct str line;

	if (scene->session == NULL) {
		scene->session = fake_session_open(scene->server);
		buf_reset(fake_session_output(scene->session));
	}
	while (rest.len > 0 && str_split(&rest, '\n', &line)) {
		if (!str_starts(line, STR("C: ")))
			continue;
		buf_addf(&got, "%.*s\n", STR_FMT(line));
		fake_session_take(scene->session, str_sub(line, 3, line.len));
		fake_session_take(scene->session, STR("\r\n"));
		scene_hear(scene, &got);
	}
	is_str(buf_str(&got), str_of(script), "%s", sentence);
	buf_clear(&got);
}

void scene_no_complaints(const struct scene *scene, const char *sentence)
{
	is_str(buf_str(&scene->server->complaints), STR(""), "%s", sentence);
}

void scene_act(struct scene *scene, enum fake_act what, const char *mailbox,
	size_t message, uint64_t flags)
{
	const struct fake_action action = {.act = what,
		.mailbox = mailbox,
		.message = message,
		.flags = flags};

	fake_server_act(scene->server, &action);
}
void scene_begin_qresync(struct scene *s)
{
	scene_begin(s, "ENABLE CONDSTORE QRESYNC UIDPLUS MOVE");
	scene_fill(s, 6);
	fake_mailbox_expunge(scene_inbox(s), 2);
	fake_mailbox_expunge(scene_inbox(s), 4);
	fake_mailbox_find(scene_inbox(s), 5)->flags = FAKE_FLAGGED;
	scene_play(s,
		"C: e1 ENABLE QRESYNC\n"
		"S: * ENABLED QRESYNC\n"
		"S: e1 OK Enabled\n",
		"QRESYNC is enabled");
	scene_append(scene_inbox(s), "Subject: new\r\n\r\n");
}
