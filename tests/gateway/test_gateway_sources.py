"""The gateway's settings come by the way of all programs: command line, environment, file, default."""

import re
from pathlib import Path

import pytest

from base.errors import FileAbsent, SettingInvalid
from base.listening import LOOPBACK_WORDS
from gateway.settings import load_settings


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('name = "file"\nquiet_s = 5\nforce_s = 50\nretry_min = [1, 2]\nplaintext = true\nothers = "drop"\n')
    environment = {"SIDEWALL_GATEWAY_QUIET_S": "6", "SIDEWALL_GATEWAY_FORCE_S": "60", "SIDEWALL_BUNDLE": "elsewhere"}
    settings = load_settings({"force_s": 70, "listen": None}, environment=environment, file=file)
    assert (settings.name, settings.quiet_s, settings.force_s) == ("file", 6.0, 70.0)
    assert (settings.retry_min, settings.plaintext, settings.others) == ((1.0, 2.0), True, "drop")
    assert (settings.listen, settings.log_level) == ("127.0.0.1:11112", "info")


def test_a_variable_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('ae_title = "BOX"\n')
    assert load_settings(environment={"SIDEWALL_GATEWAY_CONFIG": str(file)}).ae_title == "BOX"
    with pytest.raises(FileAbsent, match="allowed: a TOML file that is there"):
        load_settings(environment={"SIDEWALL_GATEWAY_CONFIG": str(tmp_path / "other.toml")})


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("QUIET", "1", r"no such setting: SIDEWALL_GATEWAY_QUIET \(did you mean SIDEWALL_GATEWAY_QUIET_S\?\)"),
        ("QUIET_S", "0", "setting quiet_s is 0.0; allowed: 0.05 to 86400"),
        ("QUIET_S", "soon", "setting quiet_s is 'soon'; allowed: a number"),
        ("OTHERS", "burn", "setting others is 'burn'; allowed: keep or drop"),
        ("NAME", "a b", "setting name is 'a b'; allowed: 1 to 32 letters, digits, _ and -"),
        ("RETRY_MIN", "-1", "allowed: pauses from 0 on, min"),
        ("LISTEN", "0.0.0.0:104", f"allowed: {re.escape(LOOPBACK_WORDS)}, or TLS, or plaintext = true"),
        ("TLS_KEY", "key.pem", "allowed: given with tls_certificate"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingInvalid, match=said):
        load_settings(environment={f"SIDEWALL_GATEWAY_{variable}": value})


def test_a_file_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('name = "file"\n')
    file.chmod(0o666)
    with pytest.raises(SettingInvalid, match="config"):
        load_settings(environment={}, file=file)
