"""What a bundle says of its proof: that its folds were measured and held, or that it is unproven and why."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from export.errors import ExportFailed
from runtime.bundle.manifest import UNPROVEN

PROVEN: Final = "measured"
_NO_CHOICE: Final = "no chosen.json shows what its thresholds do on cases that its folds never saw"
_SINGLE: Final = "chosen.json does not say whether what was measured is usable"


def proof_of(chosen: Path | None) -> dict[str, Any]:
    """Return the manifest's `proof` from a chosen.json, which `export.chosen` has read before; None has none."""
    if chosen is None:
        return {"status": UNPROVEN, "reasons": [_NO_CHOICE]}
    verdict = json.loads(chosen.read_text(encoding="utf-8")).get("verdict")
    if not isinstance(verdict, dict):
        return {"status": UNPROVEN, "reasons": [_SINGLE]}
    status = PROVEN if verdict.get("proven") is True else UNPROVEN
    return {"status": status, **{name: verdict[name] for name in ("reasons", "floors", "bounds") if name in verdict}}


def require_proof(proof: Mapping[str, Any], *, unproven: bool) -> None:
    """Raise `ExportFailed` when a bundle would be unproven and nobody said that it may be."""
    if proof["status"] == UNPROVEN and not unproven:
        reasons = "; ".join(proof["reasons"])
        allowed = "a chosen.json of a usable evaluation, or --unproven, which the card and every result then say"
        raise ExportFailed(f"the model is unproven: {reasons}; allowed: {allowed}")


def kept_unproven(before: Mapping[str, Any] | None, proof: Mapping[str, Any]) -> dict[str, Any]:
    """Return a new proof of a finished bundle: what was unproven when it was made stays so."""
    if before is None or before.get("status") != UNPROVEN:
        return dict(proof)
    return {**proof, "status": UNPROVEN, "reasons": before.get("reasons", [])}
