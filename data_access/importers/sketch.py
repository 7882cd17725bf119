"""A first mapping for a file nobody has described, as TOML to be corrected by hand; it guesses, and says where.

Every guess that is no more than one carries the word “doubt”.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Float, Select, String, and_, case, create_engine, func, or_, select, true
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.sql.expression import TryCast

from dashboard.domain.errors import ImportRefused
from dashboard.domain.spelling import as_compared
from data_access.dialects import Macros, TableOf
from data_access.importers.mapping import STATUS_WORDS, Reading, fold
from data_access.importers.sources import BROKEN, Source, open_source
from data_access.importers.times import reads
from data_access.schema import CLOSED_STATUSES

_LOOKED_AT = 50_000
_NEARLY = 0.98
"""How much of a column must be filled for it to be the id: a workbook may end in totals."""
_TIMES_LOOKED_AT = 1_500
_DEEP = 3  # how far nested objects are opened out
_NULLS = (
    "NA",
    "N/A",
    "n/a",
    "NULL",
    "null",
    "None",
    "none",
    "nan",
    "NaN",
    "-",
    "--",
    "Unspecified",
    "UNKNOWN",
    "(null)",
)
_DAYS = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y",
         "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%Y %b %d")  # fmt: skip
_HOURS = ("", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f")
FORMATS = (
    "iso", *(day + hour for day in _DAYS for hour in _HOURS), "%d.%m.%Y %H.%M",
    "%Y%m%d", "%Y%m%d%H%M%S", "%y%m%d", "%b %d %Y %I:%M%p", "epoch", "epoch_ms", "excel",
)  # fmt: skip
_NUMERIC = ("%Y%m%d", "%Y%m%d%H%M%S", "%y%m%d", "epoch", "epoch_ms", "excel")
_PARTED = ("%d %m %Y", "%d %m %Y %H %M", "%d %m %Y %H %M %S", "%Y %m %d", "%Y %m %d %H %M", "%Y %m %d %H %M %S")
# How the names of months begin, as far as they must be told apart; words between them may begin so, too.
_MONTHS = (
    "ene feb mar abr may jun jul ago sep|set oct nov dic",
    "janv f[ée]v mars avr mai juin juil ao[uû]t sept oct nov d[ée]c",
    "jan feb m[äa]r|mrz|maart|mrt apr mai|mei|may jun jul aug sep okt|oct nov dez|dec",
    "jan fev mar abr mai jun jul ago set out nov dez",
    "gen feb mar apr mag giu lug ago set ott nov dic",
    "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "oca şub mar nis may haz tem ağu eyl eki kas ara",
    "янв фев мар апр ма[йя] июн июл авг сен окт ноя дек",
    "ιαν φεβ μαρ απρ μα[ΐϊι] ιο[υύ]ν ιο[υύ]λ α[υύ]γ σεπ οκτ νο[εέ] δεκ",
    "يناير فبراير مارس [اأ]بريل مايو يونيو يوليو [اأ]غسطس سبتمبر [اأ]كتوبر نوفمبر ديسمبر",
    "जन फ़?र|फ़र मार्च अप्रै मई जून जुला अगस्त सित अक्टू|अक्तू नव दिस",
)
_LEAST = {"epoch": 1e8, "epoch_ms": 1e11, "excel": 2e4}  # else it is a year, or a number of days

# By their usual names, the most telling first.
_TIMES = {
    "due_at": ("due", "target", "sla", "expect", "promis", "deadline", "prj", "frist", "prazo", "venc"),
    "opened_at": (
        "open",
        "creat",
        "request.*date",
        "receiv",
        "submit",
        "init",
        "enter",
        "report",
        "start",
        "eingang",
        "abertura",
        "apertura",
        "ouver",
        "^add",
        "d[eé]clar",
        "cr[eé]ation",
        "ingreso",
        "zgłosz",
        "utworz",
        "başvuru",
        "açiliş",
        "υποβολ",
        "فتح",
        "تقديم",
        "दर्ज",
        "受理",
        "受付",
        "创建",
        "提交",
        "登録",
    ),
    "closed_at": (
        "clos",
        "resol",
        "complet",
        "finish",
        "done",
        "ended",
        "abschluss",
        "erledigt",
        "encerr",
        "conclus",
        "cierre",
        "ferm[eé]",
        "cl[oô]tur",
        "zamkn",
        "zakoń",
        "kapan",
        "tamaml",
        "ολοκλ",
        "إغلاق",
        "إنجاز",
        "समाधान",
        "निस्तारण",
        "办结",
        "完成",
        "完了",
    ),
    "updated_at": ("updat", "modif", "last_", "chang", "statu[ts]", "dernier", "letzte", "aktualiz", "güncel", "更新"),
}
_NAMES = {
    "request_id": (r"(^|_)id$", "key", "sr_?num", "number", "ticket", "(^|_)(nr|no|num|case)($|_)", "nummer",
                   "protocolo", "id$", "^id_", "folio", "^num[eé]r", "^n_", "αριθμ", "رقم", "संख्या", "क्रमांक", "编号",
                   "番号"),
    "status": ("status", "^stat$", "state$", "statut", "zustand", "stand$", "situa", "estado", "durum", "κατάστασ",
               "الحالة", "स्थिति", "状态", "状況"),
    "type_id": ("problem", "complaint", "service_name", "service_?code_?desc", "(request|sr|case|service)_?type",
                "^type", "issue", "topic",
                "category", "subject", "reason", "type$", "anliegen", "kategorie", "betreff", "assunto", "categoria",
                "^tipo", "^acti", "^objet", "^motif", "^nature", "kategori", "rodzaj", "konu", "κατηγορία", "θέμα",
                "نوع", "प्रकार", "श्रेणी", "类型", "種別", "種類"),
    "department_id": ("dep(artmen)?t", "agency$", "agency", "owner", "division", "submit_?to", "responsible", "amt$",
                      "secretaria", "[oó]rg[aã]o", "unit[eé]_?resp", "direction", "dependencia", "jednostka",
                      "wydział", "müdürlü", "υπηρεσία", "الإدارة", "विभाग", "承办", "部门", "担当"),
    "channel": ("channel", "source", "origin", "method", "caller", "intake", "kanal", "canal", "weg$", "provenance",
                "kanał", "القناة", "माध्यम", "来源"),
    "source_district": ("neighbo", "ward", "council", "community", "district", "borough", "bezirk", "stadtteil",
                        "bairro", "distrito", "arrondissement", "quartier", "(^|_)area$", "colonia", "barrio",
                        "dzielnica", "ilçe", "mahalle", "κοινότητα", "الحي", "वार्ड", "区$", "地区"),
    "address": ("address$", "address", "location$", "street", "adresse", "stra(ss|ß)e", "endere[cç]o", "^rua", "^rue",
                "direcci[oó]n", "domicilio", "^adres", "διεύθυνση", "العنوان", "पता", "地址", "住所"),
    "note": ("resolution_desc", "closure", "notes?$", "comment", "outcome", "resolution", "descr", "bemerkung",
             "observa"),
}  # fmt: skip
_COUNTED = r"^(object_?id|(ogc_)?fid|row_?id|row_?n(o|um(ber)?)?|global_?id|index|column_1)$"
_NOT_KEY = r"addres|locat|street|parcel|zip|post|account|person|user|caller|strasse|adresse"
_NOT_NOTE = "type|code|categ"
_NOT_TYPE = "address|location|facility|vehicle|caller|channel|status|object_type|lieu"
_NUMBER = r"(address|house|street|civic|building)_?(n|no|nr|num|number)$|^haus_?n(r|ummer)$"
_DEPARTMENT = r"\b(dep(artmen)?t|division|bureau|office)\b|amt\b"
_CALLS = (
    r"queue|(talk|hold|wrap|wait|handle|ring|work)_?(time|sec|dur)|total_h|\bacw|abandon|skill|ivr|(^|_)agent|ani$|dnis"
)
_CHANGES = "outcome|result|action|activit|last|resol|clos|comment|note|priorit|assign|updat|count"
_HOUR = r"^\d{1,2}:\d{2}(:\d{2})?( ?[AaPp]\.?[Mm]\.?)?$"
_LAT = r"^(lat|latitude|y_?lat.*|.*_lat(itude)?|breite(ngrad)?|latitud)$"
_LON = r"^(lon|long|lng|longitude|x_?lon.*|.*_(long|lon|lng|longitude)|länge(ngrad)?|longitud)$"
_PROJECTED = r"(^|_)(sr)?[xy](_|$|coord)|(^|_)[en]$|coord_?[xy]|(rechts?|hoch|ost|nord)wert|(east|north)ing"
_POINT = r"(?<![\d.])(-?\d{1,3}\.\d+)\s*,\s*(-?\d{1,3}\.\d+)(?![\d.])"
_GEOJSON = r'"coordinates"\s*:\s*\[\s*-?\d+\.\d+\s*,\s*-?\d+\.\d+\s*\]'
_WKT = r"(?i)^point\s*\(\s*-?\d{1,3}\.\d+\s+-?\d{1,2}\.\d+\s*\)$"

# What states seem to say, in a few languages, the most telling first; each is written down as a doubt.
_STATES = {
    "merged_duplicate": r"duplicat|\bdup\b|merged|doublon|dublette|doppelt",
    "cancelled": r"cancel|void|withdr|annul|storn|zurückgezogen|refus|anulow|iptal|ακυρ|ملغ|रद्द|取消",
    "referred_out": r"transfer|refer|weiterg|external",
    "reopened": r"re-?open|wieder",
    "on_hold": r"hold|pending|wait|wartet|attente|espera",
    "in_progress": r"progress|process|bearbeitung|en cours|en charge|andamento|proceso|started|working|insp"
    r"|w toku|işlemde|εξέλιξη|قيد|प्रगति|处理中|対応中",
    "closed": r"\bclos|\bcomplet|resol|resuel|done|finish|fixed|erledigt|abgeschl|termin|ferm[ée]|cerrad|conclu|encerr"
    r"|clôtur|résol|zamkn|zakoń|kapali|tamamlan|κλεισ|ολοκλη|مغلق|منجز|बंद|निस्तारित|办结|完成|完了",
    "assigned": r"\bassign|zugewiesen|dispa?tch|affect",
    "triaged": r"accept|angenommen|review",
    "new": r"\bnew\b|\bopen|neu|offen|nouve|ouvert|abiert|abert|receiv|eingegangen|submit|report"
    r"|\bnow[ey]\b|zgłosz|açik|\byeni\b|ανοι|مفتوح|جديد|खुला|受付",
}


@dataclass
class Column:
    """What the rows looked at tell of one column."""

    name: str
    filled: int
    distinct: int
    examples: Sequence[str]
    formats: Sequence[str] = ()
    replaced: Sequence[tuple[str, str]] = ()
    doubts: list[str] = field(default_factory=list)
    numbers: int = 0
    low: float | None = None
    high: float | None = None
    commas: int = 0

    @property
    def is_time(self) -> bool:
        """Whether it holds times."""
        return bool(self.formats)

    @property
    def is_day(self) -> bool:
        """Whether it holds times without an hour."""
        midnight = all(re.search(r"(^|[ T])0?0:00|12:00(:00)? AM|^\S{8,10}$", value) for value in self.examples)
        return self.is_time and (midnight or all("%d" in one and not re.search("%[HI]", one) for one in self.formats))

    @property
    def is_key(self) -> bool:
        """Whether it is another in every row that has it."""
        return self.distinct == self.filled

    @property
    def is_number(self) -> bool:
        """Whether it holds nothing but numbers."""
        return bool(self.filled) and self.numbers == self.filled


def sketch_of(path: Path, encoding: str = "") -> str:
    """The TOML of a first mapping for a file.

    `encoding` says what it is written in, where that cannot be seen.

    Raises ImportRefused if the file cannot be read at all.
    """
    engine = create_engine("duckdb:///:memory:", connect_args={"config": {"threads": "2"}})
    with tempfile.TemporaryDirectory() as folder, engine.connect() as connection:
        connection.execute(Macros())
        source = open_source(connection, path, Reading(encoding=encoding), Path(folder))
        names = [one for one in source.names if one != BROKEN]
        given = source.relation
        filled = or_(*(func.trim(one) != "" for one in given.c))
        connection.execute(TableOf("looked", select(given).where(filled).limit(_LOOKED_AT)))
        looked = named_table("looked", *(named_column(one, String) for one in names))
        looked = _opened_out(connection, looked)
        names = [one.name for one in looked.c]
        rows = connection.scalar(select(func.count()).select_from(looked)) or 0
        if not rows:
            raise ImportRefused(path.name, "there is a heading, and not one row under it.")
        nulls = _nulls(connection, looked)
        columns = [_column(connection, looked, name, nulls, rows) for name in names]
        found = _guesses(columns, rows)
        together = ([], 0) if "request_id" in found else _together(connection, looked, columns, found)
        text = "\n".join(_written(path, source, encoding, columns, found, together, nulls, rows)) + "\n"
    engine.dispose()
    return text


# ── Looking ─────────────────────────────────────────────────────────────────────────────────────────


def _opened_out(connection: Connection, looked: Any) -> Any:
    """The rows with what nested objects hold as columns of its own, named by its path; a point stays as it is."""
    found = looked
    for step in range(_DEEP):
        within: dict[str, Any] = {}
        for one in found.c:
            held = case((and_(func.starts_with(one, "{"), func.json_valid(one)), one))
            listed = select(func.unnest(func.json_keys(held)).label("name")).select_from(found).subquery()
            names = sorted(connection.scalars(select(listed.c.name).distinct()))
            if names and "coordinates" not in names and not any(re.search(r'[."]', name) for name in names):
                paths = {name: func.json_extract_string(held, f'$."{name}"') for name in names}
                within[one.name] = [(f"{one.name}.{name}", value) for name, value in paths.items()]
        if not within:
            break
        columns = [
            made.label(name) for one in found.c for name, made in within.get(one.name, [(one.name, one)])
        ]  # fmt: skip
        connection.execute(TableOf(f"looked_{step}", select(*columns).select_from(found)))
        found = named_table(f"looked_{step}", *(named_column(one.name, String) for one in columns))
    return found


def _words(looked: Any, name: str, nulls: Sequence[str]) -> Any:
    words = func.nullif(func.trim(looked.c[name]), "")
    return case((words.in_(nulls), None), else_=words) if nulls else words


def _nulls(connection: Connection, looked: Any) -> list[str]:
    """Words that stand for nothing, of those that often do."""
    found = []
    for word in _NULLS:
        anywhere = or_(*(func.trim(one) == word for one in looked.c))
        if connection.scalar(select(func.count()).select_from(looked).where(anywhere)):
            found.append(word)
    return found


def _column(connection: Connection, looked: Any, name: str, nulls: Sequence[str], rows: int) -> Column:
    words = _words(looked, name, nulls)
    digits = func.in_digits(words)
    # A comma with three digits after it may stand between thousands; with any other number of them it is a decimal one.
    comma, decimal = r"-?[0-9.]*[0-9],[0-9]+", r"-?[0-9.]*[0-9],([0-9]{1,2}|[0-9]{4,})"
    written = func.replace(func.replace(digits, ".", ""), ",", ".")
    number = case((func.regexp_full_match(digits, comma), TryCast(written, Float)), else_=TryCast(digits, Float))
    filled, distinct, numbers, low, high, commas = connection.execute(
        select(
            func.count(words), func.count(func.distinct(words)), func.count(number), func.min(number), func.max(number),
            func.count(case((func.regexp_full_match(digits, decimal), 1))),
        ).select_from(looked)
    ).one()  # fmt: skip
    frequent: Select = (
        select(words.label("word"), func.count().label("n")).where(words.is_not(None)).group_by(words)
        .order_by(func.count().desc(), words).limit(12)
    )  # fmt: skip
    column = Column(
        name, filled, distinct, [str(word) for word, _ in connection.execute(frequent)], numbers=numbers, low=low,
        high=high, commas=commas,
    )  # fmt: skip
    named = any(re.search(one, fold(name)) for words_ in (*_TIMES.values(), ("date", "time")) for one in words_)
    likely = sum(6 <= len(one) <= 35 and bool(re.search(r"\d", one)) for one in column.examples)
    if filled and (named or not column.is_number) and likely > len(column.examples) / 2:
        _find_formats(connection, digits, column, FORMATS)
        if not column.formats and all(re.search(r"(?<!\d)(19|20)\d\d(?!\d)", one) for one in column.examples):
            _find_formats_in_words(connection, digits, column)
    return column


def _find_formats_in_words(connection: Connection, written: Any, column: Column) -> None:
    """The formats of times with months in words (“1 de enero de 2024”), or with signs between (“2024年1月1日”).

    Months become numbers, and whatever else is no digit a space. Where mornings and afternoons are told apart in words
    nothing is found.
    """
    if any(re.search(r"\b[ap]\.? ?m\b|上午|下午|午前|午後", one.casefold()) for one in column.examples):
        return
    best = column
    for months in ("", *_MONTHS):
        if not all(re.search(months.replace(" ", "|"), one, re.IGNORECASE) for one in column.examples):
            continue
        numbers = [(f"(?i){name}", f"{n:02}") for n, name in enumerate(months.split(), 1)]
        pairs = [(r"^\D+", ""), *numbers, (r"\D+", " ")]
        told = written
        for pattern, instead in pairs:
            told = func.trim(func.regexp_replace(told, pattern, instead, "g"))
        tried = Column(column.name, column.filled, column.distinct, column.examples, replaced=pairs)
        _find_formats(connection, told, tried, _PARTED)
        if tried.formats and (not best.formats or len(tried.doubts) < len(best.doubts)):
            best = tried
    column.formats, column.replaced, column.doubts = best.formats, best.replaced, [*column.doubts, *best.doubts]


def _find_formats(connection: Connection, written: Any, column: Column, known: Sequence[str]) -> None:
    """The fewest formats that read the column; in doubt between day and month the American order, and a remark."""
    some = select(written.label("word")).where(written.is_not(None)).limit(_TIMES_LOOKED_AT).subquery("some")
    words: Any = some.c.word
    left: Any = true()
    formats: list[str] = []
    filled = missing = min(column.filled, _TIMES_LOOKED_AT)
    plain = [one for one in known if (one in _NUMERIC) == column.is_number]
    plain = [one for one in plain if (column.high or 0) >= _LEAST.get(one, 0)]
    for _ in range(4):
        read = {}
        for form in plain:
            read[form] = reads((form,), words)
        counts = connection.execute(
            select(*(func.count(case((read[one], 1))).label(f"f{n}") for n, one in enumerate(plain)))
            .select_from(some).where(left)
        ).one()  # fmt: skip
        best = max(range(len(plain)), key=lambda n: (counts[n], -n))
        if counts[best] < max(0.02 * filled, 1):
            break
        alike = [
            plain[n] for n in range(len(plain)) if n != best and counts[n] == counts[best]
            and sorted(re.findall("%[dm]", plain[n])) == sorted(re.findall("%[dm]", plain[best]))
            and re.sub("%[dm]", "", plain[n]) == re.sub("%[dm]", "", plain[best])
        ]  # fmt: skip
        if alike:
            column.doubts.append(f"every value can also be read as {alike[0]}")
        formats.append(plain[best])
        missing -= counts[best]
        left = left & ~read[plain[best]]
        if missing <= 0:
            break
    if filled - missing < 0.9 * filled:
        return
    if missing > 0:
        strange = connection.scalar(select(words).where(left).limit(1))
        column.doubts.append(f"{missing} values cannot be read as times, such as “{strange}”")
    column.formats = formats
    if any(one.endswith("Z") for one in column.examples):
        column.doubts.append(
            'these times end in Z (UTC); if they are local all the same, say formats = ["%Y-%m-%dT%H:%M:%SZ"]'
        )


def _together(
    connection: Connection, looked: Any, columns: Sequence[Column], found: dict[str, Column]
) -> tuple[list[str], int]:
    """Columns that tell the rows apart together, as none does alone, and how many rows they tell apart.

    None of them says how far a request has come: it would be another one after the next export.
    """
    chosen = [found[one].name for one in ("opened_at", "type_id", "source_district", "address") if one in found]
    moving = {found[one].name for one in ("status", "note") if one in found}
    left = [
        one.name for one in columns
        if one.filled and not one.is_time and one.name not in (*chosen, *moving)
        and not re.search(_CHANGES, fold(one.name))
    ]  # fmt: skip

    def told_apart(by: Sequence[Sequence[str]]) -> Sequence[int]:
        keys = [func.hash(*(func.coalesce(looked.c[name], "") for name in names)) for names in by]
        return connection.execute(select(*(func.count(func.distinct(key)) for key in keys)).select_from(looked)).one()

    if not chosen:
        return [], 0
    (known,) = told_apart([chosen])
    while left:
        counts = told_apart([[*chosen, one] for one in left])
        best = max(range(len(left)), key=lambda n: (counts[n], -n))
        if counts[best] <= known:
            break
        chosen.append(left.pop(best))
        known = counts[best]
    return chosen, known


# ── Guessing ────────────────────────────────────────────────────────────────────────────────────────


def _role(columns: Sequence[Column], patterns: Sequence[str], fits: Any, taken: set[str]) -> Column | None:
    """Of the columns that could be meant, that with the most telling name; a time with its hour before a mere day."""
    for pattern in patterns:
        fitting = [
            one for one in columns
            if one.name not in taken and one.filled and re.search(pattern, fold(one.name)) and fits(one)
        ]  # fmt: skip
        if fitting:
            found = min(fitting, key=lambda one: one.is_day)
            taken.add(found.name)
            return found
    return None


def _guesses(columns: Sequence[Column], rows: int) -> dict[str, Column]:
    taken: set[str] = set()
    found: dict[str, Column] = {}
    for ours, pattern in _TIMES.items():
        if one := _role(columns, pattern, lambda one: one.is_time, taken):
            found[ours] = one
    if "opened_at" not in found:
        first = max(
            (one for one in columns if one.is_time and one.name not in taken), key=lambda one: one.filled, default=None
        )
        if first:
            first.doubts.append("no column's name says that it is when a request was opened")
            found["opened_at"] = first
            taken.add(first.name)
    if key := _key(columns, rows, taken):
        found["request_id"] = key
        taken.add(key.name)
    if (opened := found.get("opened_at")) and (closed := found.get("closed_at")) and closed.is_day > opened.is_day:
        closed.doubts.append(
            f"it tells the day alone, {opened.name} the hour too; say end_of_day = true, lest what was closed on "
            "the day on which it was opened be closed before"
        )
    for one in found.values():
        if one.is_day and (hours := _hours_of(one, columns)) is not None:
            one.doubts.append(f"the time of day seems to stand in {hours.name}: {_together_with(one, hours)}")

    def few(one: Column) -> bool:
        return not one.is_time and 1 <= one.distinct <= 60

    def kinds(one: Column) -> bool:
        return not one.is_time and not one.is_number and one.distinct < max(0.5 * rows, 20)

    def degrees(bound: int) -> Callable[[Column], bool]:
        return lambda one: one.is_number and -bound <= (one.low or 0) <= (one.high or 0) <= bound

    if one := _role(columns, _NAMES["status"], few, taken):
        found["status"] = one
    for ours, patterns, bound in (("lat", (_LAT,), 90), ("lon", (_LON,), 180)):
        if one := _role(columns, patterns, degrees(bound), taken):
            found[ours] = one
    has_numbers = any(re.search(_NUMBER, fold(one.name)) for one in columns)
    fitting: dict[str, Callable[[Column], bool]] = {
        "type_id": lambda one: kinds(one) and not re.search(_NOT_TYPE, fold(one.name)),
        "department_id": kinds,
        "channel": kinds,
        "source_district": lambda one: not one.is_time and one.distinct <= 500,
        "address": lambda one: (
            not (one.is_time or one.is_number or _holds_points(one)) and (has_numbers or one.distinct > 0.1 * rows)
        ),
        "note": lambda one: (
            not (one.is_time or one.is_number or _mostly(one, r"^\["))
            and one.distinct > 2
            and not re.search(_NOT_NOTE, fold(one.name))
        ),
    }
    for ours, fits in fitting.items():
        if one := _role(columns, _NAMES[ours], fits, taken):
            found[ours] = one
    if (chosen := found.get("source_district")) is not None:
        may_be = fitting["source_district"]
        likely = "|".join(_NAMES["source_district"])
        others = [one.name for one in columns if one.name not in taken and one.filled and may_be(one)
                  and re.search(likely, fold(one.name))]  # fmt: skip
        if others:
            chosen.doubts.append(f"which districts does the city go by? {', '.join(others[:4])} may be meant as well")
    if "department_id" not in found:
        alike = [one for one in columns if one.name not in taken and kinds(one) and _mostly(one, _DEPARTMENT)]
        for one in alike[:1]:
            one.doubts.append("its values read like departments")
            found["department_id"] = one
    return found


def _key(columns: Sequence[Column], rows: int, taken: set[str]) -> Column | None:
    """The column that tells requests apart, with what makes it doubtful."""
    able = [
        one for one in columns
        if one.filled >= _NEARLY * rows and one.distinct > 0.9 * rows and one.name not in taken and not one.is_time
        and not re.search(_NOT_KEY, fold(one.name))
    ]  # fmt: skip
    own = [one for one in able if not re.search(_COUNTED, fold(one.name))]
    for some in ([one for one in own if one.is_key], own, able):
        if named := _role(some, _NAMES["request_id"], lambda one: True, taken):
            if named not in own:
                named.doubts.append("this may count the rows of this one export, and the next export count anew")
            return named
    # A degree is no key, and neither is a text that happens to be another one each time.
    plain = [one for one in able if one.is_key and not _mostly(one, r"\d\.\d|\s")]
    if not plain:
        return None
    plain[0].doubts.append("it is another in every row, but is it the number of a request?")
    return plain[0]


def _hours_of(day: Column, columns: Sequence[Column]) -> Column | None:
    """The column with the time of day of a column of days: named like it, but for such words."""
    words = set(fold(day.name).split("_")) - {"date", "day"}
    return next((one for one in columns if _mostly(one, _HOUR) and words & set(fold(one.name).split("_"))), None)


def _together_with(day: Column, hours: Column) -> str:
    written = "%I:%M" if _mostly(hours, "[AaPp]\\.?[Mm]") else "%H:%M"
    written += (":%S" if _mostly(hours, r":\d\d:") else "") + (" %p" if written == "%I:%M" else "")
    iso = re.sub(r"^\d{4}([-/])\d\d[-/]\d\d", r"%Y\1%m\1%d", day.examples[0])  # with the midnight that is written there
    formats = ", ".join(_quoted(f"{iso if one == 'iso' else one} {written}") for one in day.formats)
    return f'columns = [{_quoted(day.name)}, {_quoted(hours.name)}], join = " ", formats = [{formats}]'


def _mostly(one: Column, pattern: str) -> bool:
    """Whether most of the values looked at say such a thing."""
    return 2 * sum(bool(re.search(pattern, value, re.IGNORECASE)) for value in one.examples) > len(one.examples)


def _holds_points(one: Column) -> bool:
    return _mostly(one, _POINT) or _mostly(one, _GEOJSON) or _mostly(one, _WKT)


def _state_of(word: str) -> str:
    """The status a word seems to mean; nothing if it tells nothing."""
    said = as_compared(word)
    if known := STATUS_WORDS.get(said):
        return known
    if re.search(r"\b(not?|nicht|non|não|μη|غير|değil)\b|\bnie|नहीं|未|不", said):
        return ""  # “not closed” is anything but closed
    return next((state for state, pattern in _STATES.items() if re.search(pattern, said)), "")


# ── Writing ─────────────────────────────────────────────────────────────────────────────────────────


def _quoted(word: str) -> str:
    return json.dumps(word, ensure_ascii=False)


def _zone(found: dict[str, Column]) -> tuple[str, str]:
    lat, lon = (
        (one.low + one.high) / 2 if one and one.low is not None and one.high is not None else None
        for one in (found.get("lat"), found.get("lon"))
    )
    bands = ((-82, -66, "America/New_York"), (-98, -82, "America/Chicago"), (-109, -98, "America/Denver"),
             (-125, -109, "America/Los_Angeles"), (-8, 2, "Europe/London"), (2, 20, "Europe/Berlin"))  # fmt: skip
    for west, east, zone in bands:
        if lat is not None and lon is not None and west <= lon < east and (24 if lon < -60 else 43) < lat < 72:
            return zone, "doubt: guessed from the coordinates"
    return "UTC", "doubt: the city's own time zone, such as America/New_York"


def _written(
    path: Path, source: Source, encoding: str, columns: Sequence[Column], found: dict[str, Column],
    together: tuple[Sequence[str], int], nulls: Sequence[str], rows: int,
) -> Iterator[str]:  # fmt: skip
    name = re.sub(r"[\W_]+", "", path.name.split(".")[0].casefold()) or "city"
    zone, why = _zone(found)
    yield f"# Drafted from {path.name} ({rows:,} rows looked at). Correct what says “doubt”, then try it:"
    yield f"#   dashboard311 import {name}.toml {path.name} --dry-run"
    for note in source.notes:
        yield f"# {note}"
    yield f"name = {_quoted(name)}  # doubt: the system's name, the same each month"
    yield f"\n[city]\nname = {_quoted(name.title())}  # doubt: the city's name"
    yield f"tz = {_quoted(zone)}  # {why}"
    yield "\n[file]"
    if encoding:
        yield f"encoding = {_quoted(encoding)}"
    elif source.text and source.text.encoding == "cp1252":
        yield "# doubt: read as Western European. If its letters are wrong, draft it anew with --encoding cp1250"
        yield "# (Central Europe), cp1251 (Cyrillic), cp1253 (Greek), cp1254 (Turkish), cp1256 (Arabic), cp932 …"
    if source.heading:
        yield f"delimiter = {_quoted(source.heading.delimiter)}"
    if any(one.is_number and one.commas for one in columns):
        yield 'decimal = ","'
    if nulls:
        yield f"nulls = [{', '.join(map(_quoted, nulls))}]"
    calls = [one.name for one in columns if re.search(_CALLS, fold(one.name))]
    if len(calls) > 1:
        yield f"\n# doubt: {', '.join(calls[:4])} tell of calls rather than of requests; for these see [contact] and"
        yield "# [contact_interval] in docs/importing.md under “Calls”"
    yield "\n[request]"
    if "request_id" not in found:
        yield from _no_key(columns, *together, rows)
    for ours in ("request_id", "opened_at", "closed_at", "due_at", "updated_at"):
        if ours in found:
            yield from _field(ours, found[ours], rows)
    if "opened_at" not in found:
        yield '# doubt: no column of times was found\nopened_at = ""'
    if "closed_at" not in found:
        yield from _closing(found, columns)
    if "status" in found:
        yield f"source_status = {_quoted(found['status'].name)}"
    for ours in ("type_id", "department_id", "channel", "source_district", "address", "note", "lat", "lon"):
        if ours == "address" and ours in found:
            yield _address(found[ours], columns)
        elif ours in found:
            yield from _field(ours, found[ours], rows)
    if "type_id" not in found:
        yield '# doubt: which column says what was asked for?\ntype_id = { value = "Request" }'
    yield from _points(columns, found)
    yield from _status(found.get("status"))
    yield from _rest(columns, found)


def _no_key(columns: Sequence[Column], together: Sequence[str], apart: int, rows: int) -> Iterator[str]:
    if len(together) < 2:
        yield "# doubt: no column is different in every row; name the one that identifies a request"
        yield f"request_id = {_quoted(columns[0].name)}"
        return
    alike = rows - apart
    but = f", but for {alike:,} row{'s' * (alike != 1)}: of those alike the last counts" if alike else ""
    yield f"# doubt: no column is different in every row; these are together{but}"
    yield f'request_id = {{ columns = [{", ".join(map(_quoted, together))}], join = " · " }}'


def _closing(found: dict[str, Column], columns: Sequence[Column]) -> Iterator[str]:
    """The last change of what is closed, where no column says when that was."""
    states, changed = found.get("status"), found.get("updated_at")
    closed = [word for word in states.examples if _state_of(word) in CLOSED_STATUSES] if states else []
    if not closed or states is None or changed is None:
        others = [one.name for one in columns if one.is_time and one not in found.values()]
        which = f"; may it be {' or '.join(others[:4])}?" if others else ""
        yield f"# doubt: no column's name says that it is when a request was closed{which}"
        return
    formats, words = (", ".join(map(_quoted, some)) for some in (changed.formats, closed))
    yield "# doubt: no column says when a request was closed; the last change of those that are may be it"
    yield (
        f"closed_at = {{ column = {_quoted(changed.name)}, formats = [{formats}], "
        f"when = {{ {_quoted(states.name)} = [{words}] }} }}"
    )


def _address(one: Column, columns: Sequence[Column]) -> str:
    """The address, put together with the number of the house where that has a column of its own."""
    number = next((other for other in columns if other.filled and re.search(_NUMBER, fold(other.name))), None)
    if number is None or number is one or _mostly(one, r"^\d|\d$"):
        return f"address = {_quoted(one.name)}"
    both = sorted((one, number), key=columns.index)
    return f'address = {{ columns = [{", ".join(_quoted(each.name) for each in both)}], join = " " }}'


def _field(ours: str, one: Column, rows: int) -> Iterator[str]:
    for doubt in one.doubts:
        yield f"# doubt: {doubt}"
    if ours == "request_id" and not one.is_key:
        yield f"# doubt: {one.filled - one.distinct:,} rows repeat an id: of rows with one id the last counts"
    if ours == "request_id" and one.filled < rows:
        yield f"# doubt: {rows - one.filled:,} rows have no id, and will be refused"
    if ours.endswith("_at"):
        parts = [f"column = {_quoted(one.name)}", f"formats = [{', '.join(map(_quoted, one.formats))}]"]
        if one.replaced:
            parts.append(f"replace = [{', '.join(f'[{_quoted(a)}, {_quoted(b)}]' for a, b in one.replaced)}]")
        if ours == "due_at" and one.is_day:
            parts.append("end_of_day = true")
        yield f"{ours} = {{ {', '.join(parts)} }}"
        return
    if any(re.fullmatch(r"-?\d+\.0+", value) for value in one.examples) and ours not in ("lat", "lon"):
        yield f"{ours} = {{ column = {_quoted(one.name)}, whole = true }}"
        return
    yield f"{ours} = {_quoted(one.name)}"


def _points(columns: Sequence[Column], found: dict[str, Column]) -> Iterator[str]:
    if "lat" in found and "lon" in found:
        return
    for one in columns:
        if _mostly(one, _GEOJSON) or not _mostly(one, _POINT):
            continue
        pairs = [re.search(_POINT, value) for value in one.examples]
        lon_first = any(abs(float(pair[1])) > 90 for pair in pairs if pair)
        if not lon_first and all(abs(float(pair[2])) <= 90 for pair in pairs if pair):
            yield "# doubt: is the first of the two the latitude?"
        first, second = ("lon", "lat") if lon_first else ("lat", "lon")
        yield f"{first} = {{ column = {_quoted(one.name)}, pattern = '(-?\\d+\\.\\d+)\\s*,' }}"
        yield f"{second} = {{ column = {_quoted(one.name)}, pattern = ',\\s*(-?\\d+\\.\\d+)' }}"
        return
    for one in columns:
        if _mostly(one, _GEOJSON):
            yield f"lat = {{ column = {_quoted(one.name)}, pattern = ',\\s*(-?\\d+\\.\\d+)\\s*\\]' }}"
            yield f"lon = {{ column = {_quoted(one.name)}, pattern = '\\[\\s*(-?\\d+\\.\\d+)' }}"
            return
        if _mostly(one, _WKT):
            yield f"lat = {{ column = {_quoted(one.name)}, pattern = '(-?\\d+\\.\\d+)\\s*\\)' }}"
            yield f"lon = {{ column = {_quoted(one.name)}, pattern = '\\(\\s*(-?\\d+\\.\\d+)' }}"
            return
    projected = [
        one for one in columns
        if one.is_number and one.high is not None and one.high > 1000
        and re.search(_PROJECTED, fold(one.name))
    ][:2]  # fmt: skip
    if len(projected) == 2:
        yield "\n# doubt: projected coordinates; name their system, such as EPSG:2263\n#[place]"
        yield f"#x = {_quoted(projected[0].name)}"
        yield f'#y = {_quoted(projected[1].name)}\n#crs = "EPSG:…"'


def _status(one: Column | None) -> Iterator[str]:
    yield "\n[request.status]"
    if one is None:
        yield "# doubt: no column of states was found"
        yield 'value = "new"'
        return
    yield f"column = {_quoted(one.name)}"
    strange = [word for word in one.examples if as_compared(word) not in STATUS_WORDS]
    known = [f"{word} is {STATUS_WORDS[as_compared(word)]}" for word in one.examples if word not in strange]
    if known:
        yield f"# known already: {', '.join(known)}"
    if strange or one.distinct > len(one.examples):
        yield "[request.status.words]"
        yield "# doubt: what do these mean? new, assigned, in_progress, on_hold, closed, cancelled, merged_duplicate …"
        for word in strange:
            state = _state_of(word)
            yield f'{_quoted(word)} = "{state}"  # doubt: guessed' if state else f'#{_quoted(word)} = ""'


def _rest(columns: Sequence[Column], found: dict[str, Column]) -> Iterator[str]:
    used = {one.name for one in found.values()}
    others = [one for one in columns if one.name not in used and one.filled]
    if others:
        yield "\n# Not used:"
        for one in others:
            yield f"#   {one.name}: {' | '.join(' '.join(value.split())[:30] for value in one.examples[:3])}"
