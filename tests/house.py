#!/usr/bin/env python3
"""The house in figures, one line each.

    tests/house.py [BUILD]   all figures; BUILD (build-release) has the objects
    tests/house.py rooms     the lint's share: fails on a circle of headers, or
                             of modules that include each other, or on a folder
                             that is too large
    tests/house.py modules   fails on modules that call each other in a circle
    tests/house.py openings  fails on a .c file that opens without a comment

A module is a .c file and the header of its name, and what is named after it:
npy_header.c and .h belong to npy.  Circles are the strongly connected parts of
a graph; what goes on inside of a module is no circle.
"""
import collections
import functools
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER_MAX = 28
ARGUMENTS_MAX = 6


def files_module(name):
    return os.path.splitext(name)[0]


@functools.lru_cache(None)
def modules():
    return {files_module(n) for n in files("src")}


def module(name):
    """Of a file of src, with or without its end: the shortest name that is a
    file's too, up to a "_"."""
    folder, base = os.path.split(files_module(name))
    words = base.split("_")
    for i in range(1, len(words)):
        shorter = os.path.join(folder, "_".join(words[:i]))
        if shorter in modules():
            return shorter
    return os.path.join(folder, base)


def files(*folders, ends=(".c", ".h")):
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "-co",
                            "--exclude-standard", *folders], check=True,
                           capture_output=True, text=True).stdout.split("\n")
    return sorted(n for n in names if n.endswith(ends) and
                  os.path.exists(os.path.join(ROOT, n)))


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        return f.read()


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
                   r"|'(?:\\.|[^'\\\n])*'", re.S)


def comment_lines(text):
    marked = TOKEN.sub(lambda m: re.sub(r"\S+", "\x01", m.group())
                       if m.group()[:2] in ("/*", "//") else "x", text)
    return sum("\x01" in line for line in marked.split("\n"))


def circles(graph):
    """Tarjan's strongly connected parts of more than one node."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for to in sorted(graph.get(node, ())):
            if to not in index:
                visit(to)
                low[node] = min(low[node], low[to])
            elif to in stack:
                low[node] = min(low[node], index[to])
        if low[node] == index[node]:
            part = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(part) > 1:
                found.append(sorted(part))
    sys.setrecursionlimit(10000)
    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def includes(node):
    """Who includes whom in src, as graph of node(file)."""
    names = files("src")
    by_base = {os.path.basename(n): n for n in names if n.endswith(".h")}
    graph = {node(n): set() for n in names}
    for name in names:
        for other in re.findall(r'^#include "([^"]+)"', read(name), re.M):
            if other in by_base and node(by_base[other]) != node(name):
                graph[node(name)].add(node(by_base[other]))
    return circles(graph)


def symbols(build):
    """Which module uses a global symbol of which, from the objects."""
    defines, uses, found = {}, {}, {}
    for folder, _, names in os.walk(os.path.join(ROOT, build, "CMakeFiles")):
        for name in names:
            path = os.path.join(folder, name)
            at = path.find(".dir/src/")
            me = path[at + len(".dir/"):-len(".c.o")]
            # Not an object of a file that was moved.
            if at >= 0 and name.endswith(".c.o") and os.path.exists(
                    os.path.join(ROOT, me + ".c")):
                found[path] = me
    out = subprocess.run(["nm", "-A", "-g", *found], check=bool(found),
                         text=True, capture_output=True).stdout
    for path, kind, symbol in re.findall(r"^(.*\.o):.* ([A-Za-z]) (\w+)$", out,
                                         re.M):
        if kind == "U":
            uses.setdefault(found[path], set()).add(symbol)
        else:
            defines[symbol] = found[path]
    graph = {}
    for me, wanted in uses.items():
        graph.setdefault(module(me), set()).update(
            {module(defines[s]) for s in wanted if s in defines} -
            {module(me)})
    return len(defines), circles(graph)


def largest_folder():
    count = collections.Counter(os.path.dirname(n) for n in files("src"))
    return count.most_common(1)[0]


def long_lists():
    """Functions of more than ARGUMENTS_MAX parameters, from ctags."""
    out = subprocess.run(["ctags", "-x", "--kinds-C=f", "--language-force=C",
                          "--_xformat=%F\t%N\t%S", *files("src", "tools",
                                                          ends=".c")],
                         check=True, capture_output=True, text=True, cwd=ROOT)
    found = []
    for line in out.stdout.splitlines():
        file, name, signature = line.split("\t", 2)
        inner = re.sub(r"\([^()]*\)", "", signature[1:-1])
        if inner.count(",") >= ARGUMENTS_MAX:
            found.append(f"{file}: {name} ({inner.count(',') + 1})")
    return found


def unopened():
    return [n for n in files("src", "tools", ends=".c")
            if not read(n).lstrip().startswith("/*")]


def unformatted():
    out = subprocess.run(["clang-format", "-n", *files(".")], cwd=ROOT,
                         text=True, capture_output=True).stderr
    return set(re.findall(r"^([^:\n]+):\d+:\d+: ", out, re.M))


def figure(name, value, details=()):
    print(f"{name:<52} {value}")
    for line in details:
        print(f"    {line if isinstance(line, str) else ' '.join(line)}")


def all_figures(build):
    names = files("src", "tools", "include")
    texts = {n: read(n) for n in names}
    lines = {n: t.count("\n") for n, t in texts.items()}
    in_c = [n for n in names if n.endswith(".c")]
    comments = sum(comment_lines(texts[n]) for n in in_c)
    asked = sum(TOKEN.sub(" ", t).count("?") for t in texts.values())
    ret = sum(t.count("ret < 0 ? ret") for t in texts.values())
    figure("lines of src, tools and include (.c, .h)", sum(lines.values()))
    found = includes(lambda n: n)
    figure("circles of headers", len(found), found)
    found = includes(module)
    figure("circles of modules that include each other", len(found), found)
    defined, found = symbols(build)
    figure(f"circles of modules by {defined} global symbols",
           len(found) if defined else f"no objects in {build}/", found)
    figure("largest folder of src", "%s, %d files" % largest_folder())
    figure("?: per 1,000 lines", f"{1000 * asked / sum(lines.values()):.1f}")
    figure("ret < 0 ? ret", ret)
    found = [n for n in files("src") if '"parts.h"' in texts[n] and
             not n.startswith("src/engine/parts/") and n != "src/engine/api.c"]
    figure("files that know parts.h below engine/api.c", len(found), found)
    found = long_lists()
    figure("functions of 7 and more parameters", len(found), found)
    share = 100 * comments / sum(texts[n].count("\n") for n in in_c)
    figure("lines with a comment, in .c files", f"{share:.1f} %")
    figure(".c files without an opening comment",
           f"{len(unopened())} of {len(in_c)}")
    figure("files that clang-format would change", len(unformatted()))


def fail_on(what, found):
    for line in found:
        print(f"{what}: {line if isinstance(line, str) else ' '.join(line)}")
    sys.exit(1 if found else 0)


def main():
    word, build = (sys.argv[1:] + ["build-release"] * 2)[:2]
    if word == "rooms":
        folder, size = largest_folder()
        fail_on("room", includes(lambda n: n) + includes(module) +
                ([f"{folder} has {size} files"] if size > FOLDER_MAX else []))
    elif word == "modules":
        fail_on("circle", symbols(build)[1] or long_lists())
    elif word == "openings":
        fail_on("no opening comment", unopened())
    else:
        all_figures(word)


if __name__ == "__main__":
    main()
