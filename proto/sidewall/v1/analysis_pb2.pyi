# mypy: disable-error-code="type-arg"
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
PRIORITY_UNSPECIFIED: Priority
PRIORITY_ROUTINE: Priority
PRIORITY_URGENT: Priority
VOXEL_TYPE_UNSPECIFIED: VoxelType
VOXEL_TYPE_UINT8: VoxelType
VOXEL_TYPE_INT16: VoxelType
VOXEL_TYPE_UINT16: VoxelType
VOXEL_TYPE_FLOAT32: VoxelType

class CaseOptions(_message.Message):
    __slots__ = ("case_id", "context", "prior", "earlier_report", "analysed_at", "refusal", "priority")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    PRIOR_FIELD_NUMBER: _ClassVar[int]
    EARLIER_REPORT_FIELD_NUMBER: _ClassVar[int]
    ANALYSED_AT_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    context: _findings_pb2.CaseContext
    prior: _findings_pb2.Findings
    earlier_report: bytes
    analysed_at: str
    refusal: _containers.RepeatedCompositeFieldContainer[_findings_pb2.RefusalReason]
    priority: Priority
    def __init__(self, case_id: _Optional[str] = ..., context: _Optional[_Union[_findings_pb2.CaseContext, _Mapping]] = ..., prior: _Optional[_Union[_findings_pb2.Findings, _Mapping]] = ..., earlier_report: _Optional[bytes] = ..., analysed_at: _Optional[str] = ..., refusal: _Optional[_Iterable[_Union[_findings_pb2.RefusalReason, _Mapping]]] = ..., priority: _Optional[_Union[Priority, str]] = ...) -> None: ...

class SeriesStart(_message.Message):
    __slots__ = ("options", "instance_count", "left_aside", "study")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    LEFT_ASIDE_FIELD_NUMBER: _ClassVar[int]
    STUDY_FIELD_NUMBER: _ClassVar[int]
    options: CaseOptions
    instance_count: int
    left_aside: LeftAside
    study: StudyChoice
    def __init__(self, options: _Optional[_Union[CaseOptions, _Mapping]] = ..., instance_count: _Optional[int] = ..., left_aside: _Optional[_Union[LeftAside, _Mapping]] = ..., study: _Optional[_Union[StudyChoice, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("start", "instance")
    START_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    start: SeriesStart
    instance: InstanceChunk
    def __init__(self, start: _Optional[_Union[SeriesStart, _Mapping]] = ..., instance: _Optional[_Union[InstanceChunk, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("stage", "done", "total", "estimate_s")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_S_FIELD_NUMBER: _ClassVar[int]
    stage: str
    done: int
    total: int
    estimate_s: float
    def __init__(self, stage: _Optional[str] = ..., done: _Optional[int] = ..., total: _Optional[int] = ..., estimate_s: _Optional[float] = ...) -> None: ...

class ArtefactChunk(_message.Message):
    __slots__ = ("name", "media_type", "data", "last")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    name: str
    media_type: str
    data: bytes
    last: bool
    def __init__(self, name: _Optional[str] = ..., media_type: _Optional[str] = ..., data: _Optional[bytes] = ..., last: bool = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("reasons", "findings")
    REASONS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    reasons: _containers.RepeatedCompositeFieldContainer[_findings_pb2.RefusalReason]
    findings: _findings_pb2.Findings
    def __init__(self, reasons: _Optional[_Iterable[_Union[_findings_pb2.RefusalReason, _Mapping]]] = ..., findings: _Optional[_Union[_findings_pb2.Findings, _Mapping]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("accepted", "progress", "findings", "artefact", "refusal")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    ARTEFACT_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    accepted: Accepted
    progress: Progress
    findings: _findings_pb2.Findings
    artefact: ArtefactChunk
    refusal: Refusal
    def __init__(self, accepted: _Optional[_Union[Accepted, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., findings: _Optional[_Union[_findings_pb2.Findings, _Mapping]] = ..., artefact: _Optional[_Union[ArtefactChunk, _Mapping]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ...) -> None: ...
