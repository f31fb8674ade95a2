/*
 * options.c - from argv to the options of a call
 *
 * The tables are those of the command and, where it plans a job, that of the
 * kind.  The latter's structs are the library's own: its values are checked
 * here and handed over as text.
 */
#include <string.h>

#include "habits.h"
#include "output.h"

#include "options.h"

/* Longer than any name. */
#define OPTIONS_NAME_MAX 40

struct option_seen {
	const struct sm_option *option;
	bool no; /* as --no-NAME */
};

struct option_parser {
	struct sm_call *call;
	struct option_seen seen[SM_CMD_GIVEN];
	size_t seen_count;
};

/* The i-th table of limits, of those kinds that have any. */
static const struct sm_option *
option_limits(size_t i)
{
	const struct sm_kind_info *kind;
	const struct sm_option *o;
	size_t k;

	for (k = 0; (kind = sm_kind_info(k)) != NULL; k++) {
		o = sm_kind_limits(kind);
		if (o->name && i-- == 0)
			return o;
	}
	return NULL;
}

const struct sm_option *
sm_options_table(const struct sm_call *call, size_t i)
{
	size_t at;

	if (call->kind) {
		if (i == 0)
			return call->kind->options;
		i--;
	}
	for (at = 0; call->cmd->tables[at]; at++)
		if (at == i)
			return call->cmd->tables[i];
	return call->cmd->takes_limits ? option_limits(i - at) : NULL;
}

static bool
option_takes_value(const struct sm_option *o)
{
	return o->type != SM_OPTION_BOOL && o->type != SM_OPTION_SWITCH;
}

static bool
option_is_named(const struct sm_option *o, const char *name, size_t len)
{
	return strncmp(o->name, name, len) == 0 && !o->name[len];
}

/* By letter if that is not 0, else by the first `len` bytes of `name`. */
static struct option_seen
option_find(const struct option_parser *p, char letter, const char *name,
	    size_t len)
{
	const struct sm_option *o;
	size_t i;

	for (i = 0; (o = sm_options_table(p->call, i)) != NULL; i++) {
		for (; o->name; o++) {
			if (o->flags & SM_OPTION_UNTYPED)
				continue;
			if (letter) {
				if (o->letter == letter)
					return (struct option_seen){ o, false };
				continue;
			}
			if (option_is_named(o, name, len))
				return (struct option_seen){ o, false };
			if (o->type == SM_OPTION_SWITCH && len > 3 &&
			    strncmp(name, "no-", 3) == 0 &&
			    option_is_named(o, name + 3, len - 3))
				return (struct option_seen){ o, true };
		}
	}
	return (struct option_seen){ NULL, false };
}

/* Whoever follows a guess without a look must lose nothing. */
static bool
option_is_unguessed(const struct option_parser *p, const char *name)
{
	struct option_seen o = option_find(p, 0, name, strlen(name));

	return !o.no && (o.option->flags & SM_OPTION_UNGUESSED);
}

static int
option_unknown(const struct option_parser *p, const char *name,
	       struct sm_err *err)
{
	const char *names[2 * SM_CMD_VALUES], *nearest;
	const char *habit = sm_habit(p->call, name);
	char no[SM_CMD_VALUES][OPTIONS_NAME_MAX];
	const struct sm_option *o;
	size_t n = 0, switches = 0, i;

	if (habit)
		return sm_output_fail(err, SM_EUSAGE, "'--%s' %s", name, habit);
	for (i = 0; (o = sm_options_table(p->call, i)) != NULL; i++) {
		for (; o->name && switches < SM_CMD_VALUES; o++) {
			if (!sm_option_is_shown(o))
				continue;
			names[n++] = o->name;
			if (o->type != SM_OPTION_SWITCH)
				continue;
			snprintf(no[switches], sizeof(no[0]), "no-%s", o->name);
			names[n++] = no[switches++];
		}
	}
	nearest = sm_option_nearest(name, names, n);
	if (nearest && !option_is_unguessed(p, nearest))
		return sm_output_fail(err, SM_EUSAGE,
				      "unknown option '--%s'; did you mean "
				      "'--%s'?",
				      name, nearest);
	return sm_output_fail(err, SM_EUSAGE,
			      "unknown option '--%s'; '--help' lists them",
			      name);
}

static bool
option_is_of_kind(const struct sm_call *call, const struct sm_option *option)
{
	const struct sm_option *o = call->kind ? call->kind->options : NULL;

	for (; o && o->name; o++)
		if (o == option)
			return true;
	return option->flags & SM_OPTION_LIMIT;
}

/*
 * Of what decides about a result two values are a mistake.  Of the rest an
 * alias may hold one, and the last one counts.
 */
static bool
option_is_said_once(const struct sm_call *call, const struct sm_option *o)
{
	if (o->type == SM_OPTION_FILES || (o->flags & SM_OPTION_LIMIT))
		return false;
	return option_is_of_kind(call, o) || o->type == SM_OPTION_FILE ||
	       o->type == SM_OPTION_TEXT || o->type == SM_OPTION_RANGES;
}

