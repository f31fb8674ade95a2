"""mutants.py - the mutants of a source file

Conditions become calls that ask, as the program runs, which mutant it is to be:
the environment's SM_MUTANT.  So one build holds all of them, and each condition
can also write down, in the file SM_REACH, that it was true or false.  So do the
SQL texts, whole, in SM_REACH_SQL; a mutant of one is the same build with that
text, SM_SQL_FROM, replaced by another, SM_SQL_TO.
"""
import collections
import re

# what: the condition's text, with a number behind it if the function has more
# of the same.  number: what SM_MUTANT selects it by; None: `sql` is (text, text
# instead).  wants: the outcomes of the condition `site` to which it makes a difference.
Mutant = collections.namedtuple(
    "Mutant", "file function kind line what number site wants sql")

HEADER = "mutant.h"
SUPPORT = {
    "src/base/mutant.h": """\
#ifndef SM_MUTANT_H
#define SM_MUTANT_H
#include <stdbool.h>
extern int sm_mutant;
bool sm_mutant_saw(int site, bool value);
#define SM_MUTANT(site, first, cond) \\
	(sm_mutant == (first) ? !(cond) : \\
	 sm_mutant == (first) + 1 ? false : sm_mutant_saw(site, (cond)))
#define SM_MUTANT_PART(site, first, neutral, cond) \\
	(sm_mutant == (first) ? (neutral) : sm_mutant_saw(site, (cond)))
const char *sm_mutant_sql(const char *file, const char *function,
			  const char *text);
#endif
""",
    "src/base/mutant.c": """\
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "mutant.h"

int sm_mutant = -1;
static unsigned char *reached;
static off_t sites;

__attribute__((constructor)) static void
mutant_begin(void)
{
	const char *text = getenv("SM_MUTANT"), *path = getenv("SM_REACH");
	struct stat st;
	void *p;
	int fd;

	if (text)
		sm_mutant = atoi(text);
	fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		 fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return;
	reached = p;
	sites = st.st_size / 2;
}

bool
sm_mutant_saw(int site, bool value)
{
	if (reached && site < sites)
		reached[2 * site + value] = 1;
	return value;
}

const char *
sm_mutant_sql(const char *file, const char *function, const char *text)
{
	const char *path = getenv("SM_REACH_SQL"), *from = getenv("SM_SQL_FROM");
	char line[8192];
	long n, fd = -1;

	/* No calls of the C library: tests let those fail, and count them. */
	if (path)
		fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND);
	if (fd >= 0) {
		n = snprintf(line, sizeof(line), "%s\\t%s\\t%s", file, function,
			     text);
		/* A test may have set a limit to what can be written. */
		if (n < (long)sizeof(line))
			syscall(SYS_write, fd, line, n + 1);
		syscall(SYS_close, fd);
	}
	return from && strcmp(from, text) == 0 ? getenv("SM_SQL_TO") : text;
}
""",
}
# Behind the includes of a file whose SQL is mutated.
SQL_HOOK = """
#define sm_sql_begin(s, db, text, values, err) \\
	(sm_sql_begin)(s, db, sm_mutant_sql(FILE_NAME, __func__, (text)), \\
		       values, err)
#define sm_sql_do(db, what, text, values, err) \\
	(sm_sql_do)(db, what, sm_mutant_sql(FILE_NAME, __func__, (text)), \\
		    values, err)
#define sm_sql_one(found, db, what, text, values, err) \\
	(sm_sql_one)(found, db, what, \\
		     sm_mutant_sql(FILE_NAME, __func__, (text)), values, err)
"""


