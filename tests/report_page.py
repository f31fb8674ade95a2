#!/usr/bin/env python3
"""What a page of `report` says, compared with the views of the job.

report_page.py PAGE JOB.DB: well-formed XML and HTML, nothing that is loaded,
the figures those of the views.  report_page.py --text PAGE ID: the text of the
element of that id.
"""

import html.parser
import re
import sqlite3
import sys
import xml.etree.ElementTree


class Page(html.parser.HTMLParser):
    """Values of <data>, texts by id, tables by id, failures, attributes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.values, self.texts, self.tables = {}, {}, {}
        self.failures, self.attributes, self.titles = [], [], []
        self.open, self.cell = [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.attributes += [(tag, k, v or "") for k, v in attrs]
        if tag == "data" and "id" in a:
            self.values[a["id"]] = float(a["value"])
        if tag == "article":
            self.failures.append({"stderr": "", "message": ""})
        if tag == "data" and "class" in a and self.failures:
            self.failures[-1][a["class"]] = int(a["value"])
        if tag == "table":
            self.table = self.tables.setdefault(a["id"], [])
        if tag == "tr":
            self.table.append([])
        if tag in ("td", "th"):
            self.table[-1].append("")
        if tag not in ("meta", "br"):
            self.open.append((tag, a))

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, k, v or "") for k, v in attrs]

    def handle_endtag(self, tag):
        assert self.open[-1][0] == tag, f"{self.open[-1]} ended by {tag}"
        self.open.pop()

    def handle_data(self, text):
        tags = [t for t, _ in self.open]
        for _, a in self.open:
            if "id" in a:
                self.texts[a["id"]] = self.texts.get(a["id"], "") + text
        if "td" in tags or "th" in tags:
            self.table[-1][-1] += text
        if "article" in tags and "pre" in tags:
            self.failures[-1]["stderr"] += text
        if "article" in tags and "code" in tags:
            self.failures[-1]["message"] += text
        if tags and tags[-1] == "title":
            self.titles.append(text)


def read(path):
    raw = open(path, "rb").read()
    text = raw.decode("utf-8")
    xml.etree.ElementTree.fromstring(re.sub("^<!DOCTYPE html>", "", text))
    page = Page(text)
    assert not page.open, page.open
    for tag, name, value in page.attributes:
        assert tag not in ("script", "link", "img", "iframe", "object"), tag
        assert not name.startswith("on"), name
        assert name not in ("href", "src", "srcset", "action"), (tag, name)
    style = re.search("<style>(.*?)</style>", text, re.S).group(1)
    assert "url(" not in style and "@import" not in style
    return page


def same(what, page, view):
    assert page == view, f"{what}: {page} on the page, {view} in the view"


def clean(text):
    """As a page has it: no control characters but newlines and tabs."""
    return re.sub(r"[\0-\x08\x0b-\x1f\x7f-\x9f]", "\ufffd", text)


def whole(text):
    return int(text.replace(",", ""))


def compare(page, db):
    db.row_factory = sqlite3.Row
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    progress = db.execute("SELECT * FROM progress").fetchone()
    for name in ("total", "done", "failed", "running", "pending", "percent",
                 "rows", "records", "raw_bytes", "gz_bytes", "stragglers"):
        same(name, page.values[name], progress[name])
    for name in page.values:
        if name in ("entries", "low_score", "too_few", "of_too_few",
                    "padding", "skipped", "nan", "over_maximum"):
            same(name, page.values[name], progress[name])
    same("tries", page.values["tries"],
         db.execute("SELECT count(*) FROM attempt").fetchone()[0])
    usual = db.execute("SELECT * FROM usual").fetchone()
    for name in ("median_s", "p99_s", "straggler_s"):
        if usual and usual[name] is not None:
            same(name, page.values[name], round(usual[name], 3))

    rows = page.tables.get("runs", [[]])
    at = {name: i for i, name in enumerate(rows[0])}
    runs = db.execute("SELECT * FROM runs ORDER BY run DESC LIMIT 100")
    runs = runs.fetchall()
    same("runs", len(rows) - 1, len(runs))
    for row, run in zip(rows[1:], runs):
        for name, column in (("run", "run"), ("done", "done"),
                             ("failed", "failed"), ("workers", "workers")):
            same(f"run {run['run']}, {name}", whole(row[at[name]]),
                 run[column])
        same("why", row[at["why it ended"]], clean(run["why"] or ""))
    pauses = db.execute("SELECT count(*) FROM pause").fetchone()[0]
    same("pauses", len(page.tables.get("pauses", [[]])) - 1, min(pauses, 100))
    same("pauses drawn", sum("paused from" in t for t in page.titles) > 0,
         pauses > 0)

    reasons = db.execute("SELECT * FROM failures LIMIT 20").fetchall()
    same("reasons", len(page.failures), len(reasons))
    for shown, reason in zip(page.failures, reasons):
        for name in ("tries", "batches", "failed"):
            same(f"{reason['reason']}, {name}", shown[name], reason[name])
        same("message", shown["message"], clean(reason["message"]))
        same("stderr", shown["stderr"], clean(reason["stderr"] or ""))

    slow = [whole(r[0]) for r in page.tables.get("slowest", [[]])[1:]]
    took = [db.execute("SELECT round(finished - started, 3) FROM batch "
                       "WHERE id = ?", (b,)).fetchone()[0] for b in slow]
    same("the slowest", took, [r[0] for r in db.execute(
        "SELECT seconds FROM slowest LIMIT 10")])
    shown_batches(page, db, progress["total"])


def shown_batches(page, db, total):
    """Each batch is on the map, in a cell of its own or among others."""
    states = {}
    for title in page.titles:
        one = re.match(r"batch (\d+): (\w+)( in |, \d+ attempts|$)", title)
        many = re.match(r"batches (\d+) to (\d+)((?:[:,] [\d,]+ "
                        r"(?:done|failed|running|pending))+)(;|$)", title)
        if one and one.group(2) in ("done", "failed", "running", "pending"):
            states[int(one.group(1))] = (int(one.group(1)), one.group(2))
        elif many:
            states[int(many.group(1))] = (int(many.group(2)), many.group(3))
    at, counts = 0, {}
    for first in sorted(states):
        last, what = states[first]
        same("the next cell of the map", first, at)
        at = last + 1
        if first == last and " " not in what:
            counts[what] = counts.get(what, 0) + 1
        for n, word in re.findall(r"(\d[\d,]*) (\w+)", what):
            counts[word] = counts.get(word, 0) + whole(n)
    same("batches on the map", at, total)
    same("states on the map", counts, dict(tuple(r) for r in db.execute(
        "SELECT state, count(*) FROM batch GROUP BY state")))


def main():
    if sys.argv[1] == "--text":
        print(read(sys.argv[2]).texts.get(sys.argv[3], ""))
        return
    page = read(sys.argv[1])
    compare(page, sqlite3.connect(f"file:{sys.argv[2]}?mode=ro", uri=True))


if __name__ == "__main__":
    main()
