#!/bin/sh
# What runs on every engine, on a MariaDB of its own: tests/mariadb.sh run tests/on_mariadb.sh [BUILD]. SQLite and PostgreSQL have
# theirs in the unit tests.
build=${1:-build/release}
for part in db identity locks notify operations reconcile store; do
  "$build/src/${part}_test" --gtest_brief=1 --gtest_filter='*mariadb*:*Mariadb*' || exit 1
done
