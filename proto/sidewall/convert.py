"""Findings between their two forms: the JSON mapping (findings.json) and the wire message; nothing is lost either way.

The JSON mapping is the reference. Enum words are the enum value's name without its prefix, in small letters; a JSON
null is an unset field; points, intervals and matrices are lists in JSON and messages on the wire. A few fields of the
wire say a text of the JSON form a second time, as enums and timestamps: they are filled, and read by nobody here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from sidewall.v1 import findings_pb2

_LISTS = frozenset(
    f"sidewall.v1.{name}"
    for name in (
        "PointLpsMm", "LineLpsMm", "Interval", "ShapeZyx", "SpacingMmZyx", "DirectionRow", "Direction",
    )
)  # fmt: skip
"""Messages that are lists in JSON, their fields in order."""

_STRUCT = "google.protobuf.Struct"

_SAID_AGAIN: Final = frozenset(
    f"sidewall.v1.{name}" for name in ("Findings.analysed_time", "Node.axes", "Node.station_shares")
)
"""Fields that have no JSON of their own."""

_Field = Any
"""A field's descriptor, and `_Enum` an enum's: protobuf has one class of each per implementation."""

_Enum = Any
_Descriptor = Any


def findings_to_message(findings: Mapping[str, Any]) -> findings_pb2.Findings:
    """Return the wire form of findings in JSON form.

    Raises `ValueError` on a field or word that the wire form does not know.
    """
    message = findings_pb2.Findings()
    fill_message(message, findings)
    return message


def findings_to_dict(message: findings_pb2.Findings) -> dict[str, Any]:
    """Return the JSON form of findings; every field is present, unset ones are None."""
    return message_to_dict(message)


def fill_message(message: Message, values: Mapping[str, Any]) -> None:
    """Set the fields of `message` from their JSON form; None leaves a field unset.

    Raises `ValueError` on a field or word that the message does not know.
    """
    fields = {field.name: field for field in _fields(message.DESCRIPTOR)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ValueError(f"{message.DESCRIPTOR.name} has no field {', '.join(unknown)}; allowed: {', '.join(fields)}")
    for name, value in values.items():
        if value is not None:
            _set_field(message, fields[name], value)
    if isinstance(message, findings_pb2.Node):
        _say_node_again(message)
    elif isinstance(message, findings_pb2.Findings) and message.HasField("analysed_at"):
        message.analysed_time.FromDatetime(datetime.fromisoformat(message.analysed_at).astimezone(UTC))


def known_part(kind: _Descriptor, value: Any) -> Any:
    """Return what of a JSON form the message `kind` knows: what a later version added is left out, at any depth."""
    if kind.full_name in _LISTS or kind.full_name == _STRUCT or not isinstance(value, Mapping):
        return value
    known = {}
    for field in _fields(kind):
        if field.name in value:
            known[field.name] = _known_field(field, value[field.name])
    return known


def message_to_dict(message: Message) -> dict[str, Any]:
    """Return the JSON form of a message; unset fields are None."""
    return {field.name: _get_field(message, field) for field in _fields(message.DESCRIPTOR)}


def enum_value(enum: _Enum, word: str) -> int:
    """Return the number of a JSON word; raises `ValueError` on an unknown word."""
    name = _prefix(enum) + word.upper()
    if name not in enum.values_by_name:
        words = ", ".join(enum_word(enum, value.number) or "" for value in enum.values if value.number)
        raise ValueError(f"{enum.name} has no word {word!r}; allowed: {words}")
    return int(enum.values_by_name[name].number)


def enum_word(enum: _Enum, number: int) -> str | None:
    """Return the JSON word of a number: None when unspecified, `unrecognised` for one of a newer contract."""
    if number == 0:
        return None
    value = enum.values_by_number.get(number)
    return value.name.removeprefix(_prefix(enum)).lower() if value else "unrecognised"


def _fields(kind: _Descriptor) -> list[_Field]:
    """Return the fields that have a JSON form."""
    return [field for field in kind.fields if field.full_name not in _SAID_AGAIN]


def _say_node_again(node: findings_pb2.Node) -> None:
    """Fill what says axes and shares of stations without words as keys."""
    for name in node.axis_endpoints_lps_mm:
        if name in ("short", "long"):
            getattr(node.axes, name).CopyFrom(node.axis_endpoints_lps_mm[name])
    stations = findings_pb2.Station.DESCRIPTOR
    for value in stations.values:
        word = enum_word(stations, value.number)
        if word is not None and word in node.station_probabilities:
            node.station_shares.add(station=value.number, share=node.station_probabilities[word])


def _known_field(field: _Field, value: Any) -> Any:
    if field.message_type is None or value is None:
        return value
    if _is_map(field):
        element = field.message_type.fields_by_name["value"].message_type
        return value if element is None else {key: known_part(element, each) for key, each in value.items()}
    if _is_repeated(field):
        return [known_part(field.message_type, each) for each in value]
    return known_part(field.message_type, value)


def _prefix(enum: _Enum) -> str:
    unspecified: str = enum.values_by_number[0].name
    return unspecified.removesuffix("UNSPECIFIED")


def _set_field(message: Message, field: _Field, value: Any) -> None:
    if _is_map(field):
        target = getattr(message, field.name)
        element = field.message_type.fields_by_name["value"]
        for key, entry in value.items():
            if element.message_type is None:
                target[key] = entry
            else:
                _fill(target[key], entry)
    elif _is_repeated(field):
        for entry in value:
            if field.message_type is None:
                getattr(message, field.name).append(entry)
            else:
                _fill(getattr(message, field.name).add(), entry)
    elif field.message_type is not None:
        _fill(getattr(message, field.name), value)
    elif field.enum_type is not None:
        setattr(message, field.name, enum_value(field.enum_type, value))
    else:
        setattr(message, field.name, value)


def _fill(message: Message, value: Any) -> None:
    """Fill a sub-message from a mapping or a list."""
    message.SetInParent()
    descriptor = message.DESCRIPTOR
    if descriptor.full_name == _STRUCT:
        message.update(value)  # type: ignore[attr-defined]
    elif descriptor.full_name in _LISTS:
        names = [field.name for field in descriptor.fields]
        if len(value) != len(names):
            raise ValueError(f"{descriptor.name} needs {len(names)} values ({', '.join(names)}), got {len(value)}")
        fill_message(message, dict(zip(names, value, strict=True)))
    else:
        fill_message(message, value)


def _get_field(message: Message, field: _Field) -> Any:
    value = getattr(message, field.name)
    if _is_map(field):
        has_messages = field.message_type.fields_by_name["value"].message_type is not None
        return {key: _get_message(value[key]) if has_messages else value[key] for key in sorted(value)}
    if _is_repeated(field):
        return [_get_message(entry) if field.message_type is not None else entry for entry in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    if field.message_type is not None:
        return _get_message(value)
    if field.enum_type is not None:
        return enum_word(field.enum_type, value)
    return value


def _get_message(message: Message) -> Any:
    descriptor = message.DESCRIPTOR
    if descriptor.full_name == _STRUCT:
        return MessageToDict(message)
    if descriptor.full_name in _LISTS:
        return [_get_field(message, field) for field in descriptor.fields]
    return message_to_dict(message)


def _is_repeated(field: _Field) -> bool:
    # `label` went away in protobuf 7 and `is_repeated` came in 6: ask for what this version has.
    repeated = getattr(field, "is_repeated", None)
    return bool(field.label == FieldDescriptor.LABEL_REPEATED if repeated is None else repeated)


def _is_map(field: _Field) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)
