/*
 * How: libyaml's events, not its documents, are turned into nodes by a
 * recursion as deep as LIMIT_CONFIG_DEPTH; the events are asked for one by one,
 * so that nesting which goes deeper is never even scanned. Doubled keys are
 * found by sorting, as a mapping may be long.
 */
#include "node.h"

#include "godwit/base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

enum {
	TAG_DIRECTIVES_MAX = 8,
};

struct loader {
	const struct conf_context *context;
	struct str text;
	yaml_parser_t parser;
	unsigned depth;
};

int conf_error(const struct conf_context *c, struct node_mark at,
	const char *format, ...)
{
	char sentence[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return err_set(c->err, ERR_RUN, ERR_NEVER, ERR_CONFIG, "%s:%zu:%zu: %s",
		c->path, at.line, at.column, sentence);
}

int node_mark_cmp(struct node_mark a, struct node_mark b)
{
	if (a.line != b.line)
		return a.line < b.line ? -1 : 1;
	return (a.column > b.column) - (a.column < b.column);
}

static struct node_mark mark_of(yaml_mark_t mark)
{
	return (struct node_mark){mark.line + 1, mark.column + 1};
}

/* Whether the line is indented with a tab, YAML's most common mistake. */
static bool line_has_tab_indent(struct str text, size_t line)
{
	struct str part = {0};

	for (size_t i = 0; i < line; i++) {
		if (!str_split(&text, '\n', &part))
			return false;
	}
	for (size_t i = 0; i < part.len; i++) {
		if (part.ptr[i] == '\t')
			return true;
		if (part.ptr[i] != ' ')
			return false;
	}
	return false;
}

static int syntax_error(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	struct node_mark at = mark_of(p->problem_mark);

	check(p->error != YAML_MEMORY_ERROR);
	if (p->error == YAML_READER_ERROR) {
		at = mark_of(p->mark);
		return conf_error(l->context, at,
			"the text is not UTF-8 that YAML allows: %s",
			p->problem);
	}
	if (line_has_tab_indent(l->text, at.line))
		return conf_error(l->context, at,
			"YAML does not take tabs for indentation: use spaces");
	return conf_error(l->context, at, "this is not valid YAML: %s%s%s",
		p->context == NULL ? "" : p->context,
		p->context == NULL ? "" : ": ", p->problem);
}

static int event_next(struct loader *l, yaml_event_t *event_r)
{
	if (yaml_parser_parse(&l->parser, event_r) == 0)
		return syntax_error(l);
	return 0;
}

/* The next event, which must be of that type. */
static int event_skip(struct loader *l, yaml_event_type_t type)
{
	yaml_event_t event;
	bool right;

	if (event_next(l, &event) != 0)
		return -1;
	right = event.type == type;
	yaml_event_delete(&event);
	check(right);
	return 0;
}

static bool word_is_null(struct str word, yaml_scalar_style_t style)
{
	return style == YAML_PLAIN_SCALAR_STYLE &&
	       (word.len == 0 || str_eq(word, STR("~")) ||
		       str_ieq(word, STR("null")));
}

static int word_take(
	struct loader *l, const yaml_event_t *event, struct node *node)
{
	struct str word = {.ptr = (const char *)event->data.scalar.value,
		.len = event->data.scalar.length};

	if (event->data.scalar.tag != NULL)
		return conf_error(l->context, node->mark,
			"tags (!) have no meaning here: leave it out");
	if (str_find(word, '\0') != word.len)
		return conf_error(l->context, node->mark,
			"there is a NUL byte in this value");
	node->word = arena_str(l->context->arena, word);
	node->is_null = word_is_null(word, event->data.scalar.style);
	return 0;
}

static int node_build(
	struct loader *l, const yaml_event_t *event, struct node *node);

/* Reads the value that follows, into a new node. */
static struct node *value_read(struct loader *l)
{
	struct node *node = arena_alloc(l->context->arena, sizeof(*node));
	yaml_event_t event;
	int built;

	if (event_next(l, &event) != 0)
		return NULL;
	built = node_build(l, &event, node);
	yaml_event_delete(&event);
	return built == 0 ? node : NULL;
}

/*
 * One item: for a MAP a key, then the value. Returns 1 with the item, 0 at the
 * end of the collection.
 */
static int item_read(
	struct loader *l, enum node_kind kind, struct node **item_r)
{
	struct node first = {0};
	yaml_event_t event;
	int built = 0;
	bool end;

	if (event_next(l, &event) != 0)
		return -1;
	end = event.type == YAML_SEQUENCE_END_EVENT ||
	      event.type == YAML_MAPPING_END_EVENT;
	if (!end)
		built = node_build(l, &event, &first);
	yaml_event_delete(&event);
	if (end || built != 0)
		return end ? 0 : -1;
	if (kind == NODE_LIST) {
		*item_r = arena_alloc(l->context->arena, sizeof(first));
		**item_r = first;
		return 1;
	}
	if (first.kind != NODE_WORD)
		return conf_error(l->context, first.mark,
			"a key must be a word, not a list or a mapping");
	*item_r = value_read(l);
	if (*item_r == NULL)
		return -1;
	(*item_r)->key = first.word;
	(*item_r)->key_mark = first.mark;
	return 1;
}

static int key_order(const void *a, const void *b)
{
	const struct node *one = *(const struct node *const *)a;
	const struct node *two = *(const struct node *const *)b;
	int order = str_cmp(one->key, two->key);

	return order != 0 ? order : node_mark_cmp(one->key_mark, two->key_mark);
}

/* No key stands twice in a MAP. */
static int keys_check(struct loader *l, const struct node *map)
{
	const struct node **sorted = arena_array(
		l->context->arena, map->count, sizeof(struct node *));
	size_t i = 0;

	for (const struct node *item = map->first; item; item = item->next)
		sorted[i++] = item;
	qsort(sorted, map->count, sizeof(struct node *), key_order);
	for (i = 1; i < map->count; i++) {
		if (str_eq(sorted[i - 1]->key, sorted[i]->key))
			return conf_error(l->context, sorted[i]->key_mark,
				"'%.60s' is given already in line %zu",
				sorted[i]->key.ptr,
				sorted[i - 1]->key_mark.line);
	}
	return 0;
}

static int items_read(struct loader *l, struct node *parent)
{
	struct node **link = &parent->first;
	int more;

	if (l->depth == LIMIT_CONFIG_DEPTH)
		return conf_error(l->context, parent->mark,
			"nested deeper than any key of godwit.yaml(5)");
	l->depth++;
	while ((more = item_read(l, parent->kind, link)) > 0) {
		link = &(*link)->next;
		parent->count++;
	}
	l->depth--;
	if (more < 0)
		return -1;
	return parent->kind == NODE_MAP ? keys_check(l, parent) : 0;
}

static int node_build(
	struct loader *l, const yaml_event_t *event, struct node *node)
{
	const yaml_char_t *tag = NULL;

	node->mark = mark_of(event->start_mark);
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		node->kind = NODE_WORD;
		return word_take(l, event, node);
	case YAML_SEQUENCE_START_EVENT:
		node->kind = NODE_LIST;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		node->kind = NODE_MAP;
		tag = event->data.mapping_start.tag;
		break;
	default:
		check(event->type == YAML_ALIAS_EVENT);
		return conf_error(l->context, node->mark,
			"aliases (*) are not used here: what accounts share "
			"goes under 'defaults:'");
	}
	if (tag != NULL)
		return conf_error(l->context, node->mark,
			"tags (!) have no meaning here: leave it out");
	return items_read(l, node);
}

