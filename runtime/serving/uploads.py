"""From the messages of a call to a case; breaks of the contract are refusals that say what was allowed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt
from sidewall.convert import findings_to_dict, message_to_dict
from sidewall.v1 import analysis_pb2, findings_pb2

from base.errors import SettingInvalid
from core.case_names import checked_case_id
from core.counting import counted
from core.errors import CaseRefused, Reason, RefusalCode
from core.findings import CaseContext, Findings, TimePoint
from core.findings_json import from_mapping
from core.reading.files import OTHER_FILE, REPEATED_LINK, SPECIAL_FILE
from core.selection import refused_by_caller
from core.volume import Volume
from runtime.analysis.case import AboutCase, CaseInput
from runtime.analysis.images import BareVolume, DicomSeries, DicomStudy, Images
from runtime.analysis.worker import Priority
from runtime.results.superseding import EarlierReport

_DTYPES: dict[int, np.dtype[Any]] = {
    analysis_pb2.VOXEL_TYPE_UINT8: np.dtype("<u1"),
    analysis_pb2.VOXEL_TYPE_INT16: np.dtype("<i2"),
    analysis_pb2.VOXEL_TYPE_UINT16: np.dtype("<u2"),
    analysis_pb2.VOXEL_TYPE_FLOAT32: np.dtype("<f4"),
}
_TIME_POINTS: dict[int, TimePoint] = {
    findings_pb2.TIME_POINT_UNSPECIFIED: "unknown",
    findings_pb2.TIME_POINT_UNKNOWN: "unknown",
    findings_pb2.TIME_POINT_BASELINE: "baseline",
    findings_pb2.TIME_POINT_RESTAGING: "restaging",
}


_PRIORITIES: dict[int, Priority] = {
    analysis_pb2.PRIORITY_UNSPECIFIED: "routine",
    analysis_pb2.PRIORITY_ROUTINE: "routine",
    analysis_pb2.PRIORITY_URGENT: "urgent",
}

_MAX_REASONS: Final = 100
_MAX_REASON_CHARACTERS: Final = 4000
_MAX_SERIES_NUMBERS: Final = 10_000
_MOST_SERIES_NUMBER: Final = 2**31 - 1
_MAX_NAMES: Final = 100
_MAX_NAME_CHARACTERS: Final = 200


@dataclass(frozen=True)
class UploadLimits:
    """How much one call may send."""

    max_bytes: int
    max_instances: int


def read_series_upload(requests: Iterable[analysis_pb2.AnalyzeSeriesRequest], limits: UploadLimits) -> CaseInput:
    """Gather the instances of a series; raises `CaseRefused` or `SettingInvalid`, of options before any came."""
    messages = iter(requests)
    first = next(messages, None)
    if first is None or first.WhichOneof("part") != "start":
        _refuse(RefusalCode.INCOMPLETE_TRANSFER, "the first message must be `start`")
    about = _about(first.start.options)
    if about.prior_report is not None and about.prior is None and not first.start.HasField("earlier"):
        _refuse_lone_report()
    instances, earlier = _Instances(limits.max_instances), _Instances(limits.max_instances)
    received = 0
    for message in messages:
        part = message.WhichOneof("part")
        if part == "instance" and not earlier.begun:
            received = _count(received, message.instance.data, limits)
            instances.add(message.instance)
        elif part == "earlier_instance" and first.start.HasField("earlier") and not instances.pending:
            received = _count(received, message.earlier_instance.data, limits)
            earlier.add(message.earlier_instance)
        else:
            _refuse(RefusalCode.INCOMPLETE_TRANSFER, _allowed_next(first.start, instances, earlier))
    _check_complete(first.start, instances, "instance")
    if first.start.HasField("earlier"):
        _check_complete(first.start.earlier, earlier, "earlier instance")
        about = replace(about, earlier_images=_earlier(about, earlier.whole))
    return CaseInput(_images(first.start, instances.whole), about)


class _Instances:
    """The instances of one study, put together from their parts."""

    def __init__(self, allowed: int) -> None:
        self.whole: list[bytes] = []
        self.pending: list[bytes] = []
        self._allowed = allowed

    @property
    def begun(self) -> bool:
        return bool(self.whole or self.pending)

    def add(self, chunk: analysis_pb2.InstanceChunk) -> None:
        """Take a part; raises `CaseRefused` where there are more instances than are allowed."""
        self.pending.append(chunk.data)
        if chunk.last:
            self.whole.append(b"".join(self.pending))
            self.pending = []
        if len(self.whole) > self._allowed:
            said = f"more than {counted(self._allowed, 'instance')}; allowed: {self._allowed}"
            _refuse(RefusalCode.TOO_LARGE, said)


def _allowed_next(start: analysis_pb2.SeriesStart, instances: _Instances, earlier: _Instances) -> str:
    """Return which messages the call may have sent instead."""
    if earlier.begun:
        return "after the first `earlier_instance` every message must be `earlier_instance`"
    if not start.HasField("earlier"):
        return "after `start` every message must be `instance`"
    if instances.pending:
        return "the parts of an `instance` must follow each other"
    return "after `start` every message must be `instance` or, after all of these, `earlier_instance`"


def _earlier(about: AboutCase, instances: list[bytes]) -> Images:
    return DicomStudy(instances, None if about.prior is None else about.prior.case.series_instance_uid)


def _images(start: analysis_pb2.SeriesStart, instances: list[bytes]) -> Images:
    if start.options.refusal:
        return refused_by_caller(instances, _reasons(start.options))
    left_aside = _left_aside(start.left_aside)
    if not start.HasField("study"):
        return DicomSeries(instances, left_aside=left_aside)
    named = start.study.series_instance_uid if start.study.HasField("series_instance_uid") else None
    return DicomStudy(instances, named, left_aside=left_aside)


def _left_aside(told: analysis_pb2.LeftAside) -> dict[str, int]:
    """Return how many files the caller left out, by the kinds that reading counts."""
    counts = {
        OTHER_FILE: told.companions,
        SPECIAL_FILE: told.special_files,
        REPEATED_LINK: told.repeated_folder_links,
    }
    return {kind: count for kind, count in counts.items() if count}


def _about(options: analysis_pb2.CaseOptions) -> AboutCase:
    return AboutCase(
        case_id=checked_case_id(options.case_id),
        context=_context(options),
        prior=_prior(options),
        earlier_report=EarlierReport.read(options.earlier_report) if options.HasField("earlier_report") else None,
        prior_report=_prior_report(options),
        created=_created(options),
        priority=_priority(options),
        wanted=_wanted(options),
        taken_series_numbers=_taken_series_numbers(options),
        is_self_test=options.is_self_test,
    )


def read_volume_upload(requests: Iterable[analysis_pb2.AnalyzeVolumeRequest], limits: UploadLimits) -> CaseInput:
    """Gather voxels and their geometry; raises `CaseRefused` or `SettingInvalid`, of the start before voxels came."""
    messages = iter(requests)
    first = next(messages, None)
    if first is None or first.WhichOneof("part") != "start":
        _refuse(RefusalCode.INCOMPLETE_TRANSFER, "the first message must be `start`")
    about = _about(first.start.options)
    if about.prior_report is not None and about.prior is None:
        _refuse_lone_report()
    dtype, shape = _voxel_layout(first.start)
    expected = dtype.itemsize * shape[0] * shape[1] * shape[2]
    if expected > limits.max_bytes:
        _refuse(RefusalCode.TOO_LARGE, f"{expected} bytes of voxels; allowed: {limits.max_bytes}")
    _place(np.broadcast_to(np.zeros(1, dtype=dtype), shape), first.start)
    voxels = bytearray()
    for message in messages:
        if message.WhichOneof("part") != "voxels":
            _refuse(RefusalCode.INCOMPLETE_TRANSFER, "after `start` every message must be `voxels`")
        voxels += message.voxels
        if len(voxels) > expected:
            _refuse(RefusalCode.INVALID_VOLUME, f"more than {expected} bytes of voxels; the shape needs {expected}")
    if len(voxels) < expected:
        _refuse(RefusalCode.INCOMPLETE_TRANSFER, f"{len(voxels)} bytes of voxels; the shape needs {expected}")
    volume = _place(np.frombuffer(voxels, dtype=dtype).reshape(shape), first.start)
    return CaseInput(BareVolume(volume, first.start.is_phantom), about)


def _check_complete(
    start: analysis_pb2.SeriesStart | analysis_pb2.EarlierImages, instances: _Instances, what: str
) -> None:
    if instances.pending:
        _refuse(RefusalCode.INCOMPLETE_TRANSFER, f"the stream ended in the middle of an {what}")
    if start.HasField("instance_count") and start.instance_count != len(instances.whole):
        _refuse(
            RefusalCode.INCOMPLETE_TRANSFER,
            f"{counted(len(instances.whole), what)} came, {start.instance_count} announced",
        )


def _count(received: int, data: bytes, limits: UploadLimits) -> int:
    received += len(data)
    if received > limits.max_bytes:
        _refuse(RefusalCode.TOO_LARGE, f"more than {limits.max_bytes} bytes; allowed: {limits.max_bytes}")
    return received


def _voxel_layout(start: analysis_pb2.VolumeStart) -> tuple[np.dtype[Any], tuple[int, int, int]]:
    dtype = _DTYPES.get(start.voxel_type)
    if dtype is None:
        _refuse(RefusalCode.INVALID_VOLUME, "voxel_type must be UINT8, INT16, UINT16 or FLOAT32")
    shape = (start.shape_zyx.z, start.shape_zyx.y, start.shape_zyx.x)
    if min(shape) < 1:
        _refuse(RefusalCode.INVALID_VOLUME, f"shape_zyx is {shape}; every axis needs at least one voxel")
    return dtype, shape


def _place(voxels: npt.NDArray[Any], start: analysis_pb2.VolumeStart) -> Volume:
    geometry = message_to_dict(start)
    missing = [name for name in ("spacing_mm_zyx", "origin_lps_mm", "direction") if geometry[name] is None]
    if missing:
        _refuse(RefusalCode.INVALID_VOLUME, f"no {', '.join(missing)}; a volume needs its whole geometry")
    try:
        return Volume(
            voxels=voxels,
            spacing_mm=tuple(geometry["spacing_mm_zyx"]),
            origin_lps_mm=tuple(geometry["origin_lps_mm"]),
            direction=np.array(geometry["direction"], dtype=np.float64),
        )
    except ValueError as error:
        raise CaseRefused([Reason(RefusalCode.INVALID_VOLUME, str(error))]) from error


def _context(options: analysis_pb2.CaseOptions) -> CaseContext:
    time_point = _TIME_POINTS.get(options.context.time_point)
    if time_point is None:
        raise SettingInvalid("time_point", options.context.time_point, "BASELINE, RESTAGING or UNKNOWN")
    prior = options.context.prior_case_id if options.context.HasField("prior_case_id") else None
    return CaseContext(time_point=time_point, prior_case_id=prior)


def _refuse(code: RefusalCode, message: str) -> NoReturn:
    raise CaseRefused([Reason(code, message)])


def _prior(options: analysis_pb2.CaseOptions) -> Findings | None:
    if not options.HasField("prior"):
        return None
    try:
        return from_mapping(findings_to_dict(options.prior))
    except ValueError as error:
        raise SettingInvalid("prior", "findings", f"whole findings ({error})") from error


def _prior_report(options: analysis_pb2.CaseOptions) -> EarlierReport | None:
    return EarlierReport.read(options.prior_report, "prior_report") if options.HasField("prior_report") else None


def _refuse_lone_report() -> NoReturn:
    raise SettingInvalid("prior_report", "a report without its study", "given together with prior or earlier images")


def _wanted(options: analysis_pb2.CaseOptions) -> tuple[str, ...] | None:
    """Return the names of the files that are to come; None for all."""
    if not options.HasField("artefacts"):
        return None
    names = options.artefacts.names
    if len(names) > _MAX_NAMES:
        raise SettingInvalid("artefacts", f"{len(names)} names", f"at most {_MAX_NAMES}")
    for each in names:
        if not 0 < len(each) <= _MAX_NAME_CHARACTERS:
            raise SettingInvalid("artefacts", f"a name of {len(each)} characters", f"1 to {_MAX_NAME_CHARACTERS}")
    return tuple(names)


def _taken_series_numbers(options: analysis_pb2.CaseOptions) -> frozenset[int]:
    numbers = options.taken_series_numbers
    if len(numbers) > _MAX_SERIES_NUMBERS:
        raise SettingInvalid("taken_series_numbers", f"{len(numbers)} numbers", f"at most {_MAX_SERIES_NUMBERS}")
    if any(each > _MOST_SERIES_NUMBER for each in numbers):
        raise SettingInvalid("taken_series_numbers", max(numbers), f"0 to {_MOST_SERIES_NUMBER}")
    return frozenset(numbers)


def _priority(options: analysis_pb2.CaseOptions) -> Priority:
    priority = _PRIORITIES.get(options.priority)
    if priority is None:
        raise SettingInvalid("priority", options.priority, "URGENT or ROUTINE")
    return priority


def _created(options: analysis_pb2.CaseOptions) -> datetime | None:
    """Return the time that the caller gives the analysis, in UTC."""
    if not options.HasField("analysed_at"):
        return None
    try:
        given = datetime.fromisoformat(options.analysed_at)
    except ValueError:
        given = datetime.min
    if given.tzinfo is None:
        raise SettingInvalid("analysed_at", options.analysed_at[:40], "ISO 8601 with its zone")
    return given.astimezone(UTC)


def _reasons(options: analysis_pb2.CaseOptions) -> tuple[Reason, ...]:
    """Return why the caller chose no series; texts go into the report, so that they are bounded."""
    if len(options.refusal) > _MAX_REASONS:
        raise SettingInvalid("refusal", f"{len(options.refusal)} reasons", f"at most {_MAX_REASONS}")
    for each in options.refusal:
        if each.code not in list(RefusalCode):
            raise SettingInvalid("refusal.code", each.code[:40], "a code of RefusalCode")
        if not 0 < len(each.message) <= _MAX_REASON_CHARACTERS:
            raise SettingInvalid("refusal.message", f"{len(each.message)} characters", f"1 to {_MAX_REASON_CHARACTERS}")
    return tuple(Reason(RefusalCode(each.code), each.message) for each in options.refusal)
