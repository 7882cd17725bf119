"""A real city's export: what is read, what is refused, and numbers recomputed independently of this project."""

from __future__ import annotations

import gzip
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import func, select

from dashboard.domain.errors import ImportRefused
from dashboard.settings import Settings
from data_access.engine import Warehouse
from data_access.importers.load import import_files
from data_access.importers.mapping import SourceMapping, mappings_named
from data_access.importers.report import Report
from data_access.schema import FLAGS, district, import_batch, refused_row, request, request_episode, service_type
from tests.conftest import import_boston

BOSTON = mappings_named("boston")
COLUMNS = [one.columns[0] for one in BOSTON[0].named()]
HEADING = ",".join(dict.fromkeys(COLUMNS))


def import_file(settings: Settings, mappings: tuple[SourceMapping, ...], *files, **options) -> Report:
    return import_files(settings, mappings, *files, **options).report


def export(folder: Path, *rows: dict[str, str], name: str = "export.csv") -> Path:
    """A small export with the given cells; those not given hold what a usual row holds."""
    usual = {
        "case_enquiry_id": "1", "open_dt": "2011-07-05 09:00:00", "target_dt": "2011-07-07 09:00:00",
        "closed_dt": "2011-07-06 09:00:00", "case_status": "Closed", "type": "Graffiti Removal", "reason": "Graffiti",
        "department": "PROP", "neighborhood": "Roxbury", "latitude": "42.33", "longitude": "-71.09",
        "closure_reason": "Case Closed Case Resolved by J. Doe", "source": "Self Service",
    }  # fmt: skip
    path = folder / name
    pd.DataFrame([{**dict.fromkeys(COLUMNS, " "), **usual, **row} for row in rows]).to_csv(path, index=False)
    return path


# ── The real file ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def boston(
    request, tmp_path_factory, shared_data: Path, imported_boston
) -> Iterator[tuple[Settings, Report, Warehouse]]:
    data = tmp_path_factory.mktemp(request.param)
    if request.param == "postgres":
        settings = Settings(data=data, database=request.getfixturevalue("postgres_url"))
        report = import_boston(settings, shared_data)
    else:
        settings, report = Settings(data=data), imported_boston[1]
        shutil.copytree(imported_boston[0], data, dirs_exist_ok=True)
    warehouse = Warehouse(settings)
    yield settings, report, warehouse
    warehouse.close()


@pytest.fixture(scope="module")
def requests(boston) -> pd.DataFrame:
    return boston[2].frame(select(request))


def test_every_row_is_accepted_or_refused(boston) -> None:
    report = boston[1]
    assert (report.read, report.accepted, report.refused) == (58_251, 58_251, 0)
    assert (report.added, report.updated, report.unchanged) == (58_251, 0, 0)
    assert "58,251 rows read" in report.as_text() and json.dumps(report.as_dict())


def test_closed_and_open(requests: pd.DataFrame) -> None:
    assert requests["closed_at"].notna().sum() == 54_570
    assert requests["closed_at"].isna().sum() == 3_681
    assert (requests["due_source"] == "source").sum() == 47_270


@pytest.mark.parametrize(
    ("since", "until", "kept", "due"),
    [
        ("2011-07-01", "2012-01-01", 29_928, 39_685),
        ("2011-08-01", "2011-09-01", 5_902, 7_659),
        ("2011-10-01", "2012-01-01", 14_588, 20_021),
    ],
)
def test_promises_that_fell_due(requests: pd.DataFrame, since: str, until: str, kept: int, due: int) -> None:
    cohort = requests[(requests["due_on"] >= since) & (requests["due_on"] < until)]
    assert len(cohort) == due
    assert (cohort["closed_at"] <= cohort["due_at"]).sum() == kept


@pytest.mark.parametrize(("midnight", "waiting"), [("2012-01-01 05:00", 9_879), ("2011-09-01 04:00", 4_808)])
def test_open_at_a_moment(boston, midnight: str, waiting: int) -> None:
    moment, episode = pd.Timestamp(midnight).to_pydatetime(), request_episode.c
    still = episode.closed_at.is_(None) | (episode.closed_at >= moment)
    rows = boston[2].rows(select(func.count()).where(episode.opened_at < moment, still))
    assert rows[0][0] == waiting


