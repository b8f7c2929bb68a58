"""For whoever runs central: alive, ready, figures."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from central_server.web.deps import central_of
from central_server.web.problems import problem_response, trace_id_of

router = APIRouter(tags=["health"])


@router.get("/livez")
def livez() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "alive"}


@router.get("/readyz", responses={503: {"description": "not ready yet, or draining"}})
def readyz(request: Request) -> JSONResponse:
    """Say whether central can do its work: database, migrations, not draining."""
    waiting = dict(central_of(request).readiness())
    if not waiting:
        return JSONResponse({"status": "ready"})
    words = "; ".join(f"{what}: {why}" for what, why in sorted(waiting.items()))
    return problem_response("try_later", words, trace_id_of(request), headers={"Retry-After": "2"})


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Return the figures in the text format of Prometheus."""
    central = central_of(request)
    central.figures.streams.set(central.pokes.count())
    return Response(generate_latest(central.figures.registry), media_type=CONTENT_TYPE_LATEST)
