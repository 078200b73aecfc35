/*
 * The config: godwit.yaml, read into plain accounts.
 *
 * A file is either taken whole or refused with the place and a sentence:
 * unknown and doubled keys, wrong types, impossible values, contradictions,
 * two accounts or mailboxes on one folder. What it refuses outright: a password
 * in the file, aliases and tags of YAML, more than LIMIT_CONFIG_BYTES, a file
 * that other users may write to. It never looks at the environment: what
 * matters of that comes in as a value. godwit.yaml(5) is its manual.
 *
 * In order of use: config_path, then config_load (or config_parse on text that
 * is already in memory), then config_account by name or the array itself.
 */
#ifndef GODWIT_CONF_CONFIG_H
#define GODWIT_CONF_CONFIG_H

#include "godwit/base/arena.h"
#include "godwit/base/bytes.h"
#include "godwit/base/err.h"
#include "godwit/engine/account.h"

#include <stddef.h>

/* The environment variables that count; NULL or empty where not set. */
struct config_env {
	const char *home;            /* $HOME */
	const char *xdg_config_home; /* $XDG_CONFIG_HOME, else ~/.config */
	const char *xdg_state_home;  /* $XDG_STATE_HOME, else ~/.local/state */
	const char *godwit_config;   /* $GODWIT_CONFIG */
};

/* A whole config. It and all it points to lie in the arena it was read into. */
struct config {
	const char *path;         /* where it was read from */
	struct account *accounts; /* in the order of the file, at least one */
	size_t account_count;
};

/*
 * Where the config file is: `given` (from -c) if not NULL, else
 * $GODWIT_CONFIG, else $XDG_CONFIG_HOME/godwit/godwit.yaml. Fails only where
 * even $HOME is missing.
 */
int config_path(struct arena *a, const char *given,
	const struct config_env *env, const char **path_r, struct err *err);

/* Reads the file and parses it. Errors are of ERR_RUN and ERR_CONFIG. */
int config_load(struct arena *a, const char *path, const struct config_env *env,
	const struct config **config_r, struct err *err);

/* What config_parse reads. */
struct config_source {
	const char *path; /* for messages only: nothing is opened */
	struct str text;
};

/* Parses; errors start with "PATH:LINE:COLUMN: ", counted from 1. */
int config_parse(struct arena *a, struct config_source source,
	const struct config_env *env, const struct config **config_r,
	struct err *err);

/* The account of that name, or NULL. */
const struct account *config_account(
	const struct config *config, struct str name);

#endif
