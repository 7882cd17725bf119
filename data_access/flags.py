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
    "closed_before_opened": Flag(
        "Closed before it was opened", "closing", "closed, but without a time to close"
    ),
    "zero_duration": Flag(
        "Closed in the moment it was opened", "closing", "count as closed at once in every time to close"
    ),
    "future": Flag("Dated after the end of the data", "times", "lie after the end of the data"),
    "absurd": Flag(
        "Open for more than ten years", "closing", "open for more than ten years; they lengthen every time to close"
    ),
    "midnight_only": Flag(
        "Without the time of day", "times",
        "known to the day: hours of the week and times to close in hours say little",
    ),
    "status_conflict": Flag(
        "Status and closing disagree", "status", "status and time of closing disagree; the status counts"
    ),
    "due_before_opened": Flag(
        "Promised for before it was opened", "promise", "late from the start; they lower what was kept"
    ),
    "absurd_due": Flag(
        "Promised for in more than ten years", "promise", "promised for more than ten years; they never fall due"
    ),
    "no_geo": Flag("Without a point", "location", "on no map, and in a district only if the source names it"),
    "geo_placeholder": Flag(
        "At a point that stands for “unknown”", "location", "at a point that stands for “unknown”; on no map"
    ),
    "outside_boundary": Flag("Outside every district", "location", "outside every district"),
    "dup_id": Flag("Several rows of one number", "number", "several rows of one id; the last counts"),
    "ambiguous_time": Flag(
        "In the hour that comes twice", "times", "in the hour that the clock shows twice; taken for the first"
    ),
    "nonexistent_time": Flag(
        "In the hour that the clock skips", "times", "in the hour that the clock skips; taken for its end"
    ),
    "unmapped_status": Flag(
        "With a status nobody explained", "status",
        "a status nobody explained: neither open nor closed until the mapping says",
    ),
}  # fmt: skip
"""By their names in `schema.FLAGS`."""
