"""Which login of which file counts (containers-auth.json(5))."""

import json
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from trust.registry.credentials import find_login
from trust.registry.reference import parse_reference

REFERENCE = parse_reference("registry.example:5000/site/models/tiny:1")


def _file(path: Path, **logins: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {key: {"auth": value} for key, value in logins.items()}}))
    return path


def test_the_most_specific_entry_counts(tmp_path: Path) -> None:
    keys = ["registry.example:5000/site/models/tiny", "registry.example:5000/site", "registry.example:5000"]
    file = _file(tmp_path / "auth.json", **{key: key for key in keys}, **{"registry.example": "another port"})
    assert find_login(REFERENCE, file, {}) == keys[0]
    for index in (1, 2):
        _file(file, **{key: key for key in keys[index:]})
        assert find_login(REFERENCE, file, {}) == keys[index]
    _file(file, **{"https://registry.example:5000": "old form"})
    assert find_login(REFERENCE, file, {}) == "old form"
    _file(file, **{"registry.example:5000/si": "part of a name", "registry.example": "another port"})
    assert find_login(REFERENCE, file, {}) is None


def test_the_setting_beats_the_variable_which_beats_the_usual_files(tmp_path: Path) -> None:
    usual = {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "HOME": str(tmp_path / "home")}
    assert find_login(REFERENCE, None, usual) is None
    _file(tmp_path / "home/.docker/config.json", **{REFERENCE.host: "docker"})
    assert find_login(REFERENCE, None, usual) == "docker"
    _file(tmp_path / "run/containers/auth.json", **{REFERENCE.host: "podman"})
    assert find_login(REFERENCE, None, usual) == "podman"
    named = usual | {"REGISTRY_AUTH_FILE": str(_file(tmp_path / "v.json", **{REFERENCE.host: "variable"}))}
    assert find_login(REFERENCE, None, named) == "variable"
    assert find_login(REFERENCE, _file(tmp_path / "s.json", **{REFERENCE.host: "setting"}), named) == "setting"
    assert find_login(REFERENCE, _file(tmp_path / "e.json"), named) is None


@pytest.mark.parametrize("content", [None, "{", "[]", '{"auths": []}', "secret"])
def test_a_named_file_that_is_none_is_said_without_what_is_in_it(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "auth.json").write_text(content)
    with pytest.raises(SettingInvalid, match=r"setting registry_auth_file is '.*/auth\.json'; allowed: a ") as caught:
        find_login(REFERENCE, tmp_path / "auth.json", {})
    assert "secret" not in str(caught.value)


def test_an_entry_that_leaves_the_login_to_a_helper_is_no_login(tmp_path: Path) -> None:
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {REFERENCE.host: {}}, "credsStore": "rm"}))
    assert find_login(REFERENCE, tmp_path / "auth.json", {}) is None
