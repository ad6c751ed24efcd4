#!/usr/bin/python3
"""The functional suite: three files at once; then, one at a time, the tests that hold the product to seconds (marked `quiet`).

    tests/functional/run.py [--junit FOLDER]

A test that failed is run once more, alone, when there are no more than a handful: if it passes then it is named as unsteady and
counts as passed. On a machine that carries three storms at once some waits outlast any limit; but an unsteady test that comes
back is a fault, of the test or of Scoria. Exit code 0: everything passed, at the latest then. With --junit, functional.xml holds
what ran beside others, functional-quiet.xml and functional-again.xml the rest."""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
HANDFUL = 5


def pytest(failures, junit, *words):
    """Runs tests; the ids of those that failed, or None when pytest itself did not get that far."""
    command = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    if junit:
        command.append(f"--junit-xml={junit}")
    code = subprocess.run(command, cwd=HERE.parent.parent, env=dict(os.environ, SCORIA_TEST_FAILURES=str(failures))).returncode
    ended = code in (0, 1)  # 1: tests failed
    return failures.read_text().splitlines() if ended else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--junit", type=pathlib.Path, help="a folder for the results")
    options = parser.parse_args()

    def junit(name):
        return options.junit and options.junit / name

    with tempfile.TemporaryDirectory() as folder:
        failures = pathlib.Path(folder) / "failures"
        beside = pytest(failures, junit("functional.xml"), "-n", "3", "--dist", "loadfile", "-m", "not quiet", str(HERE))
        quiet = pytest(failures, junit("functional-quiet.xml"), "-m", "quiet", str(HERE))
        if beside is None or quiet is None:
            return 1
        failed = beside + quiet
        if not failed or len(failed) > HANDFUL:
            return 1 if failed else 0
        print("once more, alone: " + ", ".join(failed), flush=True)
        again = pytest(failures, junit("functional-again.xml"), *failed)
        return 0 if again == [] else 1


if __name__ == "__main__":
    sys.exit(main())
