"""``/cron``: jobs run by an external cron service, with a bearer secret and nothing else."""

from __future__ import annotations

import hmac
import logging
from hashlib import sha256

from flask import Blueprint, Response, jsonify, request, url_for
from werkzeug.exceptions import MethodNotAllowed

from ..errors import BadRequest, BrokerUnavailable, NotServable, Unauthorized
from ..jobs import Outcome, answer
from ..limiter import Rate
from ..scheduling.ledger import OK, RUNNING
from ..scheduling.runner import HTTP
from ..state import State, current_state

logger = logging.getLogger(__name__)

# Of one address. The right secret is never refused, however many wrong ones came before.
FAILURES = Rate("cron-failures", 10, 60)
_RETRY_SECONDS = 5


def make_blueprints(prefix: str) -> list[Blueprint]:
    blueprint = Blueprint("nexora_rt_cron", __name__)
    blueprint.before_request(require_secret)
    blueprint.after_request(describe)
    job = f"{prefix}/cron/<job>"
    blueprint.add_url_rule(f"{prefix}/cron", view_func=overview)
    blueprint.add_url_rule(job, view_func=run, methods=["GET", "POST"])
    blueprint.add_url_rule(f"{job}/runs", view_func=runs)
    blueprint.add_url_rule(f"{job}/runs/<run_id>", view_func=one_run)
    return [blueprint]


def overview() -> Response:
    """All jobs: schedule, last run, next due, overdue."""
    return jsonify(jobs=current_state().jobs.service.overview())


def run(job: str) -> tuple[Response, int]:
    """Run a job for its latest slot, or answer with the result of who did."""
    if request.method == "HEAD":
        raise MethodNotAllowed(["GET", "POST"], "a job has effects: use GET or POST")
    state = current_state()
    wait = state.settings.job_wait_seconds
    outcome = state.jobs.service.outcome(job, HTTP, _forced(), wait)
    return _answer(job, outcome)


def runs(job: str) -> Response:
    """The newest runs of a job."""
    limit = request.args.get("limit", "50")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= 100):
        raise BadRequest("limit is a number from 1 to 100")
    return jsonify(runs=current_state().jobs.service.runs(job, int(limit)))


def one_run(job: str, run_id: str) -> tuple[Response, int]:
    """How a run stands: where a 202 has sent the caller."""
    return _answer(job, current_state().jobs.service.find(job, run_id))


def _answer(job: str, outcome: Outcome) -> tuple[Response, int]:
    response = jsonify(answer(outcome))
    status = outcome.run.status
    if status == RUNNING:
        response.headers["Location"] = url_for(".one_run", job=job, run_id=outcome.run.id)
        response.headers["Retry-After"] = str(_RETRY_SECONDS)
        return response, 202
    return response, 200 if status == OK else 500


def _forced() -> bool:
    force = request.args.get("force", "0")
    if force not in ("0", "1"):
        raise BadRequest("force is 1, or left out")
    return force == "1"


def require_secret() -> None:
    """Let who knows the secret in. Raises `NotServable`, `Unauthorized`, `TooManyRequests`."""
    state = current_state()
    if not state.settings.cron_secret:
        raise NotServable("no secret is set: set NEXORA_RT_CRON_SECRET (flask nexora-rt secret)")
    if not _is_known(request.headers.get("Authorization", ""), state.settings.cron_secret):
        _count_failure(state)
        raise Unauthorized("send the header Authorization: Bearer <the cron secret>")


def _is_known(header: str, secrets: tuple[str, ...]) -> bool:
    scheme, _, token = header.partition(" ")
    # Digests are of one length, and every secret is compared: the time taken tells nothing.
    given = _digest(token.strip().encode("latin-1", "replace"))
    known = [hmac.compare_digest(given, _digest(secret.encode())) for secret in secrets]
    return scheme.lower() == "bearer" and any(known)


def _digest(value: bytes) -> bytes:
    return sha256(value).digest()


def _count_failure(state: State) -> None:
    who = state.settings.app_id, request.remote_addr or "unknown"
    try:
        state.runtime.limiter.require(FAILURES, *who)
    except (BrokerUnavailable, NotServable) as error:
        logger.info("this process counts wrong cron secrets alone: %s", error)
        state.local_limiter.require(FAILURES, *who)


def describe(response: Response) -> Response:
    """Nothing here may be stored, and a refusal says what it wants."""
    response.headers["Cache-Control"] = "no-store"
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="nexora-rt"'
    return response
