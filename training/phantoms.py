"""Phantom cases as a training dataset."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from base.errors import SettingInvalid
from phantom.case import GENERATOR_VERSION, PhantomOptions, generate_case, plan_case
from phantom.hospitals import HOSPITALS, TRAINING_HOSPITALS, HospitalName
from training.dataset import RawDataset, label_path, write_case, write_description
from training.splits import NodeStatus
from training.workspace import CASES_FILE, Workspace, write_json

EVALUATION_SEEDS = range(300)
"""Phantom seeds that measure the model and are never trained on: 0-99, and the rest for external hospitals."""

TRAINING_SEEDS = range(1000, 3000)
"""Phantom seeds that training may use."""


def case_name(seed: int) -> str:
    """Return the name of a phantom case."""
    return f"phantom_{seed:04d}"


def check_training_seeds(seeds: Sequence[int]) -> None:
    """Raise `SettingInvalid` unless all seeds are distinct and free for training."""
    if not seeds or len(set(seeds)) != len(seeds) or any(seed not in TRAINING_SEEDS for seed in seeds):
        allowed = f"distinct seeds from {TRAINING_SEEDS.start} to {TRAINING_SEEDS.stop - 1}"
        reserved = f"{EVALUATION_SEEDS.start}-{EVALUATION_SEEDS.stop - 1} measure the model"
        raise SettingInvalid("seeds", list(seeds), f"{allowed} ({reserved})")


def parse_hospitals(text: str) -> tuple[HospitalName, ...]:
    """Return the hospitals of a text such as `north,east`; raises `SettingInvalid` on one that does not train."""
    names = [part.strip() for part in text.split(",")]
    known: dict[str, HospitalName] = {name: name for name in TRAINING_HOSPITALS}
    if len(set(names)) != len(names) or any(name not in known for name in names):
        kept = ", ".join(name for name in HOSPITALS if name not in known)
        raise SettingInvalid("hospitals", text, f"distinct names of {', '.join(known)} ({kept} test the model)")
    return tuple(known[name] for name in names)


def write_phantoms(
    workspace: Workspace, seeds: Sequence[int], processes: int, hospitals: Sequence[HospitalName] = ()
) -> Iterator[str]:
    """Generate the cases that are not there yet; yields each case's name when it is written.

    With `hospitals` the seeds are dealt to them in turn, and the folds will be balanced by hospital and node status;
    without, a case is drawn from every training scanner. Raises `SettingInvalid` on seeds that training may not use,
    and on a workspace whose cases came from other hospitals.
    """
    check_training_seeds(seeds)
    dealt = {seed: hospitals[index % len(hospitals)] if hospitals else None for index, seed in enumerate(seeds)}
    _check_earlier(workspace, dealt)
    described = [_describe(seed, hospital) for seed, hospital in dealt.items() if hospital is not None]
    if described:
        write_json(workspace.raw / CASES_FILE, described)
    missing = [seed for seed in seeds if not label_path(workspace.raw, case_name(seed)).is_file()]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        written = [pool.submit(_write_phantom, workspace.raw, seed, dealt[seed]) for seed in missing]
        for done in as_completed(written):
            yield done.result()
    source: dict[str, Any] = {"generator_version": GENERATOR_VERSION, "seeds": list(seeds)}
    if hospitals:
        source["hospitals"] = list(hospitals)
    write_description(workspace, [case_name(seed) for seed in seeds], RawDataset("phantom", source))


def _check_earlier(workspace: Workspace, dealt: Mapping[int, HospitalName | None]) -> None:
    """Raise `SettingInvalid` when a case that lies there already has another hospital than it is to have now."""
    listed = workspace.raw / CASES_FILE
    earlier = {case["case"]: case["hospital"] for case in workspace.read_json(listed)} if listed.is_file() else {}
    for seed, hospital in dealt.items():
        name = case_name(seed)
        if label_path(workspace.raw, name).is_file() and earlier.get(name) != hospital:
            got = f"{hospital or 'none'} for {name}, which lies there from {earlier.get(name) or 'none'}"
            raise SettingInvalid("hospitals", got, "those of the cases that lie in the workspace, or a new one")


def _describe(seed: int, hospital: HospitalName) -> dict[str, str]:
    """Return what the folds are dealt by."""
    plan = plan_case(seed, options=PhantomOptions(hospital=hospital))
    status: NodeStatus = "positive" if plan.patient_positive else "negative" if plan.nodes else "no_nodes"
    name = case_name(seed)
    return {"case": name, "patient": name, "hospital": hospital, "node_status": status, "split": "train"}


def _write_phantom(raw: Path, seed: int, hospital: HospitalName | None) -> str:
    case = generate_case(seed, options=PhantomOptions(hospital=hospital))
    name = case_name(seed)
    write_case(raw, name, case.image, case.labels)
    return name
