#!/usr/bin/env python3
"""Writes src/api/schemas.cpp from request_fields.csv beside it; with --check only says whether it is current."""
import csv
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "src" / "api"
LAST = 1000  # no_limit
KINDS = {"string": "kind_text", "integer": "kind_integer", "boolean": "kind_flag", "null": "kind_null",
         "object": "kind_object", "array": "kind_array"}
HOST = "minLength=1; maxLength=255; pattern=^[a-zA-Z0-9-._#@:/+"
# What the constraints column says, as a Form of fields.h.
FORMS = {
    "": "any", "boolean-like": "flag", "pattern": "any",
    "minLength=0; maxLength=40": "up_to_40",
    "minLength=0; maxLength=255": "up_to_255", "maxLength=255": "up_to_255",
    "minLength=1; maxLength=255": "from_1_to_255", "format=availability_zone": "from_1_to_255", "format=group_type": "from_1_to_255",
    "minLength=0; maxLength=255; pattern": "described",
    "minLength=1; maxLength=255; format=name": "name", "minLength=1; maxLength=255; format=disabled_reason": "name",
    "format=disabled_reason": "name",
    "format=name_skip_leading_trailing_spaces": "trimmed_name",
    "format=name_non_mandatory_remove_white_spaces": "trimmed_optional",
    "format=description_non_mandatory_remove_white_spaces": "trimmed_optional",
    HOST + "]*$": "host", HOST + r"\[\]]*$": "host",
    "format=uuid": "uuid",
    "minimum=1; maximum=2147483647; pattern=^[0-9]+$": "positive",
    "minimum=0; maximum=2147483647; format=key_size": "natural",
    "minLength=1; minimum=-1; maximum=2147483647; pattern=^[0-9]*$": "quota",
    "maxLength=11; pattern=^[0-9]*$": "row_id",
    "format=mysql_text": "long_text", "minLength=1; format=base64": "base64", "format=progress": "progress", "format=level": "log_level",
    "no other keys": "closed", "other keys allowed": "open", "minProperties=1; no other keys": "not_empty", "minProperties=1": "not_empty_open",
    "format=quota_set; minProperties=1": "quotas", "format=quota_class_set; no other keys": "closed",
    "uniqueItems=True": "distinct", "minItems=1; uniqueItems=True": "distinct_not_empty",
}
VOLUME_STATUSES = ("creating available deleting error error_deleting error_managing managing attaching in-use detaching maintenance "
                   "restoring-backup error_restoring reserved awaiting-transfer backing-up error_backing-up error_extending downloading "
                   "uploading retyping extending")
STATUSES = {
    "format=volume_status": VOLUME_STATUSES,
    "format=volume_attach_status": "attached detached",
    "format=volume_migration_status": "migrating error success completing none starting",
    "format=snapshot_status": "creating available deleting deleted updating error error_deleting unmanaging backing-up restoring",
    "format=backup_status": "creating available deleting deleted restoring error error_deleting",
    "format=group_status": "creating available updating in-use deleting deleted error error_deleting",
    "format=group_snapshot_status": "creating available updating deleting deleted error error_deleting",
}
# Paths and methods that the table of fields writes in another way than the table of routes.
MOVED = {("POST", "/groups/{id}/action", "create-from-src"): "/groups/action"}


def literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def kinds_of(text):
    return " | ".join(KINDS[kind] for kind in text.split("|")) if text else "kind_any"


def alternatives(constraint):
    """"oneOf: string:uuid / null" -> kinds and form of the alternatives"""
    parts = constraint.removeprefix("oneOf: ").split(" / ")
    kinds, form = [], "any"
    for part in parts:
        kind, _, detail = part.partition(":")
        kinds.append(kind)
        if detail:
            form = FORMS["format=" + detail]
        elif kind == "boolean|string":
            form = "flag"
    return kinds_of("|".join(kinds)), form


