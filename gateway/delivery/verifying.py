"""Whether a destination answers at all (C-ECHO, PS3.4, A)."""

from typing import Final

from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from gateway.delivery.associating import association
from gateway.delivery.outcomes import Unreachable
from gateway.site.parts import Destination

_SYNTAX: Final = "1.2.840.10008.1.2"


def verify(calling: str, destination: Destination) -> str:
    """Return what a destination answered; raises `Unreachable` with both AE titles and the reason when it did not."""
    with association(calling, destination, [(str(Verification), _SYNTAX)]) as opened:
        status = opened.send_c_echo().get("Status")
    if status is None:
        raise Unreachable("no answer to C-ECHO")
    return (
        f"{destination.host}:{destination.port} answers {calling} calling {destination.ae_title}: status {status:04X}"
    )
