/*
 * How: a slot a connection, and a loop that goes round them until all are
 * blocked, then waits. A slot logs in by itself before it takes a task; then it
 * takes as many as its line has room for, but no second one where another
 * connection has nothing to do. What is answered when a task has ended belongs
 * to nobody. Rounds are bounded, so that one busy connection does not starve
 * the others; and the time that a task takes for itself (to flush what it
 * fetched) is no server's silence.
 */
#include "pool.h"

#include "mailbox.h"

#include "godwit/base/limits.h"

#include <stdlib.h>
#include <string.h>

enum {
	EVENTS_A_ROUND = 256, /* of one connection */
	TASK_VAIN_MAX = 2,    /* tries of a task that achieve nothing */
	TASK_TRIES_MAX = 16,  /* and of one that gets on, if slowly */
	BREAKS_MAX = 5,       /* connections lost with nothing achieved, beside
			       * those that may all be lost at once */
	LOGOUT_PATIENCE_MS = 2000,

	/* What a login costs: turns of the line (to connect, for TLS, to
	 * authenticate, to list what it needs), and the work of both ends. */
	LOGIN_TURNS = 4,
	LOGIN_WORK_MS = 25,
	/* What a connection of a good server gives. */
	BYTES_A_MS = 200 << 10,
};

struct slot {
	struct conn *conn;
	struct login *login; /* until it is done */
	bool went_ahead;     /* the task was begun before that, or on a guess */
	bool useless;        /* the last login failed, and so would another */
	struct line line;    /* what it works at */
	bool may_compress;   /* the server was not asked yet */
	uint32_t compress;   /* the handle of a COMPRESS on the way, or 0 */
};

struct pool {
	const struct account *account;
	const struct ports *ports;
	struct secret password;
	struct server server;
	struct recall recall;
	bool is_wary; /* nothing is sent ahead in this run */
	struct imap_caps caps;
	struct slot slots[LIMIT_CONNECTIONS];
	uint32_t slots_max; /* what the server grants, as far as known */
	uint64_t bytes_in;  /* of connections that are closed */
	uint64_t bytes_out;
	struct task **tasks; /* of the run */
	size_t task_count;
	uint64_t task_bytes;   /* that all of them are to move, roughly */
	size_t first_waiting;  /* those before it do not wait */
	size_t suspects;       /* that wait: a connection broke with them */
	uint32_t connections;  /* that it may have */
	bool was_let_in;       /* by a login, ever */
	bool bears_guesses;    /* what was sent ahead of one did no harm */
	struct err broken;     /* why the last connection broke */
	unsigned breaks;       /* how many did since anything was achieved */
	bool ruined;           /* a task found that no other can go on */
	int64_t left_ms;       /* when it was last gone on with */
	int64_t round_trip_ms; /* the shortest that was seen; -1: none yet */
};

struct pool *pool_new(const struct account *account, const struct ports *ports)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	check(pool != NULL);
	pool->account = account;
	pool->ports = ports;
	pool->slots_max = LIMIT_CONNECTIONS;
	pool->round_trip_ms = -1;
	return pool;
}

static int64_t now_s(const struct pool *pool)
{
	const struct clock_port *clock = &pool->ports->clock;

	return clock->wall_ns(clock->ctx) / 1000000000;
}

void pool_set_recall(struct pool *pool, const struct recall *recall)
{
	uint32_t most = recall_connections(recall, now_s(pool));

	pool->recall = *recall;
	if (most < pool->slots_max)
		pool->slots_max = most;
}

const struct recall *pool_recall(const struct pool *pool)
{
	return &pool->recall;
}

static void note_round_trip(struct pool *pool, const struct slot *slot)
{
	int64_t ms = conn_round_trip_ms(slot->conn);

	if (ms >= 0 && (pool->round_trip_ms < 0 || ms < pool->round_trip_ms))
		pool->round_trip_ms = ms;
}

static void slot_close(struct pool *pool, struct slot *slot)
{
	if (slot->conn == NULL)
		return;
	pool->bytes_in += conn_bytes_in(slot->conn);
	pool->bytes_out += conn_bytes_out(slot->conn);
	note_round_trip(pool, slot);
	login_free(&slot->login);
	conn_close(&slot->conn);
	slot->went_ahead = false;
}

