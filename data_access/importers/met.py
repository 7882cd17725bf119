"""What rows name besides themselves: service types, departments and districts; and words that nobody explained."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import String, cast, func

from dashboard.domain.spelling import as_compared
from data_access.build import Build
from data_access.importers.asking import counted
from data_access.importers.mapping import SourceMapping
from data_access.importers.projection import Projection


@dataclass
class Met:
    """What the accepted rows of one import named so far, each with how often.

    `types` are service types with their name, category and department, `departments` their ids with their names;
    `unmapped` are words by the column in which they stand, `notes` what is to be said of all of them.
    """

    build: Build
    types: Counter[Any] = field(default_factory=Counter)
    departments: Counter[Any] = field(default_factory=Counter)
    district_words: Counter[Any] = field(default_factory=Counter)
    unmapped: dict[str, Counter[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def meet(self, mapping: SourceMapping, projection: Projection, typed: Any) -> None:
        """Remember which types and departments there are, and the words for districts."""
        good = typed.c.refusal == 0
        have = {one.name: one for one in typed.c}
        none = cast(None, String)
        department = have.get("department_id", none)
        columns = [have["type_id"], have.get("type__name", none), have.get("type__category", none), department]
        for *key, n in counted(self.build.connection, columns, good):
            self.types[tuple(key)] += n
        for one, name, n in counted(self.build.connection, [department, have.get("department__name", none)], good):
            if one is not None:
                self.departments[one, name] += n
        if mapping.districts and "source_district" in have:
            aliases = mapping.districts.aliases
            column = projection.present(projection.fields["source_district"])[0]
            for word, n in counted(self.build.connection, [have["source_district"]], good):
                meant = aliases.get(word, word) if word is not None else None
                if meant:
                    self.district_words[meant, column] += n
                elif word is not None:
                    self.unmapped.setdefault(column, Counter())[word] += n

    def count_unmapped(self, projection: Projection, typed: Any) -> None:
        """Words whose meaning nobody gave, by frequency."""
        for name in projection.fields:
            meanings = projection.meanings(name)
            if meanings is None or projection.fields[name].otherwise is not None:
                continue
            words = typed.c[f"{name}__w"]
            unknown = func.as_compared(words).not_in(list(meanings))
            if (projection.mapping.table, name) == ("request", "status"):
                unknown = unknown | words.is_(None)
            column = projection.present(projection.fields[name])[0]
            for word, n in counted(self.build.connection, [words], (typed.c.refusal == 0) & unknown):
                self.unmapped.setdefault(column, Counter())[word or "(empty)"] += n

    def write(self, mappings: Sequence[SourceMapping], districts: pd.DataFrame | None) -> None:
        """Write the departments and service types that were met, each type with what it mostly goes with."""
        if not self.types:
            return
        calendar_id = self._write_hours(mappings)
        departments, known = self._met_departments(mappings), self.build.calendars_in_service()
        calendars = departments["department_id"].map(lambda one: calendar_id or known.get(one))
        self.build.write("department", departments.assign(calendar_id=calendars))
        met = pd.DataFrame(
            [(*key, n) for key, n in self.types.items()],
            columns=["type_id", "name", "category", "department_id", "n"],
        )
        before = self.build.types_in_service().set_index("type_id").reindex(met["type_id"]).set_index(met.index)
        brought = met.groupby("type_id")["n"].transform("sum")
        few = before["requests"].fillna(0) > brought
        for column in ("name", "category", "department_id"):  # what a day's rows do not tell is as it was
            met[column] = met[column].where(met[column].notna() | ~few, before[column])
        met["name"] = met["name"].where(met["name"].notna(), met["type_id"])
        met["category"] = met["category"].where(met["category"].notna(), met["name"])
        met["stays"] = _same(met, before) & (before["requests"].fillna(0) >= brought)
        met = met.sort_values(["stays", "n"], ascending=False, kind="stable")
        types = met.drop_duplicates("type_id").drop(columns=["n", "stays"])
        rules = [one.types for one in mappings]
        repeats = frozenset().union(*(one.repeats for one in rules))
        internal = "|".join(f"(?:{one.internal})" for one in rules if one.internal) or r"(?!)"
        may_repeat = types["type_id"].isin(repeats) | types["name"].isin(repeats) | ("*" in repeats)
        information = frozenset().union(*(one.information for one in rules))
        types = types.assign(
            code=types["type_id"],
            is_info_only=types["type_id"].isin(information) | types["name"].isin(information),
            is_internal=types["name"].str.contains(internal, case=False, regex=True),
            duplicate_radius_m=np.where(may_repeat, rules[0].radius_m, np.nan),
            duplicate_days=np.where(may_repeat, rules[0].days, np.nan),
        )
        self.build.write("service_type", types)
        self._write_promises(mappings, set(types["type_id"]), calendar_id)
        self._count_strange_districts(districts)

    def _count_strange_districts(self, districts: pd.DataFrame | None) -> None:
        """Count as words that nobody explained the districts that no boundary has, where there are boundaries."""
        if districts is None or not (districts["division"] == "district").any():
            return
        own = districts.loc[districts["division"] == "district", "name"]
        known = {as_compared(" ".join(str(one).split())) for one in own}
        strange = [
            (word, column, n)
            for (word, column), n in self.district_words.items()
            if as_compared(" ".join(str(word).split())) not in known
        ]
        for word, column, n in strange:
            self.unmapped.setdefault(column, Counter())[word] += n
        if len(strange) == len(self.district_words) > 1:
            self.notes.append(
                f"No word of {strange[0][1]} names one of {len(known)} districts drawn, such as “{own.iloc[0]}”: if "
                "these are another division of the city, bring them with --areas; if the same by other names, tell "
                "[district] name_property or aliases."
            )

    def _met_departments(self, mappings: Sequence[SourceMapping]) -> pd.DataFrame:
        names: dict[str, str] = {}
        for one in mappings:
            names |= one.departments.names
        departments = pd.DataFrame(
            [(*key, n) for key, n in self.departments.items()], columns=["department_id", "name", "n"]
        ).sort_values("n", ascending=False, kind="stable")
        departments = departments.drop_duplicates("department_id").drop(columns="n")
        listed = departments["department_id"].map(names)
        departments["name"] = listed.where(listed.notna(), departments["name"])
        departments["name"] = departments["name"].where(departments["name"].notna(), departments["department_id"])
        if names:
            column = next(
                (one.columns["department_id"].columns[0] for one in mappings if "department_id" in one.columns), ""
            )
            strange = [one for one in departments["department_id"] if one not in names]
            self.unmapped.setdefault(column, Counter()).update(strange)
        return departments

    def _write_hours(self, mappings: Sequence[SourceMapping]) -> str | None:
        """Write when the city works, by the first mapping that tells; the calendar's id."""
        hours = next((one.hours for one in mappings if one.hours), None)
        if hours is None:
            return None
        calendar = {"calendar_id": "city", "name": "City", "weekly_windows": json.dumps(hours.windows)}
        self.build.write("calendar", pd.DataFrame([calendar]))
        days = pd.DataFrame({"day_on": hours.holidays})
        self.build.write("calendar_day", days.assign(calendar_id="city", is_business=False, reason="Holiday"))
        return "city"

    def _write_promises(self, mappings: Sequence[SourceMapping], types: set[str], calendar_id: str | None) -> None:
        rows = [
            {
                "sla_id": f"{one.src_system}: {type_id}", "type_id": type_id, "target_value": float(days),
                "target_unit": one.promises.unit, "mode": one.promises.mode, "calendar_id": calendar_id,
            }
            for one in mappings
            for type_id, days in one.promises.days.items()
            if type_id in types
        ]  # fmt: skip
        if rows:
            self.build.write("sla_version", pd.DataFrame(rows).drop_duplicates("sla_id"))


def _same(met: pd.DataFrame, before: pd.DataFrame) -> pd.Series:
    """What of a type is in service already, and still met: the mood of a day's export does not outvote years."""
    told = ["name", "category", "department_id"]
    return (met[told].fillna("") == before[told].fillna("")).all(axis=1)
