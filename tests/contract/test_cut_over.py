"""When a city changes its system: ids that both systems gave are nobody's until the mapping says whose."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from dashboard.domain.errors import ImportRefused
from dashboard.settings import Settings
from data_access.engine import Warehouse
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
from data_access.schema import request as requests

CITY = """
name = "old"
[city]
name = "Testville"
tz = "UTC"
[request]
request_id = "Case"
opened_at = "Opened"
closed_at = "Closed"
status = "Status"
type_id = "Type"
"""
OLD = "Case,Opened,Closed,Status,Type\n" + "".join(f"{n},2024-03-0{n},,Open,Pothole\n" for n in range(1, 6))
NEW = "Case,Opened,Closed,Status,Type\n" + "".join(f"{n},2024-04-0{n},,Open,Noise\n" for n in range(4, 8))


@pytest.fixture
def after_the_old(store: Settings, tmp_path: Path) -> Settings:
    """An installation that knows the old system's export; the new one's lies beside it."""
    (tmp_path / "old.csv").write_text(OLD)
    (tmp_path / "new.csv").write_text(NEW)
    import_files(store, mapping_from(CITY, Path("old.toml")), tmp_path / "old.csv")
    return store


def ids(settings: Settings) -> list[str]:
    warehouse = Warehouse(settings)
    found = warehouse.rows(select(requests.c.request_id).order_by(requests.c.request_id))
    warehouse.close()
    return [one for (one,) in found]


def test_ids_that_another_system_gave_are_refused(after_the_old: Settings, tmp_path: Path) -> None:
    new = CITY.replace('"old"', '"new"')
    with pytest.raises(ImportRefused, match=r"2 of its ids are in service as those of another system, “old”.*'new-'"):
        import_files(after_the_old, mapping_from(new, Path("new.toml")), tmp_path / "new.csv")
    assert ids(after_the_old) == ["1", "2", "3", "4", "5"]


def test_ids_that_two_systems_give_in_one_import_are_refused(store: Settings, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(OLD)
    (tmp_path / "new.csv").write_text(NEW.replace("Case,", "Ticket,"))
    both = [
        mapping_from(one, Path("x.toml")) for one in (CITY, CITY.replace('"old"', '"new"').replace("Case", "Ticket"))
    ]
    with pytest.raises(ImportRefused, match="2 of its ids are in this import as those of another system, “new”"):
        import_files(store, both, [tmp_path / "old.csv", tmp_path / "new.csv"])
    (tmp_path / "new.csv").write_text("Ticket,Opened,Closed,Status,Type\n9,2024-04-01,,Open,Noise\n")
    assert import_files(store, both, [tmp_path / "old.csv", tmp_path / "new.csv"]).report.added == 6


def test_ids_that_are_set_apart_are_other_requests(after_the_old: Settings, tmp_path: Path) -> None:
    new = CITY.replace('"old"', '"new"').replace('"Case"', '{ column = "Case", replace = [["^", "new-"]] }')
    for _ in range(2):
        found = import_files(after_the_old, mapping_from(new, Path("new.toml")), tmp_path / "new.csv").report
    assert (found.unchanged, found.carried) == (4, 5)
    assert ids(after_the_old) == ["1", "2", "3", "4", "5", "new-4", "new-5", "new-6", "new-7"]


def test_one_system_under_two_names_has_the_same_requests(after_the_old: Settings, tmp_path: Path) -> None:
    new = CITY.replace('name = "old"', 'name = "new"\nsystem = "old"')
    found = import_files(after_the_old, mapping_from(new, Path("new.toml")), tmp_path / "new.csv").report
    assert (found.added, found.updated, found.carried) == (2, 2, 3)
