"""The client and the proxies of a hospital: it goes through the one that it is told, and through no other."""

import base64
import os

import pytest
import sidewall
from sidewall.peer import is_proxy

from runtime.serving.server import Server
from runtime.settings import Settings
from tests.fixtures.proxies import DEAD_PROXY
from tests.fixtures.tunnels import tunnels_to

SETTINGS = Settings(listen="127.0.0.1:0", shutdown_grace_s=0)
LOADING = "the server at {} is not serving: it loads its model, or stops"


def test_the_client_passes_by_the_proxy_of_the_environment() -> None:
    assert {os.environ["http_proxy"], os.environ["GRPC_PROXY"], os.environ["HTTPS_PROXY"]} == {DEAD_PROXY}
    with Server(SETTINGS) as server, sidewall.Client(server.address) as client:
        with pytest.raises(sidewall.ServerUnreachable) as error:
            client.require_serving(timeout_s=60)
        assert str(error.value) == LOADING.format(f"{server.address} (without TLS)")
        server._set_health(1)
        client.require_serving(timeout_s=60)


def test_a_proxy_that_is_named_leads_to_the_server_whatever_the_environment_says() -> None:
    with Server(SETTINGS) as server, tunnels_to(int(server.address.rpartition(":")[2])) as tunnels:
        server._set_health(1)
        proxy = tunnels.url.replace("http://", "http://nurse:open%20sesame@")
        # A name that no resolver knows: it is the proxy that finds the box.
        with sidewall.Client("box.invalid:50051", proxy=proxy) as client:
            client.require_serving(timeout_s=60)
    login = base64.b64encode(b"nurse:open sesame").decode()
    assert tunnels.asked == [("box.invalid:50051", f"Basic {login}")]


def test_a_proxy_that_does_not_answer_is_named_without_its_login() -> None:
    with (
        sidewall.Client("box.invalid:1", proxy=DEAD_PROXY.replace("//", "//me:secret@")) as client,
        pytest.raises(sidewall.ServerUnreachable) as error,
    ):
        client.analyze_series(b"x", timeout_s=60)
    assert "box.invalid:1 (without TLS, through the proxy 127.0.0.1:9): nothing listens at the proxy" in str(
        error.value
    )
    assert "secret" not in str(error.value)


def test_what_is_no_http_proxy_is_an_error_that_does_not_show_it() -> None:
    with pytest.raises(ValueError, match="proxy is no http://host:port of an HTTP proxy") as error:
        sidewall.Client("box:1", proxy="me:secret@proxy:3128")
    assert "secret" not in str(error.value)
    assert all(map(is_proxy, ("http://proxy:3128", "http://proxy:3128/", "http://a:b@[::1]:80")))
    assert not any(map(is_proxy, ("", "proxy:3128", "https://proxy:3128", "socks5://proxy:1080", "http://proxy")))