static int slot_open(struct pool *pool, struct slot *slot, struct err *err)
{
	const struct login_lore lore = {
		.password = &pool->password,
		.server = &pool->server,
		.recall = &pool->recall,
		.guesses = !pool->is_wary &&
			   recall_allows(&pool->recall, now_s(pool)),
	};

	slot->useless = false;
	slot->may_compress = true;
	slot->compress = 0;
	slot->conn = conn_open(pool->account, pool->ports, err);
	if (slot->conn == NULL)
		return -1;
	line_init(&slot->line, slot->conn);
	slot->login = login_new(slot->conn, pool->account, pool->ports, &lore);
	return 0;
}

static int64_t now_ms(const struct pool *pool)
{
	return pool->ports->clock.monotonic_ms(pool->ports->clock.ctx);
}

/* Since `since_ms` we were busy (a flush may take minutes), so no server is to
 * blame for having said nothing meanwhile. Those on the same machine may have
 * had to wait for the same disk. */
static void forgive(struct pool *pool, int64_t since_ms)
{
	int64_t busy_ms = now_ms(pool) - since_ms;

	for (size_t i = 0; i < LIMIT_CONNECTIONS && busy_ms > 0; i++) {
		if (pool->slots[i].conn != NULL)
			conn_forgive(pool->slots[i].conn, busy_ms);
	}
}

static bool task_waits(const struct task *task)
{
	return task->result == TASK_MORE && task->conn == NULL;
}

/* The next task that waits and suits the slot. */
static struct task *task_waiting(struct pool *pool, const struct slot *slot)
{
	bool none_before = true;

	for (size_t i = pool->first_waiting; i < pool->task_count; i++) {
		struct task *task = pool->tasks[i];

		if (!task_waits(task)) {
			pool->first_waiting += none_before;
			continue;
		}
		none_before = false;
		if (slot->login == NULL || task->goes_ahead)
			return task;
	}
	return NULL;
}

/* One that waits since a connection broke with it. */
static struct task *suspect_waiting(const struct pool *pool)
{
	for (size_t i = 0; pool->suspects > 0 && i < pool->task_count; i++) {
		struct task *task = pool->tasks[i];

		if (task_waits(task) && task->vain > 0)
			return task;
	}
	return NULL;
}

/* What the slot is to begin with, or go on with. A suspect comes first, and has
 * the connection for itself: nobody is to suffer for it, nor it for others. */
static struct task *task_for(struct pool *pool, const struct slot *slot)
{
	struct task *suspect =
		slot->login == NULL ? suspect_waiting(pool) : NULL;

	if (suspect == NULL)
		return task_waiting(pool, slot);
	return slot->line.first == NULL ? suspect : NULL;
}

/* Whether it has nothing to do: nothing is on the way, or just a login. */
static bool slot_is_idle(const struct slot *slot)
{
	if (slot->conn == NULL || slot->line.first != NULL)
		return false;
	if (slot->login != NULL)
		return !slot->went_ahead && login_may_be_followed(slot->login);
	return slot->compress == 0;
}

/* Whether it can take a task beside those that it has. Where something else has
 * nothing to do, that comes first. */
static bool slot_has_room(const struct pool *pool, const struct slot *slot)
{
	if (slot->conn == NULL || slot->login != NULL || slot->went_ahead ||
		slot->compress != 0 || !line_has_room(&slot->line))
		return false;
	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
		if (pool->slots[i].login == NULL &&
			slot_is_idle(&pool->slots[i]))
			return false;
	}
	return true;
}

static void task_end(struct pool *pool, struct slot *slot, struct task *task,
	enum task_step result)
{
	if (result == TASK_DONE)
		pool->breaks = 0;
	line_take_out(&slot->line, task);
	task->result = result;
	if (slot->login == NULL)
		slot->went_ahead = false;
}

/* A task says that it is done or has failed. -1: the connection is to be given
 * up for `err`. What concerns the whole account ends the run. */
static int task_over(struct pool *pool, struct slot *slot, struct task *task,
	enum task_step step, struct err *err)
{
	const struct err *why = &task->err;

