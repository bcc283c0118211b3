"""What an answer in a case folder says about itself, and which of its objects may leave."""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pydicom

from gateway.rejecting import REJECTION
from gateway.work.inputs import FINDINGS

_PREFIXES: Final = {
    "report.dcm": "report",
    "segmentation.dcm": "segmentation",
    "key_objects.dcm": "key_objects",
    "captures/": "captures",
    "document.dcm": "document",
    "structure_set.dcm": "structure_set",
}


@dataclass(frozen=True)
class Answer:
    """What of findings.json decides about delivery."""

    status: str
    """positive, negative, ..., or refused."""

    knows_phantoms_only: bool
    """Whether nothing that its model says of a patient counts."""

    bundle: str
    engine: str
    reasons: tuple[str, ...]
    """Codes of a refusal."""

    def as_mapping(self) -> dict[str, Any]:
        """Return what the ledger keeps."""
        return {**vars(self), "reasons": list(self.reasons)}


def read_answer(folder: Path) -> Answer | None:
    """Return what a case folder holds; None when there is no whole answer in it."""
    try:
        findings = json.loads((folder / FINDINGS).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    model = findings.get("model") or {}
    return Answer(
        findings["status"],
        model.get("trained_on") == "phantom",
        model.get("bundle_digest", ""),
        f"{model.get('bundle_name', '')} {model.get('bundle_version', '')} {model.get('backend', '')}".strip(),
        tuple(each["code"] for each in findings.get("refusal") or ()),
    )


def objects_in(folder: Path) -> dict[str, str]:
    """Return the DICOM files of a case folder in the order in which they go out: name -> kind.

    What is of no kind that rules name by a word has its SOP Class UID in the place of one; what says no class, or is a
    note about the objects, is left out.
    """
    names = sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*.dcm"))
    kinds = {name: _kind(name) or _class_of(folder / name) for name in names if not name.startswith(REJECTION)}
    return dict(sorted(((name, kind) for name, kind in kinds.items() if kind), key=lambda item: (_rank(item[1]), item[0])))


def _kind(name: str) -> str:
    return next((kind for prefix, kind in _PREFIXES.items() if name.startswith(prefix)), "")


def _class_of(file: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(pydicom.dcmread(file, specific_tags=["SOPClassUID"]).get("SOPClassUID", ""))
        except Exception:  # noqa: BLE001 - a malformed file may raise anything; it goes nowhere
            return ""


def _rank(kind: str) -> int:
    """Return when an object goes out: the segmentation first, since what refers to it then finds it there."""
    order = ("segmentation", "captures", "structure_set", "report", "document", "key_objects")
    return order.index(kind) if kind in order else len(order)
