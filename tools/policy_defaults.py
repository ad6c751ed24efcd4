#!/usr/bin/env python3
"""Writes src/identity/policy_defaults.cpp from policy_defaults.csv beside it; with --check only says whether it is current."""
import csv
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "src" / "identity"
# Deprecated checks that can never hold: they name an attribute no caller has (a rule name without "rule:").
DEAD_CHECKS = {"volume_extension:volume_type_access": "!"}


def literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def generate(rows):
    lines = ["// Made by tools/policy_defaults.py from policy_defaults.csv: change those.",
             '#include "identity/policy_defaults.h"', "", "namespace scoria::policy {", "namespace {", "",
             "constexpr DefaultRule rules[] = {"]
    for row in rows:
        check = DEAD_CHECKS.get(row["deprecated_check"], row["deprecated_check"])
        cells = [row["rule"], row["default_check"], row["persona"], row["deprecated_rule"], check]
        lines.append("    {" + ", ".join(literal(cell) for cell in cells) + "},")
    lines += ["};", "", "}  // namespace", "", "std::span<const DefaultRule> default_rules() { return rules; }", "",
              "}  // namespace scoria::policy", ""]
    return "\n".join(lines)


def main():
    with open(FOLDER / "policy_defaults.csv", newline="") as file:
        text = generate(list(csv.DictReader(file)))
    target = FOLDER / "policy_defaults.cpp"
    if "--check" in sys.argv[1:]:
        if not target.exists() or target.read_text() != text:
            sys.exit("src/identity/policy_defaults.cpp is not what tools/policy_defaults.py makes: run it")
        return
    target.write_text(text)


if __name__ == "__main__":
    main()
