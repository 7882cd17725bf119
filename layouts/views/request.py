"""The timeline of one request: every step, the clock of its promise, who held it, and what lies near it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np

from dashboard.domain.local_time import civil_date
from dashboard.domain.policy import Permission
from data_access.timeline import NEAR_DAYS, NEAR_M, OneRequest, Step, Timeline
from layouts import components as c
from layouts import html
from layouts.figures import clock, maps, words
from layouts.view import Context, Drawing, FromAddress, Panel, Place, View
from layouts.views import requests

LISTED_NEAR = 8
TOGETHER = 4
"""So many alike steps one after the other are told as one that opens."""

Answers = tuple[Timeline | None, ...]


def _asked(part: str) -> FromAddress:
    def question(place: Place) -> OneRequest | None:
        return OneRequest(place["request_id"][-1], part) if "request_id" in place else None

    return FromAddress(question, is_single=True)


def heading(answers: Answers, context: Context) -> tuple[str, str]:
    """The request's number, and what and where it is."""
    told = answers[0]
    assert told is not None
    where = told.request.get("address") or told.request["district"]
    what = told.request["service_type"] or "Request"
    return told.request["public_id"] or told.request["request_id"], f"{what}, {where}" if where else what


def _unnamed() -> Drawing:
    return Drawing("The address names no request.", is_empty=True)


# ── The clock ──


def draw_clock(answers: Answers, context: Context) -> Drawing:
    """Whether the promise was kept, and when the clock ran, stood still and was overdue."""
    told = answers[0]
    if told is None:
        return _unnamed()
    status, verdict = verdict_of(told)
    kind = {"misses": "bad", "meets": "good", "same": "acc"}.get(status, "")
    sentence = [
        html.Span([c.mark(status), " ", verdict], className=f"tag {kind}"),
        " ",
        *c.sentence(clock_sentence(told, context.city.tz)),
    ]
    if not told.clock:
        return Drawing(sentence, body=html.Div(), foot=words.foot("", "closed before it was opened: no time to draw"))
    figure = clock.strip(told, context.city.tz)
    return Drawing(sentence, figure, foot=words.foot(clock.key_of(told), _promise_words(told), clock.hours_of(told)))


def verdict_of(told: Timeline) -> tuple[str, str]:
    """The mark and the word for how the promise stands."""
    request = told.request
    again = ", then reopened" if _reopened(told) else ""
    if request["due_at"] is None:
        return "unknown", "no promise"
    if told.late_s is not None:
        return "misses", ("missed" if request["closed_at"] is not None else "overdue") + again
    return ("meets", "kept" + again) if request["closed_at"] is not None else ("same", "not yet due" + again)


def _reopened(told: Timeline) -> bool:
    return (told.request["reopen_count"] or 0) > 0 or any(step.kind == "reopen" for step in told.steps)


def _so_far(begin: datetime, told: Timeline, tz: str) -> str:
    """How long ago something was in the last data: in days of the calendar, as lists and ages count them."""
    begun_on, now_on = civil_date(np.array([begin, told.as_of], "datetime64[us]"), tz)
    days = int((now_on - begun_on).astype(int))
    seconds = (told.as_of - begin).total_seconds()
    return c.duration(seconds) if seconds < 2 * 86400 else f"{c.count(days)}{c.NBSP}days"


def clock_sentence(told: Timeline, tz: str) -> str:
    """The promise and what became of it, in a sentence or two."""
    request = told.request
    due, closed = request["due_at"], request["closed_at"]
    open_s = sum((end - begin).total_seconds() for begin, end in told.stood_open)
    if due is None and not closed and len(told.stood_open) == 1:
        text = f"No time was promised. It has been open for **{_so_far(told.stood_open[0][0], told, tz)}**."
    elif due is None:
        text = f"No time was promised. It {'was' if closed else 'has been'} open for **{c.duration(open_s)}**."
    elif told.late_s is not None:
        late = f"**{c.duration(told.late_s) if closed else _so_far(due, told, tz)}**"
        if told.late_business_s is not None and told.late_business_s != told.late_s:
            late += f" ({c.duration(told.late_business_s)} of working time)"
        by = c.instant(due, tz)
        text = f"Closed {c.instant(closed, tz)}, {late} after it fell due." if closed else f"Due {by}, {late} ago."
    elif closed:
        text = f"Closed {c.instant(closed, tz)}, **{c.duration((due - closed).total_seconds())}** before it was due."
    else:
        text = f"Due {c.instant(due, tz)}, in **{c.duration((due - told.as_of).total_seconds())}**."
    first = request["first_closed_at"] or next((step.at for step in told.steps if step.kind == "close"), None)
    if _reopened(told) and due is not None and told.late_s and first and first <= due:
        text += " It was first closed in time, then reopened: the last closing counts."
    if told.pauses:
        whole = sum(((end or closed or told.as_of) - begin).total_seconds() for begin, end, _ in told.pauses)
        working = told.paused_business_s
        said = f"**{c.duration(whole)}**"
        if working is not None and whole - working >= 60:
            said += f", {c.duration(working)} of it working time" if working >= 1 else ", all outside working hours"
        reasons = list(dict.fromkeys(why.lower() for _, _, why in told.pauses if why))
        text += f" The clock was paused for {said}" + (f": {', '.join(reasons)}." if reasons else ".")
    return text


