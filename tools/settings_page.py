"""The page docs/settings.md, made from the code, so that it cannot say anything else.

    python -m tools.settings_page            # write it
    python -m tools.settings_page --check    # exit 1 when the committed one is not current

Needs the repository's root as working directory.
"""

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import typer

from base.environment import OTHER_VARIABLES
from base.settings import own_fields
from core.coverage import MIN_COVERAGE_MM, MIN_IN_PLANE_FIELD_MM
from core.errors import RefusalCode
from core.judging.gates import MAX_FOLD_SPREAD_MM, MAX_NODES, MIN_BALANCE
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE
from core.measuring.midline import MIN_QUALITY
from core.measuring.stations import MAX_STATION_DISTANCE_MM
from core.reading.limits import DEFAULT_LIMITS
from core.rules import ScoringRules
from core.site_choices import CHANGEABLE_GATES, changeable_rules, highest_of_rule
from runtime.bundle.settings import BundlePlace
from runtime.cli import app
from runtime.inference.backends.registry import BACKEND_NAMES
from runtime.results.settings import DEFAULT_RESULT_SETTINGS, ROLES
from runtime.settings import SOURCES, Settings
from tools.made_pages import Check, field_meanings, table, write_or_check

PAGE: Final = Path("docs/settings.md")
SAMPLE: Final = Path("docs/sidewall.toml")

_INTRODUCTION: Final = """\
# Settings

Made by `python -m tools.settings_page` from the code; do not edit.

A setting comes from the command line, else from the environment, else from a TOML file (`--config` or
`SIDEWALL_CONFIG`), else it has its default. `sidewall serve` and `sidewall analyze` take every setting on the command
line, those without a flag of their own by `--set NAME=VALUE`; but for the secret one, which everybody on the machine
would see there. A value that is not allowed stops the start with status 2, its name, the value and what is allowed.
So does a name that is no setting, in the file, behind `--set` or as a `SIDEWALL_*` variable: a misspelt one is not
passed over.

In the file a setting stands by its name alone, above all tables, or in the table of its section (`[serving]`); not
both. The settings of type *table* are tables of the file (`[rules]`, or `[case.rules]`), and `name=value,name=value` in
the environment and behind `--set`.
"""

_HEAD: Final = ("flag", "variable", "in the file", "in the section", "type", "default", "allowed", "meaning")

_RULES: Final = """\
Thresholds in place of the bundle's, in the table `rules`. The defaults are those of a bundle that says nothing else;
`rules` in the findings of every case holds the ones that were used, where they come from, and which the site changed.
The cut-offs of the two features were chosen on phantoms: none is published.
"""

_GATES: Final = """\
Quality checks of the input and of the segmentation. What they find is told with every result; in the table `gates` a
site says which of them refuse the case instead of warning.
"""

GATE_MEANINGS: Final[dict[RefusalCode, str]] = {
    RefusalCode.TOO_COARSE: (
        f"slices lie more than {DEFAULT_LIMITS.usual_slice_spacing_mm:g} mm apart: warns; pixels are wider than "
        f"{DEFAULT_LIMITS.max_in_plane_spacing_mm:g} mm, or slices lie more than "
        f"{DEFAULT_LIMITS.max_slice_spacing_mm:g} mm apart: refuses"
    ),
    RefusalCode.FIELD_OF_VIEW: (
        f"the images cover less than {MIN_IN_PLANE_FIELD_MM:g} mm in the plane, or less than {MIN_COVERAGE_MM:g} mm "
        "along the body"
    ),
    RefusalCode.INPUT_STATISTICS: "the images are less like the training cases than 99 % of those are like each other",
    RefusalCode.FAR_FROM_TRAINING: (
        f"the image statistics lie farther from those of the training cases than the bundle allows (by default "
        f"{DEFAULT_IMAGE_REFERENCE.max_distance_sd:g} SD): the case is indeterminate"
    ),
    RefusalCode.GREY_LEVELS: (
        f"the slices have fewer different grey levels than the bundle asks for (by default "
        f"{DEFAULT_IMAGE_REFERENCE.min_grey_levels:g}): the case is indeterminate"
    ),
    RefusalCode.ODD_SLICES: (
        "slices are empty, noise, saturated, striped, copies of others, or out of order: a station that they reach is "
        "not assessed, and the case is indeterminate"
    ),
    RefusalCode.DEAD_ZONES: (
        "areas inside the body hold one value or weak noise, without the outlines of gas or metal, or the body ends at "
        "a straight edge: a station that they reach is not assessed, and the case is indeterminate"
    ),
    RefusalCode.IMAGE_ARTEFACTS: (
        "the contrast is turned round, the body is wrapped about the border of the image, or copies of it lie over it: "
        "the case is indeterminate"
    ),
    RefusalCode.MIDLINE: (
        f"the anatomy is symmetric about the midline with a correlation below {MIN_QUALITY:g}, or has stations on one "
        "side only; sides are then unknown"
    ),
    RefusalCode.STATIONS_MISSING: "a station of either side was not seen well enough to call it free of nodes",
    RefusalCode.STATIONS_IMBALANCE: (
        f"the smaller side of a station has less than {MIN_BALANCE:g} of the larger one's volume"
    ),
    RefusalCode.NODES_OUTSIDE_STATIONS: f"a node lies farther than {MAX_STATION_DISTANCE_MM:g} mm from every station",
    RefusalCode.NODE_COUNT: f"more than {MAX_NODES} nodes were found",
    RefusalCode.FOLD_AGREEMENT: f"the folds' short axes of a node differ by more than {MAX_FOLD_SPREAD_MM:g} mm",
}
"""What each gate warns of."""


