"""The conformance statement says of the network what the gateway does there."""

from pathlib import Path

import pytest
from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION

from gateway.delivery.outcomes import Kind, of_store_status
from gateway.errors import NotTaken
from gateway.settings import GatewaySettings

STATEMENT = (Path(__file__).parents[2] / "docs" / "dicom_conformance.md").read_text()


def _kinds(kind: type[NotTaken]) -> set[type[NotTaken]]:
    return {kind}.union(*map(_kinds, kind.__subclasses__()))


def test_every_status_of_an_instance_that_is_not_taken_is_listed() -> None:
    for kind in _kinds(NotTaken):
        assert f"\n| {kind.dicom_status:04X} | " in STATEMENT
        assert str(kind.http_status) in STATEMENT


@pytest.mark.parametrize(
    ("row", "kind", "statuses"),
    [
        ("0000; Bxxx, 0001, 0107, 0116", Kind.TAKEN, [0x0000, 0xB000, 0xBFFF, 0x0001, 0x0107, 0x0116]),
        (
            "A9xx to AFxx, Cxxx, 0117, 0122, 0124, 0211, 0212",
            Kind.PERMANENT,
            [0xA900, 0xAFFF, 0xC000, 0xCFFF, 0x0117, 0x0122, 0x0124, 0x0211, 0x0212],
        ),
        ("A7xx, every other status, no answer", Kind.PASSING, [0xA700, 0xA7FF, 0x0110, 0xFE00, None]),
    ],
)
def test_what_follows_from_a_status_is_as_stated(row: str, kind: Kind, statuses: list[int | None]) -> None:
    assert f"\n| {row}" in STATEMENT
    assert {of_store_status(each).kind for each in statuses} == {kind}


def test_the_implementation_is_named_as_peers_see_it() -> None:
    assert f"| {PYNETDICOM_IMPLEMENTATION_UID} |" in STATEMENT
    assert f"| {PYNETDICOM_IMPLEMENTATION_VERSION} |" in STATEMENT


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("ae_title", "`SIDEWALL` (`ae_title`)"),
        ("max_associations", "16 (`max_associations`)"),
        ("max_associations_per_caller", "8 of one AE title and address (`max_associations_per_caller`)"),
        ("association_idle_s", "60 s (`association_idle_s`)"),
        ("max_instance_mib", "1024 MiB (`max_instance_mib`)"),
        ("max_request_mib", "8192 MiB (`max_request_mib`)"),
        ("retry_limit_h", "72 h (`retry_limit_h`)"),
        ("commitment_wait_s", "5 s\n(`commitment_wait_s`)"),
        ("commitment_deadline_s", "600 s (`commitment_deadline_s`)"),
    ],
)
def test_the_defaults_are_as_stated(name: str, stated: str) -> None:
    value = getattr(GatewaySettings(), name)
    assert stated in STATEMENT
    assert (value if isinstance(value, str) else f"{value:g}") in stated
