# mypy: disable-error-code="type-arg"
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CaseStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_STATUS_UNSPECIFIED: _ClassVar[CaseStatus]
    CASE_STATUS_POSITIVE: _ClassVar[CaseStatus]
    CASE_STATUS_NEGATIVE: _ClassVar[CaseStatus]
    CASE_STATUS_BORDERLINE: _ClassVar[CaseStatus]
    CASE_STATUS_INDETERMINATE: _ClassVar[CaseStatus]
    CASE_STATUS_REFUSED: _ClassVar[CaseStatus]
    CASE_STATUS_DEMONSTRATION: _ClassVar[CaseStatus]

class NodeStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_STATUS_UNSPECIFIED: _ClassVar[NodeStatus]
    NODE_STATUS_POSITIVE: _ClassVar[NodeStatus]
    NODE_STATUS_NEGATIVE: _ClassVar[NodeStatus]
    NODE_STATUS_BORDERLINE: _ClassVar[NodeStatus]
    NODE_STATUS_INDETERMINATE: _ClassVar[NodeStatus]
    NODE_STATUS_DEMONSTRATION: _ClassVar[NodeStatus]

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNSPECIFIED: _ClassVar[Side]
    SIDE_LEFT: _ClassVar[Side]
    SIDE_RIGHT: _ClassVar[Side]
    SIDE_UNKNOWN: _ClassVar[Side]

