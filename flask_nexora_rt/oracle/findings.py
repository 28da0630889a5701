"""What a detector has found, made fit to be saved and shown, before anything is written. Pure.

A detector may be the host's own: what cannot be kept is refused here, not halfway.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from ..errors import InvalidFields, JobFailed
from ..user_ids import check_user_id
from .detector import REPORTED, Anomaly

MAX_EVIDENCE_BYTES: Final = 16_384
_MOST_SHOWN: Final = 50
_MOST_SHOWN_BYTES: Final = 32_768
_EVIDENCE_SHOWN: Final = 3


def reported(found: Iterable[Anomaly]) -> list[Anomaly]:
    """Return one anomaly for each user who is to be reported, highest risk first.

    Of several for one user the highest risk counts, with the evidence of all. Raises
    `JobFailed` for one that cannot be kept.
    """
    users: dict[str, Anomaly] = {}
    for one in sorted(map(_checked, found), key=lambda anomaly: -anomaly.risk):
        first = users.get(one.user_id)
        also = first and replace(first, evidence=(*first.evidence, *one.evidence))
        users[one.user_id] = also or one
    for one in users.values():
        _check_evidence(one)
    worst = sorted(users.values(), key=lambda anomaly: (-anomaly.risk, anomaly.user_id))
    return [one for one in worst if one.risk >= REPORTED]


def _checked(one: Anomaly) -> Anomaly:
    try:
        user_id, risk = check_user_id(one.user_id), float(one.risk)
    except InvalidFields as error:
        raise _refused(one, error.fields["userId"]) from None
    except (TypeError, ValueError):
        raise _refused(one, f"its risk is {one.risk!r}, not a number") from None
    if not math.isfinite(risk):
        raise _refused(one, f"its risk is {risk}: use 0 to 100")
    metric = str(one.metric).replace("\0", "")[:64]
    return Anomaly(user_id, min(100.0, max(0.0, risk)), metric, tuple(one.evidence))


def _check_evidence(one: Anomaly) -> None:
    try:
        size = len(json.dumps(one.evidence, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise _refused(one, f"its evidence is no JSON ({error})") from None
    if size > MAX_EVIDENCE_BYTES:
        raise _refused(one, f"its evidence takes {size} bytes, at most {MAX_EVIDENCE_BYTES} do")


def _refused(one: Anomaly, why: str) -> JobFailed:
    return JobFailed(f"the detector's anomaly of user {one.user_id!r:.80} cannot be kept: {why}")


def shown(found: Sequence[Anomaly]) -> list[dict[str, Any]]:
    """Write the first of them for a job's result, as many as it has room for."""
    lines: list[dict[str, Any]] = []
    room = _MOST_SHOWN_BYTES
    for one in found[:_MOST_SHOWN]:
        evidence = list(one.evidence)[:_EVIDENCE_SHOWN]
        line = {"userId": one.user_id, "risk": one.risk, "level": one.level, "evidence": evidence}
        room -= len(json.dumps(line))
        if room < 0:
            break
        lines.append(line)
    return lines
