#!/usr/bin/env python3
"""Sums up the JUnit files of a test run: a line for each failed test, then "N passed, N failed". Exits 1 if anything failed.

    tools/test_count.py RESULTS [OTHERS]    OTHERS: failed parts of the run that leave no file
"""
import glob
import sys
import xml.etree.ElementTree as ElementTree


def count(path):
    """(passed, failed) of one file of cases; prints what failed."""
    passed = failed = 0
    for case in ElementTree.parse(path).getroot().iter('testcase'):
        if case.find('skipped') is not None or case.get('status') in ('notrun', 'disabled') or case.get('result') == 'suppressed':
            continue
        bad = case.find('failure') is not None or case.find('error') is not None or case.get('status') == 'fail'
        if bad:
            print('failed:', case.get('classname', ''), case.get('name', ''))
        failed += bad
        passed += not bad
    return passed, failed


def main():
    results, others = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    passed = failed = 0
    programs = {path.rsplit('/', 1)[1].removesuffix('.xml') for path in glob.glob(results + '/cases/*.xml')}
    failed_cases = {}
    for path in glob.glob(results + '/cases/*.xml') + glob.glob(results + '/functional.xml'):
        good, bad = count(path)
        passed, failed = passed + good, failed + bad
        name = path.rsplit('/', 1)[1].removesuffix('.xml')
        failed_cases['unit.' + name.removesuffix('_test') if '/cases/' in path else name] = bad
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