UNITS = {"business_seconds": "opening hours", "business_days": "working days", "calendar_days": "days"}


def _promise_words(told: Timeline) -> str:
    promise = told.promise
    if not promise:
        return ""
    unit, value = promise["target_unit"], promise["target_value"]
    always = told.calendar is not None and clock.is_always_open(told.calendar)
    value = value / 3600 if unit == "business_seconds" else value
    end = ", to the end of the day" if promise["mode"] == "end_of_day" else ""
    return f"Promise: {value:g} {UNITS.get(unit, unit).removeprefix('opening ' if always else ' ')}{end}"


# ── The steps ──

DOTS = {"created": "a", "pause": "p", "resume": "a", "due": "b", "close": "g", "reopen": "b"}
ABOUT = {
    "created": "handoffs clock", "assigned": "handoffs", "transfer": "handoffs", "close": "handoffs clock",
    "reopen": "handoffs clock", "pause": "clock", "resume": "clock", "due": "clock", "sla_change": "clock",
}  # fmt: skip
"""Which of the shorter readings a step belongs to."""


def draw_steps(answers: Answers, context: Context) -> Drawing:
    """Everything recorded, in order of time."""
    told = answers[0]
    if told is None:
        return _unnamed()
    kinds = [step.kind for step in told.steps]
    parts = [words.plural(len(told.steps), "step")]
    for kind, one, many in (("transfer", "hand-off", None), ("pause", "pause", None), ("reopen", "reopening", None),
                            ("joined", "other report joined", "other reports joined"),
                            ("contact", "question about it", "questions about it")):  # fmt: skip
        if kind in kinds:
            parts.append(words.plural(kinds.count(kind), one, many))
    text = parts[0] + (": " + ", ".join(parts[1:]) if len(parts) > 1 else "") + "."
    items = list(_items(told, context))
    left = "Complete record: every step the source holds"
    if not told.records_steps:
        left = "The source records no steps: only what the request itself says is known"
    hidden = "" if told.rights.notes else "notes and names are not shown for your role"
    foot = words.foot(left, hidden, "times on the city’s clocks")
    readings = html.Div(
        [
            html.Button(label, type="button", **{"data-reading": name, "aria-pressed": "true" if not name else "false"})
            for name, label in (("", "Everything"), ("handoffs", "Hand-offs"), ("clock", "Clock"))
        ],
        className="seg",
        role="group",
        **{"aria-label": "Which steps"},
    )
    return Drawing(c.sentence(text), body=[readings, html.Ol(items, className="tl")], foot=foot)


def _items(told: Timeline, context: Context) -> Iterator[html.Li]:
    day = None
    for kind, run in groupby(told.steps, key=lambda step: step.kind):
        steps = list(run)
        alone = kind not in ("joined", "contact") or len(steps) < TOGETHER
        for group in [[step] for step in steps] if alone else [steps]:
            at = c.instant(group[0].at, context.city.tz)
            on, hour = at.rsplit(", ", 1)
            yield _item(group, told, context, "" if on == day else on, hour)
            day = on


def _item(group: list[Step], told: Timeline, context: Context, on: str, hour: str) -> html.Li:
    step = group[0]
    what, below = _said(step, told, context) if len(group) == 1 else _said_together(group, told, context)
    dot = DOTS.get(step.kind, "")
    if step.kind == "close" and told.late_s is not None and step.at == told.request["closed_at"]:
        dot = "b"
    about = ABOUT.get(step.kind, "")
    by = []
    if step.actor:
        by.append(step.actor)
    if step.department:
        by.append(html.Span(step.department))
    return html.Li(
        [
            html.Time([html.B(on) if on else None, html.Span(hour)], dateTime=f"{step.at.isoformat()}Z"),
            html.I(className=f"dot {dot}".strip(), **{"aria-hidden": "true"}),
            html.Div([html.P(what), html.P(below, className="muted") if below else None,
                      html.P(step.note, className="note") if step.note else None]),
            html.Div(by, className="by"),
        ],
        **{"data-about": about},
    )  # fmt: skip


