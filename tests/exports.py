"""An export of a made-up city, and the mapping that reads it."""

from __future__ import annotations

from pathlib import Path

from data_access.importers.mapping import SourceMapping, mapping_from

CITY = """
name = "test"
[city]
name = "Testville"
tz = "America/New_York"
[file]
nulls = ["NA", "-"]
[request]
request_id = "ID"
opened_at = { column = "Opened", formats = ["iso", "%m/%d/%Y %I:%M %p", "%d.%m.%y %H:%M", "epoch"] }
closed_at = { column = "Closed", nulls = ["1900-01-01"] }
due_at = { column = "Due", end_of_day = true }
status = "Status"
source_status = "Status"
type_id = "Type"
address = "Address"
channel = { column = "Zip", whole = true }
lat = { column = "Point", pattern = '\\((-?[0-9.]+),' }
lon = { column = "Point", pattern = ',\\s*(-?[0-9.]+)\\)' }
"""
HEADING = "ID,Opened,Closed,Due,Status,Type,Address,Zip,Point"
ROW = "7,2024-03-01 09:00:00,2024-03-02 10:00:00,2024-03-05,Closed,Pothole,1 Main St,02131.0,"


def mapping(more: str = "") -> SourceMapping:
    return mapping_from(CITY + more, Path("test.toml"))


def table(*rows: str) -> bytes:
    return "\n".join([HEADING, *rows, ""]).encode()