	if (step == TASK_FAILED && why->scope >= ERR_ACCOUNT) {
		*err = *why;
		if (why->retry == ERR_NOW)
			return -1;
		pool->ruined = true;
		pool->broken = *why;
		task->cut = true;
	}
	task_end(pool, slot, task, step);
	return 0;
}

/* Why a connection broke that another one in its place need not. */
enum anew {
	ANEW_NOT,
	ANEW_HANDSHAKE, /* it relied on an earlier one, which is forgotten */
	ANEW_LOGIN,     /* it relied on what is no longer so */
	ANEW_AHEAD,     /* something does not bear what was sent ahead */
};

static enum anew anew_of(
	const struct pool *pool, const struct slot *slot, const struct err *why)
{
	if (slot->login == NULL)
		return slot->went_ahead ? ANEW_AHEAD : ANEW_NOT;
	if (conn_is_resuming(slot->conn))
		return ANEW_HANDSHAKE;
	if (!login_begins_anew(slot->login, why))
		return ANEW_NOT;
	if (login_was_misled(slot->login))
		return ANEW_LOGIN;
	return pool->bears_guesses ? ANEW_NOT : ANEW_AHEAD;
}

/* Takes a task out that is to be begun anew. */
static void task_back(struct pool *pool, struct slot *slot, struct task *task)
{
	line_take_out(&slot->line, task);
	pool->first_waiting = 0;
}

/* Gives way to another connection. It has cost no try; where a guess was
 * wrong, the next login waits for each answer. */
static void slot_anew(struct pool *pool, struct slot *slot, enum anew anew)
{
	struct task *task = slot->line.first;

	if (anew == ANEW_AHEAD)
		pool->recall.held_s = now_s(pool);
	pool->is_wary = pool->is_wary || anew != ANEW_HANDSHAKE;
	slot->useless = false;
	if (task != NULL) {
		task_back(pool, slot, task);
		pool->suspects += task->vain > 0;
		task->tries--;
	}
	slot_close(pool, slot);
}

/* Whether what the connection was lost with is worth another one. */
static bool is_worth_more(
	struct pool *pool, struct task *task, const struct err *why)
{
	if (task->achieved != task->achieved_before) {
		task->vain = 0;
		pool->breaks = 0;
	} else {
		task->vain++;
	}
	return why->retry == ERR_NOW && task->vain < TASK_VAIN_MAX &&
	       task->tries - task->excused < TASK_TRIES_MAX;
}

/* Those that shared the connection with the one that it broke with. */
static void give_back_others(
	struct pool *pool, struct slot *slot, const struct task *culprit)
{
	struct task *next;

	for (struct task *task = slot->line.first; task != NULL; task = next) {
		next = task->next;
		if (task == culprit)
			continue;
		task_back(pool, slot, task);
		task->excused++;
		pool->suspects += task->vain > 0;
	}
}

/* The connection is of no use any more. The task that it broke with waits
 * again, or fails. */
static void slot_broke(struct pool *pool, struct slot *slot,
	struct task *culprit, const struct err *why)
{
	enum anew anew = anew_of(pool, slot, why);

	if (anew != ANEW_NOT) {
		slot_anew(pool, slot, anew);
		return;
	}
	pool->broken = *why;
	slot->useless = slot->login != NULL;
	if (slot->line.first != NULL || slot->login != NULL)
		pool->breaks++; /* an idle one may go as it likes */
	give_back_others(pool, slot, culprit);
	if (culprit != NULL)
		task_back(pool, slot, culprit);
	slot_close(pool, slot);
	if (culprit == NULL)
		return;
	if (is_worth_more(pool, culprit, why)) {
		pool->suspects += culprit->vain > 0;
		return;
	}
	culprit->err = *why;
	culprit->err.scope = ERR_MAILBOX; /* others may fare better */
	culprit->result = TASK_FAILED;
	culprit->cut = true;
}

/*
 * Compression begins when there is work to do: a run that finds nothing is done
 * before it would pay.
 */
