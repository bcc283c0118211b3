"""Associations with destinations: opened for what will be sent, dropped for good once they break."""

import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from pynetdicom import AE, build_role
from pynetdicom.association import Association
from pynetdicom.sop_class import StorageCommitmentPushModel  # type: ignore[attr-defined]

from gateway.delivery.outcomes import Unreachable
from gateway.site.parts import Destination

MAX_CONTEXTS: Final = 128
"""PS3.8, 9.3.2: presentation context IDs are the odd numbers to 255."""

_REJECTIONS: Final = {
    (1, 3): "calling AE title not recognised",
    (1, 7): "called AE title not recognised",
    (1, 2): "application context not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
"""Source and reason of an A-ASSOCIATE-RJ (PS3.8, 9.3.4)."""


@contextmanager
def association(
    calling: str,
    destination: Destination,
    contexts: Iterable[tuple[str, str]],
    *,
    called: str = "",
    handlers: Iterable[Any] = (),
) -> Iterator[Association]:
    """Give an association for these pairs of SOP class and transfer syntax; it is released, or aborted once it broke.

    Raises `Unreachable` when none comes about.
    """
    entity = AE(calling)
    entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = destination.timeout_s
    entity.network_timeout = None
    pairs = list(dict.fromkeys(contexts))
    for sop_class, syntax in pairs[:MAX_CONTEXTS]:
        entity.add_requested_context(sop_class, syntax)
    asks = any(sop_class == StorageCommitmentPushModel for sop_class, _ in pairs)
    roles = [build_role(StorageCommitmentPushModel, scu_role=True)] if asks else []
    opened = entity.associate(
        destination.host,
        destination.port,
        ae_title=called or destination.ae_title,
        ext_neg=roles,  # type: ignore[arg-type]
        evt_handlers=list(handlers),
        tls_args=_tls_arguments(destination),
    )
    try:
        if not opened.is_established:
            raise _why_not(opened, destination)
        _keep_answers(opened)
        yield opened
    finally:
        if opened.is_established:
            opened.release()
        elif opened.is_alive():
            opened.abort()


def _keep_answers(opened: Association) -> None:
    """Give an answer back to whoever waits for it when pynetdicom's reactor was faster, which drops it otherwise.

    On a busy machine it sometimes was; the object was then sent again after the time-out, though it had arrived.
    """
    serve: Callable[[Any, int], None] = opened._serve_request

    def served(message: Any, context_id: int) -> None:
        if message.is_valid_request:
            serve(message, context_id)
        else:
            opened.dimse.msg_queue.put((context_id, message))

    opened._serve_request = served  # type: ignore[assignment, method-assign]


def _why_not(opened: Association, destination: Destination) -> Unreachable:
    place = f"{destination.host}:{destination.port}"
    if opened.is_rejected:
        answer: Any = opened.acceptor.primitive
        source, reason = answer.result_source, answer.diagnostic
        said = _REJECTIONS.get((source, reason), f"source {source}, reason {reason}")
        return Unreachable(
            f"{place} rejects {opened.requestor.ae_title.strip()} calling {opened.acceptor.ae_title.strip()}: {said}",
            permanent=answer.result == 1,
        )
    if opened.rejected_contexts and not opened.accepted_contexts:
        return Unreachable(f"{place} accepts none of the presentation contexts for what is to be sent", permanent=True)
    # pynetdicom aborts both what was not connected and what was not answered.
    return Unreachable(f"no association with {place}: nothing listens there, or it broke off")


def _tls_arguments(destination: Destination) -> tuple[ssl.SSLContext, str] | None:
    if destination.tls_ca is None:
        return None
    context = ssl.create_default_context(cafile=str(destination.tls_ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if destination.tls_certificate is not None:
        context.load_cert_chain(destination.tls_certificate, destination.tls_key)
    return context, destination.host
