"""The page docs/configurations.md, made from the code, so that it cannot say anything else.

    python -m tools.configurations_page            # write it
    python -m tools.configurations_page --check    # exit 1 when the committed one is not current

Needs the repository's root as working directory.
"""

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

import typer

from tools.made_pages import Check, field_meanings, table, write_or_check
from training.config import CONFIG_DIR, ModelConfig, load_config
from training.config_values import VALUES, type_words

PAGE: Final = Path("docs/configurations.md")

_INTRODUCTION: Final = """\
# Own training configurations

Made by `python -m tools.configurations_page` from the code; do not edit.

`sidewall-train prepare`, `estimate`, `fit` and `evaluate` take `--config NAME` for a file of `training/configs`, or
`--config FILE.toml` for one of your own. Begin with a copy of the nearest one, and give it a `name` of its own: folders
of cases and folds are called by it.

```sh
cp training/configs/paper.toml site.toml      # then change its name and what else is to be different
sidewall-train prepare --config site.toml --work work/study --dicom EXPORT --masks MASKS --cases cases.csv
sidewall-train fit --config site.toml --work work/study --device cuda
```

A value that is not allowed, a name that is not in these tables and one that is missing stop the command with status 2,
the name, the value and what is allowed. `name`, `planner`, `[network]` and `[grid]` are worked into the cases: after a
change of these run `prepare` again. What a change of the others does to folds that are there stands in
[fitting.md](fitting.md).

Sizes and steps along axes stand in the order z (through the slices), y, x. Lists *per level* begin at full resolution
and have as many entries as the network has levels, `decoder_convolutions` one less.
"""

_ABOVE: Final = "## Above all tables\n"


def configurations_page() -> str:
    """Return the text of the page."""
    parts = [_INTRODUCTION, _ABOVE, _table_of("", ModelConfig)]
    for each in fields(ModelConfig):
        section = _dataclass_of(get_type_hints(ModelConfig)[each.name])
        if section is not None:
            parts += [f"## `[{each.name}]`\n", _first_line(section), _table_of(f"{each.name}.", section)]
    parts += ["## Those that are there\n", _shipped()]
    return "\n".join(parts)


def _table_of(prefix: str, kind: Any) -> str:
    head = ("name", "type", "unit", "default", "allowed", "in `paper`", "meaning")
    return table(head, _rows(prefix, kind))


def _rows(prefix: str, kind: Any) -> Iterator[tuple[str, ...]]:
    hints, meanings, paper = get_type_hints(kind), field_meanings(kind), load_config("paper")
    example = getattr(paper, prefix.rstrip("."), paper) if prefix else paper
    for each in fields(kind):
        if _dataclass_of(hints[each.name]) is not None:
            continue
        limits = VALUES[f"{prefix}{each.name}"]
        yield (
            f"`{each.name}`",
            type_words(hints[each.name]),
            limits.unit,
            _default(each),
            limits.allowed,
            _value(getattr(example, each.name)),
            meanings[each.name],
        )


def _default(each: "Field[Any]") -> str:
    return "has to be given" if each.default is MISSING else _value(each.default)


def _value(value: Any) -> str:
    return "none" if value is None else f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(each) for each in value)}]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _dataclass_of(hint: Any) -> Any:
    return next((each for each in (hint, *get_args(hint)) if is_dataclass(each)), None)


def _first_line(kind: Any) -> str:
    return f"{(kind.__doc__ or '').partition(chr(10) * 2)[0]}\n"


def _shipped() -> str:
    rows = [(f"`{path.stem}`", _first_sentence(path)) for path in sorted(CONFIG_DIR.glob("*.toml"))]
    return table(("`--config`", "what its file says of it"), rows)


def _first_sentence(path: Path) -> str:
    comment = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
    text = " ".join(line.removeprefix("#").strip() for line in comment)
    return re.split(r"(?<=\.) (?=[A-Z]|$)", text)[0].strip()


def main(check: Check = False) -> None:
    """Write docs/configurations.md, or check it."""
    write_or_check(PAGE, configurations_page(), "tools.configurations_page", check=check)


if __name__ == "__main__":
    typer.run(main)
