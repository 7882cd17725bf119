"""A city brings its own changes: a table of its own, held against the city, and clear words where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.domain.errors import ImportRefused
from dashboard.domain.filters import Filters
from dashboard.domain.policy import Scope
from dashboard.services import Services
from dashboard.settings import Settings
from data_access.before_after import BeforeAfter
from data_access.dimensions import DIMENSIONS
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
from tests.exports import CITY, HEADING, mapping

CHANGES = """
name = "changes"
[city]
name = "Testville"
tz = "America/New_York"
[intervention]
intervention_id = "Id"
name = "Change"
unit_kind = "Of"
treated_ids = "Where"
comparison_ids = "Against"
start_on = "From"
primary_outcome = "About"
preregistered_at = "Written"
"""
HEAD = "Id,Change,Of,Where,Against,From,About,Written"


@pytest.fixture
def city(tmp_path: Path) -> Settings:
    """Forty days of potholes in three wards."""
    settings = Settings(data=tmp_path / "data", cache="off")
    rows = [HEADING + ",Ward"]
    for n in range(120):
        day = f"2024-{3 + n // 90:02d}-{1 + n // 3 % 30:02d} 09:00:00"
        ward = ("North", "South", "East")[n % 3]
        rows.append(f"{n},{day},,,New,Pothole,{n} Main St,02131,,{ward}")
    (tmp_path / "export.csv").write_text("\n".join(rows) + "\n")
    by = mapping_from(CITY.replace("[request]", '[request]\nsource_district = "Ward"'), Path("test.toml"))
    import_files(settings, by, tmp_path / "export.csv")
    return settings


def bring(settings: Settings, *rows: str):
    path = settings.data.parent / "changes.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return import_files(settings, mapping_from(CHANGES, Path("changes.toml")), path)


def told(settings: Settings, change: str = ""):
    services = Services(settings)
    try:
        filters = Filters.from_search("", services.clock(), DIMENSIONS)
        return services.analyse(BeforeAfter(change), filters, Scope.everything())
    finally:
        services.warehouse.close()


def test_a_change_is_brought_and_told_and_stays(city: Settings) -> None:
    row = "crew,Second crew,Districts,North,South; East,2024-03-21,Pothole,2024-03-01 12:00"
    outcome = bring(city, row)
    assert (outcome.report.read, outcome.report.accepted, outcome.report.added) == (1, 1, 1)
    found = told(city)
    assert found.change.name == "Second crew" and found.change.kind == "district" and found.lacks == ""
    assert found.counts == (20, 20, 40, 40) and found.change.written_on.isoformat() == "2024-03-01"
    assert bring(city, row.replace("Second", "Third")).report.updated == 1
    assert told(city).change.name == "Third crew"
    import_files(city, mapping(), city.data.parent / "export.csv")  # the next export leaves it alone
    assert told(city).change.name == "Third crew"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,A,district,Nort,South,2024-03-21,,", "names a district that this city has not: “Nort”. Did you mean North"),
        ("a,A,district,North; Mars; Moon,South,2024-03-21,,", "names districts that this city has not: “Mars”, “Moon”"),
        ("a,A,district,North,,2024-03-21,,", "“A” names no district to compare with"),
        ("a,A,district,North; South,South,2024-03-21,,", "names “South” on both sides"),
        ("a,A,tree,North,South,2024-03-21,,", "“A” is of “tree”; there are asset, district, area, service_type"),
        ("a,A,district,North,South,2024-03-21,Pothoel,", "is about “Pothoel”, which is no service type.*Pothole"),
        ("a,A,district,[North,South,2024-03-21,,", "“A”: The units of a change are no JSON list"),
        ("a,A,district,North,South,soon,,", "not one of its 1 rows could be accepted"),
    ],
)
def test_what_is_wrong_with_a_change_is_said_and_nothing_is_put_in_service(city, row, words) -> None:
    with pytest.raises(ImportRefused, match=words):
        bring(city, row)
    assert told(city).lacks == "changes"


def test_assets_that_the_register_lacks_are_told(city: Settings) -> None:
    assert bring(city, 'm,Meters,assets,"[""A1"", ""A2""]",B1; B2,2024-03-21,Pothole,').report.notes == (
        "Change “Meters”: the asset register holds none of its 4 assets; days are counted instead.",
    )
    text = CHANGES.split("[intervention]")[0] + '[asset]\nasset_id = "Asset"\nkind = { value = "parking_meter" }\n'
    (city.data.parent / "assets.csv").write_text("Asset\nA1\nA2\nB1\n")
    import_files(city, mapping_from(text, Path("assets.toml")), city.data.parent / "assets.csv")
    (note,) = bring(city, "m,Meters again,assets,A1; A2,B1; B2,2024-03-21,Pothole,").report.notes
    assert note == "Change “Meters again”: 1 of 4 assets are not in the register and left out: B2 …"
    found = told(city)
    assert found.counted.unknown == ("B2",) and found.counted.used == (2, 1)


def test_a_change_is_written_down_on_a_day_of_the_city(city: Settings) -> None:
    """In New York it was still the day before the change, though no longer by UTC."""
    bring(city, "late,At night,district,North,South; East,2024-03-21,Pothole,2024-03-20 22:30")
    assert told(city).change.written_on.isoformat() == "2024-03-20"


def test_a_mapping_must_name_a_kind_that_there_is() -> None:
    with pytest.raises(ImportRefused, match="tree = “wood” is no kind of unit"):
        mapping_from(CHANGES.replace('"Of"', '{ column = "Of", words = { tree = "wood" } }'), Path("changes.toml"))
