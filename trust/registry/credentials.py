"""Logins for registries, from the file that `podman login`, `skopeo login` and `docker login` write.

The form is containers-auth.json(5): `{"auths": {"HOST[:PORT][/NAME]": {"auth": BASE64 OF USER:PASSWORD}}}`; the most
specific entry counts. Helpers that such a file may name are programs, and are not run.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from base.errors import FileAbsent, SettingInvalid
from trust.registry.reference import Reference

AUTH_FILE_VARIABLE: Final = "REGISTRY_AUTH_FILE"
_SETTING: Final = "registry_auth_file"


def find_login(reference: Reference, named: Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the base64 of user:password for a repository, or None to ask without a login.

    `named` or the file of REGISTRY_AUTH_FILE must be readable; else the files of podman and docker are looked at where
    they are. Raises `SettingInvalid`, which never shows what such a file holds.
    """
    variable = environment.get(AUTH_FILE_VARIABLE)
    wanted = named or (Path(variable) if variable else None)
    for file in [wanted] if wanted is not None else _usual_files(environment):
        logins = _read(file)
        for key in _keys(reference):
            entry = logins.get(key)
            login = entry.get("auth") if isinstance(entry, dict) else None
            if isinstance(login, str) and login:
                return login
    return None


def _usual_files(environment: Mapping[str, str]) -> Iterator[Path]:
    runtime_folder, home = environment.get("XDG_RUNTIME_DIR"), environment.get("HOME")
    files = [Path(runtime_folder) / "containers" / "auth.json"] if runtime_folder else []
    files += [Path(home) / ".docker" / "config.json"] if home else []
    for file in files:
        if os.access(file, os.R_OK):
            yield file


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
        logins = content.get("auths", {})
    except FileNotFoundError as error:
        raise FileAbsent(_SETTING, str(file), "a file as `podman login --authfile` writes it, that is there") from error
    except (OSError, ValueError, AttributeError) as error:
        raise SettingInvalid(_SETTING, str(file), "a readable file as `podman login --authfile` writes it") from error
    if not isinstance(logins, dict):
        raise SettingInvalid(_SETTING, str(file), "a file as `podman login --authfile` writes it")
    return logins


def _keys(reference: Reference) -> Iterator[str]:
    """Yield what an entry may be called, the most specific first."""
    parts = reference.name.split("/")
    for count in range(len(parts), 0, -1):
        yield "/".join([reference.host, *parts[:count]])
    yield reference.host
    yield f"https://{reference.host}"
