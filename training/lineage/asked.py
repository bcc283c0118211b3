"""The record that a run is asked to have: from plans, config, command and the snapshot of its configuration."""

from dataclasses import asdict, replace
from typing import Any

from base.errors import SettingInvalid
from training.config import ModelConfig
from training.jobs import Job
from training.lineage.bundle_start import start_from_bundle
from training.lineage.marks import marker_of
from training.lineage.record import RunRecord, Start
from training.sources import digest_of, plans_digest

_PREPARED: tuple[str, ...] = ("name", "planner", "grid", "network")
"""Parts of a config that `prepare` has worked into plans and cases."""


def config_of(job: Job, plans: dict[str, Any]) -> ModelConfig:
    """Return the config that a run is trained by: as it stands now, with what the command changed.

    Raises `SettingInvalid` when a part that `prepare` worked with has changed since.
    """
    prepared = ModelConfig.from_dict(plans["sidewall"])
    config = job.changes.config or prepared
    for part in _PREPARED:
        before, now = getattr(prepared, part), getattr(config, part)
        if before != now:
            got = f"{part} is {_told(now)} now and was {_told(before)} when `prepare` ran"
            raise SettingInvalid("config", got, "the config of `prepare`; run it again with the new one")
    return replace(config, schedule=replace(config.schedule, **job.changes.of_schedule()))


def asked_record(job: Job) -> RunRecord:
    """Return the record of a run as it is asked for; raises `SettingInvalid` before `prepare`."""
    workspace = job.workspace
    plans = workspace.read_json(workspace.plans_file)
    snapshot = workspace.read_json(workspace.snapshot_file)
    marker = marker_of(workspace)
    split = snapshot["shared"] if job.fold is None else snapshot["folds"][job.fold]
    config = config_of(job, plans)
    return RunRecord(
        fold=job.fold,
        key_id=marker.key_id,
        settings=config.to_dict(),
        plans_sha256=plans_digest(plans),
        trains_on=marker.marks(snapshot, split["train"]),
        validates_on=marker.marks(snapshot, split["val"]),
        start=_start(job, config, marker.key_id),
    )


def _start(job: Job, config: ModelConfig, key_id: str) -> Start:
    bundle = job.changes.start_from
    first = job.fold is None or not config.schedule.warm_start_epochs
    if first and bundle is not None:
        return start_from_bundle(job.workspace, bundle, job.fold or 0, key_id)
    if first:
        return Start("random weights")
    return start_from_shared(asked_record(replace(job, fold=None)))


def start_from_shared(shared: RunRecord) -> Start:
    """Return the start that the shared run's weights are, whatever the length of the folds."""
    schedule = shared.settings["schedule"] | {"epochs": None}
    plain = replace(shared, settings=shared.settings | {"schedule": schedule}, lengthened_at=()).to_plain()
    seen = None if shared.seen is None else (*shared.seen, *shared.validates_on)
    return Start("shared run", digest_of(plain), seen)


def _told(part: Any) -> str:
    if part is None or isinstance(part, str):
        return str(part)
    return ", ".join(f"{name} {value}" for name, value in asdict(part).items() if value is not None)
