"""Reading a site's file, and taking up a changed one without losing what the old one began."""

import hashlib
import threading
import tomllib
from pathlib import Path
from typing import Final

import structlog

from base.errors import FileAbsent, SettingInvalid, unknown_setting
from gateway.site.checking import parse, require
from gateway.site.parts import Caller, Destination, EngineAddress, Rule, Site

_TABLES: Final = ("caller", "engine", "destination", "rule")
_MAX_BYTES: Final = 1 << 20
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def read_site(file: Path) -> Site:
    """Return what a file says; raises `SettingInvalid` (`FileAbsent` where there is none)."""
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise FileAbsent("site", str(file), "a TOML file that is there") from error
    except OSError as error:
        raise SettingInvalid("site", str(file), f"a readable TOML file ({error.strerror})") from error
    return parse_site(content)


def parse_site(content: bytes) -> Site:
    """Return what the content of a file says; raises `SettingInvalid`."""
    require(len(content) <= _MAX_BYTES, "site", f"{len(content)} bytes", f"at most {_MAX_BYTES} bytes")
    try:
        tables = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingInvalid("site", f"{len(content)} bytes", f"valid TOML ({error})") from error
    for name in tables:
        if name not in _TABLES:
            raise unknown_setting(name, _TABLES)
    return Site(
        tuple(parse(Caller, each, "caller") for each in _rows(tables, "caller")),
        tuple(parse(EngineAddress, each, "engine") for each in _rows(tables, "engine")),
        tuple(parse(Destination, each, "destination") for each in _rows(tables, "destination")),
        tuple(parse(Rule, each, "rule") for each in _rows(tables, "rule")),
        hashlib.sha256(content).hexdigest()[:16],
    )


class SiteFile:
    """The site as its file says it now, or said it last when it was right; safe to share between threads."""

    def __init__(self, file: Path) -> None:
        """Raise `SettingInvalid` when the file is not right at the start."""
        self._file = file
        self._lock = threading.Lock()
        self._seen = _state(file)
        self._site = read_site(file)
        self.fault: str | None = None
        """Why the file as it is now was not taken up; None when it was."""

    @property
    def site(self) -> Site:
        """Return what holds now."""
        with self._lock:
            return self._site

    def look(self) -> bool:
        """Take up the file if it has changed and is right; return whether it was taken up."""
        state = _state(self._file)
        if state == self._seen:
            return False
        self._seen = state
        try:
            site = read_site(self._file)
        except SettingInvalid as error:
            self.fault = str(error)
            _log.warning("site file refused, the one before holds on", what=str(error), version=self._site.version)
            return False
        with self._lock:
            self._site, self.fault = site, None
        _log.info("site file taken up", version=site.version)
        return True


def _rows(tables: dict[str, object], name: str) -> list[object]:
    rows = tables.get(name, [])
    require(isinstance(rows, list), name, type(rows).__name__, f"[[{name}]] tables")
    return rows  # type: ignore[return-value]


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
