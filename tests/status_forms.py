"""Hold what `status` prints for programs to its description.

    status_forms.py SCHEMA JSON [METRICS]

JSON has to be valid by SCHEMA, of which this knows as much as that file uses
and nothing else; METRICS has to be text of Prometheus and OpenMetrics, and to
say the same figures.
"""

import json
import math
import re
import sys

NAMES = {"object": dict, "array": list, "string": str, "boolean": bool,
         "null": type(None), "integer": int, "number": (int, float)}
KNOWN = {"$schema", "$defs", "$ref", "title", "description", "type", "enum",
         "required", "properties", "additionalProperties", "items", "minimum",
         "maximum", "pattern"}


def is_a(value, name):
    if isinstance(value, bool) and name != "boolean":
        return False
    return isinstance(value, NAMES[name])


def check(value, schema, root, at="$"):
    unknown = set(schema) - KNOWN
    assert not unknown, f"the checker does not know {unknown}"
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        check(value, target, root, at)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    assert not types or any(is_a(value, t) for t in types), (at, value, types)
    assert value in schema.get("enum", [value]), (at, value)
    if is_a(value, "number"):
        assert math.isfinite(value), (at, value)
        assert value >= schema.get("minimum", value), (at, value)
        assert value <= schema.get("maximum", value), (at, value)
    if isinstance(value, str) and "pattern" in schema:
        assert re.search(schema["pattern"], value), (at, value)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        missing = set(schema.get("required", [])) - set(value)
        assert not missing, (at, "missing", missing)
        for name, v in value.items():
            assert name in properties or schema.get(
                "additionalProperties", True), (at, "not described", name)
            check(v, properties.get(name, {}), root, f"{at}.{name}")
    if isinstance(value, list):
        for i, v in enumerate(value):
            check(v, schema.get("items", {}), root, f"{at}[{i}]")


SAMPLE = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*)'
    r'\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\}'
    r' (-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?))$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')


def parse(text):
    """Strictly: HELP, TYPE, then all samples of each family, and the end."""
    assert text.endswith("\n# EOF\n"), "no # EOF in its last line"
    lines, samples, seen, family = text.splitlines()[:-1], {}, set(), None
    i = 0
    while i < len(lines):
        m = re.fullmatch(r"# HELP ([a-z_]+) (\S.*)", lines[i])
        assert m and m[1] not in seen, lines[i]
        family = m[1]
        seen.add(family)
        assert lines[i + 1] == f"# TYPE {family} gauge", lines[i + 1]
        i, first = i + 2, True
        while i < len(lines) and not lines[i].startswith("#"):
            m = SAMPLE.fullmatch(lines[i])
            assert m and m[1] == family, lines[i]
            labels = tuple(LABEL.findall(m[2]))
            assert len({n for n, _ in labels}) == len(labels), lines[i]
            assert (family, labels) not in samples, lines[i]
            samples[family, labels] = float(m[3])
            i, first = i + 1, False
        assert not first, f"no sample of {family}"
    return samples


def check_checker(value, schema):
    """What it does not refuse, it does not hold to."""
    def refused(wrong, why):
        try:
            check(wrong, schema, schema)
        except AssertionError:
            return
        raise AssertionError(f"{why} was let pass")

    refused({**value, "extra": 1}, "a member that is not described")
    for name in value:
        if name in schema["required"]:
            refused({k: v for k, v in value.items() if k != name},
                    f"an object without {name}")
        refused({**value, name: {"of": "no type"}}, f"an object as {name}")
    for name, x in value.items():
        if is_a(x, "integer") and name != "priority":
            refused({**value, name: -1}, f"{name} below 0")
            refused({**value, name: x + 0.5}, f"a broken {name}")
        elif is_a(x, "integer") or isinstance(x, bool):
            refused({**value, name: str(x)}, f"{name} as a text")
        elif isinstance(x, list):
            refused({**value, name: [*x, 1]}, f"a number among {name}")
    refused({**value, "fingerprint" if "fingerprint" in value else "state":
             "xyz"}, "any word")


def main(schema_path, json_path, metrics_path=None):
    with open(schema_path, encoding="utf-8") as f:
        schema = json.load(f)
    with open(json_path, encoding="utf-8") as f:
        value = json.load(f)
    check(value, schema, schema)
    assert value, "nothing shows nothing"
    if isinstance(value, dict):
        check_checker(value, schema)
    if not metrics_path:
        return
    with open(metrics_path, encoding="utf-8") as f:
        samples = parse(f.read())
    path = value["job"].replace("\\", "\\\\").replace('"', '\\"')
    path = path.replace("\n", "\\n")
    said = {}
    for (family, labels), number in samples.items():
        labels = dict(labels)
        assert labels.pop("path") == path, labels
        name = family.removeprefix("shardmill_")
        if labels:
            (_, name), = labels.items()
        assert name not in said, name
        said[name] = number
    want = {k: float(v) for k, v in value.items()
            if is_a(v, "number") or isinstance(v, bool)}
    for name in "elapsed_seconds", "rows_per_second", "eta_seconds":
        # These move on between the two calls.
        if name in said:
            assert abs(said.pop(name) - want.pop(name)) < 10, name
    assert said == want, (set(said.items()) ^ set(want.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
