"""Whether a destination answers at all: C-ECHO (PS3.4, A), or a query that finds nothing (QIDO-RS, PS3.18, 10.6)."""

from dataclasses import dataclass
from typing import Final

from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from gateway.delivery.associating import association
from gateway.delivery.outcomes import Unreachable
from gateway.delivery.stowing import answers_web
from gateway.site.parts import Destination

_SYNTAX: Final = "1.2.840.10008.1.2"


@dataclass(frozen=True)
class Answered:
    """What a destination answered."""

    destination: str
    """Its name in the site's file."""

    place: str
    """host:port, or URL."""

    calling: str
    called: str
    """AE titles; both empty over HTTP."""

    status: str
    """Of the C-ECHO response, four hexadecimal digits; of HTTP, three decimal ones."""

    def __str__(self) -> str:
        """Return it in words."""
        if not self.called:
            return f"{self.place} answers: HTTP status {self.status}"
        return f"{self.place} answers {self.calling} calling {self.called}: status {self.status}"


def verify(calling: str, destination: Destination) -> Answered:
    """Return what a destination answered; raises `Unreachable` with the place and the reason when it did not."""
    if destination.url:
        return Answered(destination.name, destination.url, "", "", str(answers_web(destination)))
    with association(calling, destination, [(str(Verification), _SYNTAX)]) as opened:
        status = opened.send_c_echo().get("Status")
    if status is None:
        raise Unreachable("no answer to C-ECHO")
    place = f"{destination.host}:{destination.port}"
    return Answered(destination.name, place, calling, destination.ae_title, f"{status:04X}")
