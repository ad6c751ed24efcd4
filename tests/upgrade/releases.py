"""The releases that tests/upgrade replaces one by another: this tree, and with one, two and three patches more. Each patch is what
a release would bring: together they rename a column (write both and read the old; write both and read the new; drop), change what
an operation carries and add a step to a kind. `@M1@` in a patch is the number of the first free step of the schema as its file has
it, `@N1@` the same as code has it, and so on."""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATCHES = sorted((ROOT / "tests/upgrade/patches").glob("*.patch"))
VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.4.0"]


def first_step():
    """The number of the first step of the schema that the patches add."""
    return max(int(file.name[:4]) for file in (ROOT / "src/store/migrations").glob("[0-9]*.sql")) + 1


def patch_text(number):
    text = PATCHES[number - 1].read_text()
    for at in (1, 2, 3):
        text = text.replace(f"@M{at}@", f"{first_step() + at - 1:04}").replace(f"@N{at}@", str(first_step() + at - 1))
    return text


def changed(number):
    """The files of this tree that patch `number` changes."""
    return re.findall(r"^--- a/(\S+)$", PATCHES[number - 1].read_text(), re.MULTILINE)


def listed():
    """What git knows of this tree, changed or not."""
    return subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def copy_tree(to):
    for name in listed():
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)
            shutil.copymode(ROOT / name, to / name)


def apply(number, tree):
    """Patch `number` on top of those before it. Fails loudly: then it is to be refreshed (CONTRIBUTING.md). The patches have hardly any
    context, so that few changes of the tree concern them; therefore it must fit exactly, wherever it stands."""
    done = subprocess.run(["patch", "-p1", "--fuzz=0", "--no-backup-if-mismatch", "--quiet"], cwd=tree, input=patch_text(number), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{PATCHES[number - 1].name} no longer applies: {done.stdout}{done.stderr}")


def sync(stage, tree):
    """Makes `tree` what `stage` is, and leaves what is the same untouched, so that little is built again."""
    wanted = {file.relative_to(stage) for file in stage.rglob("*") if file.is_file()}
    for file in list(tree.rglob("*")):
        name = file.relative_to(tree)
        if file.is_file() and name.parts[0] != "build" and name not in wanted:
            file.unlink()
    for name in wanted:
        if not (tree / name).exists() or (tree / name).read_bytes() != (stage / name).read_bytes():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(stage / name, tree / name)
            shutil.copymode(stage / name, tree / name)


def fingerprint(stage):
    digest = hashlib.sha256()
    for file in sorted(stage.rglob("*")):
        name = str(file.relative_to(stage))
        if file.is_file() and name.startswith(("src/", "cmake/", "CMake")):
            digest.update(name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def programs(work):
    return [work / f"scoria-{version}" for version in VERSIONS]


def build(work, preset):
    """The program of each release, oldest first. What was built of the same sources before is kept, as is the tree with its objects."""
    tree, stage = work / "tree", work / "stage"
    tree.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    copy_tree(stage)
    for number, (version, program) in enumerate(zip(VERSIONS, programs(work))):
        if number > 0:
            apply(number, stage)
        mark = work / f"scoria-{version}.sources"
        if program.exists() and mark.exists() and mark.read_text() == fingerprint(stage) + preset:
            continue
        print(f"building release {version}", flush=True)
        sync(stage, tree)
        for command in (["cmake", "--preset", preset], ["ninja", f"-j{os.cpu_count()}", "-C", f"build/{preset}", "scoria"]):
            done = subprocess.run(command, cwd=tree, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=dict(os.environ, CLICOLOR="0"))
            if done.returncode != 0:
                raise RuntimeError(f"release {version} does not build: {done.stdout[-4000:]}{done.stderr[-2000:]}")
        shutil.copy2(tree / f"build/{preset}/bin/scoria", program)
        mark.write_text(fingerprint(stage) + preset)
    return programs(work)
