"""docs/settings.md and docs/sidewall.toml say what the code says, and all of it."""

import re
import tomllib
from pathlib import Path

import pytest

from base.environment import OTHER_VARIABLES
from core.errors import RefusalCode
from core.rules import ScoringRules
from core.site_choices import CHANGEABLE_GATES, changeable_rules
from runtime.settings import SOURCES, Settings, load_settings, setting_names
from tools.made_pages import field_meanings
from tools.settings_page import GATE_MEANINGS, PAGE, SAMPLE, main, settings_page

OUTSIDE_THE_FILE = "pseudonym_salt"
"""The one setting that the sample shows without setting it: it is a secret."""


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page(), "python -m tools.settings_page makes it"
    main(check=True)


def test_a_page_that_is_not_current_fails_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings.md").write_text("old")
    monkeypatch.setattr("tools.settings_page.PAGE", tmp_path / "settings.md")
    with pytest.raises(SystemExit, match="1"):
        main(check=True)
    main()
    main(check=True)


def test_every_setting_rule_gate_and_variable_has_a_meaning_on_the_page() -> None:
    assert set(setting_names()) == {name for kind in SOURCES.sections.values() for name in field_meanings(kind)}
    assert set(changeable_rules()) <= set(field_meanings(ScoringRules))
    assert set(GATE_MEANINGS) == {*CHANGEABLE_GATES, RefusalCode.TOO_COARSE}
    page = settings_page()
    for name in (*setting_names(), *changeable_rules(), *GATE_MEANINGS, *OTHER_VARIABLES):
        assert f"| `{name}` |" in page


def test_every_setting_but_the_secret_has_a_flag_and_only_options_of_loading_commands_are_their_own() -> None:
    rows = [line.split(" | ") for line in settings_page().splitlines() if line.startswith("| ")]
    flags = {row[2].strip("`"): row[0].strip("| `") for row in rows if row[1].startswith("`SIDEWALL_")}
    own = {
        *("bundle", "backend", "mode", "threads", "engine_cache", "listen", "metrics_listen", "bundle_store"),
        *("registry_ca", "registry_auth_file", "registry_plain_http"),
    }
    assert flags == {
        name: f"--{name.replace('_', '-')}" if name in own else "" if name in SOURCES.secrets else f"--set {name}="
        for name in setting_names()
    }


def test_the_sample_file_loads_and_sets_every_setting_but_the_secret() -> None:
    settings = load_settings(environment={}, file=SAMPLE)
    assert set(tomllib.loads(SAMPLE.read_text())) == set(setting_names()) - {OUTSIDE_THE_FILE}
    assert settings.listen == "0.0.0.0:50051"
    assert settings.rules == {"short_axis_cutoff_mm": 7.0, "borderline_band_mm": 0.5}
    assert settings.gates == dict.fromkeys(CHANGEABLE_GATES, "warn") | {"field_of_view": "refuse"}
    assert dict(settings.series_numbers) == {
        "segmentation": 9001,
        "report": 9002,
        "captures": 9003,
        "key_objects": 9004,
        "document": 9005,
        "structure_set": 9006,
    }
    assert settings.results == Settings().results


def test_what_the_sample_only_mentions_loads_as_well_and_has_the_defaults(tmp_path: Path) -> None:
    whole = re.sub(r"^# (\w+ = )", r"\1", SAMPLE.read_text(), flags=re.MULTILINE)
    (tmp_path / "whole.toml").write_text(whole)
    settings = load_settings(environment={}, file=tmp_path / "whole.toml")
    assert settings.rules == {name: getattr(ScoringRules, name) for name in changeable_rules()}
    assert settings.pseudonym_salt == "..."
