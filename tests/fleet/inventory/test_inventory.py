"""What the office believes of a box, what it makes of all of them, and when a ring has proved something."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from base.errors import SettingInvalid
from fleet.channels.content import Holds
from fleet.channels.keys import write_public_key
from fleet.errors import NotProved, StatusRejected
from fleet.inventory.overview import BoxRow, enrol, enrolled, survey
from fleet.inventory.page import page
from fleet.inventory.proving import require_proof
from fleet.inventory.status import BoxStatus, open_sealed, seal
from fleet.stores.folder import FolderStore
from tests.fixtures.fleets import digest, model_of, release_of, status_of

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()


def test_a_status_comes_back_as_it_was_said() -> None:
    status = status_of("north-1", NOW, failed=(digest("9"),), silent=("gateway",), queue_oldest_s=None)
    assert open_sealed(seal(status, KEY), "north-1", KEY.public_key()) == status


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content.replace(b"12.5", b"0.5"), "is not signed with its key"),
        (lambda content: content.replace(b'"signature"', b'"sign"'), "is no signed status"),
        (lambda content: content[:-10], "is no signed status"),
        (lambda content: b"[]", "is no signed status"),
        (lambda content: resigned(content, box="south-1"), "says that it is of south-1"),
        (lambda content: resigned(content, schema_version="2"), "another schema_version"),
        (lambda content: resigned(content, ring="beta"), "a field that is none"),
        (lambda content: resigned(content, disk_bytes="many"), "a field that is none"),
        (lambda content: resigned(content, patient="Secret"), "a field that is none"),
        (lambda content: resigned(content, running={"engine": {}}), "a field that is none"),
    ],
)
def test_what_is_not_a_boxs_own_word_is_refused(change: Callable[[bytes], bytes], said: str) -> None:
    content = change(seal(status_of("north-1", NOW), KEY))
    with pytest.raises(StatusRejected, match=said) as error:
        open_sealed(content, "north-1", KEY.public_key())
    assert "Secret" not in str(error.value)


def resigned(content: bytes, **fields: object) -> bytes:
    """Return a status with other fields, signed by the box all the same."""
    mapping: dict[str, object] = json.loads(content)["signed"] | fields

    class Raw:
        def to_mapping(self) -> dict[str, object]:
            """Return the fields."""
            return mapping

    return seal(Raw(), KEY)  # type: ignore[arg-type]


@pytest.fixture
def office(tmp_path: Path) -> Path:
    write_public_key(tmp_path / "key.pub", KEY)
    for box in ("north-1", "north-2", "south-1"):
        enrol(tmp_path / "office", box, tmp_path / "key.pub")
    return tmp_path / "office"


def rows_of(office: Path, *statuses: BoxStatus, holds: Holds | None = None) -> dict[str, BoxRow]:
    store = FolderStore(office / "inventory")
    for each in statuses:
        store.write(f"boxes/{each.box}.json", seal(each, KEY))
    told = [release_of("canary", "1"), model_of("canary", "a")]
    return {row.box: row for row in survey(store, enrolled(office), told, holds, NOW)}


def test_a_box_in_order_has_no_trouble_and_silence_and_strangers_are_told(office: Path) -> None:
    late = status_of("north-2", NOW - timedelta(hours=3))
    rows = rows_of(office, status_of("north-1", NOW), late, status_of("stranger", NOW))
    assert {box: row.troubles for box, row in rows.items()} == {
        "north-1": (),
        "north-2": ("silent: nothing for 3.0 h, since 2026-11-30T09:00:00Z",),
        "south-1": ("silent: it has never said anything",),
        "stranger": ("not enrolled: `sidewall-fleet enrol` tells its key",),
    }
    assert list(rows)[-1] == "north-1"  # Those with troubles come first.


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"self_test_passed": False}, "the self-test has not passed"),
        ({"silent": ("engine", "podman"), "self_test_passed": None}, "no answer from: engine, podman"),
        ({"queue_oldest_s": 7200.0}, "the oldest study waits for 2.0 h"),
        ({"drift_ratio": 0.93}, "its images drift: 0.93 of the limit"),
        ({"certificate_days": 9.4}, "a certificate ends in 9 days"),
        ({"disk_free_bytes": 5 << 30}, "5 % of the disk are free"),
        ({"written_at": NOW + timedelta(hours=1)}, "its clock is ahead"),
    ],
)
def test_each_trouble_is_said_in_a_sentence(office: Path, changes: dict[str, Any], trouble: str) -> None:
    rows = rows_of(office, status_of("north-1", NOW, **changes))
    assert rows["north-1"].troubles == (trouble,)


def test_a_box_that_lags_behind_or_went_back_is_told_unless_it_is_pinned(office: Path) -> None:
    old = status_of("north-1", NOW, character="0")
    back = replace(old, box="north-2", failed=(digest("1"),))
    rows = rows_of(office, old, back)
    assert rows["north-1"].troubles == ("engine: not yet 1.0.0; runs 1.0.0", "gateway: not yet 1.0.0; runs 1.0.0")
    assert rows["north-2"].troubles[0] == "engine: went back from 1.0.0; runs 1.0.0"
    assert rows_of(office, old, holds=Holds(None, {"north-1": "study"}))["north-1"].troubles == ()


def proof(office: Path, *statuses: BoxStatus, boxes: int = 2, hours: float = 24) -> list[str]:
    rows = rows_of(office, *statuses).values()
    return require_proof(release_of("canary", "1"), rows, least_boxes=boxes, least_hours=hours, now=NOW)


def test_enough_boxes_for_long_enough_are_a_proof(office: Path) -> None:
    assert proof(office, status_of("north-1", NOW), status_of("north-2", NOW)) == ["north-1", "north-2"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"running_for": timedelta(hours=23)}, "1 of 2 boxes have run it for 24 h; allowed: at least 2"),
        ({"character": "0"}, "1 of 2 boxes"),  # It says that it was told; what it runs is another image.
        ({"running": {}}, "1 of 2 boxes"),
        ({"self_test_passed": False}, "1 of 2 boxes"),
        ({"self_test_passed": None}, "1 of 2 boxes"),
        ({"written_at": NOW - timedelta(hours=5)}, "1 of 2 boxes"),
        ({"ring": "early"}, "1 of 1 boxes"),
        ({"failed": (digest("1"),)}, "north-2 went back from it"),
    ],
)
def test_anything_less_is_none(office: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(NotProved, match=said):
        proof(office, status_of("north-1", NOW), status_of("north-2", NOW, **changes))


def test_one_box_that_went_back_outweighs_all_others(office: Path) -> None:
    back = status_of("south-1", NOW, character="0", failed=(digest("1"),))
    with pytest.raises(NotProved, match="south-1 went back from it"):
        proof(office, status_of("north-1", NOW), status_of("north-2", NOW), back, boxes=1)


def test_the_page_shows_every_box_and_escapes_what_a_box_says(office: Path) -> None:
    rows = rows_of(office, status_of("north-1", NOW), status_of("north-2", NOW, agent_version="1"))
    shown = page([*rows.values()], Holds("<b>slow</b>", {"south-1": "study"}), NOW)
    assert "3 boxes, 1 with troubles" in shown
    assert "&lt;b&gt;slow&lt;/b&gt;" in shown
    assert "<td>north-1</td>" in shown
    assert "silent: it has never said anything" in shown
    assert "<script" not in shown
    assert "http" not in shown


def test_only_names_of_boxes_and_public_keys_are_enrolled(tmp_path: Path) -> None:
    write_public_key(tmp_path / "key.pub", KEY)
    with pytest.raises(SettingInvalid, match=r"setting box is '\.\./up'"):
        enrol(tmp_path, "../up", tmp_path / "key.pub")
    (tmp_path / "bad.pub").write_text("no key")
    with pytest.raises(SettingInvalid, match="a readable PEM file with an Ed25519 public key"):
        enrol(tmp_path, "north-1", tmp_path / "bad.pub")
