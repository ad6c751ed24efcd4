#!/usr/bin/env python3
"""Writes docs/reference/compatibility.md: every call of the API and whether this version serves it.

Read from the source: the table of routes, and the names under which handlers are mounted. With --check: fails if stale."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/compatibility.md"
ROUTE = re.compile(r'\{"(\w+)",\s*"([^"]+)",\s*"([^"]*)",\s*(\d+),\s*(\d+),\s*"[^"]*",\s*\w+,\s*"([^"]+)"')


def served_names():
    names = {"versions.list", "versions.show", "health"}
    for file in [*(ROOT / "src/api").rglob("*.cpp"), *(ROOT / "src/app").glob("*.cpp")]:
        if not file.name.endswith("_test.cpp"):
            names.update(re.findall(r'mount\w*\(\s*"([^"]+)"', file.read_text()))
            names.update(re.findall(r'\{"([a-z_]+\.[\w.-]+)",\s*\[?&?\w', file.read_text()))
    return names


def page():
    names = served_names()
    rows, served = [], 0
    for method, path, action, since, success, handler in ROUTE.findall((ROOT / "src/api/route_table.cpp").read_text()):
        yes = handler in names
        served += yes
        call = f"`{method} {path}`" + (f" `{action}`" if action else "")
        rows.append(f"| {call} | 3.{since} | {success if yes else '501'} | {'yes' if yes else 'not yet'} |")
    head = f"""# Compatibility

Made by `tools/compatibility.py` from the table of routes. Of {len(rows)} calls this version serves {served}; the others answer 501
with a text that says so.

| call | since | answer | served |
|---|---|---|---|
"""
    return head + "\n".join(rows) + "\n"


if __name__ == "__main__":
    text = page()
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.exists() and PAGE.read_text() == text else f"{PAGE.relative_to(ROOT)} is stale: tools/compatibility.py writes it")
    PAGE.write_text(text)
