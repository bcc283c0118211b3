"""The recipe file of a bundle: what its model is called and for, and the words of its card, in one TOML file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from base.errors import SettingInvalid, unknown_setting

CARD: Final = "card"
"""Table with the words of the card; `export.card_text` reads it from the same file."""

_TEXTS: Final = ("name", "version", "intended_use")


@dataclass(frozen=True)
class RecipeFile:
    """What a recipe says; None for what it leaves to the command line."""

    name: str | None = None
    version: str | None = None
    intended_use: str | None = None
    card: Path | None = None
    """The file itself, where it has words for the card."""


def read_recipe(path: Path | None) -> RecipeFile:
    """Read a recipe, or return an empty one for None; raises `SettingInvalid` on what no recipe may say."""
    if path is None:
        return RecipeFile()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingInvalid("recipe", str(path), f"a readable TOML file ({error})") from error
    for name in sorted(set(content) - {*_TEXTS, CARD}):
        raise unknown_setting(name, (*_TEXTS, CARD))
    for name in _TEXTS:
        if name in content and not (isinstance(content[name], str) and content[name].strip()):
            raise SettingInvalid(name, content[name], "text that is not empty")
    if not isinstance(content.get(CARD, {}), dict):
        raise SettingInvalid(CARD, content[CARD], "a table with the words of the card")
    texts = {name: content.get(name) for name in _TEXTS}
    return RecipeFile(**texts, card=path if CARD in content else None)
