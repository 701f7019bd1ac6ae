"""How methods of the emulator become gRPC handlers, and its refusals gRPC statuses."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from inspect import iscoroutinefunction
from typing import Any

import grpc

from infra.local.pubsub.model import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Refused
from infra.local.pubsub.wire import protobuf

STATUS: Mapping[type[Refused], grpc.StatusCode] = {
    NotFound: grpc.StatusCode.NOT_FOUND,
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
}


@asynccontextmanager
async def refusals_as_status(context: Any) -> AsyncIterator[None]:
    """End the call with the status that belongs to a refusal."""
    try:
        yield
    except Refused as refused:
        await context.abort(STATUS[type(refused)], str(refused))


def service(name: str, methods: Mapping[str, grpc.RpcMethodHandler]) -> grpc.GenericRpcHandler:
    """A service by its full name. Methods that are left out answer UNIMPLEMENTED."""
    return grpc.method_handlers_generic_handler(name, dict(methods))


def unary(method: Callable[..., Any], request: str, response: str) -> grpc.RpcMethodHandler:
    """A handler for one request and one response. A coroutine also gets the call's context."""

    async def call(message: Any, context: Any) -> Any:
        async with refusals_as_status(context):
            return method(message)

    async def call_with_context(message: Any, context: Any) -> Any:
        async with refusals_as_status(context):
            return await method(message, context)

    behaviour = call_with_context if iscoroutinefunction(method) else call
    return grpc.unary_unary_rpc_method_handler(behaviour, **codec(request, response))


def stream(method: Callable[..., Any], request: str, response: str) -> grpc.RpcMethodHandler:
    """A handler for streams in both directions; the method gets the call's context and uses it."""

    async def call(requests: Any, context: Any) -> None:
        async with refusals_as_status(context):
            await method(requests, context)

    return grpc.stream_stream_rpc_method_handler(call, **codec(request, response))


def codec(request: str, response: str) -> dict[str, Callable[..., Any]]:
    """How to read the request and write the response."""
    return {
        "request_deserializer": protobuf(request).FromString,
        "response_serializer": protobuf(response).SerializeToString,
    }
