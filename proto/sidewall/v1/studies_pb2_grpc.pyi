# ruff: noqa
"""Types of the gRPC stubs, which the generator leaves untyped. Made by proto/generate.py; do not edit."""

from collections.abc import Iterable, Iterator

import grpc

from sidewall.v1 import studies_pb2 as _messages

class StudiesStub:
    def __init__(self, channel: grpc.Channel) -> None: ...
    ListStudies: grpc.UnaryUnaryMultiCallable[_messages.ListStudiesRequest, _messages.ListStudiesResponse]
    GetStudy: grpc.UnaryUnaryMultiCallable[_messages.StudyRequest, _messages.Study]
    WatchStudies: grpc.UnaryStreamMultiCallable[_messages.WatchStudiesRequest, _messages.StudyChange]
    RetryStudy: grpc.UnaryUnaryMultiCallable[_messages.StudyRequest, _messages.Study]
    CancelStudy: grpc.UnaryUnaryMultiCallable[_messages.StudyRequest, _messages.Study]
    FetchResults: grpc.UnaryStreamMultiCallable[_messages.FetchResultsRequest, _messages.FetchResultsResponse]

class StudiesServicer:
    def ListStudies(
        self, request: _messages.ListStudiesRequest, context: grpc.ServicerContext
    ) -> _messages.ListStudiesResponse: ...
    def GetStudy(self, request: _messages.StudyRequest, context: grpc.ServicerContext) -> _messages.Study: ...
    def WatchStudies(
        self, request: _messages.WatchStudiesRequest, context: grpc.ServicerContext
    ) -> Iterator[_messages.StudyChange]: ...
    def RetryStudy(self, request: _messages.StudyRequest, context: grpc.ServicerContext) -> _messages.Study: ...
    def CancelStudy(self, request: _messages.StudyRequest, context: grpc.ServicerContext) -> _messages.Study: ...
    def FetchResults(
        self, request: _messages.FetchResultsRequest, context: grpc.ServicerContext
    ) -> Iterator[_messages.FetchResultsResponse]: ...

def add_StudiesServicer_to_server(servicer: StudiesServicer, server: grpc.Server) -> None: ...
