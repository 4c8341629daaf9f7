"""A validator for the part of JSON Schema (draft 2020-12) that Docs/json-lines.schema.json uses.

It refuses a schema that uses more than it knows, so that nothing in there can go unchecked. Fields that no property
names are reported, too: readers must bear them, but this release must not print what it does not document.
"""

import json
import os
import re

try:
    from . import tools
except ImportError:
    import tools

FILE = os.path.join(tools.REPOSITORY, "Docs", "json-lines.schema.json")
NOTES = {"$schema", "$id", "$defs", "title", "description", "contentEncoding"}
KNOWN = {"type", "const", "enum", "properties", "required", "items", "maxItems", "minimum", "maximum", "pattern",
         "oneOf", "$ref"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}


def is_type(value, name):
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def check(schema):
    """Raises where a schema says something that `problems` would pass over."""
    unknown = set(schema) - KNOWN - NOTES
    if unknown:
        raise ValueError(f"the schema uses {unknown}, which the tests do not check")
    if "type" in schema and schema["type"] not in TYPES:
        raise ValueError(f"unknown type {schema['type']}")
    if "required" in schema and not set(schema["required"]) <= set(schema.get("properties", {})):
        raise ValueError(f"required, but not described: {schema['required']}")
    for inner in [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("oneOf", [])]:
        check(inner)
    if "items" in schema:
        check(schema["items"])


def problems(value, schema, root, where="$"):
    """What of a value is not as the schema says, as a list of texts."""
    if "$ref" in schema:
        return problems(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, where)
    if "oneOf" in schema:
        tried = [problems(value, one, root, where) for one in schema["oneOf"]]
        fitting = tried.count([])
        if fitting == 1:
            return []
        # The alternative that it was meant to be has the fewest problems.
        return [f"{where}: {fitting} alternatives fit"] + min(tried, key=len)
    found = []

    def want(holds, text):
        if not holds:
            found.append(f"{where}: {text}: {json.dumps(value)[:200]}")

    if "type" in schema and not is_type(value, schema["type"]):
        want(False, f"not of type {schema['type']}")
        return found
    if "const" in schema:
        want(type(value) is type(schema["const"]) and value == schema["const"], f"not {schema['const']}")
    want(value in schema.get("enum", [value]), f"none of {schema.get('enum')}")
    want(value >= schema.get("minimum", value) if "minimum" in schema else True, "too small")
    want(value <= schema.get("maximum", value) if "maximum" in schema else True, "too large")
    want(re.search(schema["pattern"], value, re.S) if "pattern" in schema else True, "not as the pattern says")
    if isinstance(value, list):
        want(len(value) <= schema.get("maxItems", len(value)), "too many")
        for index, one in enumerate(value):
            found += problems(one, schema.get("items", {}), root, f"{where}[{index}]")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        want(set(schema.get("required", [])) <= set(value), "incomplete")
        want(set(value) <= set(properties), f"undescribed {set(value) - set(properties)}")
        for key in set(value) & set(properties):
            found += problems(value[key], properties[key], root, f"{where}.{key}")
    return found


class Lines:
    """The schema, read and checked once."""

    def __init__(self):
        with open(FILE) as file:
            self.schema = json.load(file)
        check(self.schema)
        self.kinds = list(self.schema["$defs"])

    def problems(self, output):
        """(objects, problems) of what the program wrote to standard output. Duplicate keys are problems, too."""
        objects, found = [], []

        def unique(pairs):
            if len({key for key, _ in pairs}) < len(pairs):
                found.append(f"a key stands twice: {pairs}")
            return dict(pairs)

        if output and not output.endswith(b"\n"):
            found.append("the last line has no end")
        for line in output.splitlines():
            value = json.loads(line.decode("utf-8"), object_pairs_hook=unique)
            objects.append(value)
            found += problems(value, self.schema, self.schema)
        return objects, found
