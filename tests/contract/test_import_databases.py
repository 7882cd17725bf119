"""Databases of other makers as sources: a MariaDB where one is installed, and the SQL that others would be asked."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Column, DateTime, Engine, MetaData, Numeric, String, Table, create_engine, select
from sqlalchemy.dialects import mssql, mysql, oracle

from dashboard.domain.errors import DataUnavailable, ImportRefused
from dashboard.settings import Settings
from data_access.engine import Warehouse
from data_access.importers import live
from data_access.importers.load import import_files
from data_access.importers.mapping import mapping_from
from data_access.schema import request as requests

CRM = """
name = "crm"
[city]
name = "Testville"
tz = "America/Chicago"
[file]
table = "all orders"
updated = "changed"
[request]
request_id = "key"
opened_at = "when"
closed_at = "closed"
updated_at = "changed"
status = "state"
type_id = "kind"
note = "group"
source_district = "tags"
public_id = "bit"
"""
TABLE = """
CREATE TABLE `order` (
    `key` DECIMAL(20, 0), `when` DATETIME NOT NULL, closed DATETIME NOT NULL, changed TIMESTAMP NOT NULL,
    state ENUM ('Open', 'Closed'), kind VARCHAR(60) CHARACTER SET latin1, `group` INT, tags SET ('b', 'a'), bit BIT
)
"""


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The administrator of a MariaDB that stands in a zone other than the city's, and knows a reader."""
    pytest.importorskip("pymysql")
    server, install = shutil.which("mariadbd", path="/usr/sbin:/usr/bin"), shutil.which("mariadb-install-db")
    if not server or not install or not shutil.which("my_print_defaults"):
        pytest.skip("no MariaDB is installed")
    folder = tmp_path_factory.mktemp("mariadb")
    socket, user = (
        folder / "s",
        subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip(),
    )
    given = ["--no-defaults", f"--datadir={folder}/rows", f"--user={user}"]
    subprocess.run([install, *given, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            [server, *given, f"--socket={socket}", "--skip-networking", "--default-time-zone=+05:30"], stderr=log
        )
    engine = create_engine(f"mysql+pymysql://root@localhost/mysql?unix_socket={socket}")
    for _ in range(300):  # an attempt that fails leaves its socket open
        if "ready for connections" in (folder / "log").read_text():
            break
        time.sleep(0.1)
    with engine.begin() as asked:
        asked.exec_driver_sql("CREATE USER reader@localhost IDENTIFIED BY 'p@ss'")
    yield engine
    engine.dispose()
    running.terminate()
    running.wait(30)


@pytest.fixture
def crm(mariadb: Engine) -> Iterator[tuple[Engine, str]]:
    """A CRM with a table and a view of it, and the address by which one that may only read asks."""
    with mariadb.begin() as asked:
        asked.exec_driver_sql("DROP DATABASE IF EXISTS crm")
        asked.exec_driver_sql("CREATE DATABASE crm CHARACTER SET utf8mb4")
    engine = create_engine(mariadb.url.set(database="crm"), connect_args={"init_command": "SET sql_mode = ''"})
    with engine.begin() as asked:
        asked.exec_driver_sql(TABLE)
        asked.exec_driver_sql("CREATE VIEW `all orders` AS SELECT * FROM `order`")
        asked.exec_driver_sql("GRANT SELECT ON crm.* TO reader@localhost")
        asked.exec_driver_sql("SET time_zone = '+00:00'")
        for n, (closed, changed) in enumerate(
            [("2024-03-02 09:00", "2024-11-03 06:30"), ("0000-00-00", "2024-11-03 07:30"), ("0000-00-00", "0000-00-00")]
        ):
            asked.exec_driver_sql(
                f"INSERT INTO `order` VALUES (90071992547409930{n}, '2024-03-01 09:00', '{closed}', '{changed}', "
                "'Open', 'Müll', 7, 'a,b', b'1')"
            )
    yield engine, engine.url.set(username="reader", password="p@ss").render_as_string(hide_password=False)
    engine.dispose()


def requests_of(settings: Settings) -> pd.DataFrame:
    warehouse = Warehouse(settings)
    rows = warehouse.frame(select(requests).order_by(requests.c.request_id))
    warehouse.close()
    return rows.set_index("request_id")


def test_a_view_of_a_mariadb_is_read_by_one_who_may_only_read(tmp_path: Path, crm: tuple[Engine, str]) -> None:
    """Instants whatever the server's zone, a day zero as none, sets and bits as they are written."""
    (engine, address), settings = crm, Settings(data=tmp_path / "data")
    by = mapping_from(CRM, Path("crm.toml"))
    first = import_files(settings, by, address).report
    assert (first.read, first.accepted) == (3, 3)
    rows = requests_of(settings)
    assert rows["updated_at"].tolist()[:2] == [pd.Timestamp("2024-11-03 06:30"), pd.Timestamp("2024-11-03 07:30")]
    assert rows["updated_at"].isna().tolist() == [False, False, True]
    assert rows["closed_at"].isna().tolist() == [False, True, True]
    assert rows["opened_at"].tolist()[0] == pd.Timestamp("2024-03-01 15:00")  # on the city's wall clock
    assert set(rows["type_id"]) == {"Müll"} and set(rows["source_district"]) == {"b,a"}
    assert set(rows["public_id"]) == {"1"}
    with engine.begin() as asked:
        asked.exec_driver_sql("SET time_zone = '+00:00'")
        asked.exec_driver_sql(
            "INSERT INTO `order` SELECT `key` - 100, `when`, closed, '2024-10-01', state, kind, 7, '', bit FROM `order`"
        )
    second = import_files(settings, by, address).report
    assert (second.read, second.unchanged) == (3, 3)  # those that are newer, and the one of which nobody knows


def test_what_is_wrong_with_a_mariadb_is_told_in_its_words(tmp_path: Path, crm: tuple[Engine, str]) -> None:
    (engine, address), settings = crm, Settings(data=tmp_path / "data")
    by = mapping_from(CRM, Path("crm.toml"))
    with pytest.raises(DataUnavailable, match=r"\(Access denied for user"):
        import_files(settings, by, address.replace("p%40ss", "guessed"))
    with engine.begin() as asked:
        asked.exec_driver_sql("ALTER TABLE `order` CHANGE closed closed_on DATETIME")
    with pytest.raises(ImportRefused, match="is there, but not its columns"):
        import_files(settings, by, address)
    with pytest.raises(ImportRefused, match="no table or view “all ordres”. Did you mean all orders?"):
        import_files(settings, mapping_from(CRM.replace("all orders", "all ordres"), Path("crm.toml")), address)


KNOWN = live.Known(datetime(2024, 3, 2, 12))


def asked_of(dialect, kind, known: live.Known = KNOWN) -> tuple[str, list]:
    """What is asked of a database for what is new, and with what values."""
    table = Table("order", MetaData(), Column("key", Numeric), Column("changed", kind))
    since, _ = live._newer(table, mapping_from(CRM, Path("crm.toml")), known, dialect.name)
    made = select(*live._as_told(table, dialect.name)).where(*since).compile(dialect=dialect)
    return " ".join(str(made).split()), list(made.params.values())


LOCAL, INSTANT = datetime(2024, 3, 1, 6), datetime(2024, 3, 1, 12)


@pytest.mark.parametrize(
    ("dialect", "kind", "told", "since"),
    [
        (oracle, oracle.DATE(), '"order".changed AS changed', LOCAL),
        (oracle, oracle.TIMESTAMP(timezone=True), "to_char(sys_extract_utc(", INSTANT),
        (oracle, oracle.TIMESTAMP(local_timezone=True), "to_char(sys_extract_utc(", INSTANT),
        (mssql, mssql.DATETIME2(), "[order].changed AS changed", LOCAL),
        (mssql, mssql.DATETIMEOFFSET(), "[order].changed AS changed", INSTANT.replace(tzinfo=UTC)),
        (mysql, DateTime(), "CAST(`order`.changed AS CHAR)", LOCAL),
        (mysql, DateTime(timezone=True), "concat(CAST(`order`.changed AS CHAR)", INSTANT),
    ],
)
def test_each_database_is_asked_in_its_own_words_and_zone(dialect, kind, told: str, since: datetime) -> None:
    asked, values = asked_of(dialect.dialect(), kind)
    assert told in asked and since in values


@pytest.mark.parametrize("dialect", [oracle, mssql, mysql])
def test_all_is_asked_for_without_a_condition(dialect) -> None:
    """“WHERE 1” is none to Oracle."""
    assert "WHERE" not in asked_of(dialect.dialect(), DateTime(), live.Known())[0]
    assert "WHERE" not in asked_of(dialect.dialect(), String(9))[0]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (20.0, "20"), (20.5, "20.5"), (float("inf"), "inf"), (b"\x00\xff", "00ff"), ({"a": [1]}, '{"a": [1]}'),
        (timedelta(hours=36, seconds=5), "36:00:05"), (timedelta(seconds=-83), "-0:01:23"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_in_a_file(value: object, written: str) -> None:
    assert live._written(value) == written
