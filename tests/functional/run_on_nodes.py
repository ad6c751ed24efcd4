#!/usr/bin/python3
"""The functional suite on several nodes: the same tests that run on the embedded default, on a cluster with one PostgreSQL.

    tests/functional/run_on_nodes.py --nodes 1,3,5              # once on each; clients talk to the first node, all of them work
    tests/functional/run_on_nodes.py --nodes 3 --spread         # each request at another node than the one before
    tests/functional/run_on_nodes.py --nodes 3 --spread tests/functional/test_cli.py -- -k volume

Without files: all of them. Tests about one process are left out, counted with their reasons. Exit code 0: everything passed. The
program is that of SCORIA_BUILD (build/release)."""
import argparse
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def run(nodes, spread, files, more):
    environment = dict(os.environ, SCORIA_TEST_NODES=str(nodes), SCORIA_TEST_SPREAD="1" if spread else "0", PYTHONDONTWRITEBYTECODE="1")
    environment.setdefault("SCORIA_BUILD", str(ROOT / "build/release"))
    print(f"== {nodes} nodes" + (", each request at another" if spread else ""), flush=True)
    command = [ROOT / "tests/postgres.sh", "run", "/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no", *files, *more]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", default="3", help="numbers of nodes, with commas")
    parser.add_argument("--spread", action="store_true", help="each request at another node")
    parser.add_argument("files", nargs="*", default=[str(HERE)])
    words = sys.argv[1:]
    more = words[words.index("--") + 1:] if "--" in words else []  # for pytest
    options = parser.parse_args(words[:words.index("--")] if "--" in words else words)
    codes = [run(int(nodes), options.spread, options.files, more) for nodes in options.nodes.split(",")]
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
