"""A new box of a fleet from one file of answers: its settings, whom it trusts, its site's file, and a key of its own.

    etc/sidewall/fleet.toml          the settings of agent and report
    etc/sidewall/root.json           the fleet's root
    etc/sidewall/release.gpg         who signs images, and policy.json, which has podman hold them against it
    etc/sidewall/box.pem             the box's own key, made here
    srv/sidewall/gateway/site.toml   callers, destinations and rules of its gateway

Done again with the same answers nothing changes; a file that says something else is left, and named.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from base import durable
from base.errors import SettingInvalid, unknown_setting
from base.settings import read_toml
from base.system_errors import system_error
from fleet.channels.keys import make_key_pair
from fleet.settings import SOURCES, BoxSettings

_FILES: Final = ("fleet_root", "release_key", "site")
_OWN: Final = {"root", "status_key", "signature_policy"}
"""Settings that are decided here: where this lays the files."""

_ETC: Final = Path("etc/sidewall")
_SITE: Final = Path("srv/sidewall/gateway/site.toml")


def prepare(answers: Path, top: Path) -> Path:
    """Lay the files of a new box below `top`, which is `/` on the box itself; return its public key.

    Raises `SettingInvalid` on an answer that is none, on a file that is missing, and on one that would be overwritten.
    """
    found = read_toml("answers", answers)
    for name in found:
        if name not in (*_FILES, "box"):
            raise unknown_setting(name, (*_FILES, "box"))
    given = {name: _content(name, answers.parent / str(found.get(name, ""))) for name in _FILES}
    settings = _settings(found.get("box"))
    files = {
        _ETC / "root.json": given["fleet_root"],
        _ETC / "release.gpg": given["release_key"],
        _ETC / "policy.json": _policy(settings),
        _SITE: given["site"],
        _ETC / "fleet.toml": _toml(found["box"]),
    }
    _check_free(top, files)
    try:
        for place, content in files.items():
            durable.make_folder((top / place).parent)
            durable.write_file(top / place, content)
            (top / place).chmod(0o644)
    except OSError as error:
        raise system_error(error, str(top)) or SettingInvalid("root", str(top), "a folder to write in") from error
    key = top / _ETC / "box.pem"
    return key.with_name("box.pem.pub") if key.exists() else make_key_pair(key)


def _content(name: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SettingInvalid(name, str(file), "a file beside the answers that can be read") from error


def _settings(box: Any) -> BoxSettings:
    """Return the settings that the answers make; raises `SettingInvalid`."""
    if not isinstance(box, Mapping):
        raise SettingInvalid("box", box, "a table of the settings of docs/fleet.md")
    decided = sorted(_OWN & set(box))
    if decided:
        raise SettingInvalid(decided[0], box[decided[0]], "nothing: its file is laid where the box looks for it")
    for name in box:
        if name not in SOURCES.kinds:
            raise unknown_setting(name, SOURCES.kinds)
    settings = SOURCES.load(dict(box), environment={})
    for name in ("box", "channel", "engine_image"):
        if name not in box:
            raise SettingInvalid(name, None, "an answer: no box can do without it")
    return settings


def _policy(settings: BoxSettings) -> bytes:
    signed = [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": f"/{_ETC / 'release.gpg'}"}]
    images = [each for each in (settings.engine_image, settings.gateway_image) if each]
    policy = {"default": [{"type": "reject"}], "transports": {"docker": dict.fromkeys(images, signed)}}
    return (json.dumps(policy, indent=2) + "\n").encode()


def _toml(box: Mapping[str, Any]) -> bytes:
    """Return the settings as a file; texts, numbers and truth values are written alike in TOML and JSON."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in box.items()]
    lines.append(f'signature_policy = "/{_ETC / "policy.json"}"')
    return ("\n".join(lines) + "\n").encode()


def _check_free(top: Path, files: Mapping[Path, bytes]) -> None:
    for name, content in files.items():
        if (top / name).exists() and (top / name).read_bytes() != content:
            raise SettingInvalid("answers", str(top / name), "no file there that says something else: move it away")
