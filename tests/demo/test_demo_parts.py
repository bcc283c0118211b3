"""The parts of the demonstration; `make demo` in CI runs it whole."""

import json
from pathlib import Path

import pytest
import sidewall
from PIL import Image

from demo.cases import REAL_SERIES, choose_seed
from demo.pictures import stack_pictures
from demo.server import ServerFailed, running_server
from phantom.case import PhantomOptions
from phantom.plan import make_plan
from tests.fixtures.processes import make_bundle


def test_the_synthetic_patient_has_positive_and_negative_nodes_on_both_sides() -> None:
    options = PhantomOptions(node_count=4, patient_positive=True, truncated=False)
    nodes = make_plan(choose_seed(), options).nodes
    assert {node.status for node in nodes} == {"positive", "negative"}
    assert {node.side for node in nodes} == {"left", "right"}


def test_the_real_series_is_part_of_the_repository(real_series: Path) -> None:
    assert REAL_SERIES.resolve() == real_series.resolve()
    assert len(list(REAL_SERIES.glob("*.dcm"))) == 19


def test_pictures_of_any_width_stand_below_each_other(tmp_path: Path) -> None:
    for name, width, colour in (("a.png", 30, "red"), ("b.png", 50, "blue")):
        Image.new("RGB", (width, 20), colour).save(tmp_path / name)
    stack_pictures([tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (74, 76)
        assert sheet.getpixel((12, 12)) == (255, 0, 0)
        assert sheet.getpixel((61, 44)) == (0, 0, 255)


def test_no_picture_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs at least one"):
        stack_pictures([], tmp_path / "sheet.png")


def test_the_demonstration_goes_on_once_the_server_serves_and_ends_it_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_bundle(tmp_path)
    monkeypatch.setenv("SIDEWALL_TRUSTED_KEYS", str(bundle.trusted_keys))
    with running_server(bundle.path, tmp_path / "log") as address, sidewall.Client(address) as client:
        assert client.is_serving()
    events = [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()]
    # What becomes of each fold's engine is told in between.
    assert [event for event in events if event != "engine"] == [
        "threads",
        "listening",
        "serving",
        "stopping",
        "stopped",
    ]


def test_a_server_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerFailed, match="there is no bundle at"),
        running_server(tmp_path / "none", tmp_path / "log"),
    ):
        pass
