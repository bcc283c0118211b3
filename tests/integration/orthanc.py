"""A private Orthanc on this machine: free ports, its own storage, gone after the test."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from tests.fixtures.proxies import open_directly

DICOMWEB_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
"""Where Debian's package orthanc-dicomweb puts it."""

AE_TITLE = "ORTHANC"
_PATIENCE_S = 120.0
_BOUNDARY = "sidewall-part"


@dataclass(frozen=True)
class Orthanc:
    """A running server; bodies are bytes, errors raise `urllib.error.HTTPError`."""

    http_port: int
    dicom_port: int

    def request(self, path: str, *, body: bytes | None = None, **headers: str) -> bytes:
        """GET a path, or POST when there is a body; header names with underscores for hyphens."""
        return self._exchange(path, body, headers)[0]

    def stored_file(self, sop_instance_uid: str) -> bytes:
        """Return a stored instance through the server's own interface."""
        found = json.loads(self.request("/tools/lookup", body=sop_instance_uid.encode()))
        return self.request(f"/instances/{found[0]['ID']}/file")

    def store_by_web(self, files: list[bytes]) -> dict[str, Any]:
        """Store instances with STOW-RS (PS3.18, 10.5) and return the answer."""
        parts = [
            b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n" % (_BOUNDARY.encode(), file) for file in files
        ]
        answer = self.request(
            "/dicom-web/studies",
            body=b"".join(parts) + b"--%s--\r\n" % _BOUNDARY.encode(),
            Content_Type=f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}',
            Accept="application/dicom+json",
        )
        decoded: dict[str, Any] = json.loads(answer)
        return decoded

    def retrieve_by_web(self, study_uid: str, series_uid: str, instance_uid: str) -> bytes:
        """Return one instance with WADO-RS (PS3.18, 10.4)."""
        content, content_type = self._exchange(
            f"/dicom-web/studies/{study_uid}/series/{series_uid}/instances/{instance_uid}",
            None,
            {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'},
        )
        message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + content, policy=policy.HTTP)
        (part,) = message.iter_parts()
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        return payload

    def query_by_web(self, query: str) -> list[dict[str, Any]]:
        """Return the matches of a QIDO-RS query, e.g. `studies?AccessionNumber=1`."""
        matches: list[dict[str, Any]] = json.loads(
            self.request(f"/dicom-web/{query}", Accept="application/dicom+json") or b"[]"
        )
        return matches

    def _exchange(self, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[bytes, str]:
        """Return content and content type of an answer."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", body, fields)
        with open_directly(request, timeout_s=_PATIENCE_S) as answer:
            return answer.read(), answer.headers["Content-Type"]


def find_orthanc() -> str | None:
    """Return the program; Debian's lies where only root's path looks."""
    return shutil.which("Orthanc", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


@contextmanager
def running_orthanc(
    program: str,
    folder: Path,
    modalities: Mapping[str, tuple[str, int]] | None = None,
    *,
    refuses: str = "",
) -> Iterator[Orthanc]:
    """Start a server with its storage in a folder, wait until it answers, and end it.

    `modalities` are the nodes that it knows, AE title -> host and port: they may query, and have storage confirmed.
    Objects of the modality that `refuses` names are not taken.
    """
    server = Orthanc(free_port(), free_port())
    configuration = folder / "orthanc.json"
    known = {title: [title, *place] for title, place in (modalities or {}).items()}
    options = _configuration(server, folder) | {"DicomModalities": known}
    if refuses:
        script = folder / "refusing.lua"
        script.write_text(
            f"function ReceivedInstanceFilter(dicom, origin, info) return dicom.Modality ~= '{refuses}' end\n"
        )
        options["LuaScripts"] = [str(script)]
    configuration.write_text(json.dumps(options))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen([program, str(configuration)], stdout=log, stderr=log)
    try:
        _wait(server, process, folder / "orthanc.log")
        yield server
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def _configuration(server: Orthanc, folder: Path) -> dict[str, Any]:
    return {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "HttpPort": server.http_port,
        "DicomPort": server.dicom_port,
        "DicomAet": AE_TITLE,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [str(DICOMWEB_PLUGIN)] if DICOMWEB_PLUGIN.is_file() else [],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }


def _wait(server: Orthanc, process: subprocess.Popen[bytes], log_file: Path) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            server.request("/system")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"Orthanc did not answer:\n{log_file.read_text(errors='replace')}")


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
