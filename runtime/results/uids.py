"""UIDs of the results, derived so that the same analysis of the same images always makes the same objects."""

import json
import uuid
from dataclasses import asdict, dataclass
from typing import Final

from core.findings import Findings
from runtime.results.settings import ROLES, ResultSettings

_NAMESPACE: Final = uuid.UUID("6c1c1b5e-6f0b-5d27-9d3e-0f4a7b5f9e21")
"""Namespace of every derived UID; a constant, so that two installations agree."""

DEVICE_UID: Final = f"2.25.{uuid.uuid5(_NAMESPACE, 'device').int}"
"""Names the software as the observer of a report; the same on every box."""


@dataclass(frozen=True)
class ReportReference:
    """An earlier report of the same study, which a new one supersedes."""

    study_instance_uid: str
    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class ResultUids:
    """UIDs of one analysis; anything that can change a result makes others."""

    seed: str
    """What all of them derive from."""

    def uid(self, *role: str) -> str:
        """Return the UID of one role, e.g. `uid("segmentation", "series")`; at most 44 characters."""
        return derive_uid(self.seed, *role)


def derive_uid(*parts: str) -> str:
    """Return a UUID-derived UID (PS3.5, B.2) that depends on all parts and their order."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, json.dumps(parts)).int}"


def result_uids(
    source_uids: tuple[str, ...],
    findings: Findings,
    settings: ResultSettings,
    supersedes: ReportReference | None = None,
) -> ResultUids:
    """Return the UIDs of the results of one case; `source_uids` are its study, series and instances.

    The time of the analysis is left out: a repeat with the time kept makes the same bytes under the same UIDs.
    """
    model = findings.model
    analysis = {
        "software": findings.software_version,
        "model": None if model is None else (model.bundle_digest, model.mode, model.backend),
        "input": None if findings.input is None else asdict(findings.input),
        "rules": findings.rules,
        "context": asdict(findings.context),
        "refusal": [asdict(reason) for reason in findings.refusal],
        "settings": {role: asdict(settings.of(role)) for role in ROLES},
        "further": [
            settings.writes_document,
            settings.writes_structure_set,
            settings.writes_document and settings.names_study,
        ],
        "comparison": _comparison(findings),
        "supersedes": None if supersedes is None else asdict(supersedes),
    }
    return ResultUids(derive_uid(*source_uids, json.dumps(analysis, sort_keys=True)))


def _comparison(findings: Findings) -> object:
    """Return what an earlier study adds to the results; the same study under the same name may have other findings."""
    if findings.comparison is None:
        return None
    earlier = [None if node.prior is None else asdict(node.prior) for node in findings.nodes]
    return asdict(findings.comparison), earlier, [node.tracking_uid for node in findings.nodes]
