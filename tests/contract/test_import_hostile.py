"""Whatever a file does to itself, every row of it is accounted for, and sound rows come through word for word.

`pytest --hypothesis-profile many` tries thousands of files instead of some.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dashboard.domain.errors import ImportRefused
from dashboard.settings import Settings
from data_access.build import Build
from data_access.importers.asking import frame_of
from data_access.importers.load import Importing
from data_access.importers.mapping import mapping_from, the_one_that_fits
from data_access.importers.sources import open_source

EXAMPLES = hypothesis.settings.default.max_examples if hypothesis.settings.default.max_examples > 100 else 25  # type: ignore[union-attr]
MAPPING = mapping_from(
    """
name = "hostile"
[city]
name = "Testville"
tz = "America/New_York"
[file]
nulls = ["NULL", "NA"]
[request]
request_id = "id"
opened_at = { column = "opened", formats = ["iso", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%y"] }
closed_at = { column = "closed", formats = ["iso", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%y"] }
status = "status"
type_id = "type"
note = "note"
""",
    Path("hostile.toml"),
)
HEADING = ["id", "opened", "closed", "status", "type", "note"]
TIMES = ("2024-05-01 10:00:00", "05/01/2024 10:00:00 AM", "05/01/24", "2024-05-01T10:00:00.000", "2024-05-01")
NULLS = ("", " ", "NULL", "NA")

# Nothing that a mapping takes for nothing, nor that trimming or repairing would change.
notes = st.text(st.sampled_from("abcXYZ 0129'\"-_.:;,|\t()äöüßé€“”\n"), min_size=0, max_size=30).map(
    lambda one: f"<{one}>"
)
DAMAGES = ("sound", "short", "long", "open quote", "quote inside", "no id", "bad time", "heading", "zero")
rows = st.lists(
    st.tuples(st.sampled_from(TIMES), st.sampled_from(NULLS + TIMES), notes, st.sampled_from(("sound",) * 6 + DAMAGES)),
    min_size=1, max_size=40,
)  # fmt: skip


def line_of(cells: list[str], delimiter: str) -> str:
    sink = io.StringIO()
    csv.writer(sink, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return sink.getvalue().removesuffix("\n")


def damaged(cells: list[str], how: str, delimiter: str) -> str:
    match how:
        case "short":
            return line_of(cells[:3], delimiter)
        case "long":
            return line_of([*cells, "one", "more"], delimiter)
        case "open quote":
            return delimiter.join([*cells[:3], "open", "type", '"never closed'])
        case "quote inside":
            return delimiter.join([cells[0], *cells[1:3], "open", "type", '"shut" and on'])
        case "no id":
            return line_of(["", *cells[1:]], delimiter)
        case "bad time":
            return line_of([cells[0], "yesterday", *cells[2:]], delimiter)
        case "heading":
            return line_of(HEADING, delimiter)
        case "zero":
            return line_of([*cells[:5], "<nul\x00>"], delimiter)
    return line_of(cells, delimiter)


@pytest.fixture(scope="module")
def build(tmp_path_factory) -> Iterator[Build]:
    with Build(Settings(data=tmp_path_factory.mktemp("hostile")), MAPPING.city) as build:
        yield build


@hypothesis.settings(max_examples=EXAMPLES, suppress_health_check=list(hypothesis.HealthCheck))
@given(
    rows=rows, delimiter=st.sampled_from(",;\t|"), end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]), pack=st.booleans(),
    blank=st.sets(st.integers(0, 40), max_size=3), last=st.booleans(), number=st.integers(0, 10**12),
)  # fmt: skip
def test_no_row_is_lost(build, tmp_path_factory, rows, delimiter, end, encoding, pack, blank, last, number) -> None:
    lines, sound, told = [line_of(HEADING, delimiter)], {}, 0
    for n, (opened, closed, note, how) in enumerate(rows):
        key = f"{number}-{n}"
        line = damaged([key, opened, closed, "open", "type", note], how, delimiter)
        if n in blank:
            lines.append("")
        lines.append(line)
        if how in ("sound", "zero"):
            sound[key] = "<nul>" if how == "zero" else note
        told += 1
    text = end.join(one.replace("\n", end) for one in lines) + (end if last else "")
    content = text.encode(encoding)
    path = tmp_path_factory.mktemp("file") / "hostile.csv"
    path.write_bytes(gzip.compress(content) if pack else content)
    importing = Importing(build, "hostile", f"hostile-{number}-{len(text)}", "")
    try:
        source = open_source(build.connection, path, MAPPING.file, build.spill)
        importing.take(the_one_that_fits([MAPPING], source.names, path.name), source)
    except ImportRefused as refused:
        raise AssertionError(f"refused as a whole: {refused}") from refused
    counts = importing.counts["hostile.csv"]
    staged = build.staged("request")
    mine = select(staged.c.request_id, staged.c.note, staged.c.opened_at)
    found = frame_of(build.connection, mine.where(staged.c.import_id == importing.import_id))
    build.connection.execute(staged.delete())
    assert (
        counts.read == counts.accepted + counts.refused == len(found) + len(importing.refusals.rows(importing.counts))
    )
    read = dict(zip(found["request_id"], found["note"], strict=True))
    # An open quotation mark may take the rows up to the next mark with it, if together they look like one row.
    if not any(how == "open quote" for *_, how in rows):
        assert counts.read == told
        assert read == sound
        assert found["opened_at"].dt.strftime("%Y-%m-%d").eq("2024-05-01").all()
    else:
        assert counts.read <= told
        assert all(read[key] == note for key, note in sound.items() if key in read)
