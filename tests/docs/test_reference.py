"""The reference has every public name, as the docstrings have it."""

import importlib.util

import pytest

import flask_nexora_rt
from flask_nexora_rt.cli import commands

from .pages import ROOT, page

REFERENCE = page("docs/reference.md")
TEXT = "\n".join(REFERENCE.lines)

spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs/make_reference.py")
assert spec
assert spec.loader
make_reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_reference)


def test_the_reference_is_what_the_docstrings_say_now() -> None:
    message = "docs/reference.md is out of date: make reference"
    assert REFERENCE.path.read_text() == make_reference.reference(), message


@pytest.mark.parametrize("name", flask_nexora_rt.__all__)
def test_every_exported_name_is_in_the_reference(name: str) -> None:
    assert f"## {name}\n" in TEXT or f"| `{name}` |" in TEXT


def test_every_method_of_the_extension_is_in_the_reference_and_explained() -> None:
    kinds = {"rt": flask_nexora_rt.NexoraRT, **make_reference.SERVICES}
    for prefix, kind in kinds.items():
        for name, method in make_reference.public_methods(kind).items():
            assert method.__doc__, f"{prefix}.{name} has no docstring"
            assert f"### `{prefix}.{name}" in TEXT


def test_every_command_is_in_the_reference_and_explained() -> None:
    for name, command in make_reference.command_tree("flask nexora-rt", commands):
        assert command.help
        assert f"| `{name}" in TEXT
