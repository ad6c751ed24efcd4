"""docs/how-to/verify-ha.md: every command block is run, in one shell, as it stands there, and must print what the page says."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import pytest

from deployment import one_node
from node import BINARY, ROOT

PAGE = ROOT / "docs/how-to/verify-ha.md"
LONGEST = 180  # seconds that a block may take
PLACES = {"<id>": r"[0-9a-f-]{36}", "<number>": r"[0-9.,]+", "<time>": r"[0-9T:Z. -]+", "<text>": r".*?"}
pytestmark = [one_node("has nodes of its own"), pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a small file system")]


class Case:
    def __init__(self, title, text):
        self.title, self.text = title, text
        self.blocks = re.findall(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", text, re.M | re.S)

    def automated(self):
        """The tests that the case names."""
        return re.findall(r"`(tests/[\w/]+\.py)`", "".join(re.findall(r"^Automated: (.*?)(?:\n\n|\Z)", self.text, re.M | re.S)))


def cases():
    parts = re.split(r"^###? (.*)$", PAGE.read_text(), flags=re.M)
    return [Case(title, text) for title, text in zip(parts[1::2], parts[2::2])]


def pattern(expected):
    """<id>, <number>, <time> and <text> stand for what differs; a line `...` for any lines."""
    out = ""
    for line in expected.splitlines():
        if line == "...":
            out += r"(?:.*\n)*?"
            continue
        for part in re.split("(" + "|".join(PLACES) + ")", line):
            out += PLACES.get(part, re.sub(r"(?:\\ ){2,}", r" {2,}", re.escape(part)))
        out += r" *\n"
    return re.compile(out)


class Shell:
    """One bash; what each block prints, on both outputs, together with its last exit code."""

    def __init__(self, folder):
        (folder / "bin").mkdir()
        (folder / "bin/scoria").symlink_to(pathlib.Path(BINARY).resolve())
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "SCORIA_"))}
        environment = dict(kept, PATH=f"{folder / 'bin'}:{kept['PATH']}", LC_ALL="C.UTF-8", TMPDIR="/tmp")
        self.bash = subprocess.Popen(["bash", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
                                     env=environment, start_new_session=True)

    def run(self, block):
        self.bash.stdin.write(block + "\necho \"--end $?\"\n")
        self.bash.stdin.flush()
        lines, limit = [], threading.Timer(LONGEST, os.killpg, (self.bash.pid, signal.SIGKILL))  # what it started holds its output open
        limit.start()
        for line in self.bash.stdout:
            if end := re.fullmatch(r"(.*)--end (\d+)\n", line):
                limit.cancel()
                lines += [end[1] + "\n"] if end[1] else []
                return "".join(lines), int(end[2])
            lines.append(line)
        raise AssertionError(f"not within {LONGEST} s, or the shell ended:\n{block}\nprinted:\n{''.join(lines)}")

    def close(self):
        self.bash.stdin.close()
        self.bash.wait(timeout=60)


@pytest.fixture
def shell(tmp_path):
    made = Shell(tmp_path)
    yield made
    made.run('for file in $LAB/*.pid; do kill -CONT $(cat $file); kill -9 $(cat $file); done 2>/dev/null; umount -l $LAB/small 2>/dev/null; '
             '[ -z "$LAB" ] || { tests/postgres.sh stop $SCORIA_TEST_POSTGRES_DIR; rm -rf $LAB; }')
    made.close()


def test_every_case_prints_what_the_page_says(shell):
    ran, wrong = 0, []
    for case in cases():
        for commands, expected in case.blocks:
            printed, code = shell.run(commands)
            ran += 1
            if code != 0 or not pattern(expected).fullmatch(printed):
                wrong.append(f"{case.title} (exit {code})\n{commands}\nexpected:\n{expected}\nprinted:\n{printed}")
    print(f"{ran} blocks of {len(cases())} sections")
    assert not wrong, "\n\n".join(wrong)


def test_every_case_names_the_test_it_became_and_stands_in_its_kind():
    text = PAGE.read_text()
    kinds = re.findall(r"^## (.*)$", text, re.M)
    assert {"No error", "Normal error", "Corner case"} <= set(kinds)
    told = [case for case in cases() if re.search(r"^Automated: ", case.text, re.M)]
    assert len(told) >= 12 and all(case.blocks for case in told)
    for case in told:
        assert case.automated(), case.title
        for name in case.automated():
            assert (ROOT / name).exists(), f"{case.title}: {name}"
    assert len(told) == len(re.findall(r"^### ", text, re.M))
