#!/usr/bin/env python3
"""Fails if a unit test takes longer than a unit test may: then it belongs to the functional suite. Wall time means nothing on a
machine where others wait for the processors; there it only tells.

    tools/test_times.py RESULTS [--limit SECONDS]    RESULTS as ./scoria-test leaves it
"""
import glob
import os
import sys
import xml.etree.ElementTree as ElementTree

LIMIT = 3.0


def cases(results):
    for path in sorted(glob.glob(results + '/cases/*.xml')):
        program = path.rsplit('/', 1)[1].removesuffix('.xml')
        for case in ElementTree.parse(path).getroot().iter('testcase'):
            yield program, f"{case.get('classname')}.{case.get('name')}", float(case.get('time', 0))


def main():
    limit = float(sys.argv[3]) if sys.argv[2:3] == ['--limit'] else LIMIT
    all_cases = list(cases(sys.argv[1]))
    programs = {}
    for program, _, seconds in all_cases:
        programs[program] = programs.get(program, 0) + seconds
    slow = [(seconds, f'{program} {name}') for program, name, seconds in all_cases if seconds > limit]
    print('  '.join(f'{program} {seconds:.1f} s' for program, seconds in sorted(programs.items(), key=lambda one: -one[1])))
    if slow and os.getloadavg()[1] > 3 * os.cpu_count():
        print(f'the machine is overloaded ({os.getloadavg()[1]:.0f} programs want to run): {len(slow)} slow tests are told, not judged')
        for seconds, name in sorted(slow, reverse=True):
            print(f'  {name} {seconds:.1f} s')
        slow = []
    for seconds, name in sorted(slow, reverse=True):
        print(f'{name} takes {seconds:.1f} s; a unit test has {limit:.0f} s')
    if not all_cases:
        print('no unit test left a result')
    return 1 if slow or not all_cases else 0


if __name__ == '__main__':
    sys.exit(main())
