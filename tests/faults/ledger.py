#!/usr/bin/python3
"""The ledger of chaos runs, tests/faults/ledger.jsonl, a line for each run; and the table that docs/explanation/reliability.md has of it.

  tests/faults/ledger.py          prints the table
  tests/faults/ledger.py --write  puts it into the page"""
import datetime
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LEDGER, PAGE = ROOT / "tests/faults/ledger.jsonl", ROOT / "docs/explanation/reliability.md"
BEGIN, END = "<!-- ledger: made by tests/faults/ledger.py --write -->\n", "<!-- end of ledger -->\n"


def append(path, options, layout, tries, strikes, hits, operations, checked, takeovers, fencings, verdict):
    """`tries`: strikes by nemesis; `strikes` and `hits`: by kind, all and those that hit running operations; `checked`: calls that the
    model or an order explains; `takeovers`: Takeovers.summary()."""
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    line = {"date": datetime.date.today().isoformat(), "commit": commit, "seed": options.seed, "layout": layout,
            "nemeses": dict(sorted(tries.items())), "strikes": dict(sorted(strikes.items())), "hits": dict(sorted(hits.items())),
            "operations": operations, "calls_explained": checked, "takeovers": takeovers, "false_fencings": fencings, "verdict": verdict}
    with open(path, "a") as file:
        file.write(json.dumps(line) + "\n")


def read(path=LEDGER):
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def of(line, label, part):
    return f"{line['takeovers'][label][part]:.2f}" if label in line["takeovers"] else "–"


def table(lines):
    """Sums by layout, then the last ten runs."""
    out = ["| layout | runs, passed | kills | pauses | partitions | failovers | operations | false fencings |", "|---|---|---|---|---|---|---|---|"]
    for layout in sorted({line["layout"] for line in lines}):
        mine = [line for line in lines if line["layout"] == layout]
        hits = [str(sum(line["hits"].get(kind, 0) for line in mine)) for kind in ("kill", "pause", "partition", "failover")]
        out.append(f"| {layout} | {len(mine)}, {sum(line['verdict'] == 'pass' for line in mine)} | {' | '.join(hits)} | "
                   f"{sum(line['operations'] for line in mine):,} | {sum(line['false_fencings'] for line in mine)} |")
    out += ["", "The last runs; takeover in seconds:", "", "| date | commit | layout | seed | operations | killed p50, p99 | silent p50, p99 | verdict |",
            "|---|---|---|---|---|---|---|---|"]
    for line in lines[-10:]:
        out.append(f"| {line['date']} | {line['commit']} | {line['layout']} | {line['seed']} | {line['operations']:,} | {of(line, 'killed', 'p50')}, {of(line, 'killed', 'p99')} "
                   f"| {of(line, 'silent', 'p50')}, {of(line, 'silent', 'p99')} | {line['verdict']} |")
    return "\n".join(out) + "\n"


def written(page):
    """The table as it stands in the page."""
    return page[page.index(BEGIN) + len(BEGIN):page.index(END)]


def main():
    if "--write" not in sys.argv:
        return print(table(read()), end="")
    page = PAGE.read_text()
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    PAGE.write_text(page[:begin] + table(read()) + page[end:])


if __name__ == "__main__":
    main()