/* What follows the first document: nothing may. */
static int end_read(struct loader *l)
{
	yaml_event_t event;
	struct node_mark at;
	bool end;

	if (event_skip(l, YAML_DOCUMENT_END_EVENT) != 0 ||
		event_next(l, &event) != 0)
		return -1;
	end = event.type == YAML_STREAM_END_EVENT;
	at = mark_of(event.start_mark);
	yaml_event_delete(&event);
	if (!end)
		return conf_error(l->context, at,
			"a second document starts here: a config is one");
	return 0;
}

static int stream_read(struct loader *l, struct node **top_r)
{
	yaml_event_t event;
	bool empty;

	if (event_skip(l, YAML_STREAM_START_EVENT) != 0 ||
		event_next(l, &event) != 0)
		return -1;
	empty = event.type == YAML_STREAM_END_EVENT;
	yaml_event_delete(&event);
	if (empty) {
		*top_r = arena_alloc(l->context->arena, sizeof(**top_r));
		**top_r = (struct node){.kind = NODE_MAP, .mark = {1, 1}};
		return 0;
	}
	*top_r = value_read(l);
	return *top_r == NULL ? -1 : end_read(l);
}

/*
 * libyaml compares each %TAG with all before it, in one call that cannot be
 * stopped. There are no tags here, so a few are enough to find that out.
 */
static int directives_check(const struct conf_context *c, struct str text)
{
	struct node_mark at = {1, 0};
	unsigned tags = 0;

	for (size_t i = 0; i < text.len; i++) {
		bool is_end = text.ptr[i] == '\n';

		at.line += is_end;
		at.column = is_end ? 0 : at.column + 1;
		if (text.ptr[i] != '%' ||
			!str_starts(str_sub(text, i, 4), STR("%TAG")))
			continue;
		if (++tags > TAG_DIRECTIVES_MAX)
			return conf_error(c, at,
				"%%TAG has no meaning here: leave it out");
	}
	return 0;
}

int node_parse(const struct conf_context *c, struct str text,
	const struct node **top_r)
{
	struct loader loader = {.context = c, .text = text};
	struct node *top = NULL;
	int result;

	if (directives_check(c, text) != 0)
		return -1;
	check(yaml_parser_initialize(&loader.parser) == 1);
	yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&loader.parser,
		(const unsigned char *)(text.len == 0 ? "" : text.ptr),
		text.len);
	result = stream_read(&loader, &top);
	yaml_parser_delete(&loader.parser);
	if (result == 0)
		*top_r = top;
	return result;
}

const struct node *node_find(const struct node *map, struct str key)
{
	if (map == NULL || map->kind != NODE_MAP)
		return NULL;
	for (const struct node *item = map->first; item; item = item->next) {
		if (str_eq(item->key, key))
			return item;
	}
	return NULL;
}
