"""A city of so many million requests over ten years: the demo city's, repeated with districts and channels exchanged.

Deriving is timed elsewhere (`import_speed`); here the facts are multiplied once they are derived, and summed up as in
any build.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from dashboard.settings import Settings
from data_access import schema
from data_access.build import Build
from data_access.demo_city import AS_OF, CITY, demo_tables

BASE_SCALE = 0.4
"""Of the demo city; ten years of it are about half a million requests and one and a half million contacts."""
CONTACTS_PER_REQUEST = 2
EXCHANGED = {"request": ("district", "channel"), "request_episode": ("district", "channel"), "contact": ("queue",)}
"""The columns in which copies differ, so that there are as many combinations a day as in a city of this size."""
DATED = {"request": "opened_on", "request_episode": "opened_on", "contact": "arrived_on"}
KEYS = {"request": "request_id", "request_episode": "request_id", "contact": "contact_id"}


class Enlarged(Build):
    """A build whose facts are multiplied before they are summed up."""

    millions = 1.0

    def _sum_up(self, as_of: datetime) -> None:
        have = {
            name: max(self.connection.scalar(select(func.count()).select_from(schema.metadata.tables[name])) or 0, 1)
            for name in DATED
        }
        wanted = {"request": self.millions * 1e6, "contact": CONTACTS_PER_REQUEST * self.millions * 1e6}
        times = {name: max(round(wanted[name] / have[name]), 1) for name in wanted}
        times["request_episode"] = times["request"]
        for name, copies in times.items():
            if copies > 1:
                self._multiply(name, copies)
        super()._sum_up(as_of)

    def _multiply(self, name: str, copies: int) -> None:
        run, day = self.connection.exec_driver_sql, DATED[name]
        told = [f"{KEYS[name]} || '-' || copy AS {KEYS[name]}"]
        for column in EXCHANGED[name]:
            values = f"(SELECT list(DISTINCT {column} ORDER BY {column}) FROM {name} WHERE {column} IS NOT NULL)"
            run(f"CREATE OR REPLACE TEMP TABLE of_{column} AS SELECT {values} AS known")
            known = f"(SELECT known FROM of_{column})"
            told.append(f"{known}[1 + (list_position({known}, {column}) - 1 + copy) % len({known})] AS {column}")
        months = run(f"SELECT DISTINCT date_trunc('month', {day}) FROM {name} ORDER BY 1").fetchall()
        run(f"CREATE TABLE bigger AS FROM {name} LIMIT 0")
        for (month,) in months:  # month by month, so that the rows stay in the order of time
            run(
                f"INSERT INTO bigger SELECT {name}.* REPLACE ({', '.join(told)}) "
                f"FROM {name}, range({copies}) copies(copy) "
                f"WHERE date_trunc('month', {day}) = DATE '{month:%Y-%m-%d}'"
            )
        run(f"DROP TABLE {name}")
        run(f"ALTER TABLE bigger RENAME TO {name}")


def words_of(about: str | None) -> argparse.ArgumentParser:
    """What every bench on such a city is told: how large it is, and where it lies."""
    words = argparse.ArgumentParser(description=about)
    words.add_argument("--millions", type=float, default=10)
    words.add_argument("--folder", type=Path, help="where the (larger) city is kept; default: a temporary one")
    return words


def build_city(folder: Path, millions: float, **settings) -> Settings:
    """Put such a city in service in `folder`, unless it is there already."""
    found = Settings(data=folder, **settings)
    if not (folder / "builds" / "current").is_file():
        with Enlarged(found, CITY) as build:
            build.millions = millions
            for table, frame in demo_tables(scale=BASE_SCALE if millions >= 1 else millions * BASE_SCALE, years=10):
                build.write(table, frame)
            build.publish(as_of=AS_OF)
    return found
