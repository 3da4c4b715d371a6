"""The page and the schema are made from the program, and the examples are real."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from potluck.config.load import load
from potluck.config.reference import json_schema, reference_markdown

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
ENV = {"POTLUCK_DB_PASSWORD": "x", "VLLM_API_KEY": "x"}


def test_the_committed_page_is_what_the_program_says() -> None:
    page = (ROOT / "docs/reference/config.md").read_text()
    assert page == reference_markdown(), "run: python -m potluck.config.reference > docs/reference/config.md"


def test_every_key_has_a_sentence() -> None:
    schema = json_schema()
    sections = [schema, *schema["$defs"].values()]
    keys = [(name, each) for section in sections for name, each in section["properties"].items()]
    assert len(keys) > 40
    for name, each in keys:
        below = schema["$defs"].get(each.get("$ref", "").removeprefix("#/$defs/"), {})
        assert (each.get("description") or below.get("description", "")).endswith("."), name


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads_and_fits_the_schema(example: Path, tmp_path: Path) -> None:
    file = tmp_path / example.name
    file.write_text(example.read_text())
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/elsewhere.key").write_text("sk-1")
    load(file, ENV)
    jsonschema.validate(yaml.safe_load(example.read_text()), json_schema())


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {"minimal", "reference-fleet", "single-ollama", "workstation-vllm"}


def test_the_schema_is_one_and_refuses_what_is_unknown() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    json.dumps(schema)
    for bad in ({"nods": {}}, {"nodes": {"a": {"engines": [{"kind": "x"}]}}}, {"server": {"port": 0.5}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
    jsonschema.validate({"server": {"port": "${PORT}"}, "local": {"slots": 2}}, schema)
