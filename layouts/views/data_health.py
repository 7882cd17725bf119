"""Data health: whether what stands on all other views can be believed, and what would make it better."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

import numpy as np

from dashboard.domain.policy import Permission
from dashboard.domain.silence import silent
from dashboard.domain.stretches import last_months
from data_access.flags import FLAGS
from data_access.health import UNRECORDED, Health, Told
from data_access.listing import COLUMNS, Condition
from data_access.measures.contacts import contacts
from data_access.measures.requests import opened
from data_access.semantics import Answer, Query, Total
from layouts import components as c
from layouts.figures import events, expectation, series, words
from layouts.figures.steps import Steps, steps_of
from layouts.panels import href_of_list
from layouts.view import Context, Drawing, Over, Panel, View

MONTHS = last_months(13)
LISTED, NAMED = 12, 3
LOCATION = "Location"
_ALL = "whatever is chosen above"


# ── reading ──


def _silent(answer: Answer, measure: Total, context: Context) -> tuple[Steps, list[int]]:
    """The days of the last thirteen months, and which of them brought nothing though others like them did."""
    steps = steps_of(answer, MONTHS(context.filters.period, context.clock), context.clock)
    found = silent(steps.starts, steps.values(measure.name), context.closed_on)
    return steps, [int(at) for at in np.flatnonzero(found)]


def _day_words(day: date, context: Context) -> str:
    event = expectation.event_on(day, context.events)
    return expectation.named(day) + (f" ({event.name})" if event else "")


# ── what is there ──


def draw_strip(answers: tuple[Answer | Told, ...], context: Context) -> Drawing:
    """Where the data begins and ends, how much of the period bears a flag, and how many days brought nothing."""
    along, flagged = answers
    _, missing = _silent(along, opened, context)
    clock = context.clock
    first, last = clock.first_on, clock.as_of_on or clock.last_on
    _, _, time = c.instant(clock.as_of, context.city.tz).rpartition(", ")
    part = flagged.some / flagged.n if flagged.n else None
    return Drawing(
        body=c.strip(
            c.figure("Data as of", c.day(last), "", f"{time}, when last anything happened"),
            c.figure("It begins", c.day(first), "", "with the first request"),
            c.figure("Requests", c.count(flagged.n), "", f"opened {words.during(context.filters.period)}"),
            c.figure("With a flag", c.share(part), "", f"{c.count(flagged.some)} of them"),
            c.figure("Days without any", c.count(len(missing)), "", "in the last 13 months"),
        )
    )


def draw_days(answers: tuple[Answer, ...], context: Context, *, measure: Total) -> Drawing:
    """Every day of the last thirteen months; those that brought nothing though they should have stand out."""
    (along,) = answers
    if not along.frame[measure.name].sum():
        return words.no_contacts(context) if measure is contacts else words.nothing("No requests", context)
    things = measure.fact.plural
    steps, missing = _silent(along, measure, context)
    figure = series.over_time(steps, measure.name, f"{things.capitalize()} a day", things)
    if missing:
        days = [steps.days[at] for at in missing]
        figure["data"].append({
            "type": "scatter", "mode": "markers", "x": days, "y": [0] * len(days), "name": "nothing",
            "marker": {"size": 10, "symbol": "diamond", "color": "$overdue", "line": {"width": 0}}, "cliponaxis": False,
            "customdata": days, "hovertemplate": f"<b>no {things}</b><extra></extra>",
        })  # fmt: skip
    events.shade(figure, steps, context.events)
    text = f"No day of {len(steps)} went by without {things} where there are some on such days."
    if missing:
        named = words.listed([_day_words(steps.starts[at], context) for at in missing], NAMED)
        text = f"{words.plural(len(missing), 'day')} of {len(steps)} brought no {things}: {named}."
    nothing = [("overdue", "nothing where some are usual")] if missing else []
    key = c.key(("series-raw", "day"), ("series", "7-day mean"), *nothing)
    notes = ("the last 13 months", "days on which the city is shut are left out", events.told(figure))
    return Drawing(c.sentence(text), figure, foot=words.foot(key, *notes))


# ── what is wrong with it ──


def draw_flagged(answers: tuple[Told, ...], context: Context, *, things: str) -> Drawing:
    """How many rows bear each flag, and what that does to the numbers."""
    (told,) = answers
    if not told.n:
        return words.no_contacts(context) if things == "contacts" else words.nothing("No requests", context)
    if told.frame.empty:
        return Drawing(c.sentence(f"None of **{c.count(told.n)}** {things} bears a flag."), body=[])
    most = told.frame["rows"].max()
    rows = [
        [
            c.twin(FLAGS[flag].label, FLAGS[flag].effect), FLAGS[flag].about, c.bar(n / most),
            c.Cell(_flagged(flag, n, context) if things == "requests" else c.count(n), n),
            c.Cell(c.share(n / told.n), n / told.n),
        ]
        for flag, n in told.frame[["flag", "rows"]].itertuples(index=False)
    ]  # fmt: skip
    columns = [
        c.Column("Flag"), c.Column("About", on_phone=False), c.Column("", on_phone=False),
        c.Column(things.capitalize(), True), c.Column("Share", True),
    ]  # fmt: skip
    first = FLAGS[told.frame["flag"].iloc[0]].label
    text = (
        f"**{c.count(told.some)}** of {c.count(told.n)} {things} bear a flag, **{c.share(told.some / told.n)}**; "
        f"most of all: **{first[:1].lower()}{first[1:]}**."
    )
    notes = ("a number opens its list",) if things == "requests" else ()
    foot = words.foot(
        "", f"n = {c.count(told.n)} {things}", "a flag never takes a row out", "one may bear several", *notes
    )
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption=f"Flags of {things}"), foot=foot)


def draw_given(answers: tuple[Told, ...], context: Context) -> Drawing:
    """How many requests have a value in each column, and where those are that have none."""
    (told,) = answers
    if not told.n:
        return words.nothing("No requests", context)
    frame = told.frame
    never = [_label(name) for name in frame.loc[frame["given"] == 0, "column_name"]]
    some = frame[frame["given"] > 0].sort_values("given", kind="stable")
    worst = some.iloc[0]
    text = f"Of **{c.count(told.n)}** requests every one has {'what is recorded at all' if never else 'all of it'}."
    if worst["missing"]:
        share = c.share(worst["missing"] / told.n)
        name = _label(worst["column_name"]).lower()
        text = f"Most often missing: **{name}**, in **{share}** of {c.count(told.n)} requests."
    if never:
        text += f" Never recorded: {words.listed([name.lower() for name in never])}."
    rows = [
        [_label(name), c.bar(given / told.n), c.Cell(c.share(given / told.n), given / told.n),
         c.Cell(_missing(name, missing, context), missing)]
        for name, given, missing in frame[["column_name", "given", "missing"]].itertuples(index=False)
    ]  # fmt: skip
    columns = [c.Column("Column"), c.Column("", on_phone=False), c.Column("Given", True), c.Column("Missing", True)]
    foot = words.foot("", f"n = {c.count(told.n)} requests", "a number opens the list of those without")
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="Given in each column"), foot=foot)


def _label(name: str) -> str:
    return COLUMNS[name].label if name in COLUMNS else LOCATION


def _missing(name: str, n: int, context: Context) -> Any:
    """How many have no value, as a link to their list where everybody may narrow one so."""
    if not n or name not in COLUMNS or COLUMNS[name].needs is not None:
        return c.count(n)
    return _listed(n, Condition(name, "missing"), context)


def _flagged(flag: str, n: int, context: Context) -> Any:
    return _listed(n, Condition("flags", "contains", FLAGS[flag].label), context)


def _listed(n: int, where: Condition, context: Context) -> Any:
    return c.link(c.count(n), href_of_list(opened, context.filters.alone().with_parameter("where", where.written())))


def draw_unrecorded(answers: tuple[Told, ...], context: Context) -> Drawing:
    """What the city does not record, so that no card tells of it: what it would tell, and how it is brought."""
    (told,) = answers
    if told.frame.empty:
        return Drawing(c.sentence(f"{context.city.name}’s data holds something of all that is told here."), body=[])
    rows = [[c.twin(words.capital(what), bring), words.capital(tells)]
            for what, tells, bring in told.frame.itertuples(index=False)]  # fmt: skip
    text = f"{context.city.name}’s data holds nothing of **{c.count(told.n)}** "
    text += "thing" if told.n == 1 else "things"
    text += " that could be told here: cards and views about them are left out."
    columns = [c.Column(c.twin("Not recorded", "import it as")), c.Column("It would tell")]
    foot = words.foot("", "docs/importing.md tells how each is imported", _ALL)
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="Not recorded"), foot=foot)


# ── how it came here ──


def _none_imported(context: Context) -> Drawing:
    city = context.city
    why = "was made up here" if city.is_made_up else "came into service without an import"
    return Drawing(c.empty(f"{city.name}’s data {why}: nothing is noted of imports."), is_empty=True)


def _others(told: Told, what: str) -> str:
    """“1,085 earlier imports: see the table”, of what a card has no room for."""
    more = len(told.frame) - LISTED
    return f"{c.count(more)} {what}: see the table" if more > 0 else ""


def draw_imports(answers: tuple[Told, ...], context: Context) -> Drawing:
    """What each import brought, the newest first."""
    (told,) = answers
    if told.frame.empty:
        return _none_imported(context)
    tz, frame = context.city.tz, told.frame
    last = frame.iloc[0]
    at = last["imported_at"].to_pydatetime()
    text = f"The last import brought **{c.count(last['accepted'])}** rows on **{c.instant(at, tz)}**"
    if last["source_as_of"] == last["source_as_of"]:
        old = (last["imported_at"] - last["source_as_of"]).total_seconds()
        text += f"; the data was **{c.duration(max(old, 0))}** old by then"
    rows = [
        [
            c.instant(row.imported_at.to_pydatetime(), tz), row.source, row.file,
            *(c.Cell(c.count(n), n) for n in (row.read, row.refused, row.accepted, row.updated, row.unchanged)),
        ]
        for row in frame.head(LISTED).itertuples(index=False)
    ]  # fmt: skip
    columns = [
        c.Column("Imported"), c.Column("Source", on_phone=False), c.Column("File", on_phone=False),
        c.Column("Read", True), c.Column("Refused", True), c.Column("Accepted", True, False),
        c.Column(c.twin("of which", "updated"), True, False), c.Column(c.twin("of which", "unchanged"), True, False),
    ]  # fmt: skip
    foot = words.foot("", f"n = {c.count(told.n)} rows read", _ALL, _others(told, "earlier imports"))
    return Drawing(c.sentence(f"{text}."), body=c.table(columns, rows, caption="Imports"), foot=foot)


def draw_refused(answers: tuple[Told, ...], context: Context) -> Drawing:
    """Why rows were refused that nobody has corrected since."""
    told, imports = answers
    if imports.frame.empty:
        return _none_imported(context)
    if told.frame.empty:
        return Drawing(c.sentence("Every row that was read was accepted, or corrected since."), body=[])
    rows = [
        [
            c.twin(row.reason, f"expected: {row.expected}" if isinstance(row.expected, str) else ""),
            row.column_name if isinstance(row.column_name, str) else c.NOTHING,
            row.source if isinstance(row.source, str) else c.NOTHING, c.Cell(c.count(row.rows), row.rows),
        ]
        for row in told.frame.head(LISTED).itertuples(index=False)
    ]  # fmt: skip
    columns = [c.Column("Reason"), c.Column("Column"), c.Column("Source", on_phone=False), c.Column("Rows", True)]
    text = f"{words.plural(told.n, 'row')} {'was' if told.n == 1 else 'were'} refused and not corrected since"
    text += f"; most of all: **{told.frame['reason'].iloc[0]}**."
    foot = words.foot("", _others(told, "more reasons"),
                      "“dashboard311 refused” lists them; corrected, they can be imported again", _ALL)  # fmt: skip
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="Refused rows"), foot=foot)


def draw_unknown(answers: tuple[Told, ...], context: Context) -> Drawing:
    """Words of the sources that no mapping explains."""
    told, imports = answers
    if imports.frame.empty:
        return _none_imported(context)
    if told.frame.empty:
        return Drawing(c.sentence("The mappings explain every word that they met."), body=[])
    shown = told.frame.head(LISTED)
    rows = [[row.column_name, row.word, row.source, c.Cell(c.count(row.rows), row.rows)] for row in shown.itertuples()]
    columns = [c.Column("Column"), c.Column("Word"), c.Column("Source", on_phone=False), c.Column("Rows", True)]
    top = told.frame.iloc[0]
    are = "is" if told.n == 1 else "are"
    text = f"{words.plural(told.n, 'word')} met by the last imports {are} explained by no mapping"
    text += f"{':' if told.n == 1 else ', most of all'} **{top['word']}** in {top['column_name']}."
    foot = words.foot("", _others(told, "more words"), "the last import of each source",
                      "what the mapping explains, the next import reads", _ALL)  # fmt: skip
    return Drawing(c.sentence(text), body=c.table(columns, rows, caption="Unknown words"), foot=foot)


def _every_day(measure: Total) -> Over:
    return Over(Query((measure,), every="day"), MONTHS)


_IMPORTS = Health("imports")
VIEW = View(
    name="data-health",
    title="Data health",
    question="Can these numbers be believed?",
    order=10,
    group="Data",
    panels=(
        Panel(
            "strip", "What is there?", (_every_day(opened), Health("flagged")), draw_strip, width=12, kind="strip",
            height=88,
        ),
        Panel("days", "Did requests come in every day?", (_every_day(opened),), partial(draw_days, measure=opened)),
        Panel(
            "days-contacts", "Did calls and other contacts come in every day?", (_every_day(contacts),),
            partial(draw_days, measure=contacts), needs=Permission.READ_CONTACTS,
        ),
        Panel(
            "flagged", "What is wrong with requests, and what does it do?", (Health("flagged"),),
            partial(draw_flagged, things="requests"), kind="short",
        ),
        Panel("given", "How complete are they?", (Health("given"),), draw_given, kind="short"),
        Panel(
            "flagged-contacts", "What is wrong with contacts, and what does it do?", (Health("flagged", "contact"),),
            partial(draw_flagged, things="contacts"), kind="short", needs=Permission.READ_CONTACTS, wave=1,
        ),
        Panel(
            "unknown", "Which words does nobody explain?", (Health("unknown"), _IMPORTS), draw_unknown, kind="short",
            needs=Permission.READ_IMPORTS, wave=1,
        ),
        Panel(
            "refused", "What was refused, and why?", (Health("refused"), _IMPORTS), draw_refused, width=12,
            kind="short", needs=Permission.READ_IMPORTS, wave=1,
        ),
        Panel(
            "unrecorded", "What does the city not record, and what would it tell?", (Health(UNRECORDED),),
            draw_unrecorded, width=12, kind="short", needs=Permission.READ_IMPORTS, wave=1,
        ),
        Panel(
            "imports", "What was imported?", (_IMPORTS,), draw_imports, width=12, kind="short",
            needs=Permission.READ_IMPORTS, wave=1,
        ),
    ),
)  # fmt: skip
