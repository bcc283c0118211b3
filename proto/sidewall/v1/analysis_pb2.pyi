# mypy: disable-error-code="type-arg"
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sidewall.v1 import findings_pb2 as _findings_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_ROUTINE: _ClassVar[Priority]
    PRIORITY_URGENT: _ClassVar[Priority]

class VoxelType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VOXEL_TYPE_UNSPECIFIED: _ClassVar[VoxelType]
    VOXEL_TYPE_UINT8: _ClassVar[VoxelType]
    VOXEL_TYPE_INT16: _ClassVar[VoxelType]
    VOXEL_TYPE_UINT16: _ClassVar[VoxelType]
    VOXEL_TYPE_FLOAT32: _ClassVar[VoxelType]

class Stage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STAGE_UNSPECIFIED: _ClassVar[Stage]
    STAGE_WAIT: _ClassVar[Stage]
    STAGE_READ: _ClassVar[Stage]
    STAGE_CHECK: _ClassVar[Stage]
    STAGE_SEGMENT: _ClassVar[Stage]
    STAGE_PREPARE: _ClassVar[Stage]
    STAGE_INFER: _ClassVar[Stage]
    STAGE_RESAMPLE: _ClassVar[Stage]
    STAGE_MEASURE: _ClassVar[Stage]
    STAGE_WRITE: _ClassVar[Stage]
    STAGE_EARLIER: _ClassVar[Stage]
PRIORITY_UNSPECIFIED: Priority
PRIORITY_ROUTINE: Priority
PRIORITY_URGENT: Priority
VOXEL_TYPE_UNSPECIFIED: VoxelType
VOXEL_TYPE_UINT8: VoxelType
VOXEL_TYPE_INT16: VoxelType
VOXEL_TYPE_UINT16: VoxelType
VOXEL_TYPE_FLOAT32: VoxelType
STAGE_UNSPECIFIED: Stage
STAGE_WAIT: Stage
STAGE_READ: Stage
STAGE_CHECK: Stage
STAGE_SEGMENT: Stage
STAGE_PREPARE: Stage
STAGE_INFER: Stage
STAGE_RESAMPLE: Stage
STAGE_MEASURE: Stage
STAGE_WRITE: Stage
STAGE_EARLIER: Stage

class CaseOptions(_message.Message):
    __slots__ = ("case_id", "context", "prior", "earlier_report", "analysed_at", "refusal", "priority", "artefacts", "taken_series_numbers", "is_self_test", "prior_report")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    PRIOR_FIELD_NUMBER: _ClassVar[int]
    EARLIER_REPORT_FIELD_NUMBER: _ClassVar[int]
    ANALYSED_AT_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ARTEFACTS_FIELD_NUMBER: _ClassVar[int]
    TAKEN_SERIES_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    IS_SELF_TEST_FIELD_NUMBER: _ClassVar[int]
    PRIOR_REPORT_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    context: _findings_pb2.CaseContext
    prior: _findings_pb2.Findings
    earlier_report: bytes
    analysed_at: str
    refusal: _containers.RepeatedCompositeFieldContainer[_findings_pb2.RefusalReason]
    priority: Priority
    artefacts: ArtefactChoice
    taken_series_numbers: _containers.RepeatedScalarFieldContainer[int]
    is_self_test: bool
    prior_report: bytes
    def __init__(self, case_id: _Optional[str] = ..., context: _Optional[_Union[_findings_pb2.CaseContext, _Mapping]] = ..., prior: _Optional[_Union[_findings_pb2.Findings, _Mapping]] = ..., earlier_report: _Optional[bytes] = ..., analysed_at: _Optional[str] = ..., refusal: _Optional[_Iterable[_Union[_findings_pb2.RefusalReason, _Mapping]]] = ..., priority: _Optional[_Union[Priority, str]] = ..., artefacts: _Optional[_Union[ArtefactChoice, _Mapping]] = ..., taken_series_numbers: _Optional[_Iterable[int]] = ..., is_self_test: bool = ..., prior_report: _Optional[bytes] = ...) -> None: ...

