"""PostgreSQL holds what the file of the build holds that it was filled from, however it was filled."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from sqlalchemy import select

from dashboard.settings import Settings
from data_access import in_postgres, schema
from data_access.build import Build
from data_access.engine import Warehouse
from data_access.in_service import file_in_service
from data_access.rollups import TABLES
from tests.contract.test_continuing import (
    BEFORE,
    END,
    REAL,
    begun,
    in_service,
    riverton,
    since,
    some_sums,
    until,
    write,
)

__all__ = ["begun", "riverton", "some_sums"]  # fixtures


@pytest.fixture(scope="module")
def small_cities_go_on() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data_access.carry_over.CONTINUES_FROM_ROWS", 0)
        patch.setattr("data_access.carry_over.CONTINUES_UP_TO", 1e9)
        patch.setattr("data_access.continuing.CONTINUES_UP_TO", 1e9)
        patch.setattr("data_access.in_postgres.DIFFERS_UP_TO", 1e9)
        yield


def add(settings: Settings, tables: Mapping[str, pd.DataFrame], as_of: datetime = END) -> list[str]:
    """Add an export; what was done."""
    doing: list[str] = []
    with Build(settings, REAL, infer_duplicates=True, progress=lambda what, n: doing.append(what), pays_by=0) as build:
        write(build, tables)
        build.carry_over()
        build.publish(as_of=as_of)
    return doing


@pytest.fixture(scope="module")
def files(riverton, begun, small_cities_go_on, tmp_path_factory) -> list[Path]:
    """The file of the little city as it was some days before, and those of builds after it, each in a folder."""
    first = until(riverton, BEFORE)
    renamed = {
        "service_type": first["service_type"].head(1).assign(name="Renamed"),
        "agent": first["agent"].head(2).assign(team=None),
        "refused_row": pd.DataFrame({"import_id": [None], "file": ["old.csv"], "reason": ["nobody knows of which"]}),
    }
    day_after, changed = tmp_path_factory.mktemp("day_after"), tmp_path_factory.mktemp("changed")
    shutil.copytree(begun, day_after, dirs_exist_ok=True)
    add(Settings(data=day_after, threads=1), since(riverton, BEFORE, END))
    shutil.copytree(day_after, changed, dirs_exist_ok=True)
    with Build(Settings(data=changed, threads=1), REAL, infer_duplicates=True, pays_by=0) as build:
        write(build, renamed)
        build.carry_over(whole=True)
        assert build.forget_people(BEFORE - timedelta(days=30))["agent_shift"]
        build.publish(as_of=END)
    return [begun, day_after, changed]


def put(database: str, folder: Path, before: Path | None) -> list[str]:
    """Fill the database from the build in a folder; what was done."""
    doing: list[str] = []
    told = (in_service(folder), in_service(before) if before else None, folder / "spill")
    in_postgres.fill(database, *told, progress=lambda what, n: doing.append(what))
    return doing


def tables_of(settings: Settings, *only: str) -> dict[str, pd.DataFrame]:
    with closing(Warehouse(settings)) as warehouse:
        held = [TABLES[name].table for (name,) in warehouse.rows(select(schema.sums.c.name))]
        found = {}
        for table in (*schema.metadata.sorted_tables, *held):
            if only and table.name not in only:
                continue
            frame = warehouse.frame(select(table))
            found[table.name] = frame.sort_values(list(frame.columns), ignore_index=True)
        return found


def assert_holds(database: str, folder: Path, *only: str) -> None:
    there, here = (tables_of(Settings(data=folder, database=one), *only) for one in (database, ""))
    assert there.keys() == here.keys() and len(there) >= (len(only) or len(schema.metadata.tables) + 20)
    for name, frame in there.items():
        pd.testing.assert_frame_equal(frame, here[name], check_dtype=False, obj=name)


def test_only_what_differs_is_brought(files, new_database):
    database = new_database()
    begun, day_after, changed = files
    assert all(one.startswith("loading") for one in put(database, begun, None))
    assert_holds(database, begun)
    for now, before in zip(files[1:], files, strict=False):
        doing = put(database, now, before)
        assert doing and all(one.startswith("bringing") for one in doing)
        assert ("bringing service_type" in doing) == (now is changed)
        assert "bringing agent_shift" in doing and "bringing request_by_due" in doing
        assert_holds(database, now, *(("build", "request", "sums") if now is day_after else ()))


@pytest.mark.parametrize("why", ["another version", "other sums", "most differs", "nothing of that"])
def test_all_is_loaded_where_what_differs_says_little(files, tmp_path, monkeypatch, why):
    before, did = tmp_path / "before", []
    shutil.copytree(files[0], before)
    with duckdb.connect(str(in_service(before))) as connection:
        match why:
            case "another version":
                connection.execute("""UPDATE build SET basis = replace(basis, 'made_by": "', 'made_by": "x')""")
            case "other sums":
                connection.execute("DELETE FROM sums WHERE name = 'request_by_due'")
            case "most differs":
                monkeypatch.setattr(in_postgres, "DIFFERS_UP_TO", 0.0001)
    monkeypatch.setattr(in_postgres, "_load_all", lambda *_: did.append("loaded"))
    monkeypatch.setattr(in_postgres, "_bring", lambda *_: did.append("brought"))
    put("postgresql://nowhere/nothing", files[1], before)
    assert did == ["brought" if why == "nothing of that" else "loaded"]


def test_a_build_brings_what_differs_where_the_file_of_the_one_before_lies_here(
    files, riverton, new_database, tmp_path
):
    settings = Settings(data=tmp_path, database=new_database(), threads=1)
    shutil.copytree(files[0], tmp_path, dirs_exist_ok=True)
    put(settings.database, tmp_path, None)
    export = since(riverton, BEFORE, END)

    def breaks(connection, built, rows, into):
        if into.name == "request_event":
            raise OSError("no more room")
        return copy(connection, built, rows, into)

    copy = in_postgres._copy
    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="no more room"):
        patch.setattr(in_postgres, "_copy", breaks)
        add(settings, export)
    some = "build", "request", "request_event", "sums"
    assert_holds(settings.database, files[0], *some)  # nothing has happened
    assert len(list((tmp_path / "builds").glob("city-*"))) == 1
    assert "bringing request" in add(settings, export)
    assert_holds(settings.database, tmp_path, *some)

    pointer = tmp_path / "builds" / "current"
    written = pointer.read_text()
    with closing(Warehouse(settings)) as warehouse:
        assert file_in_service(warehouse, pointer.parent) == in_service(tmp_path)
        pointer.write_text(written.replace('"build_id": "2', '"build_id": "1'))  # somebody else filled it since
        assert file_in_service(warehouse, pointer.parent) is None
        pointer.write_text(written)
        in_service(tmp_path).unlink()  # or the file was lost
        assert file_in_service(warehouse, pointer.parent) is None
