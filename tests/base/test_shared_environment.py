"""Engine, gateway and fleet may share one environment: none stops at a variable of another."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from base.environment import PROGRAM_PREFIXES
from base.errors import SettingInvalid
from base.settings import Sources

ROOT = Path(__file__).resolve().parents[2]


def programs() -> list[Sources[Any]]:
    """Return where the settings of every program of this repository come from."""
    rooms = sorted(each.parent.name for each in ROOT.glob("*/settings.py") if each.parent.name != "base")
    return [import_module(f"{room}.settings").SOURCES for room in rooms]


def test_every_program_with_settings_has_its_prefix_where_the_others_look() -> None:
    assert sorted(each.prefix for each in programs()) == sorted(PROGRAM_PREFIXES)


@pytest.mark.parametrize("program", programs(), ids=lambda each: each.prefix)
def test_a_program_starts_beside_the_variables_of_all_others(program: Sources[Any]) -> None:
    environment = {
        other.variable_of(name): "of another program"
        for other in programs()
        for name in other.kinds
        if other is not program
    }
    assert program.load(environment=environment) == program.load(environment={})


@pytest.mark.parametrize("program", programs(), ids=lambda each: each.prefix)
def test_a_program_stops_at_a_variable_of_its_own_that_is_no_setting(program: Sources[Any]) -> None:
    with pytest.raises(SettingInvalid, match=f"{program.prefix}NO_SUCH_THING"):
        program.load(environment={f"{program.prefix}NO_SUCH_THING": "1"})


@pytest.mark.parametrize("program", programs(), ids=lambda each: each.prefix)
def test_the_file_of_a_program_is_named_by_its_variable(program: Sources[Any], tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("")
    file.chmod(0o600)
    assert program.load(environment={program.config_variable: str(file)}) == program.load(environment={})
