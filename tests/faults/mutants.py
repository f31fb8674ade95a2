"""mutants.py - the mutants of a source file

Conditions of `if` become calls that ask, as the program runs, which mutant it
is to be: the environment's SM_MUTANT.  So one build holds all of them, and each
condition can also write down, in the file SM_REACH, that it was true or false.
Clauses of SQL, which are constants, take a build each.
"""
import collections
import re

# condition: the number that SM_MUTANT selects it by; None: `text` is built
Mutant = collections.namedtuple("Mutant",
                                "file kind line what number site wants text")

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
#endif
""",
    "src/base/mutant.c": """\
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
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
""",
}


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


def conditions(name, text, numbers):
    """(mutants, the text that holds all of them)"""
    found, edits = [], []     # edits: (at, what to insert)
    for m in re.finditer(r"\bif \(", text):
        start, end = m.end(), closing(text, m.end() - 1)
        line = text.count("\n", 0, start) + 1
        what = flat(text[start:end])
        site, n = numbers.site(2)
        found += [
            Mutant(name, "negated", line, what, n, site, (0, 1), None),
            Mutant(name, "left out", line, what, n + 1, site, (1,), None)]
        edits += [(start, 1, f"SM_MUTANT({site}, {n}, "), (end, 0, ")")]
        for depth, (a, b, op) in enumerate(operands(text, start, end)):
            site, n = numbers.site(1)
            neutral = "true" if op == "&&" else "false"
            found.append(Mutant(name, "part left out", line,
                                f"{flat(text[a:b])} [of {what}]", n, site,
                                (0,) if op == "&&" else (1,), None))
            edits += [(a, 2 + depth, f"SM_MUTANT_PART({site}, {n}, {neutral}, "),
                      (b, -1 - depth, ")")]
    # At one place what closes comes first, and of what opens the outer one.
    for at, _, what in sorted(edits, key=lambda e: (e[0], e[1]), reverse=True):
        text = text[:at] + what + text[at:]
    return found, f'#include "{HEADER}"\n' + text


def clauses(name, text):
    """Each clause that an SQL text adds by AND is left out."""
    if not name.startswith("src/store/"):
        return []
    found = []
    for m in re.finditer(r"\bAND [^\"()]*?(?= (?:AND|OR|ORDER|LIMIT)\b|\"|\))",
                         text):
        if "\\" in m.group():
            continue            # of a macro, not of a text
        found.append(Mutant(name, "left out", text.count("\n", 0, m.start()) + 1,
                            m.group().strip(), None, None, (),
                            text[:m.start()] + text[m.end():]))
    return found
