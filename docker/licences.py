"""Licences of what an image carries: what packages declare, whether they may be passed on, all texts in one file.

    python docker/licences.py SITE_PACKAGES OUT [SBOM]

SBOM is the list of the packages (CycloneDX), which gets the licences that it lacks.
Uses the standard library alone, since it runs in the stage that builds an image. Ends with status 1, and the names of
the packages, when one is under a licence that asks the same of all it is linked with (GPL, AGPL), or under none. Of
a package that says nothing of its licence, or what is not so, licences.toml beside this file does.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from email.message import Message
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final

_STRONG_COPYLEFT: Final = re.compile(r"\bA?GPL\b|\bA?GPL-?v?[0-9]|GNU (Affero )?General Public", re.IGNORECASE)
_LINKING_EXCEPTION: Final = re.compile(r"\bGPL-[0-9.]+(-or-later|-only)? WITH GCC-exception-3\.1", re.IGNORECASE)
"""The run-time libraries of GCC may be linked with anything."""

_TEXTS: Final = re.compile(r"(licen[cs]e|copying|notice|authors|copyright)", re.IGNORECASE)


def declared_licence(metadata: Any) -> str:
    """Return the licence in a package's metadata, "" when none stands there.

    The SPDX expression (PEP 639) counts first, then the classifiers, then the first line of the free text.
    """
    fields: Message = metadata
    if fields.get("License-Expression"):
        return str(fields["License-Expression"])
    classifiers = [str(each) for each in fields.get_all("Classifier") or [] if str(each).startswith("License ::")]
    if classifiers:
        return "; ".join(each.rpartition(" :: ")[2] for each in classifiers)
    return next(iter(str(fields.get("License") or "").strip().splitlines()), "")


def may_be_passed_on(licence: str) -> bool:
    """Whether one of the choices that an expression leaves is free of strong copyleft; LGPL and MPL are."""
    choices = re.split(r"\s+OR\s+", _LINKING_EXCEPTION.sub("", licence).strip("() "))
    return bool(licence.strip()) and any(_STRONG_COPYLEFT.search(each) is None for each in choices)


def locked_packages(lock: str) -> dict[str, str]:
    """Return name -> version of every requirement in the text of a lock file."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock, re.MULTILINE))


def write_licences(site_packages: Path, out: Path) -> list[str]:
    """Write every package's licence and its texts to one file; returns the packages that may not be passed on."""
    found = sorted(distributions(path=[str(site_packages)]), key=lambda each: each.name.lower())
    out.write_text("".join(_section(each) for each in found), encoding="utf-8")
    licences = {each.name: _licence(each) for each in found}
    return [
        f"{name} ({licence or 'no licence'})" for name, licence in licences.items() if not may_be_passed_on(licence)
    ]


def complete_sbom(sbom: Path, site_packages: Path) -> None:
    """Give every component of a CycloneDX list without a licence that of its package, in the package's own words."""
    licences = {_normal(each.name): _licence(each) for each in distributions(path=[str(site_packages)])}
    listed = json.loads(sbom.read_text(encoding="utf-8"))
    for component in listed["components"]:
        licence = licences.get(_normal(component["name"]))
        if not component.get("licenses") and licence:
            component["licenses"] = [{"license": {"name": licence}}]
    sbom.write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")


def _normal(name: str) -> str:
    """Return a name as all spellings of it have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_from_files() -> dict[str, str]:
    """Return package -> licence, for those packages whose files say more than their metadata."""
    return {str(name): str(licence) for name, licence in _by_hand()["files"].items()}


def read_by_hand() -> dict[str, str]:
    """Return package -> licence of all that was read by hand; counts before what metadata say."""
    nvidia = _by_hand()["nvidia"]
    return dict.fromkeys(nvidia["packages"], str(nvidia["licence"])) | read_from_files()


def _by_hand() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("licences.toml").read_text(encoding="utf-8"))


def _licence(package: Distribution) -> str:
    return read_from_files().get(package.name, declared_licence(package.metadata))


def _section(package: Distribution) -> str:
    heading = f"{package.name} {package.version}: {_licence(package)}"
    return "\n\n".join([f"{'=' * 78}\n{heading}", *_texts(package.files or ())]) + "\n\n"


def _texts(files: Iterable[Any]) -> Iterator[str]:
    """Yield the licence files that a package installed beside its metadata."""
    for file in sorted(files, key=str):
        inside = ".dist-info" in str(file) and _TEXTS.search(file.name)
        if inside and file.locate().is_file():
            yield f"--- {file.name}\n{file.locate().read_text(encoding='utf-8', errors='replace').strip()}"


def main(site_packages: str, out: str, sbom: str | None = None) -> int:
    """Write the file, and complete the list if there is one; returns the process exit status."""
    if sbom is not None:
        complete_sbom(Path(sbom), Path(site_packages))
    refused = write_licences(Path(site_packages), Path(out))
    if refused:
        sys.stderr.write(f"not to be passed on: {', '.join(refused)}\n")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
