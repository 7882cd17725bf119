"""One tree of everything worth telling a person.

::

    Problem                      shown to the reader in its own words
    ├── BadRequest               the question cannot be asked like that; shown as written
    │   ├── UnknownName          a word we do not know; says which we do
    │   └── NotTold              no answer of what was chosen would mean anything; says what does not tell it
    ├── NotPermitted             the viewer may not see it; says whom to ask
    ├── NotThere                 there is no such thing, or it is not the viewer's to see
    ├── DataUnavailable          no build in service, or the database did not answer; safe to retry
    │   └── Busy                 another import is at work
    └── ImportRefused            a source that cannot be imported: file, row, column, reason
        └── NothingNew           a source that was asked has nothing to tell

Raised where the fact is known, caught in one place (`callbacks.errors`, `dashboard.cli`);
anything else is logged with an incident number and the screen shows the number.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class Problem(Exception):
    """Something to tell the reader, in the words given."""


class BadRequest(Problem):
    """The question cannot be asked like that."""


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of the words there are that are most like one that is not there."""
    folded = {word.casefold(): word for word in sorted(known)}
    sought = name.casefold()
    alike = difflib.get_close_matches(sought, folded, n=3, cutoff=0.5)
    within = sorted((word for word in folded if len(sought) > 2 and sought in word), key=len)
    return [folded[match] for match in dict.fromkeys([*alike, *within])][:3]


def did_you_mean(near: Sequence[str]) -> str:
    """“ Did you mean one or other?”, or nothing where nothing is near."""
    return f" Did you mean {' or '.join(near)}?" if near else ""


class UnknownName(BadRequest):
    """A word nobody declared, with the nearest ones that exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]):
        near = nearest(name, known)
        super().__init__(f"There is no {kind} called “{name}”.{did_you_mean(near)}")
        self.kind, self.name, self.near = kind, name, near


class NotTold(BadRequest):
    """Of what was chosen the number would mean nothing: a part of it cannot be narrowed so, or was not known then."""


class NotPermitted(Problem):
    """The viewer may not see this."""


class DataUnavailable(Problem):
    """Nothing to answer from just now; asking again later is safe."""


class ImportRefused(Problem):
    """A source that cannot be imported; the data in service is left as it was.

    `row` counts data rows from 1, as a spreadsheet would without its heading.
    """

    def __init__(self, file: str, reason: str, *, row: int | None = None, column: str | None = None):
        where = file + (f", row {row}" if row is not None else "") + (f", column {column}" if column else "")
        super().__init__(f"{where}: {reason}")
        self.file, self.reason, self.row, self.column = file, reason, row, column


class Busy(DataUnavailable):
    """Others are at work: another import, or as many readers as there is room for."""


class NothingNew(ImportRefused):
    """A source that was asked for what is new has nothing to tell."""


class NotThere(Problem):
    """What an address names does not exist, or is not the viewer's to see: both are told in the same words."""
