"""An option that several commands take is spelt the same in all of them, across all command lines of ours."""

from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import typer

PROGRAMS = {
    "sidewall": "runtime.cli",
    "sidewall-train": "training.cli",
    "sidewall-export": "export.cli",
    "sidewall-analytics": "analytics.cli",
    "sidewall-gateway": "gateway.cli",
    "sidewall-fleet": "fleet.cli",
    "phantom": "phantom.__main__",
}
OLDER = {"--plain-http"}
"""Spellings of before that go on working beside the one of all."""


def _options(name: str, command: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the command, the option's name and its flags, of a command line and all its commands."""
    for each in command.params:
        if each.param_type_name == "option":
            yield name, each.name, tuple(flag for flag in each.opts if flag not in OLDER)
    for inner, each in getattr(command, "commands", {}).items():
        yield from _options(f"{name} {inner}", each)


def test_an_option_of_several_commands_has_one_spelling() -> None:
    spelt: dict[str, dict[tuple[str, ...], list[str]]] = defaultdict(lambda: defaultdict(list))
    for program, module in PROGRAMS.items():
        app = import_module(module).app
        for command, option, flags in _options(program, typer.main.get_command(app)):
            spelt[option][flags].append(command)
    assert len(spelt["as_json"][("--json",)]) > 10
    assert len(spelt["config"][("--config", "-c")]) > 10
    assert {name: dict(flags) for name, flags in spelt.items() if len(flags) > 1} == {}
