"""Settings: where they come from, in which order, and what a bad one says."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from runtime.analysis.settings import CaseSettings
from runtime.settings import SOURCES, Settings, load_settings
from trust.registry.reference import Reference


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "sidewall.toml"
    file.write_text('bundle = "from-file"\nmode = "fast"\nmax_waiting = 7\nplaintext = true\n')
    return file


def test_the_command_line_beats_the_environment_which_beats_the_file(file: Path) -> None:
    environment = {"SIDEWALL_MODE": "exact", "SIDEWALL_MAX_WAITING": "8", "SIDEWALL_CONFIG": str(file)}
    settings = load_settings({"max_waiting": 9, "mode": None}, environment=environment)
    assert settings == Settings(bundle=Path("from-file"), mode="exact", max_waiting=9, plaintext=True)


def test_nothing_given_gives_the_defaults() -> None:
    assert load_settings(environment={}) == Settings()


def test_every_setting_can_come_as_text_from_the_environment(tmp_path: Path) -> None:
    texts = {
        "bundle": "b", "backend": "onnxruntime-cpu", "engine_cache": "e", "mode": "fast", "threads": "2",
        "listen": "0.0.0.0:1", "metrics_listen": "127.0.0.1:2", "bundle_store": "s", "registry_ca": "r",
        "registry_auth_file": "l", "registry_plain_http": "yes",
        "plaintext": "yes", "tls_certificate": "c", "tls_key": "k", "tls_client_ca": "a", "max_waiting": "0",
        "max_input_mib": "1", "max_instances": "5", "max_message_mib": "2", "transfer_timeout_s": "0.5",
        "shutdown_grace_s": "0", "pseudonym_salt": "salt", "log_level": "debug",
        "rules": "short_axis_cutoff_mm=5.0", "gates": "midline=refuse", "series_numbers": "report=7",
        "series_descriptions": "report=Nodes",
        "restaging_rules": "yes", "filtered_images": "warn", "study_dates": "no", "report_names_study": "no",
        "encapsulated_pdf": "yes", "structure_set": "yes",
        "max_transfers": "5", "transfer_idle_s": "2.5", "transfer_min_kib_s": "1.5", "answer_timeout_s": "30.5",
        "result_kept_s": "1.5",
    }  # fmt: skip
    assert set(texts) == {each.name for each in fields(Settings)}
    settings = load_settings(environment={f"SIDEWALL_{name.upper()}": text for name, text in texts.items()})
    for name, text in texts.items():
        value = getattr(settings, name)
        assert value != getattr(Settings(), name)
        if isinstance(value, dict):
            value = ",".join(f"{key}={each}" for key, each in value.items())
        assert str(value) == text or value == {"yes": True, "no": False, "0": 0.0}[text]


def test_a_bundle_is_a_folder_or_a_reference_from_everywhere(tmp_path: Path) -> None:
    reference = Reference("registry.example:5000", "sidewall/demo", "0.3.0", None)
    text = "oci:registry.example:5000/sidewall/demo:0.3.0"
    assert load_settings({"bundle": text}, environment={}).bundle == reference
    # The image names /bundle in its environment; what an operator sets there takes its place.
    assert load_settings(environment={"SIDEWALL_BUNDLE": text}).bundle == reference
    (tmp_path / "sidewall.toml").write_text(f'bundle = "{text}"\n')
    assert load_settings(environment={}, file=tmp_path / "sidewall.toml").bundle == reference
    assert load_settings({"bundle": "oci"}, environment={"SIDEWALL_BUNDLE": text}).bundle == Path("oci")
    with pytest.raises(SettingInvalid, match=r"setting bundle is 'demo'; allowed: HOST\[:PORT\]/NAME with :TAG"):
        load_settings({"bundle": "oci:demo"}, environment={})


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("SIDEWALL_BUNDEL", "SIDEWALL_BUNDLE"),
        ("SIDEWALL_bundle", "SIDEWALL_BUNDLE"),
        ("SIDEWALL_TRUSTED_KEY", "SIDEWALL_TRUSTED_KEYS"),
        ("SIDEWALL_PSEUDONYM_SLAT", "SIDEWALL_PSEUDONYM_SALT"),
    ],
)
def test_a_misspelt_variable_stops_the_start_with_the_names_allowed_but_never_its_value(
    variable: str, meant: str
) -> None:
    with pytest.raises(SettingInvalid, match="no such setting") as error:
        load_settings(environment={"SIDEWALL_MODE": "fast", variable: "a secret"})
    said = str(error.value)
    assert said.startswith(f"no such setting: {variable} (did you mean {meant}?); allowed: SIDEWALL_BUNDLE, ")
    assert "SIDEWALL_CONFIG, SIDEWALL_SERVER, SIDEWALL_PROXY, SIDEWALL_TRUSTED_KEYS" in said
    assert "secret" not in said


def test_a_variable_like_none_of_ours_stops_the_start_without_a_guess() -> None:
    with pytest.raises(SettingInvalid, match="no such setting: SIDEWALL_XYZZY; allowed: SIDEWALL_BUNDLE"):
        load_settings(environment={"SIDEWALL_XYZZY": ""})


def test_variables_that_others_read_or_kubernetes_sets_are_let_pass(tmp_path: Path) -> None:
    ours = {"SIDEWALL_SERVER": "box:50051", "SIDEWALL_TRUSTED_KEYS": str(tmp_path), "SIDEWALL_CONFIG": ""}
    completion = {"_SIDEWALL_COMPLETE": "complete_bash", "SIDEWALLS": "5"}
    links = {
        "SIDEWALL_SERVICE_HOST": "10.0.0.7", "SIDEWALL_SERVICE_PORT": "50051", "SIDEWALL_SERVICE_PORT_GRPC": "50051",
        "SIDEWALL_PORT": "tcp://10.0.0.7:50051", "SIDEWALL_PORT_50051_TCP_ADDR": "10.0.0.7",
        "SIDEWALL_BOX_SERVICE_HOST": "10.0.0.8", "SIDEWALL_BOX_PORT_50051_TCP": "tcp://10.0.0.8:50051",
    }  # fmt: skip
    assert load_settings(environment=ours | completion | links) == Settings()
    with pytest.raises(SettingInvalid, match="SIDEWALL_PORT"):
        load_settings(environment={"SIDEWALL_PORT": "50051"})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("mode", "quick", "exact or fast"),
        ("log_level", "loud", "debug or info or warning or error"),
        ("threads", "two", "a whole number"),
        ("threads", "-1", "0 (all that are of use) to 1024"),
        ("listen", "here", "host:port with a port of 0 to 65535"),
        ("listen", "127.0.0.1:70000", "host:port with a port of 0 to 65535"),
        ("metrics_listen", "9464", "host:port with a port of 0 to 65535, or empty"),
        ("plaintext", "maybe", "true or false"),
        ("transfer_timeout_s", "0", "more than 0, at most 86400 (s)"),
        ("transfer_timeout_s", "nan", "more than 0, at most 86400 (s)"),
        ("tls_key", "key.pem", "given together with tls_certificate, or neither"),
        ("tls_client_ca", "ca.pem", "only with tls_certificate and tls_key"),
        ("rules", "short_axis_cutoff_mm", "name=number, separated by commas, or a table of numbers"),
        ("rules", "short_axis_cutoff_mm=five", "name=number, separated by commas, or a table of numbers"),
        ("gates", "midline", "gate=outcome, separated by commas, or a table"),
    ],
)
def test_a_bad_value_names_the_setting_the_value_and_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingInvalid, match=re.escape(f"; allowed: {allowed}")) as error:
        load_settings(environment={f"SIDEWALL_{name.upper()}": value})
    assert error.value.name == name
    assert value in str(error.value)


@pytest.mark.parametrize(
    ("setting", "text", "name", "allowed"),
    [
        ("rules", "cutoff=5", "rules.cutoff", "no such rule; the rules are node_threshold, short_axis_cutoff_mm"),
        ("rules", "short_axis_cutoff_mm=-1", "rules.short_axis_cutoff_mm", "0 to 1e+06"),
        ("rules", "short_axis_cutoff_mm=nan", "rules.short_axis_cutoff_mm", "0 to 1e+06"),
        ("rules", "positive_probability=1.1", "rules.positive_probability", "0 to 1"),
        ("gates", "midline=pass", "gates.midline", "warn or refuse"),
        ("gates", "missing_slice=warn", "gates.missing_slice", "no such gate; the gates are field_of_view"),
    ],
)
def test_a_bad_choice_of_a_rule_or_gate_names_it_and_what_is_allowed(
    setting: str, text: str, name: str, allowed: str
) -> None:
    with pytest.raises(SettingInvalid, match=re.escape(f"; allowed: {allowed}")) as error:
        load_settings(environment={f"SIDEWALL_{setting.upper()}": text})
    assert error.value.name == name


def test_rules_and_gates_are_tables_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "sidewall.toml"
    file.write_text("[rules]\nshort_axis_cutoff_mm = 5\nborderline_band_mm = 0.25\n[gates]\nmidline = 'refuse'\n")
    settings = load_settings(environment={}, file=file)
    assert settings.rules == {"short_axis_cutoff_mm": 5.0, "borderline_band_mm": 0.25}
    assert settings.gates == {"midline": "refuse"}


@pytest.mark.parametrize("listen", ["0.0.0.0:9464", "[::]:9464", "box.example:9464"])
def test_metrics_are_open_to_other_machines_only_on_purpose_whatever_tls_the_server_has(listen: str) -> None:
    for tls in ({}, {"tls_certificate": Path("c"), "tls_key": Path("k")}):
        with pytest.raises(SettingInvalid, match=r"metrics_listen is .*or plaintext = true: it has no TLS"):
            Settings(metrics_listen=listen, **tls)  # type: ignore[arg-type]
        assert Settings(metrics_listen=listen, plaintext=True, **tls).metrics_listen == listen  # type: ignore[arg-type]
    assert Settings().metrics_listen == ""


@pytest.mark.parametrize("listen", ["0.0.0.0:50051", "[::]:50051", "box.example:50051"])
def test_other_machines_are_let_in_only_with_tls_or_on_purpose(listen: str) -> None:
    with pytest.raises(SettingInvalid, match="or TLS, or plaintext"):
        Settings(listen=listen)
    assert Settings(listen=listen, plaintext=True).listen == listen
    assert Settings(listen=listen, tls_certificate=Path("c"), tls_key=Path("k")).listen == listen


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("mode =", "valid TOML"),
        (
            'bundel = "red"',
            re.escape("no such setting: bundel (did you mean bundle?); allowed: bundle, bundle_store, "),
        ),
        (None, "a TOML file that is there"),
    ],
)
def test_a_bad_file_says_what_is_wrong(text: str | None, allowed: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingInvalid, match=allowed):
        load_settings(environment={}, file=file)


def test_the_salt_is_never_shown() -> None:
    assert "secret" not in repr(Settings(pseudonym_salt="secret"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"series_numbers": {"report": 0}}, "series_numbers.report is 0; allowed: 1 to 2147483647"),
        (
            {"series_numbers": {"reports": 7}},
            "no such series; the series are segmentation, report, captures, key_objects, document, structure_set",
        ),
        ({"series_descriptions": {"captures": "x" * 35}}, "allowed: 1 to 34 characters"),
        ({"series_numbers": "report"}, "name=whole number"),
    ],
)
def test_a_series_of_the_results_can_be_named_and_numbered_as_dicom_allows(
    values: dict[str, object], words: str
) -> None:
    with pytest.raises(SettingInvalid, match=words):
        load_settings(values, environment={})


def test_what_set_names_stands_above_the_environment_and_below_a_flag_of_its_own() -> None:
    named = ["shutdown_grace_s=60", "threads=4", "rules=short_axis_cutoff_mm=5,node_threshold=0.6"]
    environment = {"SIDEWALL_SHUTDOWN_GRACE_S": "5", "SIDEWALL_MAX_WAITING": "1"}
    settings = load_settings({"threads": "2", "mode": None}, named=named, environment=environment)
    assert (settings.shutdown_grace_s, settings.threads, settings.max_waiting) == (60.0, 2, 1)
    assert settings.rules == {"short_axis_cutoff_mm": 5.0, "node_threshold": 0.6}


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("shutdown_grace_s", "setting set is 'shutdown_grace_s'; allowed: NAME=VALUE"),
        ("shutdown_grace_s=soon", "setting shutdown_grace_s is 'soon'; allowed: a number"),
        ("shutdown_grace=5", "did you mean shutdown_grace_s"),
        ("pseudonym_salt=pepper", "pseudonym_salt by SIDEWALL_PSEUDONYM_SALT or in the file"),
    ],
)
def test_what_set_may_not_name_is_refused_with_what_is_allowed(pair: str, words: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        load_settings(named=[pair], environment={})
    assert words in str(refused.value)
    assert "pepper" not in str(refused.value)


def test_every_section_is_owned_by_its_room_and_every_setting_has_one() -> None:
    assert {SOURCES.section_of(name) for name in SOURCES.kinds} == set(SOURCES.sections)
    rooms = {name: kind.__module__ for name, kind in SOURCES.sections.items()}
    assert rooms == {
        "bundle": "runtime.bundle.settings",
        "inference": "runtime.inference.settings",
        "serving": "runtime.serving.settings",
        "case": "runtime.analysis.settings",
        "results": "runtime.results.settings",
        "log": "base.settings",
    }


def test_the_sample_in_sections_is_the_sample(tmp_path: Path) -> None:
    """Flat names, which sites have in their files, and the tables of the sections say the same."""
    flat = tomllib.loads(Path("docs/sidewall.toml").read_text(encoding="utf-8"))
    lines = []
    for section in SOURCES.sections:
        own = {name: value for name, value in flat.items() if SOURCES.section_of(name) == section}
        plain = {name: value for name, value in own.items() if not isinstance(value, dict)}
        lines += [f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in plain.items())]
        for name in own.keys() - plain.keys():
            lines += [f"[{section}.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in own[name].items())]
    (tmp_path / "sections.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    expected = load_settings(environment={}, file=Path("docs/sidewall.toml"))
    assert load_settings(environment={}, file=tmp_path / "sections.toml") == expected


def test_a_bundle_is_named_beside_or_within_its_section(tmp_path: Path) -> None:
    file = tmp_path / "sidewall.toml"
    file.write_text('bundle = "a"\n')
    assert load_settings(environment={}, file=file).bundle == Path("a")
    file.write_text('[bundle]\nbundle = "a"\n')
    assert load_settings(environment={}, file=file).bundle == Path("a")


def test_an_analysis_sees_only_what_is_about_a_case() -> None:
    names = {each.name for each in fields(CaseSettings)}
    about = {"pseudonym_salt", "rules", "gates", "restaging_rules", "filtered_images", "study_dates"}
    assert names == about | {
        "series_numbers", "series_descriptions", "report_names_study", "encapsulated_pdf", "structure_set"
    }  # fmt: skip
