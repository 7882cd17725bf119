"""The clock of one request: when it stood open, when its clock ran, was paused or overdue, and who held it.

Instants come and go as naive UTC `datetime`; every stretch is half-open ``[begin, end)``. No clock is read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple


class Stretch(NamedTuple):
    """A stretch of time in one state: ``running``, ``paused`` or ``overdue``."""

    state: str
    begin: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.begin).total_seconds()


def open_stretches(
    opened_at: datetime, turns: Iterable[tuple[datetime, str]], closed_at: datetime | None, as_of: datetime
) -> list[tuple[datetime, datetime]]:
    """When a request stood open, up to its final closing or `as_of`.

    `turns` are its recorded closings and reopenings, ``(instant, "close" | "reopen")`` in order of time. Without any
    it stood open from beginning to end; a closing recorded before the opening leaves nothing.
    """
    found, since = [], opened_at if closed_at is None or closed_at > opened_at else None
    for at, kind in turns:
        if kind == "close" and since is not None:
            found.append((since, at))
            since = None
        elif kind == "reopen" and since is None:
            since = at
    if since is not None:
        found.append((since, closed_at if closed_at is not None and closed_at > since else as_of))
    return [(begin, end) for begin, end in found if end > begin]


def clock_stretches(
    stood_open: Sequence[tuple[datetime, datetime]],
    pauses: Iterable[tuple[datetime, datetime | None]],
    due_at: datetime | None,
) -> list[Stretch]:
    """The open stretches of a request cut where its clock was paused and where it fell due.

    A pause without an end lasts as long as the request stood open. A pause is a pause before and after the due time.
    Source: measures reference, B-clock (overlapping pauses are one).
    """
    held = [(begin, end or datetime.max) for begin, end in pauses]  # noqa: DTZ901 - instants carry no zone
    found: list[Stretch] = []
    for begin, end in stood_open:
        inside = {edge for pause in held for edge in pause if begin < edge < end}
        if due_at is not None and begin < due_at < end:
            inside.add(due_at)
        cuts = [begin, *sorted(inside), end]
        for a, b in zip(cuts, cuts[1:], strict=False):
            is_paused = any(start <= a < stop for start, stop in held)
            late = due_at is not None and a >= due_at
            state = "paused" if is_paused else "overdue" if late else "running"
            if found and found[-1].state == state and found[-1].end == a:
                found[-1] = found[-1]._replace(end=b)
            else:
                found.append(Stretch(state, a, b))
    return found


def held_by(
    changes: Sequence[tuple[datetime, str]], stood_open: Sequence[tuple[datetime, datetime]]
) -> list[tuple[str, float]]:
    """How many seconds each holder had a request while it stood open, in the order they first had it.

    `changes` say who holds it from an instant on, in order of time.
    """
    seconds: dict[str, float] = {}
    ends = [*(at for at, _ in changes[1:]), datetime.max]  # noqa: DTZ901
    for (since, name), until in zip(changes, ends, strict=False):
        for begin, end in stood_open:
            both = (min(until, end) - max(since, begin)).total_seconds()
            if both > 0:
                seconds[name] = seconds.get(name, 0.0) + both
    return list(seconds.items())
