# ruff: noqa
"""Types of the gRPC stubs, which the generator leaves untyped. Made by proto/generate.py; do not edit."""

from collections.abc import Iterable, Iterator

import grpc

from sidewall.v1 import analysis_pb2 as _messages

class AnalysisStub:
    def __init__(self, channel: grpc.Channel) -> None: ...
    AnalyzeSeries: grpc.StreamStreamMultiCallable[_messages.AnalyzeSeriesRequest, _messages.Event]
    AnalyzeVolume: grpc.StreamStreamMultiCallable[_messages.AnalyzeVolumeRequest, _messages.Event]

class AnalysisServicer:
    def AnalyzeSeries(
        self, request_iterator: Iterable[_messages.AnalyzeSeriesRequest], context: grpc.ServicerContext
    ) -> Iterator[_messages.Event]: ...
    def AnalyzeVolume(
        self, request_iterator: Iterable[_messages.AnalyzeVolumeRequest], context: grpc.ServicerContext
    ) -> Iterator[_messages.Event]: ...

def add_AnalysisServicer_to_server(servicer: AnalysisServicer, server: grpc.Server) -> None: ...
