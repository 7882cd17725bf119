"""Exports in other languages and scripts: their words are met, their months and digits read, and quickly."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from dashboard.cli import main
from dashboard.settings import Settings
from data_access.engine import Warehouse
from data_access.importers.load import import_files
from data_access.importers.mapping import read_mapping
from data_access.importers.sketch import sketch_of
from data_access.schema import request as requests

CITY = '[city]\nname = "Stadt"\ntz = "UTC"\n[request]\nrequest_id = "id"\nopened_at = "opened"\ntype_id = "type"\n'
OPEN = 'status = { value = "new" }\n'
DAYS = pd.date_range("2024-01-03 09:05", periods=60, freq="6D9h")


def requests_of(settings: Settings) -> pd.DataFrame:
    warehouse = Warehouse(settings)
    rows = warehouse.frame(select(requests).order_by(requests.c.request_id))
    warehouse.close()
    return rows.set_index("request_id")


def imported(folder: Path, mapping: str, text: str, encoding: str = "utf-8") -> pd.DataFrame:
    (folder / "city.toml").write_text(mapping, "utf-8")
    (folder / "export.csv").write_text(text, encoding)
    settings = Settings(data=folder / "data")
    outcome = import_files(settings, read_mapping(folder / "city.toml"), folder / "export.csv")
    assert outcome.report.accepted == outcome.report.read == len(text.splitlines()) - 1
    assert not outcome.report.unmapped
    return requests_of(settings)


def test_words_mean_the_same_in_capitals_and_with_accents_apart(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "Égout bouché")
    states = ["Κλειστός", "ΚΛΕΙΣΤΌΣ", "İptal", "Abgeschloßen", unicodedata.normalize("NFD", "résolue")]
    rows = [f"{n},2024-03-0{n + 1},{state},{apart if n else 'Égout bouché'}" for n, state in enumerate(states)]
    words = "{ 'κλειστός' = 'closed', 'İptal' = 'cancelled', 'Abgeschloßen' = 'closed', 'Résolue' = 'closed' }"
    found = imported(
        tmp_path,
        f'{CITY}status = {{ column = "état", words = {words} }}\n'
        'closed_at = { column = "opened", when = { "ÉTAT" = ["Κλειστός", "ABGESCHLOSSEN"] } }\n',
        "\n".join([f"id,opened,{unicodedata.normalize('NFD', 'État')},type", *rows]),
    )
    assert found["status"].tolist() == ["closed", "closed", "cancelled", "closed", "closed"]
    assert set(found["type_id"]) == {"Égout bouché"}
    assert found["closed_at"].notna().tolist()[:4] == [True, True, False, True]


def test_numbers_and_times_may_have_the_digits_of_their_script(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        f'{CITY}{OPEN}lat = "lat"\nlon = "lon"\n',
        "id,opened,type,lat,lon\n"
        "1,\u200f٢٠٢٤-٠٣-٠١ ٠٩:٣٠\u200f,حفرة,٣٠٫٠٤٤,٣١٫٢٣٥\n"
        "2,２０２４-03-02,穴　,35.68,139.69\n",
    )
    assert found["opened_at"].tolist() == [pd.Timestamp("2024-03-01 09:30"), pd.Timestamp("2024-03-02")]
    assert (found.loc["1", "lat"], found.loc["1", "lon"], found.loc["2", "type_id"]) == (30.044, 31.235, "穴")


def test_twelve_months_in_words_are_read_in_no_time(tmp_path: Path) -> None:
    months = [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ]
    pairs = ", ".join(f'["{name}", "{n:02}"]' for n, name in enumerate(months, 1))
    rows = [f"{n},{day.day} {months[day.month - 1]} {day.year},Nid" for n, day in enumerate(DAYS)]
    begun = time.monotonic()
    found = imported(
        tmp_path,
        OPEN.join(
            [CITY.replace('"opened"', f'{{ column = "opened", formats = ["%d %m %Y"], replace = [{pairs}] }}'), ""]
        ),
        "\n".join(["id,opened,type", *rows]),
    )
    assert sorted(found["opened_at"]) == list(DAYS.normalize())
    assert time.monotonic() - begun < 20


def said(day: pd.Timestamp, months: str, form: str) -> str:
    return f"{day:{form}}".replace("MONTH", months.split()[day.month - 1]) if months else f"{day:{form}}"


@pytest.mark.parametrize(
    ("encoding", "months", "form", "heading", "states"),
    [
        ("utf-8", "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
         "%-d de MONTH de %Y %H:%M", "Folio;Fecha de apertura;Fecha de cierre;Estado;Tipo", ("Abierta", "Cerrada")),
        ("cp1250", "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
         "%-d MONTH %Y %H:%M", "Numer;Data zgłoszenia;Data zamknięcia;Status;Kategoria", ("Nowe", "Zamknięte")),
        ("cp1252", "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
         "%-d. MONTH %Y, %H:%M Uhr", "Nummer;Eingangsdatum;Abschlussdatum;Zustand;Anliegen", ("Offen", "Erledigt")),
        ("gb18030", "", "%Y年%-m月%-d日 %H:%M", "工单编号;受理时间;办结时间;状态;问题类型", ("处理中", "已办结")),
        ("iso8859-7", "", "%d/%m/%Y %H:%M",
         "Αριθμός;Ημερομηνία υποβολής;Ημερομηνία ολοκλήρωσης;Κατάσταση;Κατηγορία", ("ΑΝΟΙΧΤΌ", "Κλειστό")),
    ],
)  # fmt: skip
def test_a_sketch_reads_other_languages(
    tmp_path: Path, encoding: str, months: str, form: str, heading: str, states: tuple[str, str]
) -> None:
    rows = []
    for n, day in enumerate(DAYS):
        closed = said(day + pd.Timedelta("1D"), months, form) if n % 2 else ""
        rows.append(f"A{n};{said(day, months, form)};{closed};{states[n % 2]};X")
    (tmp_path / "export.csv").write_text("\n".join([heading, *rows]), encoding)
    told = sketch_of(tmp_path / "export.csv", "" if encoding in ("utf-8", "cp1252") else encoding)
    found = imported(tmp_path, told, "\n".join([heading, *rows]), encoding)
    assert sorted(found["opened_at"]) == list(DAYS)
    assert found["closed_at"].notna().sum() == 30 == (found["status"] == "closed").sum()


def test_a_sketch_is_told_the_encoding_that_nobody_can_see(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("番号,受付日,種別\n" + "".join(f"{n},2024-03-01,穴　の\n" for n in range(60)), "cp932")
    refused = CliRunner().invoke(main, ["import", "--sketch", str(path)])
    assert refused.exit_code and "must be told" in refused.output
    told = CliRunner().invoke(main, ["import", "--sketch", str(path), "--encoding", "cp932"])
    assert told.exit_code == 0 and 'encoding = "cp932"' in told.output and 'request_id = "番号"' in told.output
    path.write_text("Numer,Data zgłoszenia\n1,2024-03-01\n2,2024-03-02\n", "cp1250")
    assert "--encoding cp1250" in CliRunner().invoke(main, ["import", "--sketch", str(path)]).output
