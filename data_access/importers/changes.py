"""Changes that an import brings (table `intervention`), held against the city they are about: no unit may be unknown.

A misspelt district would otherwise be a change of nothing, and nobody would notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from dashboard.domain.errors import BadRequest, ImportRefused, did_you_mean, nearest
from data_access import schema
from data_access.build import Build
from data_access.changes import ASSET, LISTED_IN, SIDES, assets_named, listed, units_listed
from data_access.dimensions import service_type

_FEW = 5
_OF = {"treated": "where it was made", "comparison": "to compare with"}


def changes_brought(build: Build) -> list[str]:
    """The ids of the changes that wait, before those in service join them."""
    return list(build.connection.scalars(select(build.staged("intervention").c.intervention_id)))


def check_changes(build: Build, file: str, ids: Sequence[str]) -> list[str]:
    """What is to be told of the changes with these ids.

    Raises ImportRefused for one that names no unit on a side, one on both, one that there is not, or an outcome that is
    no service type. Of assets some may be missing from the register: that is told.
    """
    change = build.staged("intervention")
    notes = []
    rows = build.connection.execute(select(change).where(change.c.intervention_id.in_(ids)).order_by(change.c.name))
    for row in rows.mappings().all():
        name = row["name"]
        if row["unit_kind"] not in schema.UNIT_KINDS:
            kinds = ", ".join(schema.UNIT_KINDS)
            raise ImportRefused(file, f"the change “{name}” is of “{row['unit_kind']}”; there are {kinds}.")
        try:
            sides = [listed(row[f"{side}_ids"]) for side in SIDES]
        except BadRequest as problem:
            raise ImportRefused(file, f"the change “{name}”: {problem}") from problem
        for side, units in zip(SIDES, sides, strict=True):
            if not units:
                raise ImportRefused(file, f"the change “{name}” names no {row['unit_kind']} {_OF[side]}.")
        if both := [one for one in sides[0] if one in set(sides[1])]:
            raise ImportRefused(file, f"the change “{name}” names “{both[0]}” on both sides.")
        if row["unit_kind"] == ASSET:
            notes += _assets(build, name, row["intervention_id"], sum(map(len, sides)))
        else:
            _check_names(build, file, row, [*sides[0], *sides[1]])
        if outcome := row["primary_outcome"]:
            known, types = _names(build, service_type.name)
            if outcome not in known:
                hint = did_you_mean(nearest(outcome, types)[:_FEW])
                raise ImportRefused(file, f"the change “{name}” is about “{outcome}”, which is no service type.{hint}")
    return notes


def _assets(build: Build, name: str, change_id: str, named: int) -> list[str]:
    unit, asset = assets_named(build.staged("intervention"), change_id).c.unit, build.staged("asset")
    missing = unit.not_in(select(asset.c.asset_id))
    found = build.connection.scalars(select(unit).where(missing).order_by(unit)).all()
    if not found:
        return []
    if len(found) == named:
        return [f"Change “{name}”: the asset register holds none of its {named:,} assets; days are counted instead."]
    some = ", ".join(found[:_FEW])
    return [f"Change “{name}”: {len(found):,} of {named:,} assets are not in the register and left out: {some} …"]


def _names(build: Build, kind: str) -> tuple[set[str], list[str]]:
    """Every word by which a unit of a kind may be called, and the names alone."""
    table = build.staged(LISTED_IN[kind])
    pairs = build.connection.execute(units_listed(kind, table).order_by(table.c.name)).all()
    return {str(word) for pair in pairs for word in pair if word is not None}, [str(b) for _, b in pairs if b]


def _check_names(build: Build, file: str, row: Any, units: Sequence[str]) -> None:
    kind = row["unit_kind"]
    known, names = _names(build, kind)
    column = schema.request.c[kind]  # a source may write districts that no table lists
    written = build.connection.scalars(select(column).where(column.is_not(None)).distinct().order_by(column)).all()
    known, names = known | set(written), list(dict.fromkeys([*names, *written]))
    if unknown := [one for one in units if one not in known]:
        what = kind.replace("_", " ")
        few = ", ".join(f"“{one}”" for one in unknown[:_FEW]) + (" …" if len(unknown) > _FEW else "")
        hint = did_you_mean(nearest(unknown[0], names)[:_FEW])
        if not hint and names:
            hint = f" There are {', '.join(names[:_FEW])}{' …' if len(names) > _FEW else ''}."
        many = f"{what}s that this city has" if len(unknown) > 1 else f"a {what} that this city has"
        raise ImportRefused(file, f"the change “{row['name']}” names {many} not: {few}.{hint}")
