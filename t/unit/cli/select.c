/* cli/select: which accounts run, and the status of all. */
#include "godwit/cli/select.h"

#include "tap.h"

static struct arena arena;
static struct account accounts[3];
static struct config config = {"f.yaml", accounts, 3};

static int select_of(
	struct cli_target *targets, size_t count, struct cli_jobs *jobs_r)
{
	const struct cli_options options = {
		.command = CLI_SYNC, .targets = targets, .target_count = count};
	struct err err = {0};
	int result = cli_select(&arena, &options, &config, jobs_r, &err);

	if (result != 0) {
		is_int(err_status(err.cause), 64, "that is wrong usage");
		tap_note("%s", err.text);
	}
	return result;
}

static void test_jobs(void)
{
	struct cli_target work = {STR("work"), STR("")};
	struct cli_target several[] = {{STR("work"), STR("a")},
		{STR("home"), STR("b")}, {STR("home"), STR("c")},
		{STR("work"), STR("")}};
	struct cli_jobs jobs = {0};

	ok(select_of(NULL, 0, &jobs) == 0, "no target is every account");
	is_int((intmax_t)jobs.count, 3, "all three");
	is_int((intmax_t)jobs.items[0].globs.count, 0, "with all mailboxes");
	ok(select_of(&work, 1, &jobs) == 0, "one may be named");
	is_int((intmax_t)jobs.count, 1, "one job");
	is_str(jobs.items[0].account->name, STR("work"), "for it");
	ok(select_of(several, 4, &jobs) == 0, "or several");
	is_int((intmax_t)jobs.count, 2, "each account once");
	is_str(jobs.items[0].account->name, STR("home"), "as in the config");
	is_int((intmax_t)jobs.items[0].globs.count, 2, "with both globs");
	is_str(jobs.items[0].globs.items[1], STR("c"), "in their order");
	is_int((intmax_t)jobs.items[1].globs.count, 0,
		"the whole account wins over one of its mailboxes");
}

static void test_unknown(void)
{
	const struct cli_options near = {
		.targets = &(struct cli_target){STR("hmoe"), STR("")},
		.target_count = 1};
	const struct cli_options far = {
		.targets = &(struct cli_target){STR("nowhere"), STR("")},
		.target_count = 1};
	struct cli_jobs jobs;
	struct err err = {0};

	ok(cli_select(&arena, &near, &config, &jobs, &err) == -1,
		"an account that is not there is refused");
	is_str(str_of(err.text),
		STR("there is no account 'hmoe': did you mean 'home'?"),
		"with the one that was meant");
	is_int(err_status(err.cause), 64, "as wrong usage");
	ok(cli_select(&arena, &far, &config, &jobs, &err) == -1,
		"also one that is like none");
	is_str(str_of(err.text), STR("there is no account 'nowhere' in f.yaml"),
		"with the file");
}

static int outcome_of(int a, int b, int c)
{
	struct cli_outcome outcome = {0};

	cli_outcome_add(&outcome, a);
	cli_outcome_add(&outcome, b);
	cli_outcome_add(&outcome, c);
	return outcome.status;
}

static void test_outcome(void)
{
	is_int(outcome_of(0, 0, 0), 0, "all in step is 0");
	is_int(outcome_of(0, 69, 0), 69, "one failure is its status");
	is_int(outcome_of(77, 0, 77), 77, "the same failure twice too");
	is_int(outcome_of(77, 69, 0), 1, "different failures are 1");
	is_int(outcome_of(77, 69, 77), 1, "and stay 1");
	is_int(outcome_of(1, 1, 0), 1, "1 is a status like others");
}

int main(void)
{
	accounts[0].name = STR("home");
	accounts[1].name = STR("work");
	accounts[2].name = STR("club");
	test_jobs();
	test_unknown();
	test_outcome();
	arena_clear(&arena);
	return tap_done();
}
