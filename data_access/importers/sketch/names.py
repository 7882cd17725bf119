"""How columns, states and points are usually written, in a few languages: what a sketch goes by."""

from __future__ import annotations

# Columns by their usual names, the most telling first.
TIMES = {
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
    ),
    "updated_at": ("updat", "modif", "last_", "chang", "statu[ts]", "dernier", "letzte"),
}
NAMES = {
    "request_id": (r"(^|_)id$", "key", "sr_?num", "number", "ticket", "(^|_)(nr|no|num|case)($|_)", "nummer",
                   "protocolo", "id$", "^id_"),
    "status": ("status", "^stat$", "state$", "statut", "zustand", "stand$", "situa", "estado"),
    "type_id": ("problem", "complaint", "service_name", "service_?code_?desc", "(request|sr|case|service)_?type",
                "^type", "issue", "topic",
                "category", "subject", "reason", "type$", "anliegen", "kategorie", "betreff", "assunto", "categoria",
                "^tipo", "^acti", "^objet", "^motif", "^nature"),
    "department_id": ("dep(artmen)?t", "agency$", "agency", "owner", "division", "submit_?to", "responsible", "amt$",
                      "secretaria", "[oó]rg[aã]o", "unit[eé]_?resp", "direction"),
    "channel": ("channel", "source", "origin", "method", "caller", "intake", "kanal", "canal", "weg$", "provenance"),
    "source_district": ("neighbo", "ward", "council", "community", "district", "borough", "bezirk", "stadtteil",
                        "bairro", "distrito", "arrondissement", "quartier", "(^|_)area$"),
    "address": ("address$", "address", "location$", "street", "adresse", "stra(ss|ß)e", "endere[cç]o", "^rua", "^rue"),
    "note": ("resolution_desc", "closure", "notes?$", "comment", "outcome", "resolution", "descr", "bemerkung",
             "observa"),
}  # fmt: skip
COUNTED = r"^(object_?id|(ogc_)?fid|row_?id|row_?n(o|um(ber)?)?|global_?id|index|column_1)$"
NOT_KEY = r"addres|locat|street|parcel|zip|post|account|person|user|caller|strasse|adresse"
NOT_NOTE = "type|code|categ"
NOT_TYPE = "address|location|facility|vehicle|caller|channel|status|object_type|lieu"
DEPARTMENT = r"\b(dep(artmen)?t|division|bureau|office)\b|amt\b"
NUMBER = r"(address|house|street|civic|building)_?(n|no|nr|num|number)$|^haus_?n(r|ummer)$"
CHANGES = "outcome|result|action|activit|last|resol|clos|comment|note|priorit|assign|updat|count"
HOUR = r"^\d{1,2}:\d{2}(:\d{2})?( ?[AaPp]\.?[Mm]\.?)?$"
LAT = r"^(lat|latitude|y_?lat.*|.*_lat(itude)?|breite(ngrad)?|latitud)$"
LON = r"^(lon|long|lng|longitude|x_?lon.*|.*_(long|lon|lng|longitude)|länge(ngrad)?|longitud)$"
PROJECTED = r"(^|_)(sr)?[xy](_|$|coord)|(^|_)[en]$|coord_?[xy]|(rechts?|hoch|ost|nord)wert|(east|north)ing"
POINT = r"(?<![\d.])(-?\d{1,3}\.\d+)\s*,\s*(-?\d{1,3}\.\d+)(?![\d.])"
GEOJSON = r'"coordinates"\s*:\s*\[\s*-?\d+\.\d+\s*,\s*-?\d+\.\d+\s*\]'
WKT = r"(?i)^point\s*\(\s*-?\d{1,3}\.\d+\s+-?\d{1,2}\.\d+\s*\)$"

# What states seem to say, in a few languages, the most telling first; each is written down as a doubt.
STATES = {
    "merged_duplicate": r"duplicat|\bdup\b|merged|doublon|dublette|doppelt",
    "cancelled": r"cancel|void|withdr|annul|storn|zurückgezogen|refus",
    "referred_out": r"transfer|refer|weiterg|external",
    "reopened": r"re-?open|wieder",
    "on_hold": r"hold|pending|wait|wartet|attente|espera",
    "in_progress": r"progress|process|bearbeitung|en cours|en charge|andamento|proceso|started|working|insp",
    "closed": r"\bclos|\bcomplet|resol|resuel|done|finish|fixed|erledigt|abgeschl|termin|ferm[ée]|cerrad|conclu|encerr",
    "assigned": r"\bassign|zugewiesen|dispa?tch|affect",
    "triaged": r"accept|angenommen|review",
    "new": r"\bnew\b|\bopen|neu|offen|nouve|ouvert|abiert|abert|receiv|eingegangen|submit|report",
}
