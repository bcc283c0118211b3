"""A new box from one file of answers: what is written, that it is believed, and what is refused."""

from pathlib import Path

import pytest

from base.errors import SettingInvalid
from fleet.agent.policy import require_enforcing
from fleet.channels.keys import read_public_key
from fleet.preparing import prepare
from fleet.settings import SOURCES
from tests.docker.images import REPOSITORY
from tests.fixtures.fleets import make_fleet

BOX = """
[box]
box = "north-1"
ring = "canary"
channel = "oci:registry.example/sidewall/fleet"
engine_image = "registry.example/sidewall/sidewall-runtime"
window = "20:00-05:00"
spread_s = 600
registry_plain_http = false
"""
ANSWERS = f"""
fleet_root = "root.json"
release_key = "release.gpg"
site = "site.toml"
{BOX}"""


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    folder = tmp_path / "answers"
    folder.mkdir()
    fleet = make_fleet(tmp_path / "fleet")
    (folder / "root.json").write_bytes(fleet.office.root_file.read_bytes())
    (folder / "release.gpg").write_bytes(b"a public key")
    (folder / "site.toml").write_bytes((REPOSITORY / "docker" / "gateway" / "site.toml").read_bytes())
    (folder / "answers.toml").write_text(ANSWERS)
    return folder / "answers.toml"


def test_a_box_gets_settings_trust_site_file_and_a_key_and_the_same_again_changes_nothing(
    answers: Path, tmp_path: Path
) -> None:
    top = tmp_path / "box"
    public = prepare(answers, top)
    read_public_key(public)
    settings = SOURCES.load(file=top / "etc/sidewall/fleet.toml", environment={})
    assert (settings.box, settings.ring, settings.window, settings.spread_s) == (
        "north-1",
        "canary",
        "20:00-05:00",
        600,
    )
    assert settings.signature_policy == Path("/etc/sidewall/policy.json")
    require_enforcing(top / "etc/sidewall/policy.json", settings.engine_image)
    with pytest.raises(SettingInvalid, match="it says reject"):
        require_enforcing(top / "etc/sidewall/policy.json", "registry.example/another")
    for name, place in (("root.json", "etc/sidewall"), ("site.toml", "srv/sidewall/gateway")):
        assert (top / place / name).read_bytes() == (answers.parent / name).read_bytes()
    assert (top / "etc/sidewall/box.pem").stat().st_mode & 0o077 == 0
    before = {file: file.read_bytes() for file in top.rglob("*") if file.is_file()}
    assert prepare(answers, top) == public
    assert {file: file.read_bytes() for file in top.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ANSWERS.replace('ring = "canary"', 'ring = "beta"'), "setting ring is 'beta'"),
        (ANSWERS.replace("window", "windov"), r"no such setting: windov \(did you mean window"),
        (ANSWERS.replace("site =", "cite ="), r"no such setting: cite \(did you mean site"),
        (ANSWERS.replace("site.toml", "none.toml"), "setting site is .*none.toml'; allowed: a file beside the answers"),
        (ANSWERS.replace("window", "root"), "setting root is .*; allowed: nothing"),
        (ANSWERS.replace('channel = "oci:registry.example/sidewall/fleet"', ""), "setting channel is None"),
        (ANSWERS.split("[box]", maxsplit=1)[0], "setting box is None; allowed: a table"),
    ],
)
def test_answers_that_are_none_are_named_and_nothing_is_written(
    answers: Path, tmp_path: Path, text: str, said: str
) -> None:
    answers.write_text(text)
    with pytest.raises(SettingInvalid, match=said):
        prepare(answers, tmp_path / "box")
    assert not (tmp_path / "box").exists()


def test_a_file_that_says_something_else_is_left(answers: Path, tmp_path: Path) -> None:
    top = tmp_path / "box"
    prepare(answers, top)
    kept = top / "srv/sidewall/gateway/site.toml"
    kept.write_text("# changed on the box")
    with pytest.raises(SettingInvalid, match="no file there that says something else"):
        prepare(answers, top)
    assert kept.read_text() == "# changed on the box"
