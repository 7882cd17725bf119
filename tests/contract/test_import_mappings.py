"""Mappings: those that are wrong are refused in words, and one may be like another."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.domain.errors import ImportRefused, UnknownName
from dashboard.settings import Settings
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from, mappings_named
from tests.exports import CITY, ROW, table


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("name = ", "not TOML"),
        ("[request]\nrequest_id = 'a'", "section \\[city\\]"),
        (CITY.replace("[file]", "[fiel]"), "no section \\[fiel\\]"),
        (CITY.replace("address =", "adress ="), "no column adress"),
        (CITY.replace('address = "Address"', 'address = ""'), "request.address names no column"),
        (CITY.replace("end_of_day", "endofday"), "no word “endofday”"),
        (CITY.replace('type_id = "Type"', ""), "type_id comes from"),
        (CITY.replace('status = "Status"', "status = { column = 'Status', words = { Open = 'opn' } }", 1), "no status"),
        (CITY.replace("America/New_York", "America/Nowhere"), "no time zone"),
        (CITY.replace("[0-9.]+)", "[0-9.]+", 1), "no regular expression"),
        (CITY.replace("(-?[0-9.]+)", "(?<=x)(-?[0-9.]+)", 1), "no regular expression"),
        (CITY.replace("(-?[0-9.]+)", "-?[0-9.]+", 1), "no group in parentheses"),
        (CITY + "[service_type]\ninternal = '('\n", "service_type.internal: .* no regular expression"),
        (CITY.replace('request_id = "ID"', ""), "request_id comes from"),
        (CITY.replace("nulls = [\"NA\", \"-\"]", "nulls = 5"), "list of words"),
        (CITY.replace("[city]", "[city]\npopulation = 3"), "no population"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused_in_words(tmp_path: Path, written: str, says: str) -> None:
    path = tmp_path / "city.toml"
    path.write_text(written)
    from dashboard.domain.errors import Problem

    with pytest.raises(Problem, match=says):
        mappings_named(str(path))


def test_a_mapping_may_be_like_another(tmp_path: Path) -> None:
    path = tmp_path / "toronto.toml"
    path.write_text('like = "open311"\n[city]\nname = "Toronto"\ntz = "America/Toronto"\n')
    found = mappings_named(str(path))[0]
    assert (found.name, found.city["city_id"], found.columns["request_id"].columns) == (
        "toronto", "toronto", ("service_request_id",),
    )  # fmt: skip
    with pytest.raises(UnknownName, match="open311"):
        path.write_text('like = "open31"\n[city]\nname = "Toronto"\ntz = "America/Toronto"\n')
        mappings_named(str(path))


def test_what_is_wrong_with_a_mapping_is_said_by_name_with_what_may_be_meant(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(table("8,soon,,,Open,Pothole,,,"))
    settings = Settings(data=tmp_path / "data")

    def told(text: str, content: bytes = b"") -> str:
        if content:
            path.write_bytes(content)
        with pytest.raises(ImportRefused) as problem:
            import_files(settings, mapping_from(text, Path("test.toml")), path)
        return str(problem.value)

    first = "not one of its 1 rows could be accepted. The first: row 1, not a time in Opened: “soon”, expected "
    assert first in told(CITY)
    assert "it has column, columns" in told(CITY.replace('{ column = "Zip"', '{ colum = "Zip"'))
    assert "Did you mean column?" in told(CITY.replace('{ column = "Zip"', '{ colum = "Zip"'))
    assert "no column Typo. " in (said := told(CITY.replace('"Type"', '"Typo"'))) and "Did you mean Type?" in said
    assert "no column State, which the mapping asks with when. Did you mean Status?" in told(
        CITY.replace('{ column = "Closed"', '{ column = "Closed", when = { State = ["closed"] }')
    )
    assert "request.status: Filed = “banana” is no status" in told(
        CITY.replace('status = "Status"', 'status = { column = "Status", words = { Filed = "banana" } }', 1)
    )
    assert "is the delimiter ';'?" in told(
        CITY.replace("[file]", '[file]\ndelimiter = "|"'), table(ROW).replace(b",", b";")
    )
