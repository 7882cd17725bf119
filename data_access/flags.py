"""What each flag of a row means, and what it does to the numbers. A flag never drops a row.

Source: measures reference, section 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Flag(NamedTuple):
    """A flag in words: what is doubtful, of which part of the record, and its effect on the measures."""

    label: str
    about: str
    effect: str


FLAGS: Mapping[str, Flag] = {
    "closed_before_opened": Flag("Closed before it was opened", "closing", "counts as closed, without a time to close"),
    "zero_duration": Flag(
        "Closed in the moment it was opened", "closing", "counts as closed at once in every time to close"
    ),
    "future": Flag("Dated after the end of the data", "times", "counts only when that day has come"),
    "absurd": Flag("Closed after more than ten years", "closing", "lengthens every time to close"),
    "midnight_only": Flag(
        "Without the time of day", "times", "hours of the week and times to close in hours say little"
    ),
    "status_conflict": Flag(
        "Status and closing disagree", "status",
        "the status counts; closed at its last update, or where none is told when opened, and in no time to close",
    ),
    "due_before_opened": Flag(
        "Promised for before it was opened", "promise", "late from the start; lowers what was kept"
    ),
    "absurd_due": Flag("Promised for in more than ten years", "promise", "never falls due"),
    "no_geo": Flag("Without a point", "location", "on no map, and in a district only if the source names it"),
    "geo_placeholder": Flag("At a point that stands for “unknown”", "location", "on no map"),
    "outside_boundary": Flag("Outside every district", "location", "in a district only if the source names it"),
    "dup_id": Flag("Several rows of one number", "number", "the last one counts"),
    "ambiguous_time": Flag("In the hour that comes twice", "times", "taken for the first"),
    "nonexistent_time": Flag("In the hour that the clock skips", "times", "taken for its end"),
    "unmapped_status": Flag(
        "With a status nobody explained", "status",
        "open while no time of closing is told, until the mapping says what it means",
    ),
}  # fmt: skip
"""By their names in `schema.FLAGS`."""
