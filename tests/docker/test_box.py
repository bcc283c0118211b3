"""The operator's guide followed line by line on a box without a network, then what may go wrong there, one by one.

Takes minutes and root: runs where TEST_IMAGES=1 is set (`make box-test`, .ci/images), needs mmdebstrap. The tests go on
from each other, in the order in which they stand.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.boxes import PROMETHEUS, Box, make_media, running_box, typed
from tests.docker.images import REPOSITORY, needs_images
from tests.fixtures.tiny_series import write_tiny_series

pytestmark = [
    *needs_images,
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="Debian's package mmdebstrap: not installed"),
    pytest.mark.skipif(shutil.which("storescp") is None, reason="Debian's package dcmtk: not installed"),
]
GUIDE = (REPOSITORY / "docs" / "operator.md").read_text()
BLOCKS = re.findall(r"^```sh box\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
"""What the guide has typed on a box with Debian 12's podman; blocks for other machines are not marked so."""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_media(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="module")
def box(media: Path) -> Iterator[Box]:
    with running_box(media) as box:
        yield box


def test_the_guide_followed_in_order_by_its_text_alone_works(box: Box) -> None:
    assert len(BLOCKS) >= 9
    for block in BLOCKS:
        box.do(typed(block))
    units = "sidewall sidewall-prometheus sidewall-gateway"
    assert box.do(f"systemctl is-active {units}").split() == ["active", "active", "active"]
    assert PROMETHEUS in box.do("podman images --format={{.Repository}}:{{.Tag}}")


def test_prometheus_reads_the_box_by_its_name(box: Box) -> None:
    asked = r"exec 3<>/dev/tcp/127.0.0.1/9090; printf 'GET /api/v1/targets HTTP/1.0\r\n\r\n' >&3; cat <&3"
    for job in ("sidewall", "sidewall-gateway"):
        box.wait_for(f"""bash -c "{asked}" | tr '{{' '\\n' | grep '"job":"{job}"'""")
    box.wait_for(f"""test "$(bash -c "{asked}" | grep -o '"health":"up"' | wc -l)" = 2""")


def test_a_scanner_reaches_the_gateway_and_a_copy_of_it_comes_back(box: Box, tmp_path: Path) -> None:
    gateway = "podman exec sidewall-gateway sidewall-gateway"
    assert "0.0.0.0:11112" in box.do("podman port sidewall-gateway")
    (file, *_) = write_tiny_series(tmp_path)
    sent = box.outside("storescu", "--aetitle", "MR1", "--call", "SIDEWALL", "127.0.0.1", "11112", str(file))
    assert sent.returncode == 0, sent.stderr
    assert json.loads(box.do(f"{gateway} status --json"))["studies"]["receiving"]["count"] == 1
    backing_up, restoring = (typed(block) for block in BLOCKS if "gateway()" in block)
    box.do(backing_up.replace("monday", "tuesday"))
    box.do(f"{gateway} hold 1")
    box.do(f"rm /srv/sidewall/backup/before.tar\n{restoring.replace('monday', 'tuesday')}")
    assert list(json.loads(box.do(f"{gateway} status --json"))["studies"]) == ["receiving"]


def test_what_the_guide_installs_has_the_modes_it_says(box: Box) -> None:
    listed = box.do(
        "stat --format='%n %a %u' /srv/sidewall/tls/box.key /srv/sidewall/keys /srv/sidewall/keys/site.pub "
        "/etc/systemd/system/sidewall.service /etc/systemd/system/sidewall-prometheus.service"
    )
    assert listed.splitlines() == [
        "/srv/sidewall/tls/box.key 400 10001",
        "/srv/sidewall/keys 755 0",
        "/srv/sidewall/keys/site.pub 644 0",
        "/etc/systemd/system/sidewall.service 644 0",
        "/etc/systemd/system/sidewall-prometheus.service 644 0",
    ]


def test_the_journal_of_the_container_is_json_lines_alone(box: Box) -> None:
    lines = box.do("journalctl -o cat CONTAINER_NAME=sidewall | grep .").splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert {"listening", "serving", "stopping", "stopped"} <= set(events)


def test_a_port_for_other_machines_takes_the_place_of_the_closed_one(box: Box) -> None:
    opened = next(block for block in BLOCKS if "--publish=50051:50051" in block)
    box.do(typed(opened))
    assert "0.0.0.0:50051" in box.do("podman port sidewall")
    box.do("podman exec sidewall sidewall health")
    # Renewed by the very commands that laid the first ones, without a restart; Prometheus has the server look.
    installing = re.findall(r"^install .*/root/box\.(?:pem|key) .*$", opened, re.MULTILINE)
    assert len(installing) == 2
    box.do("\n".join(installing).replace("/root/box.", "/root/renewed."))
    box.wait_for("podman logs sidewall 2>&1 | grep 'certificate renewed'")
    box.do("podman exec sidewall sidewall health")


