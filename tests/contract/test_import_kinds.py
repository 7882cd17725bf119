"""Files of every kind: packed, workbooks, Parquet, JSON, XML, shapes, one after the other."""

from __future__ import annotations

import gzip
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pytest
import shapely
import xlsxwriter
import zstandard
from pyarrow import parquet
from sqlalchemy import select

from dashboard.domain.errors import ImportRefused
from dashboard.settings import Settings
from data_access.engine import Warehouse
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
from data_access.importers.report import Report
from data_access.schema import request
from tests.exports import CITY, ROW, mapping, table


def packed_in_zip(content: bytes, folder: Path) -> bytes:
    path = folder / "one.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("export.csv", content)
        archive.writestr("__MACOSX/._export.csv", b"x")
    return path.read_bytes()


@pytest.mark.parametrize("name", ["export.csv.gz", "export.zip", "export.csv.zst"])
def test_packed_files(taken, tmp_path: Path, name: str) -> None:
    content = table(*(ROW.replace("7,", f"{n},", 1) for n in range(5_000)))
    packed = {"export.csv.gz": gzip.compress, "export.csv.zst": zstandard.compress}.get(
        name, lambda one: packed_in_zip(one, tmp_path)
    )(content)
    counts, _, _ = taken(packed, name)
    assert (counts.read, counts.accepted) == (5_000, 5_000)
    with pytest.raises(ImportRefused, match="incomplete|damaged"):
        taken(packed[: len(packed) // 2], name)


def test_what_is_looked_for_within_nested_values_and_not_there_is_told(tmp_path: Path) -> None:
    at, told = {"x": 1_000_000.0, "y": 200_000.0}, {"opened": "2024-03-01"}
    records = [{"id": n, "at": at, "told": told} for n in range(3)]
    (tmp_path / "export.json").write_text(json.dumps(records))
    text = """name = "test"
[city]
name = "Testville"
tz = "America/New_York"
[request]
request_id = "id"
opened_at = "told.opened"
closed_at = "told.closd"
type_id = { value = "Request" }
status = { value = "new" }
[place]
x = "at.x"
y = "at.%s"
crs = "EPSG:2263"
"""
    for column, absent in (("y", []), ("z", ["at.z (for place)"])):
        by = mapping_from(text % column, Path("test.toml"))
        outcome = import_files(Settings(data=tmp_path / column), by, tmp_path / "export.json", dry=True)
        assert list(outcome.report.absent) == ["told.closd (for closed_at)", *absent]
        assert ("lat" in outcome.sample) == (column == "y")


def test_an_empty_sheet_is_refused_in_words(taken, tmp_path: Path) -> None:
    content = with_a_cover(tmp_path)
    for sheet, told in (("empty", "nothing stands in this sheet"), ("none", "there are empty, cover, data")):
        by = mapping_from(CITY.replace("[file]", f'[file]\nsheet = "{sheet}"'), Path("t.toml"))
        with pytest.raises(ImportRefused, match=told):
            taken(content, "one.xlsx", by)


def test_a_workbook_called_csv_and_a_table_called_xls_are_what_they_are(taken, tmp_path: Path) -> None:
    counts, _, _ = taken(as_excel(tmp_path), "export.csv")
    assert counts.accepted == 2
    counts, _, _ = taken(table(ROW).replace(b",", b"\t"), "export.xls")
    assert counts.accepted == 1
    with pytest.raises(ImportRefused, match="damaged"):
        taken(as_parquet(tmp_path)[:-40], "export.parquet")


def test_a_value_that_is_no_json_is_refused_alone(taken) -> None:
    good = ROW.removesuffix(",") + ',"{""at"": {""lat"": 40.5, ""lon"": -73.2}}"'
    bad = [good.replace("7,", f"{n},", 1).replace('"{""', written, 1) for n, written in ((8, "\"{'at"), (9, '"x'))]
    empty = ROW.replace("7,", "10,", 1)
    by = mapping_from(CITY.split("lat =")[0] + 'lat = "Point.at.lat"\nlon = "Point.at.lon"\n', Path("t.toml"))
    counts, rows, refused = taken(table(good, *bad, empty), by=by)
    assert (counts.read, counts.accepted) == (4, 2) and rows["lat"].fillna(0).to_list() == [40.5, 0]
    told = refused[["row_number", "column_name", "reason"]].to_numpy().tolist()
    assert told == [[2, "Point.at.lat", "not a number"], [3, "Point.at.lat", "not a number"]]


KINDS = pd.DataFrame(
    {
        "ID": ["9007199254740993", "8"], "Opened": ["2024-03-01 09:00:00", "2024-03-02"], "Closed": [None, None],
        "Due": [None, "2024-03-05"], "Status": ["Open", "Open"], "Type": ["Pothole", "Straße"], "Address": ["a", None],
        "Zip": ["02131", "02132"], "Point": [None, None],
    }
)  # fmt: skip


def as_excel(folder: Path) -> bytes:
    path = folder / "one.xlsx"
    KINDS.to_excel(path, index=False, engine="xlsxwriter")
    return path.read_bytes()


def as_clerks_make_it(folder: Path) -> bytes:
    """A hidden sheet first, titles above the heading, totals below the rows."""
    path = folder / "one.xlsx"
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        pd.DataFrame({"Code": ["P"], "Meaning": ["Pothole"]}).to_excel(book, sheet_name="codes", index=False)
        KINDS.to_excel(book, sheet_name="data", index=False, startrow=3)
        book.sheets["codes"].hide()
        book.sheets["data"].activate()
        book.sheets["data"].merge_range(0, 0, 0, 8, "Springfield 311")
        book.sheets["data"].write(1, 0, "Printed 01/05/2025")
    return path.read_bytes()


def with_a_cover(folder: Path) -> bytes:
    path = folder / "one.xlsx"
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        book.book.add_worksheet("empty")
        book.book.add_worksheet("cover").write_column(0, 0, ["Springfield", "Contact: 311"])
        KINDS.to_excel(book, sheet_name="data", index=False)
    return path.read_bytes()


def test_numbers_with_a_point_are_read_as_they_are(taken, tmp_path: Path) -> None:
    named = pa.table({**KINDS.assign(Zip=None), "ID": pa.array([7.0, 8.0]), "Zip": pa.array([float("nan"), 2131.0])})
    parquet.write_table(named.append_column("lat", pa.array([40.5, float("nan")])), tmp_path / "one.parquet")
    by = mapping_from(CITY.split("lat =")[0] + 'lat = "lat"\n', Path("t.toml"))
    counts, rows, _ = taken((tmp_path / "one.parquet").read_bytes(), "one.parquet", by)
    assert counts.accepted == 2 and rows["request_id"].to_list() == ["7", "8"]
    assert rows["lat"].fillna(0).to_list() == [40.5, 0] and rows["channel"].fillna("").to_list() == ["", "2131"]


def as_parquet(folder: Path) -> bytes:
    path = folder / "one.parquet"
    typed = KINDS.assign(ID=KINDS["ID"].astype("int64"), Opened=pd.to_datetime(KINDS["Opened"], format="mixed"))
    typed.to_parquet(path, index=False)
    return path.read_bytes()


def as_geojson(folder: Path) -> bytes:
    features = [
        {"type": "Feature", "properties": one, "geometry": {"type": "Point", "coordinates": [-73.25, 40.5]}}
        for one in json.loads(KINDS.to_json(orient="records"))
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def answer_of_arcgis(system: int, x: float, y: float) -> bytes:
    """On one line, its records behind a long list of fields."""
    rows = json.loads(KINDS.to_json(orient="records"))
    fields = [{"name": one, "alias": "an alias " * 50} for one in KINDS]
    features = [{"attributes": one, "geometry": {"x": x, "y": y}} for one in rows]
    told = {"spatialReference": {"wkid": 102_718, "latestWkid": system}, "exceededTransferLimit": True}
    return json.dumps({"objectIdFieldName": "ID", "fields": fields, **told, "features": features}).encode()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("one.xlsx", as_excel),
        ("one.xlsx", as_clerks_make_it),
        ("one.xlsx", with_a_cover),
        ("one.parquet", as_parquet),
        ("one.json", lambda folder: KINDS.to_json(orient="records", indent=1).encode()),
        ("one.json", lambda folder: b'{"meta": 1, "records": ' + KINDS.to_json(orient="records").encode() + b"}"),
        ("one.json", lambda folder: answer_of_arcgis(4326, -73.25, 40.5)),
        ("one.json", lambda folder: b'{"next": null, "rows": ' + KINDS.to_json(orient="records").encode() + b"}"),
        ("one.jsonl", lambda folder: KINDS.to_json(orient="records", lines=True, force_ascii=False).encode()),
        ("one.json.gz", lambda folder: gzip.compress(KINDS.to_json(orient="records").encode())),
        ("one.geojson", as_geojson),
        ("one.tsv", lambda folder: KINDS.to_csv(sep="\t", index=False).encode()),
        ("one.xml", lambda folder: KINDS.to_xml(index=False, parser="etree").encode()),
    ],
)  # fmt: skip
def test_kinds_of_files(taken, tmp_path: Path, name: str, make) -> None:
    by = mapping_from(
        CITY.replace('column = "Point", pattern', 'columns = ["Point", "latitude"], pattern'), Path("t.toml")
    )
    if name == "one.geojson":
        by = mapping_from(CITY.split("lat =")[0] + 'lat = "latitude"\nlon = "longitude"\n', Path("t.toml"))
    counts, rows, _ = taken(make(tmp_path), name, by)
    assert (counts.read, counts.accepted) == (2, 2)
    assert rows["request_id"].to_list() == ["9007199254740993", "8"] and rows["type_id"].to_list() == [
        "Pothole",
        "Straße",
    ]
    assert rows["opened_at"].to_list() == [pd.Timestamp("2024-03-01 14:00"), pd.Timestamp("2024-03-02 05:00")]
    assert rows["address"].isna().to_list() == [False, True] and rows["closed_at"].isna().all()
    if name == "one.geojson":
        assert rows[["lat", "lon"]].to_numpy().tolist() == [[40.5, -73.25]] * 2


def test_points_of_a_file_of_shapes(taken, tmp_path: Path) -> None:
    points = gpd.GeoDataFrame(KINDS, geometry=[shapely.Point(-73.25, 40.5)] * 2, crs=4326)
    by = CITY.split("lat =")[0] + 'lat = "latitude"\nlon = "longitude"\n[place]\nx = "x"\ny = "y"\ncrs = "EPSG:2263"\n'
    points.to_crs(2263).to_file(tmp_path / "one.gpkg", layer="requests")
    (tmp_path / "shapes").mkdir()
    points.to_crs(2263).to_file(tmp_path / "shapes" / "two.shp")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:  # nothing in it names the system
        for one in (tmp_path / "shapes").iterdir():
            archive.write(one, f"requests/{one.name}") if one.suffix != ".prj" else None
    points.to_file(tmp_path / "three.gpkg", layer="requests")
    points.to_file(tmp_path / "three.gpkg", layer="older")
    for name in ("one.gpkg", "two.zip"):
        _, rows, _ = taken((tmp_path / name).read_bytes(), name, mapping_from(by, Path("t.toml")))
        assert rows["lat"].round(3).to_list() == [40.5] * 2
    content = (tmp_path / "three.gpkg").read_bytes()
    with pytest.raises(ImportRefused, match=r"several layers, .*older.*; say .* sheet = “…” in \[file\]"):
        taken(content, "one.gpkg", mapping_from(by, Path("t.toml")))
    by = by.replace("[file]", '[file]\nsheet = "older"')
    assert taken(content, "one.gpkg", mapping_from(by, Path("t.toml")))[0].accepted == 2


def test_points_in_feet_are_told_with_their_system_and_parts_as_parts(tmp_path: Path) -> None:
    by = mapping_from(CITY.split("lat =")[0] + '[place]\nx = "x"\ny = "y"\ncrs = "EPSG:2263"\n', Path("test.toml"))
    (tmp_path / "one.json").write_bytes(answer_of_arcgis(2263, 980_000.0, 200_000.0))
    outcome = import_files(Settings(data=tmp_path / "data"), by, tmp_path / "one.json", dry=True)
    assert outcome.sample["lat"].between(40, 41).all() and outcome.report.accepted == 2
    said = " ".join(outcome.report.notes)
    assert "x and y, are in EPSG:2263" in said and "holds a part only" in said
    features = json.loads(as_geojson(tmp_path))["features"]
    system = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2263"}}
    features = [one | {"geometry": {"type": "Point", "coordinates": [980_000.0, 200_000.0]}} for one in features]
    whole = {"type": "FeatureCollection", "crs": system, "features": features}
    (tmp_path / "one.geojson").write_text(json.dumps(whole))
    outcome = import_files(Settings(data=tmp_path / "data"), by, tmp_path / "one.geojson", dry=True)
    assert outcome.sample["lat"].between(40, 41).all()


def test_files_of_any_kinds_are_read_one_after_the_other(tmp_path: Path) -> None:
    kinds = {
        "one.parquet": lambda rows: rows.to_parquet(index=False),
        "two.xml": lambda rows: rows.to_xml(index=False, parser="etree").encode(),
        "three.json": lambda rows: rows.to_json(orient="records").encode(),
        "four.xml": lambda rows: rows.to_xml(index=False, parser="etree").encode(),
    }
    for n, (name, written) in enumerate(kinds.items()):
        (tmp_path / name).write_bytes(written(KINDS.assign(ID=[f"{n}-{one}" for one in range(len(KINDS))])))
    report = import_files(Settings(data=tmp_path / "data"), mapping(), [tmp_path / name for name in kinds]).report
    assert (report.accepted, report.refused) == (4 * len(KINDS), 0)


def test_a_broken_line_of_json_is_one_refused_row(taken) -> None:
    content = KINDS.to_json(orient="records", lines=True).strip() + '\n{"ID": "7", "Ope\n[7]\n'
    counts, _, refused = taken(content.encode(), "one.jsonl")
    assert (counts.read, counts.accepted) == (4, 2)
    assert refused["reason"].to_list() == ["a line that is no record"] * 2
    with pytest.raises(ImportRefused, match="not JSON"):
        taken(b'[{"ID": 1}, {"ID"', "one.json")


def test_names_in_json_may_be_of_any_signs(taken) -> None:
    odd = {'say "hi"': "Main", "": "x", "a/b": "x", "c~d": "x", "$e": "x", "f.g": "x"}
    rows = [row | odd for row in json.loads(KINDS.to_json(orient="records"))]
    by = mapping_from(CITY.replace('"Address"', "'say \"hi\"'"), Path("test.toml"))
    for content in (rows, {'my "list"': rows}):
        _, found, refused = taken(json.dumps(content).encode(), "one.json", by)
        assert found["address"].to_list() == ["Main"] * len(rows) and refused.empty


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    exports = {"2023": (["ID", "Status", "Note"], "x"), "2024": (["Status", "ID"], "2024-03-01")}
    for year, (_, opened) in exports.items():
        (tmp_path / year).mkdir()
        KINDS.assign(Opened=opened, Note=f"of {year}", ID=[f"{year}-{n}" for n in range(len(KINDS))])[
            [*exports[year][0], *(one for one in KINDS if one not in exports[year][0])]
        ].to_csv(tmp_path / year / "export.csv", index=False)
    files = [tmp_path / "2023" / "export.csv", tmp_path / "2024" / "export.csv"]
    asked = [*files, tmp_path / "2024" / ".." / "2024" / "export.csv"]  # the last of them twice
    outcome = import_files(Settings(data=tmp_path / "data"), mapping(), asked)
    assert outcome.report.files == {
        str(files[0]): {"read": 2, "accepted": 0, "refused": 2},
        str(files[1]): {"read": 2, "accepted": 2, "refused": 0},
    }  # fmt: skip
    assert set(outcome.refused_rows()["Note"]) == {"of 2023"}


def test_zeros_in_json_are_no_part_of_its_words(taken) -> None:
    records = json.loads(KINDS.assign(Address="1 Main\0 St").to_json(orient="records"))
    _, rows, _ = taken(json.dumps(records).encode(), "one.json")
    assert set(rows["address"]) == {"1 Main St"}


def test_names_in_json_that_differ_in_capitals_alone_are_one_column(taken) -> None:
    records = json.loads(KINDS.head(1).to_json(orient="records")) * 3
    other = {"STATUS" if name == "Status" else name: value for name, value in records[0].items()}
    both = records[0] | {"Status": "Open", "STATUS": "Closed"}
    written = [one | {"ID": str(n)} for n, one in enumerate([*records, other | {"STATUS": "Closed"}, both])]
    counts, rows, _ = taken(json.dumps(written).encode(), "one.json")
    assert counts.accepted == 5
    told = rows.set_index("request_id")["source_status"].to_dict()
    assert (told["3"], told["4"]) == ("Closed", "Open")  # of both, the one that most objects have


def test_records_of_xml_are_named_without_their_namespace(taken) -> None:
    written = KINDS.to_xml(index=False, parser="etree", namespaces={"": "urn:city"}).encode()
    with_head = written.replace(b"<row>", b"<head><n>2</n></head><row>", 1)
    for name in ("row", "{urn:city}row"):
        counts, _, _ = taken(
            with_head, "one.xml", mapping_from(CITY.replace("[file]", f'[file]\nrows = "{name}"'), Path("t.toml"))
        )
        assert counts.accepted == 2


def test_what_is_nested_without_end_is_refused(taken) -> None:
    with pytest.raises(ImportRefused, match="not XML"):
        taken(b"<a>" * 5_000 + b"</a>" * 5_000, "one.xml")


SIMPLE = """
name = "simple"
[city]
name = "Testville"
tz = "America/New_York"
[request]
request_id = "{id}"
opened_at = {{ column = "{opened}", formats = {formats} }}
closed_at = {{ column = "{closed}", formats = {formats} }}
status = "{status}"
type_id = {{ value = "Pothole" }}
"""


def imported(folder: Path, path: Path, **names: str) -> tuple[Report, pd.DataFrame]:
    settings = Settings(data=folder / "data")
    outcome = import_files(settings, mapping_from(SIMPLE.format(**names), Path("simple.toml")), path)
    warehouse = Warehouse(settings)
    c = request.c
    rows = warehouse.frame(select(c.request_id, c.opened_at, c.closed_at, c.status).order_by(c.opened_at))
    warehouse.close()
    return outcome.report, rows


def test_a_workbook_with_a_cover_and_headings_in_groups(tmp_path: Path) -> None:
    """A sheet before it, a title and merged groups over the heading, a total below; dates as such and as serials."""
    book = xlsxwriter.Workbook(tmp_path / "report.xlsx", {"default_date_format": "yyyy-mm-dd hh:mm"})
    book.add_worksheet("Cover").write("A1", "Monthly report")
    for name in ("Requests", "Serials"):
        sheet = book.add_worksheet(name)
        sheet.merge_range("A1:E1", "City of Testville")
        sheet.merge_range("A2:B2", "Request")
        sheet.merge_range("C2:D2", "Dates")
        sheet.write_row(2, 0, ["Number", "State", "Opened", "Closed", "Zip"])
        for n in range(1, 4):
            days = [datetime(2025, 3, n, 9, 30), datetime(2025, 3, n + 9)]
            cells = days if name == "Requests" else [(one - datetime(1899, 12, 30)) / timedelta(days=1) for one in days]
            sheet.write_row(2 + n, 0, [n, "Closed", *cells, 2131])
        sheet.write_row(6, 0, ["Total", None, 3])
    book.close()
    names = {"id": "Number", "opened": "Opened", "closed": "Closed", "status": "State", "formats": '["iso"]'}
    report, rows = imported(tmp_path, tmp_path / "report.xlsx", **names)
    assert (report.accepted, report.refusals) == (3, {"not a time in Opened": 1})
    assert rows["opened_at"].to_list() == [pd.Timestamp(2025, 3, n, 14, 30) for n in (1, 2, 3)]
    text = SIMPLE.format(**{**names, "formats": '["excel"]'}).replace(
        "[request]", '[file]\nsheet = "Serials"\n[request]'
    )
    settings = Settings(data=tmp_path / "serials")
    again = import_files(settings, mapping_from(text, Path("simple.toml")), tmp_path / "report.xlsx")
    assert again.sample["opened_at"].head(3).to_list() == rows["opened_at"].to_list()


def test_parquet_with_zones_dictionaries_and_ids_beyond_what_a_float_holds(tmp_path: Path) -> None:
    """Hours on both sides of the night in which the clocks go forward; no id may be rounded."""
    hours = [datetime(2025, 3, 9, 4, tzinfo=UTC) + timedelta(hours=n) for n in range(6)]
    rows = pa.table(
        {
            "id": pa.array([2**60 + n for n in range(6)], pa.int64()),
            "opened": pa.array(hours, pa.timestamp("us", tz="America/New_York")),
            "closed": pa.array([one + timedelta(days=1) for one in hours], pa.timestamp("ns", tz="UTC")),
            "state": pa.array(["Closed", "Done"] * 3).dictionary_encode(),
        }
    )
    parquet.write_table(rows, tmp_path / "export.parquet")
    names = {"id": "id", "opened": "opened", "closed": "closed", "status": "state", "formats": '["iso"]'}
    report, found = imported(tmp_path, tmp_path / "export.parquet", **names)
    assert report.accepted == 6 and found["request_id"].to_list() == [str(2**60 + n) for n in range(6)]
    assert found["opened_at"].to_list() == [pd.Timestamp(one).tz_localize(None) for one in hours]
    assert (found["closed_at"] - found["opened_at"] == timedelta(days=1)).all() and set(found["status"]) == {"closed"}


@pytest.mark.parametrize("holder", ["result", "data", "some"])
def test_records_within_an_object_of_an_answer(tmp_path: Path, holder: str) -> None:
    """As CKAN answers; where the holder has another name the mapping says it."""
    records = [{"id": n, "at": {"opened": 1740830400000 + n, "closed": None}, "state": "Open"} for n in range(3)]
    (tmp_path / "answer.json").write_text(json.dumps({"success": True, holder: {"total": 3, "records": records}}))
    text = SIMPLE.format(id="id", opened="at.opened", closed="at.closed", status="state", formats='["epoch_ms"]')
    if holder == "some":
        text = text.replace("[request]", '[file]\nrows = "some.records"\n[request]')
    report = import_files(
        Settings(data=tmp_path / "data"), mapping_from(text, Path("x.toml")), tmp_path / "answer.json"
    )
    assert (report.report.accepted, report.report.refused) == (3, 0)
