"""What is old is forgotten, in the data and on disk; numbers stay."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from dashboard.cli import main
from dashboard.settings import Settings
from data_access import schema
from data_access.build import Build
from data_access.engine import Warehouse
from data_access.retention import retain
from data_access.state import State
from tests import city, floor


@pytest.fixture
def settings(tmp_path) -> Settings:
    settings = Settings(data=tmp_path, cache="off")
    rows = city.requests().assign(person_key="planted-person", address="12 Planted St", note="planted note")
    with Build(settings, city.CITY) as build:
        build.write("agent", floor.agents())
        build.write("department", city.DEPARTMENTS)
        build.write("service_type", city.TYPES)
        build.write("district", city.DISTRICTS)
        build.write("request", rows)
        build.write("contact", city.contacts().assign(person_key="planted-person"))
        build.write("agent_state", floor.states())
        build.publish(as_of=city.AS_OF)
    return settings


def counted(settings: Settings) -> dict[str, int]:
    warehouse, r, c = Warehouse(settings), schema.request.c, schema.contact.c
    try:
        row = warehouse.rows(
            select(func.count(), func.count(r.person_key), func.count(r.closed_at), func.sum(r.close_s))
        )
        calls = warehouse.rows(select(func.count(), func.count(c.person_key)))
        shifts = warehouse.rows(select(func.count()).select_from(schema.agent_state))
    finally:
        warehouse.close()
    return {"requests": row[0][0], "known": row[0][1], "closed": row[0][2], "close_s": row[0][3],
            "calls": calls[0][0], "callers": calls[0][1], "shifts": shifts[0][0]}  # fmt: skip


def test_old_persons_are_forgotten_and_numbers_stay(settings):
    before = counted(settings)
    found = retain(settings, people_days=45, log_days=30)
    after = counted(settings)
    for same in ("requests", "closed", "close_s", "calls"):
        assert after[same] == before[same]
    assert after["known"] == before["known"] - found["request"] and 0 < after["known"] < before["known"]
    assert after["callers"] == before["callers"] - found["contact"] and after["shifts"] == 0 < before["shifts"]
    files = list((settings.data / "builds").glob("*.duckdb"))
    assert len(files) == 1
    again = retain(settings, people_days=45, log_days=30)
    assert not any(again.values()) and list((settings.data / "builds").glob("*.duckdb")) == files


def test_the_command_says_what_it_forgot_and_the_log_remembers(settings):
    result = CliRunner().invoke(main, ["retain", "--people-days", "30", "--data", str(settings.data)])
    assert result.exit_code == 0 and "Forgotten: request" in result.stdout, result.output
    assert State(settings).audit_lines(1)[0]["did"] == "retention"
