"""STOW-RS to a DICOMweb server, an outcome for each object, and QIDO-RS to see that it is there (PS3.18)."""

import json
import secrets
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from gateway.delivery.outcomes import Kind, Outcome, Unreachable, of_store_status
from gateway.delivery.storing import Noted
from gateway.ledger.outbox import DeliveryRow
from gateway.site.parts import Destination

_JSON: Final = "application/dicom+json"
_PASSING: Final = (408, 425, 429)
_REFERENCED, _FAILED, _SOP_UID, _REASON = "00081199", "00081198", "00081155", "00081197"
"""Tags of the response (PS3.18, Table I.2-2): what was stored, what was not, which instance, and why."""


def store_web(destination: Destination, folder: Path, objects: Sequence[DeliveryRow], noted: Noted) -> None:
    """Send the objects one by one; `noted` learns each outcome before the next one is sent.

    Raises `Unreachable` when the server cannot be reached; then the rest was not sent.
    """
    with _client(destination) as client:
        for each in objects:
            try:
                content = (folder / each.name).read_bytes()
            except FileNotFoundError:
                noted(each, Outcome(Kind.PERMANENT, "its file is not in the case folder any more"))
                continue
            noted(each, _post(client, each.sop_uid, content))


def kept_by_web(destination: Destination, study_uid: str, objects: Sequence[DeliveryRow]) -> set[str]:
    """Return which of a study's objects a server says that it has; raises `Unreachable` when it does not answer."""
    kept = set()
    with _client(destination) as client:
        for each in objects:
            query = {"SOPInstanceUID": each.sop_uid}
            try:
                answer = client.get(f"studies/{study_uid}/instances", params=query, headers={"Accept": _JSON})
            except httpx.HTTPError as error:
                raise Unreachable(f"no answer to QIDO-RS ({type(error).__name__})") from error
            if answer.status_code not in (200, 204, 404):
                raise Unreachable(f"QIDO-RS was answered {answer.status_code}")
            if answer.status_code == 200 and each.sop_uid in _uids(_decoded(answer), "00080018"):
                kept.add(each.sop_uid)
    return kept


def answers_web(destination: Destination) -> int:
    """Return the status with which a server answers a query for one study; raises `Unreachable` for none, or a refusal.

    What it answers is not read: it could be anybody's.
    """
    with _client(destination) as client:
        try:
            answer = client.get("studies", params={"limit": "1"}, headers={"Accept": _JSON})
        except httpx.HTTPError as error:
            raise Unreachable(f"no answer at {destination.url} ({type(error).__name__})") from error
    if answer.status_code not in (200, 204):
        raise Unreachable(f"{destination.url} answers QIDO-RS with HTTP status {answer.status_code}", permanent=True)
    return answer.status_code


def _client(destination: Destination) -> httpx.Client:
    verify: bool | ssl.SSLContext = True
    if destination.tls_ca is not None:
        verify = ssl.create_default_context(cafile=str(destination.tls_ca))
        if destination.tls_certificate is not None:
            verify.load_cert_chain(destination.tls_certificate, destination.tls_key)
    # No proxy, whatever the environment says: that is for downloads.
    return httpx.Client(
        base_url=destination.url.rstrip("/") + "/", timeout=destination.timeout_s, verify=verify, trust_env=False
    )


def _post(client: httpx.Client, sop_uid: str, content: bytes) -> Outcome:
    boundary = secrets.token_hex(16)
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    headers = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}', "Accept": _JSON}
    try:
        answer = client.post("studies", content=head + content + f"\r\n--{boundary}--\r\n".encode(), headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Unreachable(f"no connection to {client.base_url.host} ({type(error).__name__})") from error
    except httpx.HTTPError as error:
        return Outcome(Kind.PASSING, f"no answer: {type(error).__name__}")
    return outcome_of(answer.status_code, _decoded(answer), sop_uid)


def outcome_of(status: int, body: Any, sop_uid: str) -> Outcome:
    """Return what the answer to STOW-RS means for one instance: what it says of that, before its status.

    A status of success without the instance among what was stored is none.
    """
    rows = [each for each in (body if isinstance(body, list) else [body]) if isinstance(each, dict)]
    for row in rows:
        if sop_uid in _uids(_items(row, _REFERENCED), _SOP_UID):
            return Outcome(Kind.TAKEN, "")
        for item in _items(row, _FAILED):
            if _first(item, _SOP_UID) in (sop_uid, None):
                reason = _first(item, _REASON)
                return of_store_status(int(reason) if reason is not None else 0x0110)
    if status in _PASSING or status >= 500:
        return Outcome(Kind.PASSING, f"HTTP status {status}")
    if 200 <= status < 300:
        return Outcome(Kind.PASSING, f"HTTP status {status}, but the answer does not name the instance")
    return Outcome(Kind.PERMANENT, f"HTTP status {status}")


def _decoded(answer: httpx.Response) -> Any:
    try:
        return json.loads(answer.content or b"[]")
    except ValueError:
        return []


def _items(row: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    found = row.get(tag)
    values = found.get("Value") if isinstance(found, dict) else None
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _uids(rows: Any, tag: str) -> set[Any]:
    return {_first(each, tag) for each in rows if isinstance(each, dict)} if isinstance(rows, list) else set()


def _first(item: dict[str, Any], tag: str) -> Any:
    found = item.get(tag)
    values = found.get("Value") if isinstance(found, dict) else None
    return values[0] if isinstance(values, list) and values else None
