"""Files that every user of the machine may change or read: refused, or noted where the mount is read-only."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from base.exposure import check_exposure, find_exposure
from runtime.cli.doctor import examine
from runtime.cli.exposed_files import exposure_notes
from runtime.settings import Settings, load_settings
from tests.fixtures.certificates import make_certificate
from tests.fixtures.other_users import open_folder, project, read_only_command
from tests.fixtures.processes import SIDEWALL, failures, make_bundle, run_sidewall, running_server


@pytest.mark.parametrize(
    ("mode", "secret", "may_be"),
    [
        (0o644, False, None),
        (0o660, True, None),
        (0o646, False, "written"),
        (0o602, True, "written"),
        (0o644, True, "read"),
        (0o604, True, "read"),
    ],
)
def test_what_every_user_may_do_is_what_the_last_three_bits_say(
    mode: int, secret: bool, may_be: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    file.chmod(mode)
    (tmp_path / "link").symlink_to(file)
    for path in (file, tmp_path / "link"):
        found = find_exposure(path, secret=secret)
        assert (None if found is None else found.may_be) == may_be


def test_a_setting_that_names_such_a_file_says_what_mends_it(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("")
    file.chmod(0o644)
    with pytest.raises(SettingInvalid, match=r"a file that not every user may read \(chmod o-rwx\)"):
        check_exposure("tls_key", file, secret=True)
    assert check_exposure("tls_certificate", file) == []
    assert check_exposure("tls_key", tmp_path / "absent", secret=True) == []


def test_settings_that_every_user_may_write_stop_the_start(tmp_path: Path) -> None:
    file = tmp_path / "sidewall.toml"
    file.write_text('mode = "fast"\n')
    file.chmod(0o666)
    with pytest.raises(SettingInvalid, match=r"setting config is .*a file that not every user may write \(chmod o-w\)"):
        load_settings(environment={}, file=file)


@pytest.mark.parametrize(
    ("name", "mode", "refused"),
    [
        ("tls_key", 0o644, True),
        ("tls_key", 0o640, False),
        ("registry_auth_file", 0o644, True),
        ("registry_auth_file", 0o600, False),
        ("tls_certificate", 0o666, True),
        ("tls_client_ca", 0o666, True),
        ("registry_ca", 0o666, True),
        ("registry_ca", 0o644, False),
    ],
)
def test_every_file_that_a_setting_names_is_judged_by_what_it_is(
    name: str, mode: int, refused: bool, tmp_path: Path
) -> None:
    files = {each: tmp_path / each for each in ("tls_certificate", "tls_key", name)}
    for file in files.values():
        file.touch(mode=0o600)
    files[name].chmod(mode)
    settings = Settings(**files)  # type: ignore[arg-type]
    if refused:
        with pytest.raises(SettingInvalid, match=rf"setting {name} is .*a file that not every user may (read|write)"):
            exposure_notes(settings)
    else:
        assert exposure_notes(settings) == []


def test_a_key_of_tls_that_every_user_may_read_stops_the_start_and_doctor_says_so(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path)
    certificate, key = make_certificate(tmp_path)
    key.chmod(0o644)
    tls = ("--set", f"tls_certificate={certificate}", "--set", f"tls_key={key}")
    ended = run_sidewall(bundle, "serve", "--bundle", bundle.path, "--listen", "127.0.0.1:0", *tls)
    assert ended.returncode == 2
    (line,) = failures(ended.stderr)
    assert line.startswith("setting_invalid: setting tls_key is ")
    assert "a file that not every user may read (chmod o-rwx)" in line

    looked_at = examine(Settings(tls_certificate=certificate, tls_key=key))
    assert [each.ok for each in looked_at if each.name == "permissions"] == [False]


def test_a_projected_secret_is_served_with_by_a_random_user_and_its_open_modes_are_noted() -> None:
    with open_folder() as folder:
        bundle = make_bundle(folder / "made")
        certificate, key = make_certificate(folder)
        keys, tls = folder / "keys", folder / "tls"
        project(keys, tiny__pub=(bundle.trusted_keys / "tiny.pub").read_bytes())
        project(tls, tls__crt=certificate.read_bytes(), tls__key=key.read_bytes())
        key.unlink()
        mounted = read_only_command(keys, tls)
        settings = {
            "SIDEWALL_TRUSTED_KEYS": str(keys),
            "SIDEWALL_TLS_CERTIFICATE": str(tls / "tls.crt"),
            "SIDEWALL_TLS_KEY": str(tls / "tls.key"),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        with running_server(bundle, folder, *mounted, str(SIDEWALL), **settings) as server:
            noted = [entry["what"] for entry in server.log() if entry["event"] == "permissions"]
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(180) == 0
        assert len(noted) == 2
        assert noted[0].startswith(f"tls_key: {tls / 'tls.key'} may be read by every user, as far as the mode tells")
        assert noted[1].startswith(f"of whom this box trusts: {keys} may be written by every user")


def test_doctor_notes_open_modes_of_keys_on_a_read_only_mount() -> None:
    with open_folder() as folder:
        bundle = make_bundle(folder)
        keys = folder / "keys"
        (keys / "revoked.json").write_text('{"schema_version": "1", "keys": [], "bundles": []}')
        opened = [keys, keys / "revoked.json", keys / "tiny.pub"]
        for each in opened:
            each.chmod(0o777)
        command = [*read_only_command(keys), str(SIDEWALL), "doctor", "--json", "--bundle", str(bundle.path)]
        environment = bundle.environment | {"XDG_CACHE_HOME": str(folder / "cache")}
        said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert said.returncode == 0, said.stdout + said.stderr
        notes = [each for each in json.loads(said.stdout) if each["name"] == "permissions"]
        assert all(each["ok"] for each in notes)
        begins = [f"of whom this box trusts: {each} may be written by every user" for each in opened]
        assert [each["text"].partition(",")[0] for each in notes] == begins