static bool slot_compresses(const struct pool *pool, struct slot *slot)
{
	if (slot->login != NULL || !slot->may_compress)
		return false;
	if (!conn_may_compress(slot->conn, pool->task_bytes))
		return false;
	slot->may_compress = false;
	slot->compress = conn_submit(
		slot->conn, &(struct imap_command){.kind = IMAP_COMPRESS});
	return true;
}

/* Begins the next task, if there is one. */
static bool slot_give(struct pool *pool, struct slot *slot)
{
	struct task *task = task_for(pool, slot);
	int64_t since_ms = now_ms(pool);
	enum task_step step;
	struct err err;

	if (task == NULL)
		return false;
	if (!task->goes_ahead && slot_compresses(pool, slot))
		return true;
	slot->went_ahead = slot->login != NULL;
	pool->suspects -= task->vain > 0;
	step = line_begin(&slot->line, task);
	forgive(pool, since_ms);
	if (step != TASK_MORE && task_over(pool, slot, task, step, &err) != 0)
		slot_broke(pool, slot, task, &err);
	return true;
}

/* Has its line say what there is to say. Whether there was something. */
static bool slot_speak(struct pool *pool, struct slot *slot)
{
	bool spoke = false;

	while (slot->conn != NULL && line_go_on(&slot->line))
		spoke = true;
	while ((slot_is_idle(slot) || slot_has_room(pool, slot)) &&
		slot_give(pool, slot))
		spoke = true;
	return spoke;
}

static void report_alert(struct pool *pool, const struct task *task,
	const struct imap_status_line *line)
{
	struct report_event event = {
		.kind = REPORT_ALERT,
		.account = pool->account->name,
		.text = line->text,
	};

	if (task != NULL && task->mailbox != NULL)
		event.mailbox = task->mailbox->server_name;
	pool->ports->report.event(pool->ports->report.ctx, &event);
}

static void login_over(struct pool *pool, struct slot *slot)
{
	pool->caps = *imap_session_caps(conn_session(slot->conn));
	pool->was_let_in = true;
	slot->went_ahead =
		slot->line.first != NULL && login_has_guessed(slot->login);
	if (login_has_guessed(slot->login))
		pool->bears_guesses = true;
	login_free(&slot->login);
	if (!pool->is_wary && recall_allows(&pool->recall, now_s(pool)))
		pool->recall.held_s = 0; /* now it bears it */
}

/* The login's share of an event. False: it is the task's alone. */
static bool is_for_login(
	const struct slot *slot, const struct imap_event *event)
{
	return slot->login != NULL &&
	       (slot->line.first == NULL || event->kind != IMAP_EVENT_TAGGED ||
		       login_owns(slot->login, event->handle));
}

/* The task that is to see it: behind a login that one, whatever it is about,
 * since servers may do things in any order. */
static struct task *listener(
	const struct slot *slot, const struct imap_event *event)
{
	if (slot->login == NULL)
		return line_find(&slot->line, event);
	return event->kind == IMAP_EVENT_UNTAGGED ? slot->line.first : NULL;
}

/* An event of a connection whose task has ended belongs to nobody. But a
 * literal that nobody gives keeps it from ever saying anything else. */
static int drain(const struct imap_event *event, struct err *err)
{
	if (event->kind != IMAP_EVENT_LITERAL_WANTED)
		return 0;
	return err_set(err, ERR_ACCOUNT, ERR_NOW, ERR_NET,
		"the connection was given up with an upload half done");
}

/* What the server says of itself. -1: the connection is to be given up. */
static int slot_hears(struct pool *pool, const struct slot *slot,
	const struct imap_status_line *line, struct err *err)
{
	if (line->code.kind == IMAP_CODE_ALERT)
		report_alert(pool, line_front(&slot->line), line);
	if (slot->login != NULL)
		return 0;
	if (line->condition == IMAP_BYE)
		return err_set(err, ERR_ACCOUNT, ERR_NOW, ERR_NET,
			"the server ended the connection: %.*s",
			STR_FMT(err_said(line->text)));
	if (line->condition == IMAP_BAD && slot->went_ahead)
		return err_set(err, ERR_ACCOUNT, ERR_NOW, ERR_PROTOCOL,
			"the server does not understand what was sent ahead");
	return 0;
}

