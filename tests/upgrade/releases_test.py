#!/usr/bin/python3
"""The patches that make later releases of this tree fit it, each on top of those before it. Nothing is built."""
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import releases  # noqa: E402


class ReleasesTest(unittest.TestCase):
    def setUp(self):
        self.tree = pathlib.Path(tempfile.mkdtemp(prefix="scoria-releases-"))
        self.addCleanup(shutil.rmtree, self.tree)
        for number in range(1, len(releases.VERSIONS)):
            for name in releases.changed(number):
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(releases.ROOT / name, self.tree / name)

    def text(self, name):
        return (self.tree / name).read_text()

    def test_each_patch_applies_on_top_of_those_before_it(self):
        for number in range(1, len(releases.VERSIONS)):
            releases.apply(number, self.tree)
            self.assertIn(f"VERSION {releases.VERSIONS[number]} ", self.text("CMakeLists.txt"))
        first = releases.first_step()
        self.assertEqual([int(file.name[:4]) for file in sorted((self.tree / "src/store/migrations").iterdir())], [first, first + 1, first + 2])
        self.assertIn(f"oldest_schema = {first + 1};", self.text("src/store/migrations.h"))

    def test_what_reads_or_writes_the_renamed_column_is_all_patched(self):
        for number in range(1, len(releases.VERSIONS)):
            releases.apply(number, self.tree)
        for name in releases.listed():
            if name.startswith("src/store/volumes/") and name.endswith(".cpp") and not name.endswith("_test.cpp"):
                file = self.tree / name if (self.tree / name).exists() else releases.ROOT / name
                self.assertIsNone(re.search(r'[" ]volume\.description[",]', file.read_text()), name)

    def test_a_patch_that_no_longer_fits_is_named(self):
        changed = self.tree / "src/store/volumes/shown.cpp"
        changed.write_text(changed.read_text().replace("volume.description, ", "volume.description, volume.something_new, "))
        releases.apply(1, self.tree)
        with self.assertRaisesRegex(RuntimeError, "2_write_both_read_new.patch no longer applies"):
            releases.apply(2, self.tree)


if __name__ == "__main__":
    unittest.main()