def rule_of(kind, constraint):
    """kinds, form and words of one row"""
    if constraint.startswith("one of: "):
        words = [word for word in constraint.removeprefix("one of: ").split(", ")]
        return kinds_of(kind), "choice", " ".join(word if word else "''" for word in words)
    if constraint in STATUSES:
        return kinds_of(kind), "choice", STATUSES[constraint]
    if constraint == "format=validate_volume_reset_body; no other keys":
        return kinds_of(kind), "some_of", "status attach_status migration_status"
    for begin, form in (("anyOf: ", "some_of"), ("oneOf: ", "exactly_one_of")):
        if constraint.startswith(begin) and constraint.endswith("; no other keys"):
            return kinds_of(kind), form, constraint.removeprefix(begin).removesuffix("; no other keys").replace(" / ", " ")
    if constraint.startswith("oneOf: "):
        return *alternatives(constraint), ""
    if kind in ("object", "object|null", "object|string", "object|null|string", "string|object|null") and constraint == "":
        return kinds_of(kind), "any", ""
    return kinds_of(kind), FORMS[constraint], ""


def place_of(field):
    """parent, name, key rule"""
    keyed = re.fullmatch(r"(.*)\.<key ~ \^\[a-zA-Z0-9-_:(.*)\]\{1,(\d+)\}\$>", field)
    if keyed:
        return keyed[1], "*", keyed[3] + keyed[2]
    if field.endswith("[]"):
        return field[:-2], "[]", ""
    parent, _, name = field.rpartition(".")
    return parent, name, ""


def range_end(text):
    return int(text.split(".")[1]) if text else LAST


def read_operations(rows):
    """(method, path, action) -> rows as [parent, name, since, until, kinds, required, form, words], adjoining ranges joined"""
    operations = {}
    for row in rows:
        method, path, *action = row["operation"].split(" ")
        key = (method, path, action[0] if action else "")
        key = (method, MOVED.get(key, path), key[2])
        if row["field"] == "(whole body)":
            continue
        parent, name, key_rule = place_of(row["field"])
        kinds, form, words = rule_of(row["json_type"], row["constraints"])
        since, until = int(row["from_microversion"].split(".")[1]), range_end(row["to_microversion"])
        fields = operations.setdefault(key, [])
        new = [parent, name, since, until, kinds, row["required"] == "yes", form, key_rule or words]
        for old in fields:
            if old[:2] == new[:2] and old[4:] == new[4:] and old[3] + 1 == since:
                old[3] = until
                break
        else:
            fields.append(new)
    return operations


def generate(rows):
    lines = ["// Made by tools/request_schemas.py from request_fields.csv: change those.", '#include "api/fields.h"', "",
             "namespace scoria::api {", "namespace {", "",
             "using enum Form;", "constexpr bool must = true, may = false;", ""]
    arrays, index = {}, []
    for (method, path, action), fields in read_operations(rows).items():
        table = []
        for parent, name, since, until, kinds, required, form, words in fields:
            table.append("    {%s, %s, %d, %s, %s, %s, %s, %s}," % (
                literal(parent), literal(name), since, "no_limit" if until == LAST else until, kinds, "must" if required else "may", form,
                literal(words)))
        text = "\n".join(table)
        if text not in arrays:
            arrays[text] = f"body_{len(arrays) + 1}"
            lines += ["constexpr SchemaField %s[] = {" % arrays[text], text, "};"]
        index.append("    {%s, %s, %s, %s}," % (literal(method), literal("/v3" + path), literal(action), arrays[text]))
    lines += ["", "constexpr Schema all[] = {", *index, "};", "", "}  // namespace", "",
              "std::span<const Schema> schemas() { return all; }", "", "}  // namespace scoria::api", ""]
    return "\n".join(lines)


def main():
    with open(FOLDER / "request_fields.csv", newline="") as file:
        text = generate(list(csv.DictReader(file)))
    target = FOLDER / "schemas.cpp"
    if "--check" in sys.argv[1:]:
        if not target.exists() or target.read_text() != text:
            sys.exit("src/api/schemas.cpp is not what tools/request_schemas.py makes: run it")
        return
    target.write_text(text)


if __name__ == "__main__":
    main()
