"""Whether a fold has seen a case, from what its own checkpoint says; a file beside the checkpoint proves nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from base.errors import SettingInvalid, SidewallError
from training.lineage.marks import Marker, marker_of
from training.lineage.record import RunRecord, Stored, read_stored
from training.sources import plans_digest, sources_of
from training.workspace import Workspace

_NAMED: Final = 5
"""So many cases a message names."""

HeldOut = tuple[int, str]
"""A fold and a case that is to be measured by it."""


class NotOutOfFold(SidewallError):
    """A case was to be measured by a fold that has seen it, or has seen its patient."""

    code = "not_out_of_fold"


@dataclass(frozen=True)
class Proof:
    """What a fold's checkpoint says of one case."""

    fold: int
    case: str
    verdict: Literal["out of fold", "seen", "unknown"]
    reason: str = ""
    """Why not out of fold."""


def doubts(workspace: Workspace, work: Sequence[HeldOut]) -> dict[str, str]:
    """Return case -> why nobody can say that its fold never saw it, for the cases where that is so.

    Raises `NotOutOfFold` when a fold has seen a case, or its patient, and `SettingInvalid` when a fold is missing or
    was trained on another grid, or a case has changed since `prepare`.
    """
    _check_unchanged(workspace, work)
    proofs = list(prove(workspace, work))
    seen = [proof for proof in proofs if proof.verdict == "seen"]
    if seen:
        named = ", ".join(f"{proof.case} (fold {proof.fold}: {proof.reason})" for proof in seen[:_NAMED])
        more = f" and {len(seen) - _NAMED} more" if len(seen) > _NAMED else ""
        allowed = "allowed: folds that saw none of their cases; `fit --anew` trains those anew that were made otherwise"
        raise NotOutOfFold(f"{len(seen)} of {len(work)} cases were seen in training: {named}{more}; {allowed}")
    return {proof.case: proof.reason for proof in proofs if proof.verdict == "unknown"}


def prove(workspace: Workspace, work: Sequence[HeldOut]) -> Iterator[Proof]:
    """Yield what the checkpoints of the folds say of each case.

    A case counts as seen by its name, its image or its patient, by all that the patient's other cases are known by, and
    also where only the weights that the fold began with had seen it.
    """
    snapshot, marker = workspace.read_json(workspace.snapshot_file), marker_of(workspace)
    grid = plans_digest(workspace.read_json(workspace.plans_file))
    stored = {fold: _stored(workspace, fold) for fold, _ in work}
    for fold, case in work:
        record = stored[fold].record
        if record is None:
            yield Proof(fold, case, "unknown", "the fold's checkpoint does not say what it has seen")
            continue
        if record.plans_sha256 != grid:
            allowed = "folds of the present plans; `fit --anew` trains it anew"
            raise SettingInvalid("work", f"fold {fold}, of another grid, patch or network", allowed)
        yield _judge(fold, case, record, snapshot, marker)


def _stored(workspace: Workspace, fold: int) -> Stored:
    stored = read_stored(workspace.fold(fold) / "checkpoint_final.pth")
    if stored is None:
        raise SettingInvalid("work", str(workspace.root), f"folds trained to their end (fold {fold} is not)")
    return stored


def _judge(fold: int, case: str, record: RunRecord, snapshot: dict[str, Any], marker: Marker) -> Proof:
    if record.key_id != marker.key_id:
        return Proof(fold, case, "unknown", "the fold's cases are marked with the key of another work folder")
    patient = snapshot["cases"][case]["patient"]
    of_patient = [name for name, about in snapshot["cases"].items() if about["patient"] == patient]
    known_by = {word for mark in marker.marks(snapshot, of_patient) for word in (mark.case, mark.image, mark.patient)}
    for whose, marks in (("it", record.trains_on), ("what it began with", record.start.seen or ())):
        if any({mark.case, mark.image, mark.patient} & known_by for mark in marks):
            return Proof(fold, case, "seen", f"{whose} had learnt from the case or another one of the patient")
    if record.start.seen is None:
        return Proof(fold, case, "unknown", f"nobody knows what the {record.start.kind} that it began with had seen")
    return Proof(fold, case, "out of fold")


def _check_unchanged(workspace: Workspace, work: Sequence[HeldOut]) -> None:
    """Raise `SettingInvalid` when an image or mask is not the one that this configuration was prepared with."""
    snapshot = workspace.read_json(workspace.snapshot_file)
    allowed = f"cases as they were prepared for {workspace.plans_name}; run `prepare` again with this config"
    for _, case in work:
        prepared = snapshot["cases"][case]
        try:
            now = sources_of(workspace, case)
        except FileNotFoundError as error:
            raise SettingInvalid("work", f"case {case}, which is gone", allowed) from error
        if any(now[name] != prepared[name] for name in ("image_sha256", "label_sha256")):
            raise SettingInvalid("work", f"case {case}, whose image or mask is another one", allowed)
