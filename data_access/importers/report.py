"""What became of an import, for a person, for a machine and for *Data health*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from data_access.flags import FLAGS


@dataclass(frozen=True)
class Report:
    """What became of the files of one import.

    ``read = accepted + refused`` and ``accepted = added + updated + unchanged + repeated``. `repeated` rows were
    followed by a later row of the same id; `identical` ones among them said the same. `details` counts rows of other
    tables that the same files hold. `nothing_new` says that the build which was in service stays so.
    """

    source: str
    file: str
    build_id: str
    read: int
    accepted: int
    added: int
    updated: int
    unchanged: int
    repeated: int
    identical: int
    refused: int
    carried: int
    flagged: Mapping[str, int]
    refusals: Mapping[str, int]
    unmapped: Mapping[str, Mapping[str, int]]
    first_on: date | None
    last_on: date | None
    as_of: datetime | None
    files: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    details: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    absent: Sequence[str] = ()
    dry: bool = False
    nothing_new: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON would hold it."""
        found = asdict(self)
        for name in ("first_on", "last_on", "as_of"):
            found[name] = found[name].isoformat() if found[name] else None
        return found

    def as_text(self) -> str:
        """The report as a person reads it."""
        lines = [
            f"{self.file} ({self.source}): {self.read:,} rows read, {self.accepted:,} accepted, "
            f"{self.refused:,} refused.",
            f"  {self.added:,} new, {self.updated:,} updated, {self.unchanged:,} unchanged"
            + (f", {self.repeated:,} repeated ({self.identical:,} word for word)" if self.repeated else "")
            + (f"; {self.carried:,} of earlier imports kept." if self.carried else "."),
        ]
        if len(self.files) > 1:
            lines += [
                f"  {name}: {one['read']:,} read, {one['accepted']:,} accepted, {one['refused']:,} refused."
                for name, one in self.files.items()
            ]
        if self.as_of:
            span = f"From {self.first_on} to {self.last_on}; t" if self.first_on else "T"
            lines.append(f"  {span}he data ends at {self.as_of:%Y-%m-%d %H:%M} UTC.")
        if self.details:
            lines.append("  Besides: " + ", ".join(f"{name} {n:,}" for name, n in self.details.items()) + ".")
        if self.events:
            what = ", ".join(f"{name} {n:,}" for name, n in self.events.items())
            lines.append(f"  Happened since the import before: {what}.")
        lines += [f"  Refused {n:,}: {reason}" for reason, n in self.refusals.items()]
        lines += [
            f"  Flagged {n:,} {name} ({FLAGS[name].label[:1].lower()}{FLAGS[name].label[1:]}): {FLAGS[name].effect}."
            for name, n in sorted(self.flagged.items(), key=lambda one: -one[1])
        ]
        for column, words in self.unmapped.items():
            lines.append(
                f"  Unknown words in {column}: " + ", ".join(f"“{one}” {n:,}" for one, n in words.items()) + "."
            )
        if self.absent:
            lines.append(f"  Not in this file: {', '.join(self.absent)}.")
        lines += [f"  {one}" for one in self.notes]
        if self.nothing_new:
            lines.append(f"  Nothing new: build {self.build_id} stays in service.")
        else:
            lines.append("  Nothing was written." if self.dry else f"  In service as build {self.build_id}.")
        return "\n".join(lines)