def test_it_stops_well_and_a_second_run_of_the_installer_changes_nothing(box: Box) -> None:
    box.do("systemctl stop sidewall")
    assert box.shown("Result", "ActiveState", "ExecMainStatus") == ["success", "inactive", "0"]
    assert "replaced" not in box.do("./install.sh")
    box.do("./generated-units.sh && systemctl daemon-reload && systemctl start sidewall")
    assert box.run("./generated-units.sh --no-such-option").returncode != 0
    box.do("systemctl daemon-reload && systemctl restart sidewall && podman exec sidewall sidewall health")


def test_a_bundle_that_was_altered_is_told_not_tried_again_and_repaired_by_the_installer(box: Box) -> None:
    box.do("echo >> /srv/sidewall/bundle/fold_0.onnx")
    assert box.run("systemctl restart sidewall").returncode != 0
    _lasting(box, 4, "bundle_rejected: file fold_0.onnx of the bundle")
    said = box.do("./install.sh")
    assert "fold_0.onnx differ" in said
    box.do("systemctl start sidewall")


def test_a_revoked_bundle_is_not_served_because_its_list_cannot_be_seen(box: Box) -> None:
    digest = box.do("podman exec sidewall sidewall doctor | grep -o 'sha256:[0-9a-f]*' | head -1").strip()
    listed = {"digest": digest, "date": "2026-11-01", "reason": "wrong"}
    text = json.dumps({"schema_version": "1", "keys": [], "bundles": [listed]})
    box.do(f"echo '{text}' > /srv/sidewall/keys/revoked.json && chmod 700 /srv/sidewall/keys")
    box.do(typed(next(block for block in BLOCKS if "SIDEWALL_TRUSTED_KEYS" in block).split("systemctl")[0]))
    box.do("chmod 700 /srv/sidewall/keys && systemctl daemon-reload")
    assert box.run("systemctl restart sidewall").returncode != 0
    _lasting(box, 4, "bundle_rejected: the folder of trusted keys /keys cannot be looked into")
    box.do("chmod 755 /srv/sidewall/keys")
    assert box.run("systemctl restart sidewall").returncode != 0
    _lasting(box, 4, f"bundle_rejected: the bundle {digest} was revoked on 2026-11-01: wrong")
    box.do("rm /srv/sidewall/keys/revoked.json && chmod 777 /srv/sidewall/keys && systemctl restart sidewall")
    noted = "of whom this box trusts: /keys may be written by every user"
    assert noted in box.do("podman exec sidewall sidewall doctor")
    assert noted in box.do("podman logs sidewall 2>&1")
    box.do("chmod 755 /srv/sidewall/keys")


def test_an_empty_bundle_is_not_tried_again(box: Box) -> None:
    box.do("mkdir -p /srv/empty && ./generated-units.sh --volume=/srv/empty:/bundle:ro && systemctl daemon-reload")
    assert box.run("systemctl restart sidewall").returncode != 0
    _lasting(box, 4, "bundle_rejected: the bundle at /bundle has no manifest.json")


_TLS = "--env=SIDEWALL_TLS_CERTIFICATE=/tls/box.pem --env=SIDEWALL_TLS_KEY=/tls/box.key"


@pytest.mark.parametrize(
    ("options", "status", "reason", "mended"),
    [
        (
            f"--volume=/srv/late:/tls:ro {_TLS}",
            10,
            "file_absent: setting tls_certificate is '/tls/box.pem'; allowed: a PEM file that is there",
            "cp /root/box.pem /srv/late/ && install -o 10001 -m 400 /root/box.key /srv/late/box.key",
        ),
        (
            "--network=host --env=SIDEWALL_LISTEN=127.0.0.1:9090",
            9,
            "address_unavailable: setting listen is '127.0.0.1:9090'; allowed: an address of this machine with a port "
            "that is free (address already in use)",
            "systemctl stop sidewall-prometheus",
        ),
    ],
    ids=["certificate", "port"],
)
def test_what_time_may_mend_is_tried_again_until_it_is(
    box: Box, options: str, status: int, reason: str, mended: str
) -> None:
    box.do(f"mkdir -p /srv/late && ./generated-units.sh {options} && systemctl daemon-reload")
    assert box.run("systemctl restart sidewall").returncode != 0
    # What is shown is of the last try: it is looked at until that has ended.
    box.wait_for(f"systemctl --no-pager --full status sidewall | grep '\"exit_status\": {status}'")
    box.wait_for("systemctl show sidewall --property=NRestarts | grep --invert-match NRestarts=0")
    code, what = reason.split(": ", 1)
    assert f'"code": "{code}", "what": "{what}"' in box.journal()
    box.do(mended)
    box.wait_for("systemctl is-active sidewall")


def _lasting(box: Box, status: int, reason: str) -> None:
    """Assert that the unit has failed once and for all, and says why."""
    assert box.shown("ActiveState", "NRestarts", "ExecMainStatus") == ["failed", "0", str(status)], box.journal()
    assert _last_reason(box).startswith(reason)


def _last_reason(box: Box) -> str:
    """Return `code: what` of the last entry about an end that systemctl shows of the service."""
    shown = box.run("systemctl --no-pager --full status sidewall").stdout
    entry = json.loads(re.findall(r"\{.*\"event\": \"failed\".*\}", shown)[-1])
    return f"{entry['code']}: {entry['what']}"