def _spaced(text: str | None) -> str:
    return (text or "").replace("_", " ")


def _since(step: Step) -> str:
    """How long after the step before, with the part of it in opening hours if that is less."""
    if step.since_s is None or step.since_s < 1:
        return ""
    said = f"{c.duration(step.since_s)} after the step before"
    if step.business_s is not None and step.since_s - step.business_s >= 60:
        said += (
            f", {c.duration(step.business_s)} of it working time" if step.business_s >= 1 else ", outside working hours"
        )
    return said + "."


def _after(step: Step, kind: str, words_for_it: str, told: Timeline) -> str:
    """How long after the last step of a kind."""
    since = [one.at for one in told.steps if one.kind == kind and one.at <= step.at]
    return f"{c.duration((step.at - since[-1]).total_seconds())} after {words_for_it}." if since else ""


def _said(step: Step, told: Timeline, context: Context) -> tuple[list[Any], Any]:
    """A step in one sentence, and what is worth knowing besides."""
    request, tz = told.request, context.city.tz
    before, after = _spaced(step.from_value), _spaced(step.to_value)
    below: Any = _since(step)
    match step.kind:
        case "created":
            text = f"**Opened** as **{request['service_type'] or 'a request'}**"
            parts = [
                f"By {_spaced(request['channel'])}." if request["channel"] else "",
                f"Sent to {step.department}." if step.department else "",
                f"Promised by {c.instant(request['due_at'], tz)}." if request["due_at"] else "No time was promised.",
            ]
            below = " ".join(part for part in parts if part)
        case "assigned":
            text = f"**Assigned** to **{step.to_value}**" if step.to_value else "**Assigned**"
        case "status":
            text = f"**Status** changed from {before} to **{after}**" if before else f"**Status**: {after}"
        case "transfer":
            text = f"**Handed off** to **{step.to_value or 'another department'}**"
            below = (f"From {step.from_value}. " if step.from_value else "") + below
        case "pause":
            text = "**Paused**" + (f": {after[:1].lower()}{after[1:]}" if after else "")
            below = "The clock of the promise stands still. " + below
        case "resume":
            text, below = "**Clock runs again**", _after(step, "pause", "it was paused", told)
        case "due":
            text, below = "**Promise missed**", "Its promised time passed while it stood open."
        case "work":
            text = (
                "**Work begun**"
                if step.to_value == "in_progress" and step.from_value != "in_progress"
                else "**Work** recorded"
            )
        case "inspect":
            text = "**Inspected** on site"
        case "comment":
            text = "**Comment** added"
        case "edit":
            text = "**Record** changed"
        case "sla_change":
            text = f"**Promise changed** to {after}" if after else "**Promise changed**"
        case "merge":
            what = c.sentence("**Joined** to an earlier report of the same problem")
            more = [" ", c.request_link(step.to_value, context.filters)] if step.to_value else []
            return [*what, *more], below
        case "joined":
            return [*c.sentence("**Another report joined:** "), _report(step, told, context)], below
        case "contact":
            text = f"**Asked about** by {after or 'somebody'}"
            below = _waited(step, told) or below
        case "survey":
            text = f"**Survey answered**: {after} of {before}"
        case "close":
            text = f"**Closed**: {after}" if after else "**Closed**"
            took = (step.at - request["opened_at"]).total_seconds()
            below = f"{c.duration(took)} after it was opened. " if took >= 0 else "Recorded before it was opened. "
            if step.at == request["closed_at"] and request["due_at"] is not None:
                below += "After it fell due." if told.late_s is not None else "In time."
        case "reopen":
            text, below = "**Reopened**", _after(step, "close", "it was closed", told)
        case _:
            text = f"**{_spaced(step.kind).capitalize()}**" + (f": {after}" if after else "")
    return c.sentence(text), below.strip() if isinstance(below, str) else below


def _report(step: Step, told: Timeline, context: Context) -> html.A:
    """A joined report by its public number."""
    reports = told.reports
    number = reports.loc[reports["request_id"] == step.to_value, "public_id"]
    return c.request_link(step.to_value or "", context.filters, number.iloc[0] if len(number) else step.to_value)


