"""The machinery of settings, on a program made for the test."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from base.errors import FileAbsent, SettingInvalid
from base.settings import SECRET, LogSettings, Range, Section, Sources, own_fields, within


@dataclass(frozen=True)
class Destination:
    """Where something goes."""

    name: str
    port: int = 104
    kind: Literal["store", "web"] = "store"


@dataclass(frozen=True)
class Doors(Section):
    """Who may come in."""

    listen: str = "127.0.0.1:1"
    most: int = 4
    ranges: ClassVar[Mapping[str, Range]] = {"most": within(1, 10, "calls")}

    def check(self) -> None:
        """Raise `SettingInvalid` on many at an open door."""
        if self.most > 5 and self.listen.startswith("0."):
            raise SettingInvalid("most", self.most, "up to 5 on an open door")


@dataclass(frozen=True)
class Roads(Section):
    """Who is told."""

    destination: tuple[Destination, ...] = ()
    pauses_min: tuple[float, ...] = (1.0,)
    token: str = field(default="", repr=False, metadata=SECRET)
    folder: Path | None = None


@dataclass(frozen=True)
class Program(LogSettings, Doors, Roads):
    """All of it."""


SOURCES = Sources(
    Program, "TEST_", sections={"doors": Doors, "roads": Roads, "log": LogSettings}, other_variables=("TEST_CONFIG",)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_a_setting_stands_in_its_section_or_alone_and_means_the_same(file: Path) -> None:
    file.write_text('[doors]\nmost = 3\n[roads]\nfolder = "f"\n[log]\nlog_level = "debug"\n')
    in_sections = SOURCES.load(environment={}, file=file)
    file.write_text('most = 3\nfolder = "f"\nlog_level = "debug"\n')
    assert SOURCES.load(environment={"TEST_CONFIG": str(file)}) == in_sections
    assert in_sections == Program(most=3, folder=Path("f"), log_level="debug")


def test_command_line_beats_environment_beats_file_beats_default(file: Path) -> None:
    file.write_text("[doors]\nmost = 2\n")
    assert SOURCES.load(environment={}).most == 4
    assert SOURCES.load(environment={}, file=file).most == 2
    assert SOURCES.load(environment={"TEST_MOST": "3"}, file=file).most == 3
    assert SOURCES.load(named=["most=5"], environment={"TEST_MOST": "3"}, file=file).most == 5
    assert SOURCES.load({"most": 6}, named=["most=5"], environment={"TEST_MOST": "3"}, file=file).most == 6


def test_a_list_of_tables_is_a_tuple_of_its_dataclass(file: Path) -> None:
    rows = '[[destination]]\nname = "pacs"\n[[destination]]\nname = "web"\nport = 443\nkind = "web"\n'
    file.write_text(rows)
    expected = (Destination("pacs"), Destination("web", 443, "web"))
    assert SOURCES.load(environment={}, file=file).destination == expected
    file.write_text(rows.replace("[[destination]]", "[[roads.destination]]"))
    assert SOURCES.load(environment={}, file=file).destination == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("most = 11", "setting most is 11; allowed: 1 to 10 (calls)"),
        ('most = "four"', "setting most is 'four'; allowed: a whole number"),
        ("[doors]\nmost = 1.5", "setting most is 1.5; allowed: a whole number"),
        ('log_level = "loud"', "setting log_level is 'loud'; allowed: debug or info or warning or error"),
        ("most = 2\n[doors]\nmost = 2", "setting most is 'there twice'; allowed: once: by itself, or in the"),
        ("[doors]\nmosst = 2", "no such setting: doors.mosst (did you mean doors.most?); allowed: "),
        ("[doors]\ntoken = 2", "no such setting: doors.token"),
        ("mosst = 2", "no such setting: mosst (did you mean most?)"),
        ('listen = "0.0.0.0:1"\nmost = 6', "setting most is 6; allowed: up to 5 on an open door"),
        ("[[destination]]\nport = 1", "setting destination[0].name is None; allowed: text"),
        ('[[destination]]\nname = "a"\nport = "x"', "setting destination[0].port is 'x'; allowed: a whole number"),
        ('[[destination]]\nname = "a"\nkind = "fax"', "setting destination[0].kind is 'fax'; allowed: store or web"),
        ('[[destination]]\nname = "a"\nprot = 1', "no such setting: destination[0].prot (did you mean"),
        ("destination = [1]", "setting destination[0] is 1; allowed: a table of name, port, kind"),
        ('destination = "a"', "setting destination is 'a'; allowed: a list of tables in the file"),
        ("destination = 7", "setting destination is 7; allowed: a list of tables in the file"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_stops_the_start_with_name_value_and_what_is(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(SettingInvalid) as error:
        SOURCES.load(environment={}, file=file)
    assert str(error.value).startswith(said)


def test_numbers_come_as_a_list_or_as_text(file: Path) -> None:
    file.write_text("pauses_min = [1, 2.5]\n")
    assert SOURCES.load(environment={}, file=file).pauses_min == (1.0, 2.5)
    assert SOURCES.load(environment={"TEST_PAUSES_MIN": "1,2.5"}).pauses_min == (1.0, 2.5)


def test_a_secret_is_no_affair_of_the_command_line() -> None:
    assert SOURCES.secrets == ("token",)
    assert SOURCES.load(environment={"TEST_TOKEN": "t"}).token == "t"
    with pytest.raises(SettingInvalid, match=r"'token=\.\.\.'; allowed: other settings; token by TEST_TOKEN"):
        SOURCES.load(named=["token=t"], environment={})


def test_a_variable_of_the_prefix_that_nothing_reads_stops_the_start() -> None:
    with pytest.raises(SettingInvalid, match=r"TEST_MOSST \(did you mean TEST_MOST\?\)"):
        SOURCES.load(environment={"TEST_MOSST": "1"})


def test_a_file_that_is_not_there_is_told_from_one_that_is_no_toml(file: Path) -> None:
    with pytest.raises(FileAbsent):
        SOURCES.load(environment={}, file=file)
    file.write_text("most = ")
    with pytest.raises(SettingInvalid, match="valid TOML"):
        SOURCES.load(environment={}, file=file)


def test_every_setting_has_its_section_and_its_words() -> None:
    assert {SOURCES.section_of(name) for name in SOURCES.kinds} == {"doors", "roads", "log"}
    assert own_fields(Doors) == ("listen", "most")
    assert SOURCES.allowed("most") == "1 to 10 (calls)"
    assert SOURCES.allowed("destination") == "a list of tables in the file"
