#!/usr/bin/env python3
"""Sums up the JUnit files of a test run: a line for each failed test, then "N passed, N failed". Exits 1 if anything failed. A test
of the functional suite that passed when it ran again, alone, is named as unsteady and counts as passed.

    tools/test_count.py RESULTS [OTHERS]    OTHERS: failed parts of the run that leave no file
"""
import glob
import os
import sys
import xml.etree.ElementTree as ElementTree


def name_of(case):
    return case.get('classname', ''), case.get('name', '')


def is_bad(case):
    return case.find('failure') is not None or case.find('error') is not None or case.get('status') == 'fail'


def passed_again(results):
    """Names of the tests that passed when they ran once more."""
    ran, bad = set(), set()
    for path in glob.glob(results + '/functional-again.xml'):
        for case in ElementTree.parse(path).getroot().iter('testcase'):
            ran.add(name_of(case))
            if is_bad(case) or case.find('skipped') is not None:
                bad.add(name_of(case))
    return ran - bad


def count(path, unsteady):
    """(passed, failed) of one file of cases; prints what failed."""
    passed = failed = 0
    for case in ElementTree.parse(path).getroot().iter('testcase'):
        if case.find('skipped') is not None or case.get('status') in ('notrun', 'disabled') or case.get('result') == 'suppressed':
            continue
        bad = is_bad(case)
        if bad:
            print('unsteady:' if name_of(case) in unsteady else 'failed:', *name_of(case))
        bad = bad and name_of(case) not in unsteady
        failed += bad
        passed += not bad
    return passed, failed


def main():
    results, others = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    passed = failed = 0
    programs = {path.rsplit('/', 1)[1].removesuffix('.xml') for path in glob.glob(results + '/cases/*.xml')}
    failed_cases = {}
    unsteady = passed_again(results)
    for path in glob.glob(results + '/cases/*.xml') + [results + '/functional.xml', results + '/functional-quiet.xml']:
        if not os.path.exists(path):
            continue
        good, bad = count(path, unsteady)
        passed, failed = passed + good, failed + bad
        name = path.rsplit('/', 1)[1].removesuffix('.xml')
        name = 'unit.' + name.removesuffix('_test') if '/cases/' in path else 'functional'
        failed_cases[name] = failed_cases.get(name, 0) + bad
    suites = {'unit.' + name.removesuffix('_test') for name in programs} | ({'functional'} if glob.glob(results + '/functional.xml') else set())
    for path in glob.glob(results + '/ctest-*.xml'):
        for case in ElementTree.parse(path).getroot().iter('testcase'):
            name = case.get('name', '')
            bad = case.get('status') == 'fail' or case.find('failure') is not None
            if name in suites and (not bad or failed_cases.get(name)) or case.find('skipped') is not None:
                continue  # counted by its cases, or not at all
            if bad:
                print('failed:', name)
            failed += bad
            passed += not bad
    if failed == 0 and others:
        failed = others
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
