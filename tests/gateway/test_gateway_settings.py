"""Where the gateway's settings come from, beside those of other programs."""

import pytest

from base.environment import check_variables
from base.errors import SettingInvalid
from gateway.settings import GatewaySettings, load_settings


def test_the_variables_of_engine_and_gateway_stand_in_one_environment() -> None:
    """As a file of variables for both has them, and as Kubernetes adds to each where their services are."""
    environment = {
        "SIDEWALL_LISTEN": "127.0.0.1:50051",
        "SIDEWALL_GATEWAY_LISTEN": "127.0.0.1:104",
        "SIDEWALL_GATEWAY_CONFIG": "",
        "SIDEWALL_GATEWAY_SERVICE_HOST": "10.0.0.7",
        "SIDEWALL_GATEWAY_PORT": "tcp://10.0.0.7:11112",
    }
    check_variables(environment, ["listen"])
    assert load_settings(environment=environment) == GatewaySettings(listen="127.0.0.1:104")


def test_a_variable_that_is_no_setting_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(SettingInvalid, match="SIDEWALL_GATEWAY_QUIET_S"):
        load_settings(environment={"SIDEWALL_GATEWAY_QUIETS": "5"})
