# ruff: noqa
"""Types of the gRPC stubs, which the generator leaves untyped. Made by proto/generate.py; do not edit."""

from collections.abc import Iterable, Iterator

import grpc

from sidewall.v1 import analysis_pb2 as _messages

class AnalysisStub:
    def __init__(self, channel: grpc.Channel) -> None: ...
    AnalyzeSeries: grpc.StreamStreamMultiCallable[_messages.AnalyzeSeriesRequest, _messages.Event]
    AnalyzeVolume: grpc.StreamStreamMultiCallable[_messages.AnalyzeVolumeRequest, _messages.Event]
    GetServerInfo: grpc.UnaryUnaryMultiCallable[_messages.GetServerInfoRequest, _messages.GetServerInfoResponse]
    GetResult: grpc.UnaryUnaryMultiCallable[_messages.GetResultRequest, _messages.GetResultResponse]
    DownloadArtefact: grpc.UnaryStreamMultiCallable[
        _messages.DownloadArtefactRequest, _messages.DownloadArtefactResponse
    ]

class AnalysisServicer:
    def AnalyzeSeries(
        self, request_iterator: Iterable[_messages.AnalyzeSeriesRequest], context: grpc.ServicerContext
    ) -> Iterator[_messages.Event]: ...
    def AnalyzeVolume(
        self, request_iterator: Iterable[_messages.AnalyzeVolumeRequest], context: grpc.ServicerContext
    ) -> Iterator[_messages.Event]: ...
    def GetServerInfo(
        self, request: _messages.GetServerInfoRequest, context: grpc.ServicerContext
    ) -> _messages.GetServerInfoResponse: ...
    def GetResult(
        self, request: _messages.GetResultRequest, context: grpc.ServicerContext
    ) -> _messages.GetResultResponse: ...
    def DownloadArtefact(
        self, request: _messages.DownloadArtefactRequest, context: grpc.ServicerContext
    ) -> Iterator[_messages.DownloadArtefactResponse]: ...

def add_AnalysisServicer_to_server(servicer: AnalysisServicer, server: grpc.Server) -> None: ...
