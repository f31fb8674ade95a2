#!/usr/bin/env python3
"""layout.py KEPT: a C program that prints the layout of what the header KEPT
declares: each struct and member, each constant.  Compiled with that header and
with today's, it must print the same; a member that is gone does not compile.

layout.py --functions KEPT: the functions that it declares.
layout.py --spare HEADER: the structs of it that do not end in spare room.
"""
import re
import sys

# Those that never grow.
FIXED = {"sm_err", "sm_value", "sm_batch_range", "sm_ranges",
         "sm_record_fields"}


def read(path):
    text = open(path).read()
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return re.sub(r"^#.*(\\\n.*)*$", " ", text, flags=re.M)


def structs(text):
    for name, body in re.findall(r"struct (sm_\w+)\s*\{(.*?)\n\}", text, re.S):
        members = []
        for line in body.split(";"):
            function = re.search(r"\(\*(\w+)\)\s*\(", line)
            if function:
                members.append(function[1])
                continue
            for part in line.split(","):
                found = re.search(r"(\w+)\s*(\[[^]]*\]\s*)*$", part)
                if found:
                    members.append(found[1])
        yield name, members


def constants(text):
    for body in re.findall(r"enum\s*\w*\s*\{(.*?)\}", text, re.S):
        yield from re.findall(r"\b(SM_\w+)\b\s*(?:=[^,]*)?(?:,|\s*$)", body)


def defines(path):
    return re.findall(r"^#define (SM_\w+)\s+\d+\b", open(path).read(), re.M)


def functions(text):
    return sorted(re.findall(r"SM_API\b[^;(]*?\b(sm_\w+)\(", text))


def main():
    if sys.argv[1] == "--functions":
        print(*functions(read(sys.argv[2])), sep="\n")
        return
    if sys.argv[1] == "--spare":
        for name, members in structs(read(sys.argv[2])):
            if name not in FIXED and members[-1] != "spare":
                print(name)
        return
    text = read(sys.argv[1])
    print("#include <stddef.h>\n#include <stdio.h>\n#include <shardmill.h>\n"
          "int main(void) {")
    for name, members in structs(text):
        print(f'printf("{name} %zu\\n", sizeof(struct {name}));')
        for m in members:
            if m == "spare":
                continue  # it is what may become smaller
            print(f'printf("{name}.{m} %zu %zu\\n", '
                  f'offsetof(struct {name}, {m}), '
                  f'sizeof(((struct {name} *)0)->{m}));')
    for name in [*constants(text), *defines(sys.argv[1])]:
        print(f'printf("{name} %lld\\n", (long long){name});')
    print("return 0; }")


main()
