"""Which image a unit runs: the `Image=` line of a Quadlet file, or the one word of a generated unit that is one."""

import re
from pathlib import Path
from typing import Final

from base import durable
from base.errors import SettingInvalid
from base.system_errors import system_error

_QUADLET: Final = ".container"
_LINE: Final = re.compile(r"(?m)(?<=^Image=)\S+$")
_REFERENCE: Final = r"(?<=\s)(?:[\w.:-]+/)+{name}(?::[\w.-]+)?(?:@sha256:[0-9a-f]{{64}})?(?=\s|$)"
"""A generated unit ends with the image and its command: `podman run OPTIONS HOST/NAME:TAG serve`."""


def service_of(file: Path) -> str:
    """Return what systemd calls the unit of a file."""
    return f"{file.stem}.service"


def image_of(file: Path, names: tuple[str, ...]) -> str:
    """Return the image that a unit runs; `names` are the last words of the names under which it may stand.

    Raises `SettingInvalid` where the file cannot be read or names no image, or several.
    """
    return _found(file, _read(file), names).group()


def set_image(file: Path, names: tuple[str, ...], reference: str) -> bool:
    """Have a unit run another image, durably; return whether the file changed. Raises as `image_of`."""
    text = _read(file)
    found = _found(file, text, names)
    if found.group() == reference:
        return False
    aside = file.with_name(f".{file.name}.sidewall")
    try:
        aside.write_text(text[: found.start()] + reference + text[found.end() :])
        aside.chmod(file.stat().st_mode & 0o7777)
        durable.place(aside, file)
    except OSError as error:
        raise system_error(error, str(file)) or _unusable(file) from error
    return True


def _found(file: Path, text: str, names: tuple[str, ...]) -> re.Match[str]:
    name = "|".join(re.escape(each) for each in names)
    pattern = _LINE if file.suffix == _QUADLET else re.compile(_REFERENCE.format(name=f"(?:{name})"))
    found = [*pattern.finditer(text)]
    if len({each.group() for each in found}) != 1 or len(found) != 1:
        said = ", ".join(each.group() for each in found) or "none"
        raise SettingInvalid(
            "unit file", str(file), f"one that names one image of {' or '.join(names)}; it names {said}"
        )
    return found[0]


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(file) from error


def _unusable(file: Path) -> SettingInvalid:
    return SettingInvalid("unit file", str(file), "a unit's file that may be read and written")