/* 0, or -1: the connection is to be given up for `err`. */
static int slot_event(struct pool *pool, struct slot *slot, struct task *task,
	const struct imap_event *event, struct err *err)
{
	enum task_step step;

	if (event->kind == IMAP_EVENT_UNTAGGED &&
		event->response->kind == IMAP_RESPONSE_CONDITION &&
		slot_hears(pool, slot, &event->response->line, err) != 0)
		return -1;
	if (event->kind == IMAP_EVENT_TAGGED && slot->compress != 0 &&
		event->handle == slot->compress) {
		slot->compress = 0;
		if (event->response->line.condition == IMAP_OK)
			conn_compress(slot->conn);
		return 0;
	}
	if (is_for_login(slot, event)) {
		struct task *beside = listener(slot, event);
		enum login_step login = login_event(slot->login, event, err);

		if (login == LOGIN_DONE)
			login_over(pool, slot);
		if (login == LOGIN_FAILED)
			return -1;
		if (beside == NULL)
			return 0;
		task = beside;
	}
	if (task == NULL && event->kind == IMAP_EVENT_LITERAL_WANTED)
		return err_set(err, ERR_ACCOUNT, ERR_NOW, ERR_PROTOCOL,
			"the server answered an upload before it had all of "
			"it");
	if (task == NULL)
		return 0;
	step = line_hear(&slot->line, task, event);
	return step == TASK_MORE ? 0 : task_over(pool, slot, task, step, err);
}

/* Takes a connection's event, however long that takes. */
static void slot_take(
	struct pool *pool, struct slot *slot, const struct imap_event *event)
{
	struct task *task = line_find(&slot->line, event);
	int64_t since_ms = now_ms(pool);
	struct err err;
	int result = slot_event(pool, slot, task, event, &err);

	forgive(pool, since_ms);
	if (result != 0)
		slot_broke(pool, slot, task, &err);
	else
		(void)slot_speak(pool, slot);
}

/* Goes on with one connection. True if anything happened. */
static bool slot_round(struct pool *pool, struct slot *slot)
{
	struct imap_event event;
	struct err err = {0};
	int i;

	for (i = 0; i < EVENTS_A_ROUND && slot->conn != NULL; i++) {
		enum conn_next next = conn_next(slot->conn, &event, &err);

		if (next == CONN_BLOCKED)
			break;
		if (next == CONN_SECURED) {
			if (login_secured(slot->login, &err) == LOGIN_FAILED)
				slot_broke(pool, slot, NULL, &err);
			else
				(void)slot_speak(pool, slot);
			continue;
		}
		if (next == CONN_CLOSED)
			err_set(&err, ERR_ACCOUNT, ERR_NOW, ERR_NET,
				"the server closed the connection");
		if (next == CONN_EVENT)
			slot_take(pool, slot, &event);
		else
			slot_broke(pool, slot, line_front(&slot->line), &err);
	}
	return i > 0;
}

/* What the tasks that wait are worth, in milliseconds of one connection, as far
 * as that is more than `enough_ms`. */
static uint64_t waiting_ms(const struct pool *pool, uint64_t enough_ms)
{
	uint64_t turn_ms =
		pool->round_trip_ms > 0 ? (uint64_t)pool->round_trip_ms : 0;
	uint64_t bytes = 0;
	uint64_t ms = 0;

	for (size_t i = pool->first_waiting;
		i < pool->task_count && ms + bytes / BYTES_A_MS < enough_ms;
		i++) {
		const struct task *task = pool->tasks[i];

		if (!task_waits(task))
			continue;
		ms += task->turns * turn_ms;
		bytes += task->bytes;
	}
	return ms + bytes / BYTES_A_MS;
}

static uint32_t tasks_left(const struct pool *pool, uint32_t enough)
{
	uint32_t left = 0;

	for (size_t i = 0; i < pool->task_count && left < enough; i++)
		left += pool->tasks[i]->result == TASK_MORE;
	return left;
}

