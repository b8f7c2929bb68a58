"""Who calls: API keys with scopes on the public API, device sessions on the sync calls."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from central_server.services.api_keys import KeyHolder
from central_server.services.errors import NotAuthenticated, ScopeMissing
from central_server.services.tokens import DeviceSession
from central_server.web.deps import central_of
from sync.protocol.errors import NotAuthentic

_api_key = HTTPBearer(
    scheme_name="ApiKey", description="An API key, `hs_<prefix>_<secret>`.", auto_error=False
)
_device = HTTPBearer(
    scheme_name="DeviceSession", description="The token from hello.", auto_error=False
)

Credentials = HTTPAuthorizationCredentials | None


def require(scope: str) -> Callable[..., Coroutine[Any, Any, KeyHolder]]:
    """Return a dependency that lets only keys with `scope` (or `admin`) pass.

    A scope may name a parameter of the path: `vendor:{location_id}`.
    """

    async def holder(
        request: Request, credentials: Annotated[Credentials, Depends(_api_key)]
    ) -> KeyHolder:
        if credentials is None:
            raise NotAuthenticated
        keys = central_of(request).keys
        found = keys.remembered(credentials.credentials)
        if found is None:  # only this asks the database, so only this needs a worker thread
            found = await run_in_threadpool(keys.holder, credentials.credentials)
        if found is None:
            raise NotAuthenticated
        wanted = scope.format_map(request.path_params)
        if not found.may(wanted):
            raise ScopeMissing(wanted)
        return found

    return holder


async def device_session(
    request: Request, credentials: Annotated[Credentials, Depends(_device)]
) -> DeviceSession:
    """Return whose session a sync call belongs to, or raise `NotAuthentic`.

    Nothing is read but the token, so this needs no worker thread.
    """
    session = None
    if credentials is not None:
        session = central_of(request).sessions.session(credentials.credentials)
    if session is None:
        raise NotAuthentic("no valid session: say hello again")
    return session