def test_words_of_the_source(requests: pd.DataFrame) -> None:
    assert requests["channel"].value_counts().to_dict() == {
        "Constituent Call": 28_136, "Employee Generated": 17_925, "Self Service": 8_160,
        "Citizens Connect App": 3_907, "Maximo Integration": 120, "Twitter": 3,
    }  # fmt: skip
    assert (requests["service_type"] == "Rodent Activity").sum() == 811
    assert (requests["department"] == "Public Works").sum() == 36_977
    assert requests.loc[requests["closed_at"].isna(), "closure_outcome"].isna().all()
    assert (requests["closure_outcome"] == "unknown").sum() < 500


def test_flags_are_counted(boston, requests: pd.DataFrame) -> None:
    assert boston[1].flagged == {
        "zero_duration": 2_499, "due_before_opened": 3, "geo_placeholder": 4_775, "ambiguous_time": 4,
        "absurd_due": 18, "outside_boundary": 15,
    }  # fmt: skip
    opened_twice = requests[(requests["dq_flags"] & FLAGS["ambiguous_time"]) != 0]
    assert (opened_twice["opened_on"] == "2011-11-06").sum() >= 3
    hidden = (requests["dq_flags"] & FLAGS["geo_placeholder"]) != 0
    assert requests.loc[hidden, "h3_9"].isna().all() and requests.loc[~hidden, "h3_9"].notna().all()


def test_districts_are_those_of_the_map(boston, requests: pd.DataFrame) -> None:
    names = set(boston[2].frame(select(district))["name"])
    assert len(names) == 18 and set(requests["district"].dropna()) == names - {"Harbor Islands"}
    # Rows that name no district are found by their point: fewer are left without one than wrote none.
    assert requests["district"].isna().sum() == 2_933
    assert boston[1].unmapped == {"neighborhood": {"Boston": 945}}


def test_the_clock_is_the_datas_own(boston) -> None:
    about = boston[2].build()
    assert (
        about.as_of.year == 2019 and str(about.data_from_on) == "2011-07-01" and str(about.data_to_on) == "2011-12-31"
    )


def test_twice_is_once(boston, requests: pd.DataFrame, shared_data: Path) -> None:
    settings, first, _ = boston
    if settings.database:
        pytest.skip("what is carried over is the same on both engines: test_a_later_export_updates_what_changed")
    again = import_file(settings, BOSTON, shared_data / "boston" / "boston_311_2011H2.csv.gz")
    assert (again.added, again.updated, again.unchanged, again.refused) == (0, 0, 58_251, 0)
    assert again.flagged == first.flagged
    reader = Warehouse(settings)
    rows = reader.frame(select(request))
    assert rows.sort_values("request_id", ignore_index=True).equals(
        requests.sort_values("request_id", ignore_index=True)
    )
    assert reader.rows(select(func.count()).select_from(import_batch))[0][0] == 1  # the same file
    assert reader.rows(select(func.count()).select_from(district))[0][0] == 18
    reader.close()


# ── Rows that are wrong ─────────────────────────────────────────────────────────────────────────────


def test_a_refused_row_is_kept_with_the_reason(tmp_path: Path) -> None:
    store = Settings(data=tmp_path / "data")
    path = export(
        tmp_path,
        {},
        {"case_enquiry_id": " "},
        {"case_enquiry_id": "3", "open_dt": "yesterday"},
        {"case_enquiry_id": "4", "open_dt": ""},
        {"case_enquiry_id": "5", "latitude": "north"},
        {"case_enquiry_id": "6", "case_status": "Perhaps"},
    )
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], "one,two", *lines[2:], f"{lines[1]},more"]) + "\n")
    report = import_file(store, BOSTON, path)
    assert (report.read, report.accepted, report.refused) == (8, 2, 6)
    assert report.flagged["unmapped_status"] == 1
    assert report.unmapped["case_status"] == {"Perhaps": 1}
    warehouse = Warehouse(store)
    rows = warehouse.frame(select(refused_row).order_by(refused_row.c.row_number))
    assert rows[["row_number", "column_name", "value", "reason"]].fillna("").to_numpy().tolist() == [
        [2, "", "2", "wrong number of columns"],
        [3, "case_enquiry_id", "", "no id"],
        [4, "open_dt", "yesterday", "not a time"],
        [5, "open_dt", "", "no opening time"],
        [6, "latitude", "north", "not a number"],
        [8, "", str(len(dict.fromkeys(COLUMNS)) + 1), "wrong number of columns"],
    ]
    assert json.loads(rows["raw"][2])["open_dt"] == "yesterday"
    assert warehouse.build().refused == 6
    import_file(store, BOSTON, path)  # the same file again refuses the same rows, and they are there once
    time.sleep(1.1)
    assert warehouse.build().refused == len(warehouse.frame(select(refused_row))) == 6
    warehouse.close()


