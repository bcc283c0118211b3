"""UIDs of the results, derived so that the same analysis of the same images always makes the same objects."""

import json
import uuid
from dataclasses import dataclass
from typing import Final

from runtime.core.findings import Findings, ModelDescription
from runtime.core.series import Series

_NAMESPACE: Final = uuid.UUID("6c1c1b5e-6f0b-5d27-9d3e-0f4a7b5f9e21")
"""Namespace of every derived UID; a constant, so that two installations agree."""

DEVICE_UID: Final = f"2.25.{uuid.uuid5(_NAMESPACE, 'device').int}"
"""Names the software as the observer of a report; the same on every box."""


@dataclass(frozen=True)
class ResultUids:
    """UIDs of one analysis; another bundle, mode, backend, rule or software version makes others."""

    seed: str
    """What all of them derive from."""

    def uid(self, *role: str) -> str:
        """Return the UID of one role, e.g. `uid("segmentation", "series")`; at most 44 characters."""
        return derive_uid(self.seed, *role)


def derive_uid(*parts: str) -> str:
    """Return a UUID-derived UID (PS3.5, B.2) that depends on all parts and their order."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, json.dumps(parts)).int}"


def result_uids(series: Series, findings: Findings, model: ModelDescription) -> ResultUids:
    """Return the UIDs of the results of one series, whatever the order its files came in."""
    analysis = (
        findings.software_version,
        model.bundle_digest,
        model.mode,
        model.backend,
        json.dumps(findings.rules, sort_keys=True),
    )
    return ResultUids(derive_uid(*source_uids(series), *analysis))


def source_uids(series: Series) -> tuple[str, ...]:
    """Return study, series and sorted instance UIDs of the source images."""
    header = series.headers[0]
    instances = sorted({frame.sop_instance_uid for frame in series.frames})
    return str(header.StudyInstanceUID), str(header.SeriesInstanceUID), *instances
