#!/usr/bin/env python3
"""tools/tidy must find what it promises to find: each test plants one breach in a small tree and expects it with file and line."""
import contextlib
import hashlib
import importlib.machinery
import importlib.util
import io
import os
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOOLS = os.path.dirname(os.path.abspath(__file__))
loader = importlib.machinery.SourceFileLoader('tidy', os.path.join(TOOLS, 'tidy'))
tidy = importlib.util.module_from_spec(importlib.util.spec_from_loader('tidy', loader))
loader.exec_module(tidy)
LIBRARIES = 'scoria_library(base)\nscoria_library(db USES base)\nscoria_library(engine USES base db)\n'


class TidyTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix='scoria-tidy-')
        self.addCleanup(shutil.rmtree, self.root)
        self.put('tools/tidy_exceptions', '')
        self.put('src/CMakeLists.txt', LIBRARIES)
        self.put('src/base/a.h', '#pragma once\nint a();\n')
        self.put('src/base/a.cpp', '#include "base/a.h"\nint a() { return 1; }\n')

    def put(self, name, text):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)

    def tidy(self, *rules):
        files = sorted(os.path.relpath(os.path.join(where, name), self.root) for where, _, names in os.walk(self.root) for name in names)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = tidy.Tidy(self.root, files).run(list(rules))
        lines = out.getvalue().splitlines()[:-1]
        self.assertEqual(code, 1 if lines else 0)
        return lines

    def expect(self, rule, start, text):
        lines = self.tidy(rule)
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(start), lines[0])
        self.assertIn(text, lines[0])

    def test_a_clean_tree_is_clean(self):
        self.assertEqual(self.tidy('layers', 'includes', 'sizes', 'calls', 'order', 'sql', 'words'), [])

    def test_a_folder_may_not_use_what_stands_below_it(self):
        self.put('src/CMakeLists.txt', LIBRARIES.replace('(base)', '(base USES engine)'))
        self.expect('layers', 'src/CMakeLists.txt:1: [layers]', 'base uses engine')

    def test_a_wall_holds_through_others(self):
        self.put('src/CMakeLists.txt', LIBRARIES + 'scoria_library(middle USES db)\nscoria_library(drivers USES base middle LINK x)\n')
        self.expect('layers', 'src/CMakeLists.txt:5: [layers]', 'drivers reaches db')

    def test_the_table_of_the_architecture_is_true(self):
        self.put('ARCHITECTURE.md', '| `base/` | x | – |\n| `db/` | x | base |\n| `engine/` | x | base |\n')
        self.expect('layers', 'ARCHITECTURE.md:3: [layers]', 'engine uses base db')
        self.put('src/db/d.h', '')
        self.put('ARCHITECTURE.md', '| `base/` | without a column of uses |\n| `engine/` | x |\n| `ghost/` | x |\n')
        self.assertEqual([line.split(': [layers] ')[1] for line in self.tidy('layers')],
                         ['ghost is no library of src/CMakeLists.txt', 'db is missing in the table of ARCHITECTURE.md'])

    def test_heavy_headers_stay_where_they_belong(self):
        self.put('src/engine/x.cpp', '\n#include <sqlite3.h>\n')
        self.expect('includes', 'src/engine/x.cpp:2: [includes]', 'src/db/engines/sqlite only')

    def test_heavy_headers_stay_out_of_shared_headers(self):
        self.put('src/db/engines/sqlite/x.h', '#include <sqlite3.h>\n')
        self.put('src/db/y.h', '#include "db/engines/sqlite/x.h"\n')
        self.expect('includes', 'src/db/engines/sqlite/x.h:1: [includes]', 'is heavy')

    def test_long_functions_files_and_lists_of_parameters_are_told(self):
        self.put('src/base/b.cpp', 'namespace n {\nstruct S {\n  S(int a) : a_{a} {}\n  int f(int a) const {\n' + '    ++a;\n' * 60 + '    return a;\n  }\n  int a_;\n};\n}\n')
        self.expect('sizes', 'src/base/b.cpp:4: [sizes]', 'S::f has 63 lines')
        self.put('src/base/b.cpp', 'template <class T>\nvoid many(int a, std::map<int, int> b, int c, int d, int e, int f, int g, int h) {}\n')
        self.expect('sizes', 'src/base/b.cpp:1: [sizes]', 'many has 8 parameters')
        self.put('src/base/b.cpp', 'int x;\n' * 501)
        self.expect('sizes', 'src/base/b.cpp:1: [sizes]', '501 lines')

    def test_deep_nesting_is_told_and_braces_in_texts_are_not_counted(self):
        self.put('src/base/b.cpp', 'void f(int a) {\n  if (a) {\n    for (;;) {\n      while (a) {\n        if (g("{{{", \'{\', 1\'000)) {\n        }\n      }\n    }\n  }\n}\n')
        self.expect('sizes', 'src/base/b.cpp:1: [sizes]', 'f nests 4 deep')

    def test_forbidden_calls_are_told_outside_base_and_os(self):
        for call in ('std::chrono::steady_clock::now();', 'std::this_thread::sleep_for(x);', '::usleep(5);', 'std::thread t;', 'std::random_device r;',
                     'getenv("X");', 'rand();', 'system("ls");', 'popen("ls", "r");', 'thread_local int x;', 'try {} catch (...) {}', 'co_await x;'):
            self.put('src/engine/x.cpp', '// ' + call + '\nvoid f() { ' + call + ' }\n')
            self.expect('calls', 'src/engine/x.cpp:2: [calls]', '')
        self.put('src/engine/x.cpp', 'void f() { clock.sleep(5); operand(); my.system(5); std::thread::id i; }\n')
        self.assertEqual(self.tidy('calls'), [])
        os.unlink(os.path.join(self.root, 'src/engine/x.cpp'))
        self.put('src/os/x.cpp', 'void f() { std::thread t; getenv("X"); }\n')
        self.assertEqual(self.tidy('calls'), [])

    def test_loops_over_unordered_containers_are_told(self):
        self.put('src/engine/x.h', 'struct X { std::unordered_map<int, int> seen_; };\n')
        self.put('src/engine/x.cpp', '#include "engine/x.h"\nvoid f() {\n  for (const auto& one : seen_) g(one);\n}\n')
        self.expect('order', 'src/engine/x.cpp:3: [order]', 'seen_')

    def test_an_update_of_a_status_names_the_old_one(self):
        bad = ('"UPDATE v SET status = ? WHERE id = ?"', '"UPDATE v SET " CLAIM ", status = ? "\n "WHERE id = ?"', 'R"(UPDATE v SET a = 1, state = ?)"',
               '"INSERT INTO v (id) VALUES (?) ON CONFLICT (id) DO UPDATE SET status = excluded.status"', '"DELETE FROM volume"')
        for text in bad:
            self.put('src/engine/x.cpp', '#define CLAIM "x_op = ?"\n\nauto x = ' + text + ';\n')
            self.expect('sql', 'src/engine/x.cpp:3: [sql]', '')
        good = ('"UPDATE v SET status = ? WHERE id = ? AND status IN (?)"', '"UPDATE v SET status = ? WHERE id = ? AND " CLAIM', '"UPDATE v SET size = ? WHERE id = ?"', '"UPDATE v SET status = ? WHERE id = ? AND rev = ?"',
                '"UPDATE o SET state = CASE WHEN state = 1 THEN 2 ELSE state END WHERE id = ?"', '"WITH c AS (SELECT id FROM o WHERE state = 1) UPDATE o SET state = 2 WHERE id IN (SELECT id FROM c)"')
        for text in good:
            self.put('src/engine/x.cpp', '#define CLAIM "x_op = ?"\n\nauto x = ' + text + ';\n')
            self.assertEqual(self.tidy('sql'), [])

    def test_an_update_of_a_volume_says_so_by_its_revision(self):
        self.put('src/engine/x.cpp', 'auto x = "UPDATE volume SET name = ? WHERE id = ? AND rev = ?";\n')
        self.expect('sql', 'src/engine/x.cpp:1: [sql]', 'rev = rev + 1')
        for text in ('"UPDATE volume SET name = ?, " CLAIM " WHERE id = ?"', '"UPDATE snapshot SET name = ? WHERE id = ?"'):
            self.put('src/engine/x.cpp', '#define CLAIM "rev = rev + 1"\nauto x = ' + text + ';\n')
            self.assertEqual(self.tidy('sql'), [])

    def test_stored_structures_have_their_golden(self):
        self.put('src/domain/shapes.h', 'void all() { visit.operator()<Known>(); }\n')
        self.put('src/domain/x.h', 'struct Known {\n  static constexpr int version = 1;\n};\nstruct Forgotten {\n  static constexpr int version = 1;\n};\n')
        self.expect('shapes', 'src/domain/x.h:4: [shapes]', 'Forgotten')
        self.put('src/domain/x.h', '')
        self.put('src/commands/x.cpp', 'auto f() { return writer.begin_object().field("version", 1); }\n')
        self.expect('shapes', 'src/commands/x.cpp:1: [shapes]', 'golden')

    def test_files_that_nothing_needs_are_told(self):
        self.put('src/base/lonely.h', '#pragma once\n')
        self.put('README.md', 'tidy_exceptions\n')
        self.expect('dead', 'src/base/lonely.h:1: [dead]', 'nothing includes')

    def test_declared_options_are_in_the_catalogue(self):
        self.put('src/base/o.h', '\nstruct NewOptions {\n  int count{5};\n  void declare(config::Fields& fields);\n};\n')
        self.expect('options', 'src/base/o.h:2: [options]', 'NewOptions')
        self.put('src/app/options.cpp', 'all.add<base::NewOptions>();\n')
        self.assertEqual(self.tidy('options'), [])
        self.put('src/base/o.cpp', 'fields.add("new_count", &count, "How many.");\n')
        self.expect('options', 'src/base/o.cpp:1: [options]', 'new_count')
        self.put('src/engine/x.cpp', 'int x = options.count;\n')
        self.assertEqual(self.tidy('options'), [])

    def test_words_that_do_not_belong_are_told(self):
        self.put('docs/x.md', 'see\n/wo' + 'rk/main/x\n')
        self.expect('words', 'docs/x.md:2: [words]', 'a path of one machine')
        os.unlink(os.path.join(self.root, 'docs/x.md'))
        self.put('src/base/a_test.cpp', 'TEST(Thing, Works) {\n}\n')
        self.expect('words', 'src/base/a_test.cpp:1: [words]', 'Thing.Works')

    def test_exceptions_need_a_reason_and_a_use(self):
        self.put('src/base/b.cpp', 'int x;\n' * 501)
        self.put('tools/tidy_exceptions', 'sizes | src/base/b.cpp | a table of five hundred numbers\n')
        self.assertEqual(self.tidy('sizes'), [])
        self.put('tools/tidy_exceptions', 'sizes | src/base/b.cpp | a table of five hundred numbers\nsizes | src/base/a.cpp | not needed any more\n')
        self.put('README.md', 'tidy_exceptions\n')
        self.assertEqual(self.tidy('--strict'), ['tools/tidy_exceptions:2: [exceptions] nothing needs the exception sizes for src/base/a.cpp any more'])
        self.put('tools/tidy_exceptions', 'sizes | src/base/b.cpp |\n')
        self.assertEqual(len(self.tidy('sizes')), 2)

    MIGRATIONS = 'src/store/migrations/'

    def test_a_released_migration_stays_as_it_is(self):
        self.put(self.MIGRATIONS + '0001_a.sql', 'CREATE TABLE a (id TEXT);\n')
        self.put(self.MIGRATIONS + 'released', hashlib.sha256(b'CREATE TABLE a (id TEXT);\n').hexdigest() + '  0001_a.sql\n')
        self.assertEqual(self.tidy('migrations'), [])
        self.put(self.MIGRATIONS + '0001_a.sql', 'CREATE TABLE a (id BIGINT);\n')
        self.expect('migrations', self.MIGRATIONS + '0001_a.sql:1: [migrations]', 'has been released')
        os.remove(os.path.join(self.root, self.MIGRATIONS + '0001_a.sql'))
        self.expect('migrations', self.MIGRATIONS + 'released:1: [migrations]', 'is gone')

    def test_a_step_that_expands_takes_nothing_away_and_holds_nobody_up(self):
        for statement, text in (('ALTER TABLE a DROP COLUMN b;', 'DROP COLUMN'), ('ALTER TABLE a RENAME COLUMN b TO c;', 'RENAME'), ('DROP TABLE a;', 'DROP TABLE'),
                                ('ALTER TABLE a ADD COLUMN b TEXT NOT NULL;', 'nullable'), ('CREATE INDEX i ON a(b);', 'an index on a'), ('UPDATE a SET b = c;', 'in batches')):
            self.put(self.MIGRATIONS + '0002_b.sql', f'CREATE TABLE other (id TEXT);\n{statement}\n')
            text = 'batches' if text == 'in batches' else text
            self.expect('migrations', self.MIGRATIONS + '0002_b.sql:2: [migrations]', text)

    def test_what_expands_or_contracts_as_it_should_passes(self):
        self.put(self.MIGRATIONS + '0002_b.sql', "CREATE TABLE b (id TEXT);\nCREATE INDEX i ON b(id);\nINSERT INTO b VALUES ('x');\nALTER TABLE a ADD COLUMN n BIGINT NOT NULL DEFAULT 0;\n"
                 'ALTER TABLE a ADD COLUMN t TEXT;\n-- batches of a by id:\nUPDATE a SET t = s WHERE {batch};\n')
        self.put(self.MIGRATIONS + '0003_c.sql', '-- contract\nALTER TABLE a DROP COLUMN s;\n')
        self.assertEqual(self.tidy('migrations'), [])
        self.put(self.MIGRATIONS + '0003_c.sql', '-- contract\nALTER TABLE a ADD COLUMN s TEXT;\n')
        self.expect('migrations', self.MIGRATIONS + '0003_c.sql:2: [migrations]', 'only takes away')


if __name__ == '__main__':
    unittest.main()
