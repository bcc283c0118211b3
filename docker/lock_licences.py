"""Renew docker/locks/licences.toml: what every locked package says of its licence, as the index has it.

    python -m docker.lock_licences

Asks the package index (UV_DEFAULT_INDEX, or PyPI) for the metadata of the very files whose hashes are locked, without
the files (PEP 658, PEP 691) where it gives them so, and never what happens to be installed. A version that the table
has is not asked for again: what was released stays as it is; nor is what licences.toml beside this file knows, read by
hand. Packages of which the index has no metadata are named at the end, with status 1: licences.toml then has to say
what they are under.
"""

import hashlib
import io
import os
import re
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import requests

from docker.licences import declared_licence, locked_packages, read_by_hand

LOCKS: Final = Path(__file__).with_name("locks")
TABLE: Final = LOCKS / "licences.toml"
INDEX: Final = "https://pypi.org/simple"
_LISTING: Final = "application/vnd.pypi.simple.v1+json"
_TIMEOUT_S: Final = 60.0
_MOST_BYTES: Final = 32 << 20
"""A larger wheel is not fetched for its metadata alone."""

_HEAD: Final = """\
# What every locked package says of its licence; "" where it says nothing. `make locks` renews it from the index.

"""


def locked_files(locks: Path = LOCKS) -> dict[str, frozenset[str]]:
    """Return NAME==VERSION -> SHA-256 of its files, of all locks in a folder; torch without CUDA counts as torch."""
    found = dict[str, frozenset[str]]()
    for lock in sorted(locks.glob("*.txt")):
        for requirement in re.split(r"\n(?=[A-Za-z])", lock.read_text(encoding="utf-8").strip()):
            for name, version in locked_packages(requirement).items():
                key = f"{name}=={version.partition('+')[0]}"
                found[key] = found.get(key, frozenset()) | set(re.findall(r"sha256:([0-9a-f]{64})", requirement))
    return found


def read_table(table: Path = TABLE) -> dict[str, str]:
    """Return NAME==VERSION -> licence."""
    return dict(tomllib.loads(table.read_text(encoding="utf-8"))) if table.is_file() else {}


def renew(locks: Path, table: Path, index: str) -> list[str]:
    """Write the table of the locks in a folder; return the packages of which the index has no metadata."""
    known, found, absent = read_table(table), dict[str, str](), list[str]()
    with requests.Session() as session:
        for package, hashes in locked_files(locks).items():
            name = package.partition("==")[0]
            if name in read_by_hand():
                continue
            if package in known:
                found[package] = known[package]
                continue
            metadata = _metadata(session, index, name, hashes)
            if metadata is None:
                absent.append(package)
            found[package] = "" if metadata is None else declared_licence(metadata)
    table.write_text(
        _HEAD + "".join(f"{_text(name)} = {_text(found[name])}\n" for name in sorted(found)), encoding="utf-8"
    )
    return absent


def _metadata(session: requests.Session, index: str, name: str, hashes: frozenset[str]) -> Message | None:
    """Return the metadata of the first locked wheel that the index gives them of, or of the first wheel itself."""
    listing = session.get(f"{index}/{name}/", headers={"Accept": _LISTING}, timeout=_TIMEOUT_S)
    listing.raise_for_status()
    for file in listing.json()["files"]:
        if file["hashes"].get("sha256") in hashes and _has_metadata(file):
            answer = session.get(f"{urljoin(listing.url, file['url'])}.metadata", timeout=_TIMEOUT_S)
            answer.raise_for_status()
            return _parsed(answer.content)
    return _of_a_wheel(session, listing, hashes)


def _of_a_wheel(session: requests.Session, listing: requests.Response, hashes: frozenset[str]) -> Message | None:
    """Return the metadata inside the first locked wheel that is not too large; its hash must be the locked one."""
    for file in listing.json()["files"]:
        is_small = file.get("size", 0) <= _MOST_BYTES
        if file["hashes"].get("sha256") in hashes and file["url"].endswith(".whl") and is_small:
            answer = session.get(urljoin(listing.url, file["url"]), timeout=_TIMEOUT_S)
            if answer.ok and hashlib.sha256(answer.content).hexdigest() in hashes:
                with zipfile.ZipFile(io.BytesIO(answer.content)) as wheel:
                    name = next(each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
                    return _parsed(wheel.read(name))
    return None


def _parsed(content: bytes) -> Message:
    return Parser().parsestr(content.decode("utf-8"), headersonly=True)


def _has_metadata(file: Mapping[str, Any]) -> bool:
    return bool(file.get("core-metadata") or file.get("data-dist-info-metadata"))


def _text(value: str) -> str:
    """Return a TOML string; a licence is one line of print."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main() -> int:
    """Renew the table of our own locks; returns the process exit status."""
    absent = renew(LOCKS, TABLE, os.environ.get("UV_DEFAULT_INDEX", INDEX).rstrip("/"))
    if absent:
        sys.stderr.write(f"the index has no metadata of: {', '.join(absent)}\n")
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main())