def closing(text, at):
    """Where the bracket that opens at text[at] closes."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise ValueError("brackets")


def operands(text, start, end):
    """[(from, to, "&&" or "||")] of the operands in text[start:end]."""
    found = []

    def walk(a, b):
        for op in ("||", "&&"):
            cuts, depth, i = [a], 0, a
            while i < b:
                depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[i], 0)
                if depth == 0 and text.startswith(op, i):
                    cuts += [i, i + 2]
                    i += 1
                i += 1
            cuts.append(b)
            if len(cuts) == 2:
                continue
            for x, y in zip(cuts[::2], cuts[1::2]):
                while text[x].isspace():
                    x += 1
                while text[y - 1].isspace():
                    y -= 1
                found.append((x, y, op))
                walk(x, y)
            return
        while a < b and text[a].isspace():
            a += 1
        if a < b and text[a] == "(" and closing(text, a) >= b - 1:
            walk(a + 1, closing(text, a))

    walk(start, end)
    return found


def flat(text):
    return " ".join(text.split())


class Numbers:
    """Sites and selectors are counted over all files."""

    def __init__(self):
        self.sites = self.next = 0

    def site(self, selectors):
        first = self.next
        self.next += selectors
        self.sites += 1
        return self.sites - 1, first


NO_CODE = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|/\*.*?\*/', re.S)


def code(text):
    """Without what stands in texts and comments, at the same places."""
    return NO_CODE.sub(lambda m: re.sub(
        r"[^\n]", " " if m.group()[0] == "/" else "_", m.group()), text)


def outside(text):
    """Without what stands in brackets."""
    while re.search(r"\([^()]*\)", text):
        text = re.sub(r"\([^()]*\)", "", text)
    return text


def _conditions(text):
    """[(start, end, loops)] of what decides in `if`, `while`, `?:`, and of what
    is returned where it is put together by && or ||."""
    for m in re.finditer(r"\b(if|while) \(", text):
        yield m.end(), closing(text, m.end() - 1), m.group(1) == "while"
    for m in re.finditer(r"(?:(?<=\breturn )|(?<=[^=!<>]= ))"
                         r"(?:[^;?{}=]|[=!<>]=)+? \?", text):
        start, end = m.start(), m.end() - 2
        if not re.search(r"[(),]", outside(text[start:end])):
            yield start, end, False
    for m in re.finditer(r"\breturn ([^;?{}]*);", text):
        if re.search(r"&&|\|\|", outside(m.group(1))):
            yield m.start(1), m.end(1), False


def conditions(name, text, numbers):
    """(mutants, the text that holds all of them)"""
    found, edits = [], []     # edits: (at, order, what to insert)
    bare = code(text)
    functions = [(m.start(), m.group(1))
                 for m in re.finditer(r"^(\w+)\(", bare, re.M)]
    seen = collections.Counter()
    for start, end, loops in sorted(_conditions(bare)):
        line = text.count("\n", 0, start) + 1
        function = [f for at, f in functions if at < start][-1]
        what = flat(text[start:end])
        seen[function, what] += 1
        if seen[function, what] > 1:
            what += f" ({seen[function, what]})"
        site, n = numbers.site(2)
        # A loop that never ends is noticed by any test.
        if not loops:
            found.append(Mutant(name, function, "negated", line, what, n, site,
                                (0, 1), None))
        found.append(Mutant(name, function, "left out", line, what, n + 1, site,
                            (1,), None))
        edits += [(start, 1, f"SM_MUTANT({site}, {n}, "), (end, 0, ")")]
        for depth, (a, b, op) in enumerate(operands(bare, start, end)):
            site, n = numbers.site(1)
            neutral = "true" if op == "&&" else "false"
            found.append(Mutant(name, function, "part left out", line,
                                f"{flat(text[a:b])} [of {what}]", n, site,
                                (0,) if op == "&&" else (1,), None))
            begin = f"SM_MUTANT_PART({site}, {n}, {neutral}, "
            edits += [(a, 2 + depth, begin), (b, -1 - depth, ")")]
    # At one place what closes comes first, and of what opens the outer one.
    for at, _, what in sorted(edits, key=lambda e: (e[0], e[1]), reverse=True):
        text = text[:at] + what + text[at:]
    text = f'#include "{HEADER}"\n' + text
    if re.search(r"\bsm_sql_(begin|do|one)\(", bare):
        last = [m.end() for m in re.finditer(r"^#include .*$", text, re.M)][-1]
        text = (text[:last] + SQL_HOOK.replace("FILE_NAME", f'"{name}"') +
                text[last:])
    return found, text


WORD = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\w+|\S")
ENDS = {"ORDER", "LIMIT", "GROUP", "RETURNING", "UNION", "OR", ")", ",", "THEN",
        "ELSE", "END", "FROM"}


def clauses(file, function, text):
    """Of an SQL text: each WHERE with one condition, each operand of each AND,
    left out."""
    words = [(m.group(), m.start(), m.end()) for m in WORD.finditer(text)]
    found = []

    def add(start, end, what):
        # True whatever is bound, so that it has as many parameters.  And an
        # index that is named may not do for the rest.
        instead = f"{text[:start]}(1 OR {text[start:end].strip()}) {text[end:]}"
        instead = re.sub(r" INDEXED BY \w+", "", instead)
        found.append(Mutant(file, function, "left out", "SQL", flat(what), None,
                            None, (), (text, instead)))

    def chain(i, where):
        """The operands from word i on; one alone counts after a WHERE."""
        cuts, depth, between = [], 0, False
        begin = words[i][1]
        while i < len(words):
            word, start, end = words[i]
            if depth == 0 and (word in ENDS or word == ";"):
                break
            depth += {"(": 1, ")": -1}.get(word, 0)
            if depth == 0 and word == "BETWEEN":
                between = True
            elif depth == 0 and word == "AND" and between:
                between = False
            elif depth == 0 and word == "AND":
                cuts.append((start, end))
            last = end
            i += 1
        if cuts:
            add(begin, cuts[0][0], text[begin:cuts[0][0]])
            ends = [a for a, _ in cuts[1:]] + [last]
            for (_, after), end in zip(cuts, ends):
                add(after, end, text[after:end])
        elif where:
            add(begin, last, text[begin:last])

    for i, (word, _, _) in enumerate(words[:-1]):
        if word in ("WHERE", "OR", "(", "SELECT", "ON") and \
                words[i + 1][0] != "SELECT":
            chain(i + 1, word == "WHERE")
    unique = {m.sql[1]: m for m in found}
    return list(unique.values())