def test_of_rows_with_one_id_the_last_counts(tmp_path: Path) -> None:
    store = Settings(data=tmp_path / "data")
    path = export(tmp_path, {}, {"closed_dt": "", "case_status": "Open"}, {"case_enquiry_id": "2"})
    report = import_file(store, BOSTON, path)
    assert (report.read, report.accepted, report.added, report.repeated) == (3, 3, 2, 1)
    assert report.flagged["dup_id"] == 1
    warehouse = Warehouse(store)
    rows = warehouse.frame(select(request).order_by(request.c.request_id))
    assert rows["status"].to_list() == ["new", "closed"]
    warehouse.close()


def test_a_later_export_updates_what_changed(store: Settings, tmp_path: Path) -> None:
    import_file(store, BOSTON, export(tmp_path, {"closed_dt": " ", "case_status": "Open"}, {"case_enquiry_id": "2"}))
    later = export(tmp_path, {}, {"case_enquiry_id": "3"})
    report = import_file(store, BOSTON, later)
    assert (report.added, report.updated, report.unchanged, report.carried) == (1, 1, 0, 1)
    warehouse = Warehouse(store)
    rows = warehouse.frame(select(request).order_by(request.c.request_id))
    assert rows["request_id"].to_list() == ["1", "2", "3"] and rows["closed_at"].notna().all()
    kinds = warehouse.frame(select(service_type))
    assert kinds[["name", "category", "duplicate_radius_m"]].to_numpy().tolist() == [
        ["Graffiti Removal", "Graffiti", 50]
    ]
    warehouse.close()


# ── Files that are wrong ────────────────────────────────────────────────────────────────────────────


def truncated(folder: Path) -> Path:
    path = folder / "short.csv.gz"
    whole = gzip.compress(export(folder, *({"case_enquiry_id": str(n)} for n in range(20_000))).read_bytes())
    path.write_bytes(whole[: len(whole) // 2])
    return path


def latin(folder: Path, rows: int) -> Path:
    usual = ({"case_enquiry_id": str(n)} for n in range(rows))
    text = export(folder, *usual, {"queue": "Straße"}).read_text("utf-8")
    return written(folder, "latin.csv", text.encode("latin-1"))


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "nowhere.csv", "no such file"),
        (lambda folder: folder, "folder, not a file"),
        (lambda folder: written(folder, "empty.csv", b""), "is empty"),
        (lambda folder: written(folder, "empty.csv.gz", gzip.compress(b"")), "no heading"),
        (lambda folder: written(folder, "heading.csv", HEADING.encode() + b"\n"), "not one row under it"),
        (lambda folder: written(folder, "plain.csv.gz", HEADING.encode()), "not a gzip file"),
        (truncated, "incomplete"),
        (lambda folder: written(folder, "other.csv", b"Unique Key,Created Date\n1,2\n"), "no column case_enquiry_id"),
        (lambda folder: written(folder, "noise.csv", bytes(range(128, 256)) * 9), "not text"),
        (lambda folder: export(folder, {"open_dt": "soon"}), "not one of its 1 rows"),
    ],
)
def test_a_wrong_file_is_refused_in_words(tmp_path: Path, make, says: str) -> None:
    settings = Settings(data=tmp_path / "data")
    before = import_file(settings, BOSTON, export(tmp_path, {}, name="before.csv")).build_id
    with pytest.raises(ImportRefused, match=says):
        import_file(settings, BOSTON, make(tmp_path))
    warehouse = Warehouse(settings)
    assert warehouse.build_id() == before
    warehouse.close()
    assert not list((settings.data / "builds").glob("*.part*"))


def test_wrong_boundaries_are_refused_in_words(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    table = export(tmp_path, {})

    def areas(properties: str) -> bytes:
        return f'{{"type": "FeatureCollection", "features": [{properties}]}}'.encode()

    for content, says in (
        (b"not json", "not a GeoJSON, Shapefile"),
        (b"\x89PNG\xff", "not a GeoJSON, Shapefile"),
        (b"[]", "not a GeoJSON, Shapefile"),
        (areas(""), "not one area"),
        (
            areas('{"type": "Feature", "properties": {"ward": 1}, "geometry": null}'),
            "no “name”; they have ward",
        ),
        (
            areas('{"type": "Feature", "properties": {"name": "A"}, "geometry": null}'),
            "no shape",
        ),
    ):
        boundaries = written(tmp_path, "areas.geojson", content)
        with pytest.raises(ImportRefused, match=says):
            import_file(settings, BOSTON, table, boundaries)