def _waited(step: Step, told: Timeline) -> str:
    contacts = told.contacts
    if contacts is None:
        return ""
    waits = contacts.loc[contacts["arrived_at"] == step.at, "wait_s"].dropna()
    return f"Waited {c.duration(float(waits.iloc[0]))}." if len(waits) else ""


def _said_together(group: list[Step], told: Timeline, context: Context) -> tuple[list[Any], Any]:
    """Several alike steps as one that opens to all of them."""
    tz, until = context.city.tz, c.instant(group[-1].at, context.city.tz)
    if group[0].kind == "joined":
        head = f"**{len(group)} other reports joined**, the last {until}"
        lines = [[_report(step, told, context), " ", c.instant(step.at, tz)] for step in group]
        summary = "Show them"
    else:
        head = f"**Asked about {len(group)} times**, the last time {until}"
        lines = [[f"By {_spaced(step.to_value)}, {c.instant(step.at, tz)}. ", _waited(step, told)] for step in group]
        summary = "Show each"
    body = html.Details([html.Summary(summary, className="link"), html.Ul([html.Li(line) for line in lines])])
    return c.sentence(head), body


# ── What it is ──


def draw_facts(answers: Answers, context: Context) -> Drawing:
    """The request in a few lines."""
    told = answers[0]
    if told is None:
        return _unnamed()
    request, tz = told.request, context.city.tz
    closed = request["closed_at"] is not None
    state = _spaced(request["status"]) or ("closed" if closed else "open")
    kind = "" if closed else "bad" if told.late_s is not None else "acc"
    facts: list[tuple[str, Any]] = [("State", c.tag(state, kind))]
    if closed:
        facts.append(("Outcome", _spaced(request["closure_outcome"]) or "not recorded"))
    facts += [
        ("Held by" if not closed else "Last held by", request["team"] or "not assigned"),
        ("Department", request["department"] or "not recorded"),
        ("District", request["district"] or "no district"),
        *([("Area", request["area"])] if request["area"] else []),
        ("Address", _address(told)),
        ("Channel", _spaced(request["channel"]) or "not recorded"),
        ("Opened", c.instant(request["opened_at"], tz)),
        ("Promised by", c.instant(request["due_at"], tz) if request["due_at"] else "no promise"),
    ]
    if closed:
        facts.append(("Closed", c.instant(request["closed_at"], tz)))
    if request["priority"]:
        facts.append(("Priority", request["priority"]))
    if request["parent_request_id"]:
        facts.append(("Joined to", c.request_link(request["parent_request_id"], context.filters)))
    elif request["is_duplicate"]:
        facts.append(("Joined to", "an earlier report"))
    if len(told.reports):
        facts.append(("Other reports", c.count(len(told.reports))))
    made = _made_by(told, tz)
    if made:
        facts.append(("Came by", made))
    asked = sum(step.kind == "contact" for step in told.steps)
    if told.contacts is not None and context.has_contacts:
        facts.append(("Asked about", {0: "never", 1: "once"}.get(asked, f"{asked} times")))
    survey = next((step for step in reversed(told.steps) if step.kind == "survey"), None)
    if survey is not None:
        facts.append(("Survey", f"{survey.to_value} of {survey.from_value}"))
    facts.append(("Caller", html.Span("never shown here", className="muted")))
    body = html.Dl([part for name, value in facts for part in (html.Dt(name), html.Dd(value))], className="facts")
    return Drawing(request["service_type"] or "Type not recorded", body=body)


def _address(told: Timeline) -> Any:
    if not told.rights.addresses:
        return html.Span("not shown for your role", className="muted")
    return told.request["address"] or "not recorded"


def _made_by(told: Timeline, tz: str) -> str:
    """The contact that made it: how and when, and how long they waited; never who."""
    if told.contacts is None:
        return ""
    made = told.contacts[[one is True or one == 1 for one in told.contacts["created_request"]]]
    if made.empty:
        return ""
    first = made.iloc[0]
    wait = first["wait_s"]
    text = f"{_spaced(first['channel'])}, {c.instant(first['arrived_at'].to_pydatetime(), tz, year=False)}"
    return text if wait != wait else f"{text}, waited {c.duration(float(wait))}"


# ── What lies near ──


