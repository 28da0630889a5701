"""The tables of configuration keys say what `Settings` says."""

import pytest

from flask_nexora_rt.settings import PARTS, PREFIX, Settings

from .pages import README, page

FULL = page("docs/configuration.md").table("key", "type", "default", "unit and limits", "meaning")
# Defaults that are made up at start, or too long for a cell.
TOLD_OTHERWISE = {
    "max_streams": "from the descriptor limit",
    "attachment_types": "images, audio, video, text, PDF, RTF, zip, office documents",
    "attachment_folder": "`nexora_rt_attachments` in the instance folder",
}


def defaults(rows: list[list[str]], column: int) -> dict[str, str]:
    return {row[0].strip("`"): row[column] for row in rows}


README_DEFAULTS = defaults(README.table("key", "default", "what"), 1)
FULL_DEFAULTS = defaults(FULL, 2)


def expected() -> dict[str, str]:
    return {
        PREFIX + name.upper(): TOLD_OTHERWISE.get(name)
        or written(field.default, field.is_required())
        for name, field in Settings.model_fields.items()
    }


def written(default: object, required: bool) -> str:
    """A default as the tables write it."""
    if required or default == ():
        return "none"
    if default == PARTS:
        return f"`{','.join(PARTS)}`"
    return f"`{default}`" if isinstance(default, str) else str(default)


@pytest.mark.parametrize("table", [README_DEFAULTS, FULL_DEFAULTS], ids=["README", "docs"])
def test_every_key_stands_in_the_table_with_its_default_and_no_other(table: dict[str, str]) -> None:
    assert table == expected()


def test_a_type_in_the_table_is_the_type_of_the_setting() -> None:
    told = {row[0].strip("`"): row[1] for row in FULL}
    assert told == {
        PREFIX + name.upper(): kind(str(field.annotation))
        for name, field in Settings.model_fields.items()
    }


def kind(annotation: str) -> str:
    if "tuple" in annotation:
        return "list of text"
    for python, english in (
        ("bool", "true or false"),
        ("int", "whole number"),
        ("float", "number"),
    ):
        if python in annotation:
            return english
    return "text"


def test_the_limits_in_the_table_are_those_of_the_setting() -> None:
    told = {row[0].strip("`"): row[3] for row in FULL}
    missing = {
        f"{key}: {limit}"
        for key, limit in limits()
        if limit not in told[key].replace("`", "").replace(",", " ").split()
    }
    assert missing == set()


def limits() -> set[tuple[str, str]]:
    """The numbers a value must not go beyond, as text; 0 and 1 day need no words of their own."""
    return {
        (PREFIX + name.upper(), f"{bound:g}" if bound < 100_000 else str(bound))
        for name, field in Settings.model_fields.items()
        for rule in field.metadata
        for bound in (getattr(rule, "ge", None), getattr(rule, "le", None))
        if bound
    }
