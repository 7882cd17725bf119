"""What an answer says of the people in it: the names a viewer may know, and for all others labels that tell nothing.

The one place where an answer divided by agent is made fit for the eyes that asked; tables, files and figures come after
it and cannot undo it.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from dashboard.domain.policy import People
from data_access.semantics import Answer, Dimension

FEWEST = 5
"""Fewer unnamed people could be told apart by those who know who was on shift: they are left out."""


@dataclass(frozen=True)
class Roster:
    """Every agent of a build by pseudonym: the team, and the name, which goes nowhere else."""

    teams: Mapping[str, str | None]
    names: Mapping[str, str]

    def known_to(self, people: People) -> dict[str, str]:
        """What those are called whom `people` may tell apart, by pseudonym, in the order of what they are called."""
        known = {
            one: (self.names.get(one) if people.by_name else "") or one
            for one, team in self.teams.items()
            if people.names(team)
        }
        return dict(sorted(known.items(), key=lambda item: (item[1].casefold(), item[0])))


def unnamed(answer: Answer, dimension: Dimension, people: People, roster: Roster, key: bytes, picture: str) -> Answer:
    """`answer`, divided by `dimension`, in which nobody can be told apart whom `people` may not name.

    Everybody else is “one of 40, no. 7”. The numbers follow from a keyed hash of `picture` (which build, panel and
    filters) and the person, never from what was measured: the same person has another number in the next panel, and
    the rows stand in that order. Fewer than five such people are left out, with a note.
    """
    known = roster.known_to(people)
    hashed = {one: hmac.digest(key, f"{picture}\n{one}".encode(), sha256) for one in roster.teams if one not in known}
    numbers = {one: i for i, one in enumerate(sorted(hashed, key=hashed.__getitem__), start=1)}
    frame, notes = answer.frame, answer.notes
    who = frame[dimension.name].astype(object)
    hidden = ~who.isin([*known, dimension.missing])
    if 0 < who[hidden].nunique() < FEWEST:
        frame, who = frame[~hidden], who[~hidden]
        notes = (*notes, f"Fewer than {FEWEST} agents whom you may not know by name: left out.")
    places = {one: i for i, one in enumerate(known)}
    at, people_told = pd.factorize(who)
    order = np.array([places.get(one, len(places) + numbers.get(one, len(numbers) + 1)) for one in people_told], int)
    labels = np.array(
        [
            one if one in known or one == dimension.missing else f"one of {len(roster.teams)}, no. {numbers[one]}"
            for one in people_told
        ],
        object,
    )
    told = pd.Series(labels[at], frame.index).astype(answer.frame[dimension.name].dtype)
    frame = frame.assign(**{dimension.name: told})
    frame = frame.iloc[np.argsort(order[at], kind="stable")].reset_index(drop=True)
    return replace(answer, rows=frame, notes=notes)


@lru_cache(maxsize=8)
def key_in(folder: Path, name: str = "labels.key") -> bytes:
    """A key of the installation, made when first needed; one for this process where it cannot be kept."""
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            draft = folder / f".{name}.{secrets.token_hex(8)}"
            with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(secrets.token_bytes(32))
            try:
                os.link(draft, path)  # whole or not at all, and never over another's
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_bytes()
    except OSError:
        return secrets.token_bytes(32)