def draw_nearby(answers: Answers, context: Context) -> Drawing:
    """Requests of the same type close by, before and after."""
    told = answers[0]
    if told is None:
        return _unnamed()
    near, request = told.nearby, told.request
    exact = told.rights.addresses
    if request["h3_9"] is None:  # a point that stands for “unknown”, like the city hall’s, has no hexagon
        return Drawing("It has no point on the map.", is_empty=True)
    around = f"within {NEAR_M} m" if exact else "in this hexagon and those around it"
    head = words.plural(len(near), "other request") if len(near) else "No other request"
    text = f"{head} of this type {around}, from {NEAR_DAYS} days before it to {NEAR_DAYS} days after."
    joined = f"its {c.count(len(told.reports))} joined reports left out" if len(told.reports) else ""
    figure = (
        maps.point_map(context.build_id, request, near, NEAR_M)
        if exact
        else maps.one_hexagon(context.build_id, int(request["h3_9"]), 9)
    )
    heads = [c.Column("Request"), c.Column("Opened", is_number=True),
             *([c.Column("Away", is_number=True)] if exact else []), c.Column("State", is_number=True)]  # fmt: skip
    lines = [_near_line(row, told, context, exact) for row in near.head(LISTED_NEAR).to_dict("records")]
    body = c.table(heads, lines, caption="Requests nearby") if lines else None
    rest = len(near) - len(lines)
    if exact:
        more = f"{c.count(rest)} more are on the map" if rest > 0 else ""
        foot = words.foot(request.get("address") or "", joined, more)
    else:
        more = f"{c.count(rest)} more" if rest > 0 else ""
        foot = words.foot("Its place to a hexagon of about 0.1 km²", joined, more)
    return Drawing(c.sentence(text), figure, body=body, foot=foot)


def _near_line(row: dict[str, Any], told: Timeline, context: Context, exact: bool) -> list[Any]:
    is_open, due = row["closed_at"] != row["closed_at"] or row["closed_at"] is None, row["due_at"]
    late = is_open and due == due and due is not None and due < told.as_of
    state = c.tag("open, overdue" if late else "open", "bad" if late else "acc") if is_open else c.tag(
        "joined" if row["is_duplicate"] is True else "closed"
    )  # fmt: skip
    opened: datetime = row["opened_at"]
    on = c.instant(opened, context.city.tz).rsplit(", ", 1)[0].split(" ", 1)[1]
    away = [f"{row['metres']:.0f}{c.NBSP}m"] if exact else []
    return [c.request_link(row["request_id"], context.filters, row["public_id"]), on, *away, state]


# ── Who held it ──


def draw_holders(answers: Answers, context: Context) -> Drawing:
    """How long each department or team had it while it stood open."""
    told = answers[0]
    if told is None:
        return _unnamed()
    if not told.holders:
        return Drawing("It never stood open, so nobody held it.", is_empty=True)
    rows = sorted(told.holders, key=lambda one: -one[1])
    total = sum(seconds for _, seconds in rows)
    name, most = rows[0]
    if len(rows) == 1:
        text = f"**{name}** had it all the **{c.duration(most)}** it was open."
    else:
        text = f"**{name}** had it for **{c.duration(most)}** of the **{c.duration(total)}** it was open."
    lines = [[who, c.bar(seconds / most), c.duration(seconds)] for who, seconds in rows]
    heads = [c.Column("Held by"), c.Column(html.Span("bar", className="visually-hidden"), on_phone=False),
             c.Column("For", is_number=True)]  # fmt: skip
    left = "Calendar time, while not closed"
    more = "" if told.records_steps else "the source records no hand-offs"
    return Drawing(c.sentence(text), body=c.table(heads, lines, caption="Held by"), foot=words.foot(left, more))


_NEEDS = Permission.LIST_REQUESTS

VIEW = View(
    name="request",
    title="Request",
    question="What happened to it?",
    order=71,
    path="/requests/<request_id>",
    within="requests",
    needs=_NEEDS,
    parameters=requests.VIEW.parameters,
    heading=heading,
    panels=(
        Panel("clock", "Was the promise kept?", (_asked("clock"),), draw_clock, width=12, height=112, needs=_NEEDS),
        Panel("steps", "What happened, and who had it?", (_asked("steps"),), draw_steps, width=8, height=384,
              needs=_NEEDS),
        Panel("facts", "What is it?", (_asked("facts"),), draw_facts, width=4, height=248, needs=_NEEDS),
        Panel("nearby", "Has it happened here before?", (_asked("nearby"),), draw_nearby, width=4, height=216,
              needs=_NEEDS),
        Panel("holders", "Who held it, and how long?", (_asked("holders"),), draw_holders, width=4, height=120,
              needs=_NEEDS),
    ),
)  # fmt: skip
