"""A bounded part of the trials of the gateway; `make soak`, `make hostile` and `make gateway-load` do the whole."""

from pathlib import Path

from benchmarks.gateway_hostile import attack
from benchmarks.gateway_soak import soak


def test_malformed_input_is_answered_or_ended_and_leaves_nothing(tmp_path: Path) -> None:
    found = attack(100, 20_000, tmp_path, lambda _: None)
    assert found["faults"] == []
    assert found["inputs"] == 101


def test_studies_end_once_whatever_happens_to_the_box(tmp_path: Path) -> None:
    found = soak(4, 3, 300.0, 1, tmp_path)
    assert found["faults"] == []
    assert (found["acknowledged"], found["counts"]["studies delivered"]) == (4 * 12, 4)
    assert found["counts"]["clock set"] == 3
