#!/usr/bin/env python3
"""Look at a page of `report` in Chromium, without any library: over its pipe.

browser.py PAGE [DIR]: at three widths, in light and dark, nothing is wider than
the window, nothing is said in the console, nothing is loaded; pictures, tables
and headings are found by their role.  With DIR the pictures are kept there.
"""

import base64
import itertools
import json
import os
import subprocess
import sys
import tempfile

WIDTHS = (360, 800, 1400)


class Browser:
    def __init__(self, home):
        to_r, self.to = os.pipe()
        self.out, out_w = os.pipe()
        # The browser expects its pipe at 3 and 4.
        shell = f"exec 3<&{to_r} 4>&{out_w}; exec \"$@\""
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "-", "chromium", "--headless=new",
             "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--no-first-run", "--disable-dev-shm-usage",
             f"--user-data-dir={home}"],
            pass_fds=(to_r, out_w), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_r)
        os.close(out_w)
        self.rest, self.ids, self.session = b"", itertools.count(1), None
        self.said, self.requests, self.loaded = [], [], 0

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.out, 1 << 20)
            if not more:
                sys.exit("the browser ended")
            self.rest += more
        one, self.rest = self.rest.split(b"\0", 1)
        m = json.loads(one)
        kind = m.get("method", "")
        if kind in ("Log.entryAdded", "Runtime.consoleAPICalled",
                    "Runtime.exceptionThrown"):
            self.said.append(m["params"])
        if kind == "Network.requestWillBeSent":
            self.requests.append(m["params"]["request"]["url"])
        if kind == "Page.loadEventFired":
            self.loaded += 1
        return m

    def call(self, method, **params):
        number = next(self.ids)
        m = {"id": number, "method": method, "params": params}
        if self.session:
            m["sessionId"] = self.session
        os.write(self.to, json.dumps(m).encode() + b"\0")
        while True:
            m = self.message()
            if m.get("id") == number:
                assert "error" not in m, m
                return m["result"]

    def value(self, text):
        r = self.call("Runtime.evaluate", expression=text, returnByValue=True)
        return r["result"]["value"]


def roles(browser):
    found = {}
    for node in browser.call("Accessibility.getFullAXTree")["nodes"]:
        if not node.get("ignored"):
            name = node.get("name", {}).get("value", "")
            found.setdefault(node["role"]["value"], []).append(name)
    return found


def look(browser, page, pictures):
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    browser.session = browser.call("Target.attachToTarget", targetId=target,
                                   flatten=True)["sessionId"]
    for domain in ("Page", "Log", "Runtime", "Network", "Accessibility"):
        browser.call(domain + ".enable")
    url = "file://" + os.path.abspath(page).replace("%", "%25")
    for width, scheme in itertools.product(WIDTHS, ("light", "dark")):
        browser.call("Emulation.setDeviceMetricsOverride", width=width,
                     height=900, deviceScaleFactor=1, mobile=width < 500)
        browser.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])
        seen = browser.loaded
        browser.call("Page.navigate", url=url)
        while browser.loaded == seen:
            browser.message()
        wide = browser.value("document.documentElement.scrollWidth")
        assert wide <= width, f"{wide} wide in a window of {width}"
        back = browser.value("getComputedStyle(document.body).backgroundColor")
        bright = sum(map(int, back[4:-1].split(","))) > 384
        assert bright == (scheme == "light"), (scheme, back)
        if pictures:
            shot = browser.call("Page.captureScreenshot",
                                captureBeyondViewport=True)["data"]
            name = os.path.join(pictures, f"{width}-{scheme}.png")
            with open(name, "wb") as f:
                f.write(base64.b64decode(shot))
    assert not browser.said, browser.said
    assert set(browser.requests) == {url}, browser.requests
    found = roles(browser)
    if pictures:
        pdf = browser.call("Page.printToPDF", printBackground=True)["data"]
        with open(os.path.join(pictures, "page.pdf"), "wb") as f:
            f.write(base64.b64decode(pdf))
    # Another version of Chromium names the role of a picture otherwise.
    images = found.get("image", []) + found.get("img", [])
    for name in ("map of all batches", "batches done over time",
                 "how long done batches took", "Rows per second over time"):
        assert name in images, (name, images)
    assert any(n.startswith("worker 0: ") for n in images), images
    for name in ("Progress", "Batches", "Failures by reason", "Workers",
                 "Throughput", "Left out", "The job"):
        assert name in found["heading"], (name, found["heading"])
        assert name in found["region"], (name, found["region"])
    assert any("Runs" in n for n in found["table"]), found["table"]


def main():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        browser = Browser(home)
        try:
            look(browser, sys.argv[1], sys.argv[2] if len(sys.argv) > 2
                 else None)
        finally:
            browser.process.terminate()
            browser.process.wait()


if __name__ == "__main__":
    main()