class ArtefactChoice(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class SeriesStart(_message.Message):
    __slots__ = ("options", "instance_count", "left_aside", "study", "earlier")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    LEFT_ASIDE_FIELD_NUMBER: _ClassVar[int]
    STUDY_FIELD_NUMBER: _ClassVar[int]
    EARLIER_FIELD_NUMBER: _ClassVar[int]
    options: CaseOptions
    instance_count: int
    left_aside: LeftAside
    study: StudyChoice
    earlier: EarlierImages
    def __init__(self, options: _Optional[_Union[CaseOptions, _Mapping]] = ..., instance_count: _Optional[int] = ..., left_aside: _Optional[_Union[LeftAside, _Mapping]] = ..., study: _Optional[_Union[StudyChoice, _Mapping]] = ..., earlier: _Optional[_Union[EarlierImages, _Mapping]] = ...) -> None: ...

class EarlierImages(_message.Message):
    __slots__ = ("instance_count",)
    INSTANCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    instance_count: int
    def __init__(self, instance_count: _Optional[int] = ...) -> None: ...

class StudyChoice(_message.Message):
    __slots__ = ("series_instance_uid",)
    SERIES_INSTANCE_UID_FIELD_NUMBER: _ClassVar[int]
    series_instance_uid: str
    def __init__(self, series_instance_uid: _Optional[str] = ...) -> None: ...

class LeftAside(_message.Message):
    __slots__ = ("companions", "special_files", "repeated_folder_links")
    COMPANIONS_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_FILES_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FOLDER_LINKS_FIELD_NUMBER: _ClassVar[int]
    companions: int
    special_files: int
    repeated_folder_links: int
    def __init__(self, companions: _Optional[int] = ..., special_files: _Optional[int] = ..., repeated_folder_links: _Optional[int] = ...) -> None: ...

class InstanceChunk(_message.Message):
    __slots__ = ("data", "last")
    DATA_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    last: bool
    def __init__(self, data: _Optional[bytes] = ..., last: bool = ...) -> None: ...

class AnalyzeSeriesRequest(_message.Message):
    __slots__ = ("start", "instance", "earlier_instance")
    START_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    EARLIER_INSTANCE_FIELD_NUMBER: _ClassVar[int]
    start: SeriesStart
    instance: InstanceChunk
    earlier_instance: InstanceChunk
    def __init__(self, start: _Optional[_Union[SeriesStart, _Mapping]] = ..., instance: _Optional[_Union[InstanceChunk, _Mapping]] = ..., earlier_instance: _Optional[_Union[InstanceChunk, _Mapping]] = ...) -> None: ...

class VolumeStart(_message.Message):
    __slots__ = ("options", "shape_zyx", "spacing_mm_zyx", "origin_lps_mm", "direction", "voxel_type", "is_phantom")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    SHAPE_ZYX_FIELD_NUMBER: _ClassVar[int]
    SPACING_MM_ZYX_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_LPS_MM_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    VOXEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_PHANTOM_FIELD_NUMBER: _ClassVar[int]
    options: CaseOptions
    shape_zyx: _findings_pb2.ShapeZyx
    spacing_mm_zyx: _findings_pb2.SpacingMmZyx
    origin_lps_mm: _findings_pb2.PointLpsMm
    direction: _findings_pb2.Direction
    voxel_type: VoxelType
    is_phantom: bool
    def __init__(self, options: _Optional[_Union[CaseOptions, _Mapping]] = ..., shape_zyx: _Optional[_Union[_findings_pb2.ShapeZyx, _Mapping]] = ..., spacing_mm_zyx: _Optional[_Union[_findings_pb2.SpacingMmZyx, _Mapping]] = ..., origin_lps_mm: _Optional[_Union[_findings_pb2.PointLpsMm, _Mapping]] = ..., direction: _Optional[_Union[_findings_pb2.Direction, _Mapping]] = ..., voxel_type: _Optional[_Union[VoxelType, str]] = ..., is_phantom: bool = ...) -> None: ...

class AnalyzeVolumeRequest(_message.Message):
    __slots__ = ("start", "voxels")
    START_FIELD_NUMBER: _ClassVar[int]
    VOXELS_FIELD_NUMBER: _ClassVar[int]
    start: VolumeStart
    voxels: bytes
    def __init__(self, start: _Optional[_Union[VolumeStart, _Mapping]] = ..., voxels: _Optional[bytes] = ...) -> None: ...

class Accepted(_message.Message):
    __slots__ = ("job_id", "software_version")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    software_version: str
    def __init__(self, job_id: _Optional[str] = ..., software_version: _Optional[str] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("stage", "done", "total", "estimate_s", "step", "queue_place")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_S_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    QUEUE_PLACE_FIELD_NUMBER: _ClassVar[int]
    stage: str
    done: int
    total: int
    estimate_s: float
    step: Stage
    queue_place: int
    def __init__(self, stage: _Optional[str] = ..., done: _Optional[int] = ..., total: _Optional[int] = ..., estimate_s: _Optional[float] = ..., step: _Optional[_Union[Stage, str]] = ..., queue_place: _Optional[int] = ...) -> None: ...

class ArtefactChunk(_message.Message):
    __slots__ = ("name", "media_type", "data", "last", "size_bytes", "sha256", "offset")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    name: str
    media_type: str
    data: bytes
    last: bool
    size_bytes: int
    sha256: str
    offset: int
    def __init__(self, name: _Optional[str] = ..., media_type: _Optional[str] = ..., data: _Optional[bytes] = ..., last: bool = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ArtefactEntry(_message.Message):
    __slots__ = ("name", "media_type", "size_bytes", "sha256", "is_sent")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    IS_SENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    is_sent: bool
    def __init__(self, name: _Optional[str] = ..., media_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., is_sent: bool = ...) -> None: ...

class ArtefactList(_message.Message):
    __slots__ = ("entries", "kept")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[ArtefactEntry]
    kept: _duration_pb2.Duration
    def __init__(self, entries: _Optional[_Iterable[_Union[ArtefactEntry, _Mapping]]] = ..., kept: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("reasons", "findings")
    REASONS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    reasons: _containers.RepeatedCompositeFieldContainer[_findings_pb2.RefusalReason]
    findings: _findings_pb2.Findings
    def __init__(self, reasons: _Optional[_Iterable[_Union[_findings_pb2.RefusalReason, _Mapping]]] = ..., findings: _Optional[_Union[_findings_pb2.Findings, _Mapping]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("accepted", "progress", "findings", "artefact", "refusal", "artefact_list")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    ARTEFACT_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    ARTEFACT_LIST_FIELD_NUMBER: _ClassVar[int]
    accepted: Accepted
    progress: Progress
    findings: _findings_pb2.Findings
    artefact: ArtefactChunk
    refusal: Refusal
    artefact_list: ArtefactList
    def __init__(self, accepted: _Optional[_Union[Accepted, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., findings: _Optional[_Union[_findings_pb2.Findings, _Mapping]] = ..., artefact: _Optional[_Union[ArtefactChunk, _Mapping]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ..., artefact_list: _Optional[_Union[ArtefactList, _Mapping]] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("software_version", "contract", "findings_version", "limits", "model", "backends", "labels", "load", "rules", "time")
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    BACKENDS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    software_version: str
    contract: str
    findings_version: str
    limits: ServerLimits
    model: _findings_pb2.ModelDescription
    backends: _containers.RepeatedCompositeFieldContainer[BackendInfo]
    labels: _containers.RepeatedCompositeFieldContainer[LabelInfo]
    load: ServerLoad
    rules: _struct_pb2.Struct
    time: _timestamp_pb2.Timestamp
    def __init__(self, software_version: _Optional[str] = ..., contract: _Optional[str] = ..., findings_version: _Optional[str] = ..., limits: _Optional[_Union[ServerLimits, _Mapping]] = ..., model: _Optional[_Union[_findings_pb2.ModelDescription, _Mapping]] = ..., backends: _Optional[_Iterable[_Union[BackendInfo, _Mapping]]] = ..., labels: _Optional[_Iterable[_Union[LabelInfo, _Mapping]]] = ..., load: _Optional[_Union[ServerLoad, _Mapping]] = ..., rules: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ServerLimits(_message.Message):
    __slots__ = ("max_input_bytes", "max_instances", "max_message_bytes", "max_waiting", "max_transfers", "transfer_timeout_s", "transfer_idle_s", "min_transfer_bytes_per_s", "answer_timeout_s", "kept_s")
    MAX_INPUT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_INSTANCES_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_WAITING_FIELD_NUMBER: _ClassVar[int]
    MAX_TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_IDLE_S_FIELD_NUMBER: _ClassVar[int]
    MIN_TRANSFER_BYTES_PER_S_FIELD_NUMBER: _ClassVar[int]
    ANSWER_TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    KEPT_S_FIELD_NUMBER: _ClassVar[int]
    max_input_bytes: int
    max_instances: int
    max_message_bytes: int
    max_waiting: int
    max_transfers: int
    transfer_timeout_s: float
    transfer_idle_s: float
    min_transfer_bytes_per_s: float
    answer_timeout_s: float
    kept_s: float
    def __init__(self, max_input_bytes: _Optional[int] = ..., max_instances: _Optional[int] = ..., max_message_bytes: _Optional[int] = ..., max_waiting: _Optional[int] = ..., max_transfers: _Optional[int] = ..., transfer_timeout_s: _Optional[float] = ..., transfer_idle_s: _Optional[float] = ..., min_transfer_bytes_per_s: _Optional[float] = ..., answer_timeout_s: _Optional[float] = ..., kept_s: _Optional[float] = ...) -> None: ...

class BackendInfo(_message.Message):
    __slots__ = ("name", "is_present", "is_used")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IS_PRESENT_FIELD_NUMBER: _ClassVar[int]
    IS_USED_FIELD_NUMBER: _ClassVar[int]
    name: str
    is_present: bool
    is_used: bool
    def __init__(self, name: _Optional[str] = ..., is_present: bool = ..., is_used: bool = ...) -> None: ...

class LabelInfo(_message.Message):
    __slots__ = ("value", "name", "station")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATION_FIELD_NUMBER: _ClassVar[int]
    value: int
    name: str
    station: _findings_pb2.Station
    def __init__(self, value: _Optional[int] = ..., name: _Optional[str] = ..., station: _Optional[_Union[_findings_pb2.Station, str]] = ...) -> None: ...

class ServerLoad(_message.Message):
    __slots__ = ("running", "urgent_waiting", "routine_waiting", "wait_s")
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    URGENT_WAITING_FIELD_NUMBER: _ClassVar[int]
    ROUTINE_WAITING_FIELD_NUMBER: _ClassVar[int]
    WAIT_S_FIELD_NUMBER: _ClassVar[int]
    running: int
    urgent_waiting: int
    routine_waiting: int
    wait_s: float
    def __init__(self, running: _Optional[int] = ..., urgent_waiting: _Optional[int] = ..., routine_waiting: _Optional[int] = ..., wait_s: _Optional[float] = ...) -> None: ...

class GetResultRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class GetResultResponse(_message.Message):
    __slots__ = ("findings", "artefact_list")
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    ARTEFACT_LIST_FIELD_NUMBER: _ClassVar[int]
    findings: _findings_pb2.Findings
    artefact_list: ArtefactList
    def __init__(self, findings: _Optional[_Union[_findings_pb2.Findings, _Mapping]] = ..., artefact_list: _Optional[_Union[ArtefactList, _Mapping]] = ...) -> None: ...

class DownloadArtefactRequest(_message.Message):
    __slots__ = ("job_id", "name", "offset")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    name: str
    offset: int
    def __init__(self, job_id: _Optional[str] = ..., name: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class DownloadArtefactResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: ArtefactChunk
    def __init__(self, chunk: _Optional[_Union[ArtefactChunk, _Mapping]] = ...) -> None: ...
