# mypy: disable-error-code="type-arg"
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sidewall.v1 import analysis_pb2 as _analysis_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StudyState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STUDY_STATE_UNSPECIFIED: _ClassVar[StudyState]
    STUDY_STATE_RECEIVING: _ClassVar[StudyState]
    STUDY_STATE_WAITING: _ClassVar[StudyState]
    STUDY_STATE_ANALYSING: _ClassVar[StudyState]
    STUDY_STATE_ANSWERED: _ClassVar[StudyState]
    STUDY_STATE_DELIVERING: _ClassVar[StudyState]
    STUDY_STATE_DELIVERED: _ClassVar[StudyState]
    STUDY_STATE_IGNORED: _ClassVar[StudyState]
    STUDY_STATE_REFUSED: _ClassVar[StudyState]
    STUDY_STATE_FAILED: _ClassVar[StudyState]
    STUDY_STATE_HELD: _ClassVar[StudyState]

class DeliveryState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_STATE_UNSPECIFIED: _ClassVar[DeliveryState]
    DELIVERY_STATE_QUEUED: _ClassVar[DeliveryState]
    DELIVERY_STATE_SENDING: _ClassVar[DeliveryState]
    DELIVERY_STATE_SENT: _ClassVar[DeliveryState]
    DELIVERY_STATE_CONFIRMED: _ClassVar[DeliveryState]
    DELIVERY_STATE_REFUSED: _ClassVar[DeliveryState]
    DELIVERY_STATE_FAILED: _ClassVar[DeliveryState]
    DELIVERY_STATE_HELD: _ClassVar[DeliveryState]
    DELIVERY_STATE_RETRACTED: _ClassVar[DeliveryState]
STUDY_STATE_UNSPECIFIED: StudyState
STUDY_STATE_RECEIVING: StudyState
STUDY_STATE_WAITING: StudyState
STUDY_STATE_ANALYSING: StudyState
STUDY_STATE_ANSWERED: StudyState
STUDY_STATE_DELIVERING: StudyState
STUDY_STATE_DELIVERED: StudyState
STUDY_STATE_IGNORED: StudyState
STUDY_STATE_REFUSED: StudyState
STUDY_STATE_FAILED: StudyState
STUDY_STATE_HELD: StudyState
DELIVERY_STATE_UNSPECIFIED: DeliveryState
DELIVERY_STATE_QUEUED: DeliveryState
DELIVERY_STATE_SENDING: DeliveryState
DELIVERY_STATE_SENT: DeliveryState
DELIVERY_STATE_CONFIRMED: DeliveryState
DELIVERY_STATE_REFUSED: DeliveryState
DELIVERY_STATE_FAILED: DeliveryState
DELIVERY_STATE_HELD: DeliveryState
DELIVERY_STATE_RETRACTED: DeliveryState

class StudyRequest(_message.Message):
    __slots__ = ("study",)
    STUDY_FIELD_NUMBER: _ClassVar[int]
    study: str
    def __init__(self, study: _Optional[str] = ...) -> None: ...

class ListStudiesRequest(_message.Message):
    __slots__ = ("states", "limit")
    STATES_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    def __init__(self, states: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ...) -> None: ...

class ListStudiesResponse(_message.Message):
    __slots__ = ("studies", "head")
    STUDIES_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    studies: _containers.RepeatedCompositeFieldContainer[Study]
    head: HistoryHead
    def __init__(self, studies: _Optional[_Iterable[_Union[Study, _Mapping]]] = ..., head: _Optional[_Union[HistoryHead, _Mapping]] = ...) -> None: ...

class HistoryHead(_message.Message):
    __slots__ = ("entry", "digest")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    entry: int
    digest: str
    def __init__(self, entry: _Optional[int] = ..., digest: _Optional[str] = ...) -> None: ...