/* How many connections the tasks that are left can use. */
static uint32_t slots_wanted(struct pool *pool)
{
	uint32_t most = pool->connections < pool->slots_max ? pool->connections
							    : pool->slots_max;
	uint32_t left = tasks_left(pool, most);
	uint64_t login_ms;
	uint64_t wanted;

	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
		if (pool->slots[i].conn != NULL)
			note_round_trip(pool, &pool->slots[i]);
	}
	login_ms = LOGIN_WORK_MS;
	if (pool->round_trip_ms > 0)
		login_ms += (uint64_t)pool->round_trip_ms * LOGIN_TURNS;
	wanted = 1 + waiting_ms(pool, 2 * login_ms * most) / (2 * login_ms);
	if (wanted > most)
		wanted = most;
	return wanted < left ? (uint32_t)wanted : left;
}

static uint32_t slots_open(const struct pool *pool)
{
	uint32_t open = 0;

	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++)
		open += pool->slots[i].conn != NULL;
	return open;
}

/* Opens what is wanted. -1 when there is none and none can be had. */
static int slots_fill(struct pool *pool, uint32_t wanted, struct err *err)
{
	for (size_t i = 0; i < LIMIT_CONNECTIONS && slots_open(pool) < wanted;
		i++) {
		struct slot *slot = &pool->slots[i];

		if (slot->conn != NULL)
			continue;
		if (slot_open(pool, slot, err) == 0)
			continue;
		if (slots_open(pool) == 0)
			return -1;
		pool->slots_max = slots_open(pool);
	}
	return 0;
}

/* Waits until a connection can go on. */
static void pool_wait(struct pool *pool)
{
	struct net_wait waits[LIMIT_CONNECTIONS];
	int64_t until_ms = INT64_MAX;
	size_t count = 0;

	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
		int64_t slot_until_ms;

		if (pool->slots[i].conn == NULL)
			continue;
		conn_wait(pool->slots[i].conn, &waits[count++], &slot_until_ms);
		if (slot_until_ms < until_ms)
			until_ms = slot_until_ms;
	}
	pool->ports->net.wait(pool->ports->net.ctx, waits, count, until_ms);
}

static bool any_let_in(const struct pool *pool)
{
	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
		if (pool->slots[i].conn != NULL && pool->slots[i].login == NULL)
			return true;
	}
	return false;
}

/* A connection broke before its login was over: there are to be no more than
 * are left. -1: none is, and another would fare no better. (When a server is
 * started anew, all are lost at once: that is no limit to be remembered.) */
static int slot_was_useless(struct pool *pool)
{
	uint32_t open = slots_open(pool);

	pool->slots_max = open > 0 ? open : 1;
	if (any_let_in(pool))
		recall_limit(&pool->recall, open, now_s(pool));
	return open > 0 || (pool->was_let_in && pool->broken.retry == ERR_NOW)
		       ? 0
		       : -1;
}

/* One round over all connections. -1 and err: none is left to work with. */
static int pool_round(struct pool *pool, uint32_t wanted, struct err *err)
{
	bool moved = false;

	if (pool->ruined || pool->breaks > BREAKS_MAX + pool->connections) {
		*err = pool->broken;
		return -1;
	}
	if (slots_fill(pool, wanted, err) != 0)
		return -1;
	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
		struct slot *slot = &pool->slots[i];

		if (slot->conn == NULL)
			continue;
		moved = slot_speak(pool, slot) || moved;
		moved = slot_round(pool, slot) || moved;
		if (slot->conn != NULL || !slot->useless)
			continue;
		if (slot_was_useless(pool) != 0) {
			*err = pool->broken;
			return -1;
		}
	}
	if (!moved)
		pool_wait(pool);
	return 0;
}

/* Whether every task has ended, and each login that one of them followed. */
static bool tasks_ended(const struct pool *pool)
{
	for (size_t i = 0; i < pool->task_count; i++) {
		if (pool->tasks[i]->result == TASK_MORE)
			return false;
	}
	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
		if (pool->slots[i].went_ahead)
			return false;
	}
	return true;
}