static int
option_take(struct option_parser *p, struct option_seen found,
	    const char *value, struct sm_err *err)
{
	const struct sm_option *o = found.option;
	struct sm_call *call = p->call;
	size_t i;
	int ret;

	for (i = 0; i < p->seen_count; i++) {
		if (p->seen[i].option != o || !option_is_said_once(call, o))
			continue;
		if (p->seen[i].no == found.no)
			return sm_output_fail(err, SM_EUSAGE,
					      "option '--%s%s' is given twice",
					      found.no ? "no-" : "", o->name);
		return sm_output_fail(err, SM_EUSAGE,
				      "options '--%s' and '--no-%s' exclude "
				      "each other",
				      o->name, o->name);
	}
	if (p->seen_count == SM_CMD_GIVEN)
		return sm_output_fail(err, SM_EUSAGE,
				      "more than %d options; many files are "
				      "better given as a list",
				      SM_CMD_GIVEN);
	p->seen[p->seen_count++] = found;
	if (found.no)
		value = "no";
	if (!option_is_of_kind(call, o))
		return sm_option_set(o, call->args, value, err);
	ret = sm_option_set(o, NULL, value, err);
	if (ret == 0)
		call->value[call->values++] =
			(struct sm_value){ o->name, value };
	return ret;
}

static int
option_missing_value(const struct sm_option *o, struct sm_err *err)
{
	return sm_output_fail(err, SM_EUSAGE,
			      "option '--%s' needs a value: "
			      "--%s %s",
			      o->name, o->name, sm_option_arg(o).s);
}

/* --name, --name=VALUE or --name VALUE; `*at` is moved past what is used. */
static int
option_long(struct option_parser *p, char ***at, struct sm_err *err)
{
	const char *name = **at + 2, *value = NULL;
	struct option_seen found;
	char bare[OPTIONS_NAME_MAX + 1];
	size_t len = strcspn(name, "=");

	++*at;
	found = option_find(p, 0, name, len);
	if (!found.option) {
		if (len > OPTIONS_NAME_MAX)
			len = OPTIONS_NAME_MAX;
		snprintf(bare, sizeof(bare), "%.*s", (int)len, name);
		return option_unknown(p, bare, err);
	}
	if (name[len] == '=')
		value = name + len + 1;
	if (!option_takes_value(found.option)) {
		if (value)
			return sm_output_fail(err, SM_EUSAGE,
					      "option '--%s%s' takes no value",
					      found.no ? "no-" : "",
					      found.option->name);
	} else if (!value) {
		value = **at;
		if (!value)
			return option_missing_value(found.option, err);
		++*at;
	}
	return option_take(p, found, value, err);
}

/* -a, -ab, -nVALUE or -n VALUE. */
static int
option_short(struct option_parser *p, char ***at, struct sm_err *err)
{
	const char *s = **at + 1, *value, *habit;
	struct option_seen found;
	int ret;

	for (++*at; *s; s++) {
		found = option_find(p, *s, NULL, 0);
		habit = sm_habit(p->call, (const char[]){ *s, '\0' });
		if (!found.option && habit)
			return sm_output_fail(err, SM_EUSAGE, "'-%c' %s", *s,
					      habit);
		if (!found.option)
			return sm_output_fail(err, SM_EUSAGE,
					      "unknown option '-%c'; '--help' "
					      "lists them",
					      *s);
		if (!option_takes_value(found.option)) {
			ret = option_take(p, found, NULL, err);
			if (ret < 0)
				return ret;
			continue;
		}
		value = s + 1;
		if (!*value) {
			value = **at;
			if (!value)
				return option_missing_value(found.option, err);
			++*at;
		}
		return option_take(p, found, value, err);
	}
	return 0;
}

int
sm_options_parse(struct sm_call *call, char **argv, struct sm_err *err)
{
	struct option_parser p = { .call = call };
	const struct sm_option *table;
	struct sm_words *words = &call->words;
	char **at = argv;
	size_t i;
	int ret;

	for (i = call->kind ? 1 : 0; (table = sm_options_table(call, i)); i++)
		if (!(table->flags & SM_OPTION_LIMIT))
			sm_options_init(table, call->args);
	*words = (struct sm_words){ .word = argv };
	while (*at) {
		if (strcmp(*at, "--") == 0) {
			words->rest = ++at;
			while (*at++)
				words->rest_count++;
			break;
		}
		if (strncmp(*at, "--", 2) == 0)
			ret = option_long(&p, &at, err);
		else if (**at == '-' && (*at)[1])
			ret = option_short(&p, &at, err);
		else {
			/* Words close ranks: never past what is read. */
			argv[words->count++] = *at++;
			continue;
		}
		if (ret < 0)
			return ret;
	}
	return 0;
}