def settings_page() -> str:
    """Return the text of the page."""
    parts = [
        _INTRODUCTION,
        table(
            ("flag", "variable", "in the file", "in the section", "type", "default", "allowed", "meaning"),
            _settings_rows(),
        ),
        "## Variables that are no settings\n",
        table(("variable", "meaning"), ((f"`{name}`", meaning) for name, meaning in OTHER_VARIABLES.items())),
        "## Rules\n",
        _RULES,
        table(("rule", "unit", "default", "allowed", "meaning"), _rule_rows()),
        "## Gates\n",
        _GATES,
        table(("gate", "a site may set", "warns or refuses when"), _gate_rows()),
        "## Series of the results\n",
        table(("series", "default of `series_numbers`", "default of `series_descriptions`"), _series_rows()),
        "## A complete file\n",
        f"[`{SAMPLE.name}`]({SAMPLE.name}):\n",
        f"```toml\n{SAMPLE.read_text(encoding='utf-8')}```\n",
    ]
    return "\n".join(parts)


def _settings_rows() -> Iterator[tuple[str, ...]]:
    flags, own = _flags(), {each.name: each for each in fields(Settings)}
    for section, kind in SOURCES.sections.items():
        meanings = field_meanings(kind)
        for name in own_fields(kind):
            yield (
                f"`{flags.get(name, f'--set {name}=')}`" if name not in SOURCES.secrets else "",
                f"`{SOURCES.variable_of(name)}`",
                f"`{name}`",
                f"`[{section}]`",
                _type_words(SOURCES.kinds[name]),
                _default_words(own[name]),
                ", ".join(BACKEND_NAMES) if name == "backend" else SOURCES.allowed(name),
                meanings[name],
            )


def _rule_rows() -> Iterator[tuple[str, ...]]:
    meanings = field_meanings(ScoringRules)
    for name in changeable_rules():
        default = getattr(ScoringRules, name)
        yield f"`{name}`", _unit(name), f"{default:g}", f"0 to {highest_of_rule(name):.0f}", meanings[name]


def _gate_rows() -> Iterator[tuple[str, ...]]:
    for code, meaning in GATE_MEANINGS.items():
        yield f"`{code}`", "`warn` (default) or `refuse`" if code in CHANGEABLE_GATES else "no", meaning


def _series_rows() -> Iterator[tuple[str, ...]]:
    for role in ROLES:
        series = DEFAULT_RESULT_SETTINGS.of(role)
        yield f"`{role}`", str(series.number), series.description


def _flags() -> dict[str, str]:
    """Return the option that sets a setting, by name; only commands that load settings have such.

    What a command asks another server with (`health --server`) is a client's: its own names, not those settings.
    """
    command: Any = typer.main.get_command(app)
    groups = [command, *(each for each in command.commands.values() if hasattr(each, "commands"))]
    every = [each for group in groups for each in group.commands.values()]
    taken = [(each, {option.name for option in each.params}) for each in every]
    loading = [each for each, options in taken if "config" in options and "server" not in options]
    names = {each.name for each in fields(Settings)}
    return {
        option.name: next(flag for flag in option.opts if flag.startswith("--"))
        for each in loading
        for option in each.params
        if option.name in names
    }


def _type_words(kind: Any) -> str:
    words = {bool: "boolean", int: "integer", float: "number", str: "text"}
    if get_origin(kind) is Literal:
        return "text"
    if kind == BundlePlace | None:
        return "path or reference"
    if kind is Path or Path in get_args(kind):
        return "path"
    return words.get(kind, "table")


def _default_words(each: "Field[Any]") -> str:
    if each.default is MISSING or each.default in (None, ""):
        return "none"
    return f"`{str(each.default).lower() if isinstance(each.default, bool) else each.default}`"


def _unit(name: str) -> str:
    return "mm³" if name.endswith("_mm3") else "mm" if name.endswith("_mm") else "share"


def main(check: Check = False) -> None:
    """Write docs/settings.md, or check it."""
    write_or_check(PAGE, settings_page(), "tools.settings_page", check=check)


if __name__ == "__main__":
    typer.run(main)
