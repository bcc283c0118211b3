"""The setting `filtered_images` reaches reading in every command."""

import json
from pathlib import Path

import pytest

from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle, run_sidewall, running_server
from tests.fixtures.series_variants import write_variant

SETTING = "filtered_images=warn"


@pytest.fixture
def filtered(tmp_path: Path) -> Path:
    """Return the folder of a series that a vendor's filter made."""
    write_variant(tmp_path / "study" / "a", 4, ImageType=["DERIVED", "PRIMARY", "M", "NORM"])
    return tmp_path / "study"


def test_filtered_images_are_refused_unless_the_site_lets_them_pass(
    run: Run, bundle: TinyBundle, filtered: Path, tmp_path: Path
) -> None:
    given = ("analyze", filtered, "--bundle", bundle.path, "--json")
    refused = run(*given, "--out", tmp_path / "refused")
    assert refused.exit_code == 3
    assert "filtered_images" in refused.stdout
    done = run(*given, "--out", tmp_path / "taken", "--set", SETTING)
    assert done.exit_code == 0, done.output
    assert any("filtered_images" in warning for warning in json.loads(done.stdout)["warnings"])
    again = run("replay", tmp_path / "taken" / "findings.json", "--json")
    assert json.loads(again.stdout)["same"], again.output


def test_the_filtered_one_of_several_series_is_chosen_where_the_site_lets_it_pass(
    run: Run, bundle: TinyBundle, filtered: Path, tmp_path: Path
) -> None:
    write_variant(filtered / "b", 7, ImageType=["DERIVED", "PRIMARY", "ADC"])
    assert run("select", filtered).exit_code == 3
    assert "chosen: series 4" in run("select", filtered, "--set", SETTING).stdout
    done = run("analyze", filtered, "--bundle", bundle.path, "--out", tmp_path / "case", "--set", SETTING)
    assert done.exit_code == 0, done.output
    assert json.loads(run("replay", tmp_path / "case" / "findings.json", "--json").stdout)["same"]


def test_a_server_takes_filtered_images_where_its_site_lets_them_pass(
    bundle: TinyBundle, filtered: Path, tmp_path: Path
) -> None:
    answers = {}
    for outcome in ("refuse", "warn"):
        with running_server(bundle, tmp_path, SIDEWALL_FILTERED_IMAGES=outcome) as server:
            answers[outcome] = run_sidewall(bundle, "submit", filtered, "--server", server.address, "--json")
    refused, taken = json.loads(answers["refuse"].stdout), json.loads(answers["warn"].stdout)
    assert (answers["refuse"].returncode, refused["status"]) == (3, "refused")
    assert "the setting filtered_images is warn" in refused["refusal"][0]["message"]
    assert answers["warn"].returncode == 0
    assert taken["status"] in ("positive", "negative", "indeterminate", "borderline")
    assert any("filtered_images" in warning for warning in taken["warnings"])
