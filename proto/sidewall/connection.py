"""What every client stands on: a connection to one address, encrypted or not, opened when made and closed later."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import grpc
import grpc.aio

from sidewall.channel import CHANNEL_OPTIONS, TlsOptions
from sidewall.peer import Peer, proxy_options


class Connection:
    """A connection whose calls block; use as a context manager or call `close`."""

    def __init__(self, address: str, tls: TlsOptions | None, proxy: str | None) -> None:
        """Connect to `address` (host:port); without `tls` the connection is not encrypted.

        `proxy` is the HTTP proxy to go through. Raises `ValueError` when `address` or `proxy` has another form,
        `OSError` when a TLS file cannot be read.
        """
        self._peer = Peer(address, tls is not None, proxy)
        options = (*CHANNEL_OPTIONS, *proxy_options(proxy))
        if tls is None:
            self._channel = grpc.insecure_channel(address, options=options)
        else:
            self._channel = grpc.secure_channel(address, tls.to_credentials(), options=options)

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; running calls are cancelled."""
        self._channel.close()


class AsyncConnection:
    """A connection of one event loop; use as an asynchronous context manager or call `close`."""

    def __init__(self, address: str, tls: TlsOptions | None, proxy: str | None) -> None:
        """Do as `Connection` does; to be made while the event loop runs."""
        self._peer = Peer(address, tls is not None, proxy)
        options = (*CHANNEL_OPTIONS, *proxy_options(proxy))
        if tls is None:
            self._channel = grpc.aio.insecure_channel(address, options=options)
        else:
            self._channel = grpc.aio.secure_channel(address, tls.to_credentials(), options=options)

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        await self.close()

    async def close(self) -> None:
        """Close the connection; running calls are cancelled."""
        await self._channel.close(None)