int pool_run(struct pool *pool, struct task **tasks, size_t count,
	uint32_t connections, struct err *err)
{
	int result = 0;

	pool->tasks = tasks;
	pool->task_count = count;
	pool->task_bytes = 0;
	for (size_t i = 0; i < count; i++)
		pool->task_bytes += tasks[i]->bytes;
	pool->first_waiting = 0;
	pool->suspects = 0;
	pool->connections = connections;
	forgive(pool, pool->left_ms);
	while (result == 0 && (!tasks_ended(pool) || pool->ruined))
		result = pool_round(pool, slots_wanted(pool), err);
	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
		while (pool->slots[i].conn != NULL &&
			pool->slots[i].line.first != NULL)
			line_take_out(&pool->slots[i].line,
				pool->slots[i].line.first);
	}
	for (size_t i = 0; i < count; i++) {
		if (tasks[i]->result == TASK_MORE) {
			tasks[i]->result = TASK_FAILED;
			tasks[i]->err = *err;
			tasks[i]->cut = true;
		}
	}
	pool->tasks = NULL;
	pool->task_count = 0;
	pool->left_ms = now_ms(pool);
	return result;
}

const struct server *pool_server(const struct pool *pool)
{
	return &pool->server;
}

void pool_remember(struct pool *pool, const struct unbound_record *unbound)
{
	server_remember(&pool->server, unbound);
}

const struct imap_caps *pool_caps(const struct pool *pool)
{
	return &pool->caps;
}

uint64_t pool_bytes_in(const struct pool *pool)
{
	uint64_t bytes = pool->bytes_in;

	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
		if (pool->slots[i].conn != NULL)
			bytes += conn_bytes_in(pool->slots[i].conn);
	}
	return bytes;
}

uint64_t pool_bytes_out(const struct pool *pool)
{
	uint64_t bytes = pool->bytes_out;

	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
		if (pool->slots[i].conn != NULL)
			bytes += conn_bytes_out(pool->slots[i].conn);
	}
	return bytes;
}

/* Goes on with a LOGOUT. True while it waits for what is still to be answered,
 * or for room on the wire: its own answer is of no use to anybody. */
static bool slot_leaves(struct pool *pool, struct slot *slot)
{
	struct imap_event event;
	struct err err;
	enum conn_next next = CONN_EVENT;

	while (slot->conn != NULL && next == CONN_EVENT) {
		next = conn_next(slot->conn, &event, &err);
		if (next == CONN_EVENT && drain(&event, &err) != 0)
			next = CONN_FAILED;
	}
	if (slot->conn != NULL &&
		(next != CONN_BLOCKED || !conn_has_unsaid(slot->conn)))
		slot_close(pool, slot);
	return slot->conn != NULL;
}

static void pool_logout(struct pool *pool)
{
	const struct clock_port *clock = &pool->ports->clock;
	int64_t until_ms = clock->monotonic_ms(clock->ctx) + LOGOUT_PATIENCE_MS;
	const struct imap_command command = {.kind = IMAP_LOGOUT};

	/* Who is still logging in awaits no answer to a LOGOUT. */
	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
		if (pool->slots[i].login != NULL)
			slot_close(pool, &pool->slots[i]);
		else if (pool->slots[i].conn != NULL)
			conn_submit(pool->slots[i].conn, &command);
	}
	while (clock->monotonic_ms(clock->ctx) < until_ms) {
		struct net_wait waits[LIMIT_CONNECTIONS];
		int64_t ignored_ms;
		size_t count = 0;

		for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
			if (slot_leaves(pool, &pool->slots[i]))
				conn_wait(pool->slots[i].conn, &waits[count++],
					&ignored_ms);
		}
		if (count == 0)
			break;
		pool->ports->net.wait(
			pool->ports->net.ctx, waits, count, until_ms);
	}
}

void pool_free(struct pool **pool)
{
	struct pool *p = *pool;

	if (p == NULL)
		return;
	pool_logout(p);
	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++)
		slot_close(p, &p->slots[i]);
	secret_clear(&p->password);
	server_clear(&p->server);
	free(p);
	*pool = NULL;
}

void pool_unselect(struct pool *pool, const struct mailbox *mailbox)
{
	for (size_t i = 0; i < LIMIT_CONNECTIONS; i++) {
		if (pool->slots[i].conn != NULL)
			line_unselect(&pool->slots[i].line, mailbox);
	}
}
