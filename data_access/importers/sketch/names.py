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
NAMES = {
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
# How the names of months begin, as far as they must be told apart; words between them may begin so, too.
MONTHS = (
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
COUNTED = r"^(object_?id|(ogc_)?fid|row_?id|row_?n(o|um(ber)?)?|global_?id|index|column_1)$"
NOT_KEY = r"addres|locat|street|parcel|zip|post|account|person|user|caller|strasse|adresse"
NOT_NOTE = "type|code|categ"
NOT_TYPE = "address|location|facility|vehicle|caller|channel|status|object_type|lieu"
DEPARTMENT = r"\b(dep(artmen)?t|division|bureau|office)\b|amt\b"
KINDS = "categ|group|class|topic|reason|subject|type|kategor|groupe|grupo|rubri|κατηγορ|分类|श्रेणी|فئة"
NUMBER = r"(address|house|street|civic|building)_?(n|no|nr|num|number)$|^haus_?n(r|ummer)$"
CALLS = (
    r"queue|(talk|hold|wrap|wait|handle|ring|work)_?(time|sec|dur)|total_h|\bacw|abandon|skill|ivr|(^|_)agent|ani$|dnis"
)
TURNS = r"^(old|new|from|to|prior|previous)_?(value|status|state|owner|queue|dep(artmen)?t)"
CHANGES = "outcome|result|action|activit|last|resol|clos|comment|note|priorit|assign|updat|count"
HOUR = r"^\d{1,2}:\d{2}(:\d{2})?( ?[AaPp]\.?[Mm]\.?)?$"
LAT = r"^(lat|latitude|y_?lat.*|.*_lat(itude)?|breite(ngrad)?|latitud)(_c)?$"
LON = r"^(lon|long|lng|longitude|x_?lon.*|.*_(long|lon|lng|longitude)|länge(ngrad)?|longitud)(_c)?$"
PROJECTED = r"(^|_)(sr)?[xy](_|$|coord)|(^|_)[en]$|coord_?[xy]|(rechts?|hoch|ost|nord)wert|(east|north)ing"
POINT = r"(?<![\d.])(-?\d{1,3}\.\d+)\s*,\s*(-?\d{1,3}\.\d+)(?![\d.])"
GEOJSON = r'"coordinates"\s*:\s*\[\s*-?\d+\.\d+\s*,\s*-?\d+\.\d+\s*\]'
WKT = r"(?i)^point\s*\(\s*-?\d{1,3}\.\d+\s+-?\d{1,2}\.\d+\s*\)$"

# What states seem to say, in a few languages, the most telling first; each is written down as a doubt.
STATES = {
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
    "new": r"\bnew\b|\bopen|neu|offen|nouve|ouvert|abiert|abert|receiv|eingegangen|submit|report|initiat|logged"
    r"|\bnow[ey]\b|zgłosz|açik|\byeni\b|ανοι|مفتوح|جديد|खुला|受付",
}
