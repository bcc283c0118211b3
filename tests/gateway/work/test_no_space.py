"""A disk that is full when an answer comes: the study waits, and goes on by itself."""

from pathlib import Path

from tests.fixtures.disks import fill, small_disk
from tests.fixtures.gateways import GatewayPlace, recording_node, running_gateway, wait_for
from tests.fixtures.sending import renamed_study, send
from tests.gateway.test_chain import SITE


def test_a_study_whose_answer_finds_no_space_waits_without_losing_an_attempt(
    tmp_path: Path, stand_in: str, series: list[Path]
) -> None:
    study = renamed_study(series)
    with recording_node() as node, small_disk(tmp_path / "spool", 24 << 10) as disk:
        place = GatewayPlace(tmp_path)
        place.write_site(SITE.format(engine=stand_in, port=node.port, ae_title="RECORDER", confirm="none"))
        # Room for what comes in, and not for what the engine says of it.
        fill(disk, leave_kib=3 << 10)
        with running_gateway(place, SIDEWALL_GATEWAY_MIN_FREE_MIB="1", SIDEWALL_GATEWAY_ENGINE_ATTEMPTS="1") as gateway:
            assert send(gateway.port, study) == [0x0000] * len(study)
            wait_for(
                lambda: any(each["event"] == "no space is left for a result" for each in gateway.log()), place.describe
            )
            (waiting,) = place.wait_for_states("waiting")
            (disk / "others").unlink()
            place.wait_for_states("delivered")
        place.end()
    assert (waiting.reason, waiting.attempts) == ("no space is left for the result", 0)