class Study(_message.Message):
    __slots__ = ("number", "study_instance_uid", "revision", "state", "since", "reason", "priority", "instances", "attempts", "series_instance_uid", "analysed_at", "engine", "rule", "deliveries", "history", "head", "fetches", "state_code", "since_time", "priority_code", "analysed_time")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STUDY_INSTANCE_UID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    INSTANCES_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    SERIES_INSTANCE_UID_FIELD_NUMBER: _ClassVar[int]
    ANALYSED_AT_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    FETCHES_FIELD_NUMBER: _ClassVar[int]
    STATE_CODE_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_CODE_FIELD_NUMBER: _ClassVar[int]
    ANALYSED_TIME_FIELD_NUMBER: _ClassVar[int]
    number: int
    study_instance_uid: str
    revision: int
    state: str
    since: str
    reason: str
    priority: str
    instances: int
    attempts: int
    series_instance_uid: str
    analysed_at: str
    engine: str
    rule: str
    deliveries: _containers.RepeatedCompositeFieldContainer[StudyDelivery]
    history: _containers.RepeatedCompositeFieldContainer[StudyEntry]
    head: HistoryHead
    fetches: _containers.RepeatedCompositeFieldContainer[StudyEntry]
    state_code: StudyState
    since_time: _timestamp_pb2.Timestamp
    priority_code: _analysis_pb2.Priority
    analysed_time: _timestamp_pb2.Timestamp
    def __init__(self, number: _Optional[int] = ..., study_instance_uid: _Optional[str] = ..., revision: _Optional[int] = ..., state: _Optional[str] = ..., since: _Optional[str] = ..., reason: _Optional[str] = ..., priority: _Optional[str] = ..., instances: _Optional[int] = ..., attempts: _Optional[int] = ..., series_instance_uid: _Optional[str] = ..., analysed_at: _Optional[str] = ..., engine: _Optional[str] = ..., rule: _Optional[str] = ..., deliveries: _Optional[_Iterable[_Union[StudyDelivery, _Mapping]]] = ..., history: _Optional[_Iterable[_Union[StudyEntry, _Mapping]]] = ..., head: _Optional[_Union[HistoryHead, _Mapping]] = ..., fetches: _Optional[_Iterable[_Union[StudyEntry, _Mapping]]] = ..., state_code: _Optional[_Union[StudyState, str]] = ..., since_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., priority_code: _Optional[_Union[_analysis_pb2.Priority, str]] = ..., analysed_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StudyDelivery(_message.Message):
    __slots__ = ("destination", "object", "state", "sends", "reason", "state_code")
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SENDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_CODE_FIELD_NUMBER: _ClassVar[int]
    destination: str
    object: str
    state: str
    sends: int
    reason: str
    state_code: DeliveryState
    def __init__(self, destination: _Optional[str] = ..., object: _Optional[str] = ..., state: _Optional[str] = ..., sends: _Optional[int] = ..., reason: _Optional[str] = ..., state_code: _Optional[_Union[DeliveryState, str]] = ...) -> None: ...

class StudyEntry(_message.Message):
    __slots__ = ("at", "state", "reason", "time", "state_code")
    AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_CODE_FIELD_NUMBER: _ClassVar[int]
    at: str
    state: str
    reason: str
    time: _timestamp_pb2.Timestamp
    state_code: StudyState
    def __init__(self, at: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., state_code: _Optional[_Union[StudyState, str]] = ...) -> None: ...

class WatchStudiesRequest(_message.Message):
    __slots__ = ("study", "after_entry")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    AFTER_ENTRY_FIELD_NUMBER: _ClassVar[int]
    study: str
    after_entry: int
    def __init__(self, study: _Optional[str] = ..., after_entry: _Optional[int] = ...) -> None: ...

class StudyChange(_message.Message):
    __slots__ = ("entry", "at", "number", "study_instance_uid", "revision", "was", "state", "reason", "digest", "time", "was_code", "state_code")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STUDY_INSTANCE_UID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    WAS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    WAS_CODE_FIELD_NUMBER: _ClassVar[int]
    STATE_CODE_FIELD_NUMBER: _ClassVar[int]
    entry: int
    at: str
    number: int
    study_instance_uid: str
    revision: int
    was: str
    state: str
    reason: str
    digest: str
    time: _timestamp_pb2.Timestamp
    was_code: StudyState
    state_code: StudyState
    def __init__(self, entry: _Optional[int] = ..., at: _Optional[str] = ..., number: _Optional[int] = ..., study_instance_uid: _Optional[str] = ..., revision: _Optional[int] = ..., was: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., digest: _Optional[str] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., was_code: _Optional[_Union[StudyState, str]] = ..., state_code: _Optional[_Union[StudyState, str]] = ...) -> None: ...

class FetchResultsRequest(_message.Message):
    __slots__ = ("study", "names")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    study: str
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, study: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ...) -> None: ...

class FetchResultsResponse(_message.Message):
    __slots__ = ("study", "artefact")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ARTEFACT_FIELD_NUMBER: _ClassVar[int]
    study: Study
    artefact: _analysis_pb2.ArtefactChunk
    def __init__(self, study: _Optional[_Union[Study, _Mapping]] = ..., artefact: _Optional[_Union[_analysis_pb2.ArtefactChunk, _Mapping]] = ...) -> None: ...
