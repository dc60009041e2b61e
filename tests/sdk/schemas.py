"""The schemas of docs/schemas, taken strictly."""

import json

from conftest import ROOT
from jsonschema import Draft202012Validator

SCHEMAS = ROOT / "docs/schemas"


def strict(node):
    """A copy of a schema in which an object may have only the properties that are named. Maps, which name none, stay open."""
    if isinstance(node, list):
        return [strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        named = key in ("properties", "$defs")
        out[key] = {name: strict(one) for name, one in value.items()} if named else value if key in ("enum", "const", "examples") else strict(value)
    if "properties" in node:
        out.setdefault("additionalProperties", False)
    return out


def schema_of(reference):
    """`name` or `name#/$defs/part` as a strict schema."""
    name, _, part = reference.partition("#")
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    schema = strict(schema)
    return {"$schema": schema["$schema"], "$ref": f"#{part}", "$defs": schema["$defs"]} if part else schema


def wrong(reference, value):
    """What does not fit, in words; a failing `oneOf` is told by its branches."""
    out = []
    for error in Draft202012Validator(schema_of(reference)).iter_errors(value):
        out += [f"{one.json_path}: {one.message}" for one in [error, *(error.context or [])]]
    return out
