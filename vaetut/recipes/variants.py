"""Recipes with other values: written as text, named so that a file can be."""

import math
import re
import types
import typing
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from vaetut import checks
from vaetut.recipes.recipe import Recipe

FIELDS = {  # that can be set: name -> type
    name: hint
    for name, hint in typing.get_type_hints(Recipe).items()
    if name not in ("name", "scale")
}
WANTED = {
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    str: "letters, digits, '.', '_' and '-'",
    tuple: "whole numbers, as in 32x64",
}


def parse_settings(texts: Iterable[str]) -> dict[str, list[Any]]:
    """Return the settings in texts such as "beta=0.5,1" as field -> list of values.

    A tuple is written 32x64, None as none. Raises ValueError for an unknown field,
    naming those there are, or a value that is not of the field's type.
    """
    return {
        field: [parse_value(field, value) for value in values.split(",")]
        for field, values in split_settings(texts).items()
    }


def split_settings(texts: Iterable[str]) -> dict[str, str]:
    """Return the settings in texts such as "beta=0.5" as field -> text of the value.

    Raises ValueError for a text without "=", or a field that comes twice.
    """
    settings: dict[str, str] = {}
    for text in checks.items("texts", texts):
        field, equals, value = str(text).partition("=")
        if not equals or field in settings:
            raise ValueError(
                f"{str(text)!r} is not a setting: write each field once, as in beta=0.5"
            )
        settings[field] = value
    return settings


def variant(recipe: Recipe, **changes: Any) -> Recipe:
    """Return a recipe with other values and a name that lists them.

    The name, as in `fashion-vae+beta=0.5+learning_rate=0.001`, is fit for a file;
    what is the recipe's own value anyway does not show in it. Values may be text, as
    in `parse_settings`, and raise the same errors.
    """
    if not isinstance(recipe, Recipe):
        raise ValueError(f"recipe must be a Recipe, not {checks.shorten(recipe)}")
    values = {field: parse_value(field, value) for field, value in changes.items()}
    values = {k: v for k, v in values.items() if getattr(recipe, k) != v}
    base, *before = recipe.name.split("+")
    shown = dict(part.split("=") for part in before)
    shown |= {field: as_text(value) for field, value in values.items()}
    name = "+".join([base, *(f"{k}={v}" for k, v in sorted(shown.items()))])
    return replace(recipe, name=name, **values)


def parse_value(field: str, value: Any) -> Any:
    """Return a value, which may be text, as the type that the field has.

    Raises ValueError for an unknown field, or a value that is not of its type.
    """
    if field not in FIELDS:
        raise ValueError(
            f"There is no field {field!r} to set: choose among {', '.join(FIELDS)}."
        )
    hint = FIELDS[field]
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value in (None, "none") and types.NoneType in kinds:
        return None
    kind = typing.get_origin(kinds[0]) or kinds[0]
    try:
        if kind is tuple:
            parts = value.split("x") if isinstance(value, str) else value
            return tuple(_number(int, part) for part in parts)
        if kind is bool and str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        if kind is str and re.fullmatch(r"[\w.-]+", value, re.ASCII):
            return value
        if kind in (int, float):
            return _number(kind, value)
    except (TypeError, ValueError, OverflowError):
        pass
    mend = ""
    if isinstance(value, str) and "," in value:
        mend = f" Several values are for `vaetut sweep NAME --set {field}={value}`."
        if kind is tuple:
            mend = f" Write {field}={value.replace(',', 'x')}."
    raise ValueError(
        f"{field} takes {WANTED[kind]}, not {checks.shorten(value)}.{mend}"
    )


def _number(kind: type, value: Any) -> Any:
    number = kind(value)
    if not math.isfinite(number) or (not isinstance(value, str) and number != value):
        raise ValueError
    return number


def as_text(value: Any) -> str:
    """Return a value as it stands in a name, from which `parse_value` gets it back."""
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, float):
        short = f"{value:g}"
        text = short if float(short) == value else repr(value)
        return text.replace("e+", "e")
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)
