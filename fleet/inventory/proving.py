"""Whether a ring has proved what it was told: enough of its boxes run it, for long enough, and none went back."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from fleet.channels.content import Part
from fleet.errors import NotProved
from fleet.inventory.overview import SILENT_AFTER, BoxRow


def require_proof(
    part: Part, rows: Iterable[BoxRow], *, least_boxes: int, least_hours: float, now: datetime | None = None
) -> list[str]:
    """Return the boxes that have proved a part of their ring; raises `NotProved` with what is missing.

    A box counts when it is heard of now, runs every image of the part by the digest that its containers say, has done
    so for the hours, and passed its self-test. One box that went back from any of the images is enough to say no.
    """
    now = now or datetime.now(UTC)
    statuses = [row.status for row in rows if row.status is not None and row.status.ring == part.ring]
    digests = {image.digest for image in part.images.values()}
    back = sorted(each.box for each in statuses if digests & set(each.failed))
    if back:
        raise NotProved(f"the {part.part} of ring {part.ring}: {', '.join(back[:10])} went back from it")
    proved = []
    for status in statuses:
        runs = {name: status.running.get(name) for name in part.images}
        holds = all(
            each is not None
            and each.digest == part.images[name].digest
            and now - each.since >= timedelta(hours=least_hours)
            for name, each in runs.items()
        )
        if holds and status.self_test_passed and now - status.written_at <= SILENT_AFTER:
            proved.append(status.box)
    if len(proved) < least_boxes:
        said = f"{len(proved)} of {len(statuses)} boxes have run it for {least_hours:g} h"
        raise NotProved(f"the {part.part} of ring {part.ring}: {said}; allowed: at least {least_boxes}")
    return sorted(proved)
