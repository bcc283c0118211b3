"""What an answer in a case folder says about itself, and which of its objects may leave."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.work.inputs import FINDINGS

_PREFIXES: Final = {
    "report.dcm": "report",
    "segmentation.dcm": "segmentation",
    "key_objects.dcm": "key_objects",
    "captures/": "captures",
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
    """Return the DICOM files of a case folder in the order in which they go out: name -> kind."""
    names = sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*.dcm"))
    kinds = {name: kind for name in names if (kind := _kind(name))}
    # The segmentation first: what refers to it then finds it there.
    order = ("segmentation", "captures", "report", "key_objects")
    return dict(sorted(kinds.items(), key=lambda item: (order.index(item[1]), item[0])))


def _kind(name: str) -> str:
    return next((kind for prefix, kind in _PREFIXES.items() if name.startswith(prefix)), "")
