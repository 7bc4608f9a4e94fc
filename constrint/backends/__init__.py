"""Which solver answers: the native engine, or another one handed the propagated program."""

from __future__ import annotations

from constrint import solving
from constrint.errors import BackendError
from constrint.minimising import Best
from constrint.results import NODE_LIMIT

BACKENDS = ("native", "cp-sat", "auto")

_AUTO_NODES = 20_000
"""Nodes that "auto" gives the native search before it turns to another solver."""


def answer_with(session: solving.Session, backend: str, time_limit: float | None) -> Best:
    """The answer of the named back end.

    Raises BackendError for an unknown one, or one that is missing or cannot take the problem.
    """
    if backend not in BACKENDS:
        raise BackendError(f"unknown back end '{backend}'; there are {', '.join(BACKENDS)}")
    if backend == "native":
        return solving.solve(session)
    from constrint.backends import cp_sat

    if backend == "cp-sat":
        return _by_cp_sat(session, time_limit)
    if session.node_limit is not None or not cp_sat.installed():
        return solving.solve(session)
    session.node_limit = _AUTO_NODES
    best = solving.solve(session)
    session.node_limit = None
    if session.stopped_by != NODE_LIMIT:
        return best
    session.stopped_by = None
    left = None if time_limit is None else max(0.0, time_limit - session.statistics().wall_seconds)
    try:
        return _by_cp_sat(session, left)
    except BackendError:
        # CP-SAT cannot take it (a number beyond 64 bits, say): the native search goes on to the end.
        return solving.solve(session)


def _by_cp_sat(session: solving.Session, time_limit: float | None) -> Best:
    from constrint.backends import cp_sat

    session.backend = "cp-sat"
    return cp_sat.solve(session, time_limit)
