"""How the platform is doing, for its admins: what is live, the cache, the jobs, what stands out.

The page is drawn by the server in parts. `operations.js` asks for them again every few seconds and
shows those that have changed.
"""

from collections.abc import Callable, Iterable
from typing import Any

from flask import (
    Blueprint,
    abort,
    flash,
    get_template_attribute,
    redirect,
    render_template,
    url_for,
)
from flask_login import current_user, login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from example_app import charts
from example_app.guard import refuse_other_sites
from example_app.models import User, db
from example_app.realtime import rt
from flask_nexora_rt import NexoraError

blueprint = Blueprint("operations", __name__, url_prefix="/operations")
blueprint.before_request(refuse_other_sites)

RUNS = 30
CHANNELS = 20
# How long a click waits for a job; one that takes longer goes on, and the page shows when it ends.
PATIENCE = 2.0

Row = dict[str, Any]


@blueprint.before_request
@login_required
def require_admin() -> None:
    """Aborts with 403 for everybody else."""
    if not current_user.is_admin:
        abort(403, "Operations are for the hall's admins.")


@blueprint.get("")
def page() -> str:
    """Everything at once."""
    return render_template("operations.html", parts=_parts())


@blueprint.get("/figures")
def figures() -> Row:
    """The parts as HTML by name, and the workers' counters, from which the page makes rates."""
    try:
        workers = rt.workers_info()["workers"]
    except NexoraError:
        workers = []
    return {"parts": _parts(), "workers": workers}


@blueprint.post("/jobs/<name>")
def run_job(name: str) -> Response:
    """Runs a job now, beside its schedule."""
    last = next(iter(rt.jobs.runs(name, limit=1)), None)
    if last is not None and last["status"] == "running":
        flash(f"{name} is running already.")
    else:
        flash(_outcome(name, rt.jobs.run(name, force=True, wait=PATIENCE)))
    return redirect(url_for("operations.page", _anchor="jobs"))


def _outcome(name: str, answer: Row) -> str:
    if answer["success"] is None:
        return f"{name} has begun. Its run shows here when it ends."
    if not answer["success"]:
        return f"{name} has failed: {answer['detail']}."
    return f"{name} is done."


def _parts() -> dict[str, str]:
    # One that cannot be read says so, and the others are shown.
    return {name: _part(name, gather) for name, gather in PARTS.items()}


def _part(name: str, gather: Callable[[], Row]) -> str:
    try:
        found = gather()
    except NexoraError as error:
        return str(_macro("problem")(str(error)))
    return str(_macro(name)(**found))


def _macro(name: str) -> Any:
    return get_template_attribute("operations_parts.html", name)


# -- what there is to see -------------------------------------------------------------------------


def _workers() -> Row:
    return {"workers": rt.workers_info()["workers"]}


def _channels() -> Row:
    found = rt.channels_info()["channels"]
    busiest = sorted(found.items(), key=lambda one: (-one[1]["subscription_count"], one[0]))
    return {"channels": busiest[:CHANNELS], "others": max(0, len(busiest) - CHANNELS)}


def _cache() -> Row:
    stats = rt.cache.stats()
    found = stats["hits"] + stats["stale_hits"]
    reads = found + stats["misses"]
    return {"stats": stats, "hit_rate": round(100 * found / reads) if reads else None}


def _jobs() -> Row:
    return {"jobs": rt.jobs.overview()}


def _health() -> Row:
    judged = [run for run in _oracle_runs() if run["result"]["platformHealth"] is not None]
    latest = judged[0] if judged else None
    parts = latest["result"]["platformHealthBreakdown"] if latest else []
    scores = [(one["finishedAt"], one["result"]["platformHealth"]) for one in reversed(judged)]
    return {
        "latest": latest,
        "bars": charts.bars(parts),
        "ring": charts.ring(latest["result"]["platformHealth"]) if latest else "",
        "scores": scores,
        "line": charts.line([score for _, score in scores]),
    }


def _anomalies() -> Row:
    latest = next(iter(_oracle_runs()), None)
    found = latest["result"]["anomalies"] if latest else []
    names = _names(one["userId"] for one in found)
    rows = [{**one, "name": names.get(one["userId"], one["userId"])} for one in found]
    total = latest["result"]["anomaliesDetected"] if latest else 0
    return {"latest": latest, "anomalies": rows, "total": total}


PARTS: dict[str, Callable[[], Row]] = {
    "workers": _workers,
    "health": _health,
    "anomalies": _anomalies,
    "jobs": _jobs,
    "channels": _channels,
    "cache": _cache,
}


def _oracle_runs() -> list[Row]:
    """The oracle's runs that went well, newest first."""
    return [run for run in rt.jobs.runs("oracle", limit=RUNS) if run["status"] == "ok"]


def _names(user_ids: Iterable[str]) -> dict[str, str]:
    ids = [int(one) for one in user_ids if one.isdecimal()]
    found = db.session.execute(select(User.id, User.name).where(User.id.in_(ids)))
    return {str(user_id): name for user_id, name in found}
