"""tree.py - copies of the source tree in which one thing is changed at a time

Built once with the fault points, then again for each change, which takes a
second or two.  CHANGE_JOBS copies are used side by side.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def replaced(name, text, old, new):
    pattern = r"\s+".join(re.escape(word) for word in old.split())
    found = re.findall(pattern, text)
    if len(found) != 1:
        raise ValueError(f"{name} has {len(found)} times: {old}")
    return re.sub(pattern, lambda _: new, text)


class Tree:
    def __init__(self, *options, build=True):
        self.root = tempfile.mkdtemp(prefix="shardmill-tree.")
        for name in ("CMakeLists.txt", "include", "schema", "src", "tests",
                     "tools"):
            path = os.path.join(ROOT, name)
            copy = os.path.join(self.root, name)
            if os.path.isdir(path):
                shutil.copytree(path, copy)
            else:
                shutil.copy2(path, copy)
        self.build_dir = os.path.join(self.root, "build")
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        self._run("cmake", "-S", self.root, "-B", self.build_dir, *generator,
                  "-DSHARDMILL_FAULTS=ON", "-DCMAKE_BUILD_TYPE=Debug",
                  *options)
        self.program = os.path.join(self.build_dir, "shardmill")
        error = self.build() if build else None
        if error:
            sys.exit(f"the tree does not build: {error}")

    def _run(self, *argv):
        p = subprocess.run(argv, text=True, capture_output=True, check=False)
        if p.returncode:
            return p.stdout[-2000:] + p.stderr[-2000:]
        return None

    def build(self, *targets):
        """None, or what is wrong."""
        only = ["--target", *targets] if targets else []
        return self._run("cmake", "--build", self.build_dir, "-j", "2", *only)

    def read(self, name):
        with open(os.path.join(self.root, name), encoding="utf-8") as f:
            return f.read()

    def write(self, name, text):
        with open(os.path.join(self.root, name), "w", encoding="utf-8") as f:
            f.write(text)

    def replace(self, name, old, new):
        """The text before; `old` must stand there once, blanks aside."""
        text = self.read(name)
        self.write(name, replaced(name, text, old, new))
        return text

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)