class Station(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATION_UNSPECIFIED: _ClassVar[Station]
    STATION_EXTERNAL_ILIAC: _ClassVar[Station]
    STATION_OBTURATOR: _ClassVar[Station]
    STATION_INTERNAL_ILIAC: _ClassVar[Station]

class TimePoint(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_POINT_UNSPECIFIED: _ClassVar[TimePoint]
    TIME_POINT_BASELINE: _ClassVar[TimePoint]
    TIME_POINT_RESTAGING: _ClassVar[TimePoint]
    TIME_POINT_UNKNOWN: _ClassVar[TimePoint]

class GateOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GATE_OUTCOME_UNSPECIFIED: _ClassVar[GateOutcome]
    GATE_OUTCOME_PASS: _ClassVar[GateOutcome]
    GATE_OUTCOME_WARN: _ClassVar[GateOutcome]
    GATE_OUTCOME_REFUSE: _ClassVar[GateOutcome]

class InputSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INPUT_SOURCE_UNSPECIFIED: _ClassVar[InputSource]
    INPUT_SOURCE_DICOM: _ClassVar[InputSource]
    INPUT_SOURCE_VOLUME: _ClassVar[InputSource]

class TrainedOn(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRAINED_ON_UNSPECIFIED: _ClassVar[TrainedOn]
    TRAINED_ON_PHANTOM: _ClassVar[TrainedOn]
    TRAINED_ON_CLINICAL: _ClassVar[TrainedOn]

class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODE_UNSPECIFIED: _ClassVar[Mode]
    MODE_EXACT: _ClassVar[Mode]
    MODE_FAST: _ClassVar[Mode]
CASE_STATUS_UNSPECIFIED: CaseStatus
CASE_STATUS_POSITIVE: CaseStatus
CASE_STATUS_NEGATIVE: CaseStatus
CASE_STATUS_BORDERLINE: CaseStatus
CASE_STATUS_INDETERMINATE: CaseStatus
CASE_STATUS_REFUSED: CaseStatus
CASE_STATUS_DEMONSTRATION: CaseStatus
NODE_STATUS_UNSPECIFIED: NodeStatus
NODE_STATUS_POSITIVE: NodeStatus
NODE_STATUS_NEGATIVE: NodeStatus
NODE_STATUS_BORDERLINE: NodeStatus
NODE_STATUS_INDETERMINATE: NodeStatus
NODE_STATUS_DEMONSTRATION: NodeStatus
SIDE_UNSPECIFIED: Side
SIDE_LEFT: Side
SIDE_RIGHT: Side
SIDE_UNKNOWN: Side
STATION_UNSPECIFIED: Station
STATION_EXTERNAL_ILIAC: Station
STATION_OBTURATOR: Station
STATION_INTERNAL_ILIAC: Station
TIME_POINT_UNSPECIFIED: TimePoint
TIME_POINT_BASELINE: TimePoint
TIME_POINT_RESTAGING: TimePoint
TIME_POINT_UNKNOWN: TimePoint
GATE_OUTCOME_UNSPECIFIED: GateOutcome
GATE_OUTCOME_PASS: GateOutcome
GATE_OUTCOME_WARN: GateOutcome
GATE_OUTCOME_REFUSE: GateOutcome
INPUT_SOURCE_UNSPECIFIED: InputSource
INPUT_SOURCE_DICOM: InputSource
INPUT_SOURCE_VOLUME: InputSource
TRAINED_ON_UNSPECIFIED: TrainedOn
TRAINED_ON_PHANTOM: TrainedOn
TRAINED_ON_CLINICAL: TrainedOn
MODE_UNSPECIFIED: Mode
MODE_EXACT: Mode
MODE_FAST: Mode

class PointLpsMm(_message.Message):
    __slots__ = ("x", "y", "z")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    Z_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    z: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., z: _Optional[float] = ...) -> None: ...

class LineLpsMm(_message.Message):
    __slots__ = ("start", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: PointLpsMm
    end: PointLpsMm
    def __init__(self, start: _Optional[_Union[PointLpsMm, _Mapping]] = ..., end: _Optional[_Union[PointLpsMm, _Mapping]] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("lower", "upper")
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    lower: float
    upper: float
    def __init__(self, lower: _Optional[float] = ..., upper: _Optional[float] = ...) -> None: ...

class ShapeZyx(_message.Message):
    __slots__ = ("z", "y", "x")
    Z_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    z: int
    y: int
    x: int
    def __init__(self, z: _Optional[int] = ..., y: _Optional[int] = ..., x: _Optional[int] = ...) -> None: ...

class SpacingMmZyx(_message.Message):
    __slots__ = ("z", "y", "x")
    Z_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    z: float
    y: float
    x: float
    def __init__(self, z: _Optional[float] = ..., y: _Optional[float] = ..., x: _Optional[float] = ...) -> None: ...

class DirectionRow(_message.Message):
    __slots__ = ("z", "y", "x")
    Z_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    z: float
    y: float
    x: float
    def __init__(self, z: _Optional[float] = ..., y: _Optional[float] = ..., x: _Optional[float] = ...) -> None: ...

class Direction(_message.Message):
    __slots__ = ("lps_x", "lps_y", "lps_z")
    LPS_X_FIELD_NUMBER: _ClassVar[int]
    LPS_Y_FIELD_NUMBER: _ClassVar[int]
    LPS_Z_FIELD_NUMBER: _ClassVar[int]
    lps_x: DirectionRow
    lps_y: DirectionRow
    lps_z: DirectionRow
    def __init__(self, lps_x: _Optional[_Union[DirectionRow, _Mapping]] = ..., lps_y: _Optional[_Union[DirectionRow, _Mapping]] = ..., lps_z: _Optional[_Union[DirectionRow, _Mapping]] = ...) -> None: ...

class PatientHashes(_message.Message):
    __slots__ = ("key", "patient_id", "issuer", "birth_date")
    KEY_FIELD_NUMBER: _ClassVar[int]
    PATIENT_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    BIRTH_DATE_FIELD_NUMBER: _ClassVar[int]
    key: str
    patient_id: str
    issuer: str
    birth_date: str
    def __init__(self, key: _Optional[str] = ..., patient_id: _Optional[str] = ..., issuer: _Optional[str] = ..., birth_date: _Optional[str] = ...) -> None: ...

class CaseIdentity(_message.Message):
    __slots__ = ("case_id", "study_instance_uid", "series_instance_uid", "frame_of_reference_uid", "study_date", "patient")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    STUDY_INSTANCE_UID_FIELD_NUMBER: _ClassVar[int]
    SERIES_INSTANCE_UID_FIELD_NUMBER: _ClassVar[int]
    FRAME_OF_REFERENCE_UID_FIELD_NUMBER: _ClassVar[int]
    STUDY_DATE_FIELD_NUMBER: _ClassVar[int]
    PATIENT_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    study_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    study_date: str
    patient: PatientHashes
    def __init__(self, case_id: _Optional[str] = ..., study_instance_uid: _Optional[str] = ..., series_instance_uid: _Optional[str] = ..., frame_of_reference_uid: _Optional[str] = ..., study_date: _Optional[str] = ..., patient: _Optional[_Union[PatientHashes, _Mapping]] = ...) -> None: ...

class StationAssessment(_message.Message):
    __slots__ = ("side", "station", "assessed", "volume_mm3", "reason", "centroid_lps_mm")
    SIDE_FIELD_NUMBER: _ClassVar[int]
    STATION_FIELD_NUMBER: _ClassVar[int]
    ASSESSED_FIELD_NUMBER: _ClassVar[int]
    VOLUME_MM3_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CENTROID_LPS_MM_FIELD_NUMBER: _ClassVar[int]
    side: Side
    station: Station
    assessed: bool
    volume_mm3: float
    reason: str
    centroid_lps_mm: PointLpsMm
    def __init__(self, side: _Optional[_Union[Side, str]] = ..., station: _Optional[_Union[Station, str]] = ..., assessed: bool = ..., volume_mm3: _Optional[float] = ..., reason: _Optional[str] = ..., centroid_lps_mm: _Optional[_Union[PointLpsMm, _Mapping]] = ...) -> None: ...

class CaseContext(_message.Message):
    __slots__ = ("time_point", "prior_case_id")
    TIME_POINT_FIELD_NUMBER: _ClassVar[int]
    PRIOR_CASE_ID_FIELD_NUMBER: _ClassVar[int]
    time_point: TimePoint
    prior_case_id: str
    def __init__(self, time_point: _Optional[_Union[TimePoint, str]] = ..., prior_case_id: _Optional[str] = ...) -> None: ...

class NodeFeatures(_message.Message):
    __slots__ = ("irregular_border", "heterogeneous_signal", "border_irregularity", "signal_heterogeneity")
    IRREGULAR_BORDER_FIELD_NUMBER: _ClassVar[int]
    HETEROGENEOUS_SIGNAL_FIELD_NUMBER: _ClassVar[int]
    BORDER_IRREGULARITY_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_HETEROGENEITY_FIELD_NUMBER: _ClassVar[int]
    irregular_border: bool
    heterogeneous_signal: bool
    border_irregularity: float
    signal_heterogeneity: float
    def __init__(self, irregular_border: bool = ..., heterogeneous_signal: bool = ..., border_irregularity: _Optional[float] = ..., signal_heterogeneity: _Optional[float] = ...) -> None: ...

class PriorNode(_message.Message):
    __slots__ = ("id", "short_axis_mm", "change_mm", "change_interval_mm", "distance_mm", "certain", "volume_mm3", "measurable", "percent_interval", "volume_change_interval_mm3")
    ID_FIELD_NUMBER: _ClassVar[int]
    SHORT_AXIS_MM_FIELD_NUMBER: _ClassVar[int]
    CHANGE_MM_FIELD_NUMBER: _ClassVar[int]
    CHANGE_INTERVAL_MM_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_MM_FIELD_NUMBER: _ClassVar[int]
    CERTAIN_FIELD_NUMBER: _ClassVar[int]
    VOLUME_MM3_FIELD_NUMBER: _ClassVar[int]
    MEASURABLE_FIELD_NUMBER: _ClassVar[int]
    PERCENT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    VOLUME_CHANGE_INTERVAL_MM3_FIELD_NUMBER: _ClassVar[int]
    id: int
    short_axis_mm: float
    change_mm: float
    change_interval_mm: Interval
    distance_mm: float
    certain: bool
    volume_mm3: float
    measurable: bool
    percent_interval: Interval
    volume_change_interval_mm3: Interval
    def __init__(self, id: _Optional[int] = ..., short_axis_mm: _Optional[float] = ..., change_mm: _Optional[float] = ..., change_interval_mm: _Optional[_Union[Interval, _Mapping]] = ..., distance_mm: _Optional[float] = ..., certain: bool = ..., volume_mm3: _Optional[float] = ..., measurable: bool = ..., percent_interval: _Optional[_Union[Interval, _Mapping]] = ..., volume_change_interval_mm3: _Optional[_Union[Interval, _Mapping]] = ...) -> None: ...

class NodeAxes(_message.Message):
    __slots__ = ("short", "long")
    SHORT_FIELD_NUMBER: _ClassVar[int]
    LONG_FIELD_NUMBER: _ClassVar[int]
    short: LineLpsMm
    long: LineLpsMm
    def __init__(self, short: _Optional[_Union[LineLpsMm, _Mapping]] = ..., long: _Optional[_Union[LineLpsMm, _Mapping]] = ...) -> None: ...

class StationShare(_message.Message):
    __slots__ = ("station", "share")
    STATION_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    station: Station
    share: float
    def __init__(self, station: _Optional[_Union[Station, str]] = ..., share: _Optional[float] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("id", "side", "station", "short_axis_mm", "long_axis_mm", "volume_mm3", "centroid_lps_mm", "status", "status_by_rule", "status_by_model", "probability", "mean_posterior", "short_axis_interval_mm", "axis_endpoints_lps_mm", "station_probabilities", "regional", "features", "tracking_uid", "long_axis_interval_mm", "volume_interval_mm3", "probability_interval", "long_axis_3d_mm", "short_axis_3d_mm", "conglomerate", "cut_by_image", "prior", "cutoff_mm", "status_by_label", "axes", "station_shares")
    class AxisEndpointsLpsMmEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: LineLpsMm
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[LineLpsMm, _Mapping]] = ...) -> None: ...
    class StationProbabilitiesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    STATION_FIELD_NUMBER: _ClassVar[int]
    SHORT_AXIS_MM_FIELD_NUMBER: _ClassVar[int]
    LONG_AXIS_MM_FIELD_NUMBER: _ClassVar[int]
    VOLUME_MM3_FIELD_NUMBER: _ClassVar[int]
    CENTROID_LPS_MM_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STATUS_BY_RULE_FIELD_NUMBER: _ClassVar[int]
    STATUS_BY_MODEL_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    MEAN_POSTERIOR_FIELD_NUMBER: _ClassVar[int]
    SHORT_AXIS_INTERVAL_MM_FIELD_NUMBER: _ClassVar[int]
    AXIS_ENDPOINTS_LPS_MM_FIELD_NUMBER: _ClassVar[int]
    STATION_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    REGIONAL_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    TRACKING_UID_FIELD_NUMBER: _ClassVar[int]
    LONG_AXIS_INTERVAL_MM_FIELD_NUMBER: _ClassVar[int]
    VOLUME_INTERVAL_MM3_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    LONG_AXIS_3D_MM_FIELD_NUMBER: _ClassVar[int]
    SHORT_AXIS_3D_MM_FIELD_NUMBER: _ClassVar[int]
    CONGLOMERATE_FIELD_NUMBER: _ClassVar[int]
    CUT_BY_IMAGE_FIELD_NUMBER: _ClassVar[int]
    PRIOR_FIELD_NUMBER: _ClassVar[int]
    CUTOFF_MM_FIELD_NUMBER: _ClassVar[int]
    STATUS_BY_LABEL_FIELD_NUMBER: _ClassVar[int]
    AXES_FIELD_NUMBER: _ClassVar[int]
    STATION_SHARES_FIELD_NUMBER: _ClassVar[int]
    id: int
    side: Side
    station: Station
    short_axis_mm: float
    long_axis_mm: float
    volume_mm3: float
    centroid_lps_mm: PointLpsMm
    status: NodeStatus
    status_by_rule: NodeStatus
    status_by_model: NodeStatus
    probability: float
    mean_posterior: float
    short_axis_interval_mm: Interval
    axis_endpoints_lps_mm: _containers.MessageMap[str, LineLpsMm]
    station_probabilities: _containers.ScalarMap[str, float]
    regional: bool
    features: NodeFeatures
    tracking_uid: str
    long_axis_interval_mm: Interval
    volume_interval_mm3: Interval
    probability_interval: Interval
    long_axis_3d_mm: float
    short_axis_3d_mm: float
    conglomerate: bool
    cut_by_image: bool
    prior: PriorNode
    cutoff_mm: float
    status_by_label: NodeStatus
    axes: NodeAxes
    station_shares: _containers.RepeatedCompositeFieldContainer[StationShare]
    def __init__(self, id: _Optional[int] = ..., side: _Optional[_Union[Side, str]] = ..., station: _Optional[_Union[Station, str]] = ..., short_axis_mm: _Optional[float] = ..., long_axis_mm: _Optional[float] = ..., volume_mm3: _Optional[float] = ..., centroid_lps_mm: _Optional[_Union[PointLpsMm, _Mapping]] = ..., status: _Optional[_Union[NodeStatus, str]] = ..., status_by_rule: _Optional[_Union[NodeStatus, str]] = ..., status_by_model: _Optional[_Union[NodeStatus, str]] = ..., probability: _Optional[float] = ..., mean_posterior: _Optional[float] = ..., short_axis_interval_mm: _Optional[_Union[Interval, _Mapping]] = ..., axis_endpoints_lps_mm: _Optional[_Mapping[str, LineLpsMm]] = ..., station_probabilities: _Optional[_Mapping[str, float]] = ..., regional: bool = ..., features: _Optional[_Union[NodeFeatures, _Mapping]] = ..., tracking_uid: _Optional[str] = ..., long_axis_interval_mm: _Optional[_Union[Interval, _Mapping]] = ..., volume_interval_mm3: _Optional[_Union[Interval, _Mapping]] = ..., probability_interval: _Optional[_Union[Interval, _Mapping]] = ..., long_axis_3d_mm: _Optional[float] = ..., short_axis_3d_mm: _Optional[float] = ..., conglomerate: bool = ..., cut_by_image: bool = ..., prior: _Optional[_Union[PriorNode, _Mapping]] = ..., cutoff_mm: _Optional[float] = ..., status_by_label: _Optional[_Union[NodeStatus, str]] = ..., axes: _Optional[_Union[NodeAxes, _Mapping]] = ..., station_shares: _Optional[_Iterable[_Union[StationShare, _Mapping]]] = ...) -> None: ...

class Gate(_message.Message):
    __slots__ = ("code", "outcome", "message", "score", "threshold")
    CODE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    code: str
    outcome: GateOutcome
    message: str
    score: float
    threshold: float
    def __init__(self, code: _Optional[str] = ..., outcome: _Optional[_Union[GateOutcome, str]] = ..., message: _Optional[str] = ..., score: _Optional[float] = ..., threshold: _Optional[float] = ...) -> None: ...

class RefusalReason(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class VanishedNode(_message.Message):
    __slots__ = ("id", "side", "station", "short_axis_mm", "status", "centroid_lps_mm")
    ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    STATION_FIELD_NUMBER: _ClassVar[int]
    SHORT_AXIS_MM_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CENTROID_LPS_MM_FIELD_NUMBER: _ClassVar[int]
    id: int
    side: Side
    station: Station
    short_axis_mm: float
    status: NodeStatus
    centroid_lps_mm: PointLpsMm
    def __init__(self, id: _Optional[int] = ..., side: _Optional[_Union[Side, str]] = ..., station: _Optional[_Union[Station, str]] = ..., short_axis_mm: _Optional[float] = ..., status: _Optional[_Union[NodeStatus, str]] = ..., centroid_lps_mm: _Optional[_Union[PointLpsMm, _Mapping]] = ...) -> None: ...

class Comparison(_message.Message):
    __slots__ = ("prior_case_id", "prior_time_point", "landmark_count", "shift_lps_mm", "vanished", "prior_study_instance_uid", "prior_study_date", "interval_days", "between_methods", "limit_of_agreement_mm", "turn_deg", "pivot_lps_mm", "analysed_anew", "prior_report_instance_uid")
    PRIOR_CASE_ID_FIELD_NUMBER: _ClassVar[int]
    PRIOR_TIME_POINT_FIELD_NUMBER: _ClassVar[int]
    LANDMARK_COUNT_FIELD_NUMBER: _ClassVar[int]
    SHIFT_LPS_MM_FIELD_NUMBER: _ClassVar[int]
    VANISHED_FIELD_NUMBER: _ClassVar[int]
    PRIOR_STUDY_INSTANCE_UID_FIELD_NUMBER: _ClassVar[int]
    PRIOR_STUDY_DATE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_DAYS_FIELD_NUMBER: _ClassVar[int]
    BETWEEN_METHODS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_OF_AGREEMENT_MM_FIELD_NUMBER: _ClassVar[int]
    TURN_DEG_FIELD_NUMBER: _ClassVar[int]
    PIVOT_LPS_MM_FIELD_NUMBER: _ClassVar[int]
    ANALYSED_ANEW_FIELD_NUMBER: _ClassVar[int]
    PRIOR_REPORT_INSTANCE_UID_FIELD_NUMBER: _ClassVar[int]
    prior_case_id: str
    prior_time_point: TimePoint
    landmark_count: int
    shift_lps_mm: PointLpsMm
    vanished: _containers.RepeatedCompositeFieldContainer[VanishedNode]
    prior_study_instance_uid: str
    prior_study_date: str
    interval_days: int
    between_methods: _containers.RepeatedScalarFieldContainer[str]
    limit_of_agreement_mm: float
    turn_deg: float
    pivot_lps_mm: PointLpsMm
    analysed_anew: bool
    prior_report_instance_uid: str
    def __init__(self, prior_case_id: _Optional[str] = ..., prior_time_point: _Optional[_Union[TimePoint, str]] = ..., landmark_count: _Optional[int] = ..., shift_lps_mm: _Optional[_Union[PointLpsMm, _Mapping]] = ..., vanished: _Optional[_Iterable[_Union[VanishedNode, _Mapping]]] = ..., prior_study_instance_uid: _Optional[str] = ..., prior_study_date: _Optional[str] = ..., interval_days: _Optional[int] = ..., between_methods: _Optional[_Iterable[str]] = ..., limit_of_agreement_mm: _Optional[float] = ..., turn_deg: _Optional[float] = ..., pivot_lps_mm: _Optional[_Union[PointLpsMm, _Mapping]] = ..., analysed_anew: bool = ..., prior_report_instance_uid: _Optional[str] = ...) -> None: ...

class InputDescription(_message.Message):
    __slots__ = ("source", "instance_count", "shape_zyx", "spacing_mm_zyx", "origin_lps_mm", "direction", "is_phantom", "manufacturer", "model_name", "field_strength_t", "label_map_sha256")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SHAPE_ZYX_FIELD_NUMBER: _ClassVar[int]
    SPACING_MM_ZYX_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_LPS_MM_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    IS_PHANTOM_FIELD_NUMBER: _ClassVar[int]
    MANUFACTURER_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    FIELD_STRENGTH_T_FIELD_NUMBER: _ClassVar[int]
    LABEL_MAP_SHA256_FIELD_NUMBER: _ClassVar[int]
    source: InputSource
    instance_count: int
    shape_zyx: ShapeZyx
    spacing_mm_zyx: SpacingMmZyx
    origin_lps_mm: PointLpsMm
    direction: Direction
    is_phantom: bool
    manufacturer: str
    model_name: str
    field_strength_t: float
    label_map_sha256: str
    def __init__(self, source: _Optional[_Union[InputSource, str]] = ..., instance_count: _Optional[int] = ..., shape_zyx: _Optional[_Union[ShapeZyx, _Mapping]] = ..., spacing_mm_zyx: _Optional[_Union[SpacingMmZyx, _Mapping]] = ..., origin_lps_mm: _Optional[_Union[PointLpsMm, _Mapping]] = ..., direction: _Optional[_Union[Direction, _Mapping]] = ..., is_phantom: bool = ..., manufacturer: _Optional[str] = ..., model_name: _Optional[str] = ..., field_strength_t: _Optional[float] = ..., label_map_sha256: _Optional[str] = ...) -> None: ...

class ModelDescription(_message.Message):
    __slots__ = ("bundle_name", "bundle_version", "bundle_digest", "trained_on", "backend", "mode", "fold_count", "threads")
    BUNDLE_NAME_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_VERSION_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    TRAINED_ON_FIELD_NUMBER: _ClassVar[int]
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    FOLD_COUNT_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    bundle_name: str
    bundle_version: str
    bundle_digest: str
    trained_on: TrainedOn
    backend: str
    mode: Mode
    fold_count: int
    threads: int
    def __init__(self, bundle_name: _Optional[str] = ..., bundle_version: _Optional[str] = ..., bundle_digest: _Optional[str] = ..., trained_on: _Optional[_Union[TrainedOn, str]] = ..., backend: _Optional[str] = ..., mode: _Optional[_Union[Mode, str]] = ..., fold_count: _Optional[int] = ..., threads: _Optional[int] = ...) -> None: ...

class Findings(_message.Message):
    __slots__ = ("schema_version", "software_version", "case", "status", "probability", "assessed", "context", "nodes", "gates", "rules", "warnings", "refusal", "input", "model", "timings_s", "analysed_at", "comparison", "missing_files", "incompletely_seen", "analysed_time")
    class TimingsSEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    CASE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    ASSESSED_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    GATES_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_S_FIELD_NUMBER: _ClassVar[int]
    ANALYSED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    MISSING_FILES_FIELD_NUMBER: _ClassVar[int]
    INCOMPLETELY_SEEN_FIELD_NUMBER: _ClassVar[int]
    ANALYSED_TIME_FIELD_NUMBER: _ClassVar[int]
    schema_version: str
    software_version: str
    case: CaseIdentity
    status: CaseStatus
    probability: float
    assessed: _containers.RepeatedCompositeFieldContainer[StationAssessment]
    context: CaseContext
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    gates: _containers.RepeatedCompositeFieldContainer[Gate]
    rules: _struct_pb2.Struct
    warnings: _containers.RepeatedScalarFieldContainer[str]
    refusal: _containers.RepeatedCompositeFieldContainer[RefusalReason]
    input: InputDescription
    model: ModelDescription
    timings_s: _containers.ScalarMap[str, float]
    analysed_at: str
    comparison: Comparison
    missing_files: _containers.RepeatedScalarFieldContainer[str]
    incompletely_seen: bool
    analysed_time: _timestamp_pb2.Timestamp
    def __init__(self, schema_version: _Optional[str] = ..., software_version: _Optional[str] = ..., case: _Optional[_Union[CaseIdentity, _Mapping]] = ..., status: _Optional[_Union[CaseStatus, str]] = ..., probability: _Optional[float] = ..., assessed: _Optional[_Iterable[_Union[StationAssessment, _Mapping]]] = ..., context: _Optional[_Union[CaseContext, _Mapping]] = ..., nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., gates: _Optional[_Iterable[_Union[Gate, _Mapping]]] = ..., rules: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ..., refusal: _Optional[_Iterable[_Union[RefusalReason, _Mapping]]] = ..., input: _Optional[_Union[InputDescription, _Mapping]] = ..., model: _Optional[_Union[ModelDescription, _Mapping]] = ..., timings_s: _Optional[_Mapping[str, float]] = ..., analysed_at: _Optional[str] = ..., comparison: _Optional[_Union[Comparison, _Mapping]] = ..., missing_files: _Optional[_Iterable[str]] = ..., incompletely_seen: bool = ..., analysed_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
