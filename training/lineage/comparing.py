"""What was asked for beside what lies there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from base.errors import SidewallError
from training.lineage.marks import CaseMark
from training.lineage.record import RunRecord, Stored

_FLAGS: Final = {"schedule.learning_rate": "--learning-rate", "schedule.warm_start_epochs": "--warm-start-epochs"}
_WITHOUT_EFFECT: Final = frozenset({"name", "compute.augmenter_processes"})
"""Settings that move no weight."""

_LENGTHS: Final = frozenset({"schedule.epochs"})
"""What may grow on the way; of the shared run this is only the horizon of its rate."""


class RunDiffers(SidewallError):
    """A run lies there that was made otherwise than it is asked for now."""

    code = "other_run"


@dataclass(frozen=True)
class Standing:
    """What a run will do."""

    state: Literal["starts", "goes on", "already so", "trained anew"]
    words: str


def standing(asked: RunRecord, stored: Stored | None, *, complete: bool) -> Standing:
    """Return what a run does with what lies there; raises `RunDiffers` when that was made otherwise."""
    if stored is None:
        return Standing("starts", f"starts, {asked.epochs} epochs")
    found = list(differences(asked, stored))
    if found:
        raise RunDiffers("; ".join(found))
    if complete and stored.epochs == asked.epochs:
        return Standing("already so", f"already so, {asked.epochs} epochs")
    return Standing("goes on", f"goes on from epoch {stored.epochs} to {asked.epochs}")


def differences(asked: RunRecord, stored: Stored) -> Iterator[str]:
    """Yield in words what of a stored run is otherwise than asked; nothing where the run can go on as asked."""
    there = stored.record
    if there is None:
        yield "its checkpoint does not say what it was trained on"
        return
    before, now = _flat(there.settings), _flat(asked.settings)
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name) and name not in _WITHOUT_EFFECT | _LENGTHS:
            flag = _FLAGS.get(name, "the config")
            yield f"{name} is {before.get(name)} there and asked as {now.get(name)} ({flag})"
    if stored.epochs > asked.epochs:
        flag = "--epochs" if asked.fold is not None else "--warm-start-epochs"
        yield f"it has {stored.epochs} epochs behind it, asked are {asked.epochs} ({flag})"
    if there.plans_sha256 != asked.plans_sha256:
        yield "it was trained on another grid, patch or network (the plans that prepare wrote)"
    if (there.start.kind, there.start.sha256) != (asked.start.kind, asked.start.sha256):
        other = " of other content" if there.start.kind == asked.start.kind else ""
        yield f"it began with {there.start.kind}, asked is {asked.start.kind}{other} (--start-from, the shared run)"
    if there.key_id != asked.key_id:
        yield "its cases are marked with another key than that of this work folder (private/lineage_key)"
        return
    yield from _case_differences("trained on", there.trains_on, asked.trains_on)
    yield from _case_differences("watched by", there.validates_on, asked.validates_on)


def _case_differences(what: str, there: Sequence[CaseMark], asked: Sequence[CaseMark]) -> Iterator[str]:
    before, now = {mark.case: mark.content for mark in there}, {mark.case: mark.content for mark in asked}
    counts = {
        "gone from it now": len(before.keys() - now.keys()),
        "new to it": len(now.keys() - before.keys()),
        "with another image, mask or grid now": sum(before[case] != now[case] for case in before.keys() & now.keys()),
    }
    said = [f"{count} {words}" for words, count in counts.items() if count]
    if said:
        yield f"it was {what} {len(before)} cases, of the {len(now)} asked for: {', '.join(said)} (prepare)"


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
