"""Who gets in touch again about the same, worked out by hand on a few callers: in no part what nobody can know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pandas as pd
import pytest
from sqlalchemy import select

from dashboard.domain.errors import BadRequest
from dashboard.domain.filters import Filters, Period
from dashboard.domain.policy import Scope
from dashboard.services import Services
from dashboard.settings import Settings
from data_access import fill_facts, schema, work_file
from data_access.build import Build
from data_access.dimensions import DIMENSIONS
from data_access.engine import Warehouse
from data_access.listing import Listing
from data_access.measures import CATALOGUE
from data_access.measures.contacts import CONTACT, RETURNED_WITHIN_DAYS
from data_access.retention import retain
from data_access.rewriting import columns_asked
from data_access.semantics import Query
from layouts.markup import markup
from layouts.view import asked_of
from layouts.views.calls import VIEW
from tests import city, screen

AS_OF = datetime(2026, 6, 30, 16)  # UTC; in the city it is noon
JUNE, HOURS = Period(date(2026, 6, 1), date(2026, 7, 1)), "%Y-%m-%dT%H:%M"
PERMITS, BILLS = "Permits", "Bills"

# All in UTC and in opening hours. id, person, reason, arrived, outcome, channel, agent says resolved, and what else
_CALLS = (
    ("a1", "ann", PERMITS, "06-02T14:00", "answered", "phone", True, {}),
    ("a2", "ann", PERMITS, "06-09T14:00", "answered", "phone", True, {}),  # seven days to the second: came back
    ("a3", "ann", PERMITS, "06-16T14:01", "answered", "phone", True, {}),  # a minute later than that
    ("a4", "ann", BILLS, "06-17T14:00", "answered", "phone", False, {}),  # about something else
    ("b1", "bob", PERMITS, "06-03T14:00", "answered", "phone", True, {}),
    ("b2", "bob", PERMITS, "06-04T14:00", "abandoned", "phone", None, {}),  # hung up, and yet called again
    ("b3", "bob", PERMITS, "06-05T14:00", "self_service", "web", None, {}),  # wrote, a day after the hang-up
    ("c1", "cy", BILLS, "06-10T14:00", "answered", "phone", True, {}),
    ("c2", "cy", BILLS, "06-10T14:05", "answered", "phone", True, {"parent_contact_id": "c1"}),  # c1, passed on
    ("c3", "cy", BILLS, "06-11T14:00", "answered", "phone", None, {"direction": "out"}),  # the city called
    ("d1", None, BILLS, "06-10T15:00", "answered", "phone", True, {}),  # nobody knows who
    ("d2", None, BILLS, "06-11T15:00", "answered", "phone", True, {}),
    ("e1", "eva", None, "06-12T15:00", "answered", "phone", True, {}),  # nobody knows why
    ("e2", "eva", None, "06-13T15:00", "answered", "phone", True, {}),
    ("f1", "fay", BILLS, "06-23T16:00", "answered", "phone", True, {}),  # seven days before the clock, to the second
    ("f2", "fay", BILLS, "06-30T16:00", "answered", "phone", True, {}),  # at the clock
    ("g1", "gus", BILLS, "06-23T16:01", "answered", "phone", True, {}),  # a minute too young to tell
    ("g2", "gus", BILLS, "06-24T16:00", "answered", "phone", True, {}),
    ("h1", "hal", PERMITS, "06-15T12:00", "answered", "phone", True, {"in_open_hours": False}),  # not offered
    ("h2", "hal", PERMITS, "06-15T15:00", "answered", "phone", True, {}),
    ("i1", "ida", PERMITS, "06-15T15:00", "answered", "email", True, {}),  # no call
    ("j1", "jo", BILLS, "06-18T15:00", "answered", "phone", True, {}),
    ("j2", "jo", BILLS, "06-18T15:00", "answered", "phone", True, {}),  # in the same instant
)  # fmt: skip


def calls() -> pd.DataFrame:
    names = ["contact_id", "person_key", "reason", "arrived_at", "outcome", "channel", "resolved_first"]
    rows = [dict(zip(names, one, strict=False)) | one[-1] for one in _CALLS]
    frame = pd.DataFrame(rows)
    return frame.assign(
        arrived_at=pd.to_datetime("2026-" + frame["arrived_at"], format=HOURS).astype("datetime64[us]"),
        in_open_hours=frame["in_open_hours"].map({False: False}).fillna(True).astype(bool),
        src_system="acd", src_id=frame["contact_id"],
    )  # fmt: skip


def write(build: Build) -> None:
    build.write("contact", calls())


@pytest.fixture(scope="module")
def line(blank: Settings) -> Iterator[Services]:
    """Services over the callers above, on each engine."""
    with city.in_service(blank, write, AS_OF, city_id="line") as services:
        yield services


def ask(services, *names: str, by: tuple[str, ...] = (), as_of: datetime | None = None, **choices: str):
    filters = Filters(JUNE)
    for name, value in choices.items():
        filters = filters.choose(name, (value,))
    query = Query(tuple(CATALOGUE[name] for name in names), tuple(DIMENSIONS[name] for name in by))
    return services.ask(query, filters, Scope.everything(), as_of)


def told(warehouse: Warehouse) -> dict[str, tuple]:
    c = schema.contact.c
    rows = warehouse.rows(select(c.contact_id, c.is_caller_known, c.previous_at, c.repeated_at))
    return {one: tuple(rest) for one, *rest in rows}


def test_each_contact_knows_the_one_before_and_after_it_of_the_same_person_about_the_same(line):
    found, at = told(line.warehouse), calls().set_index("contact_id")["arrived_at"]
    chains = ("a1 a2 a3", "a4", "b1 b2 b3", "c1", "f1 f2", "g1 g2", "h1 h2", "i1", "j1 j2")
    known = {}
    for chain in (one.split() for one in chains):
        for before, one, after in zip([None, *chain], chain, [*chain[1:], None], strict=False):
            known[one] = (True, *(at[other].to_pydatetime() if other else None for other in (before, after)))
    assert found == {one: known.get(one, (False, None, None)) for one in at.index}


def test_resolution_by_no_repeat(line):
    answer = ask(line, "resolution_no_repeat", "came_back_share", "answered_caller_unknown")
    # a1–a4, b1, c1, f1, h2, j1, j2 are old enough and known; a1, b1, f1, j1 came back; d1, d2, e1, e2 nobody knows.
    assert answer.value("answered_followed") == 10
    assert (answer.value("not_back"), answer.value("came_back")) == (6, 4)
    assert answer.value("resolution_no_repeat") == 0.6 and answer.value("came_back_share") == 0.4
    assert answer.value("answered_caller_unknown") == 4
    by_reason = ask(line, "came_back_share", by=("reason",)).frame.set_index("reason")
    parts = ["came_back", "answered_followed"]
    assert by_reason.loc[PERMITS, parts].tolist() == [2, 5] and by_reason.loc[BILLS, parts].tolist() == [2, 5]
    assert ask(line, "came_back_share", reason=BILLS).value("came_back_share") == 0.4


def test_what_agents_say_is_another_number(line):
    answer = ask(line, "first_contact_resolution", "resolution_no_repeat")
    assert answer.value("answered_resolution_known") == 18 and answer.value("resolved_first") == 17
    assert answer.value("resolution_no_repeat") != answer.value("first_contact_resolution")
    labels = [CATALOGUE[name].label for name in ("first_contact_resolution", "resolution_no_repeat")]
    assert "agents" in labels[0] and "came back" in labels[1]


def test_repeat_contacts_are_told_on_the_day_they_arrive_whatever_became_of_the_first(line):
    answer = ask(line, "repeat_share", by=("reason",)).frame.set_index("reason")
    # permits: a2, b2, b3, h2 of a1–a3, b1–b3, h1, h2, i1; bills: f2, g2, j2 of a4, c1, f1, f2, g1, g2, j1, j2
    assert answer.loc[PERMITS, ["repeat_contacts", "contacts_caller_known"]].tolist() == [4, 9]
    assert answer.loc[BILLS, ["repeat_contacts", "contacts_caller_known"]].tolist() == [3, 8]
    days = Query((CATALOGUE["repeat_contacts"],), every="day")
    by_day = line.ask(days, Filters(JUNE), Scope.everything()).frame.set_index("day")["repeat_contacts"]
    assert by_day[by_day > 0].to_dict() == {
        pd.Timestamp(2026, 6, day): 1 for day in (4, 5, 9, 15, 18, 24, 30)
    }  # fmt: skip


def test_looking_back_nothing_is_known_of_what_came_later(line):
    then = ask(line, "came_back_share", as_of=datetime(2026, 6, 10, 13, 59))
    assert (then.value("came_back"), then.value("answered_followed")) == (1, 1)  # a1; b1 is a minute too young
    later = ask(line, "came_back_share", "answered_caller_unknown", as_of=datetime(2026, 6, 10, 14))
    assert (later.value("came_back"), later.value("answered_followed")) == (2, 2)
    assert later.value("answered_caller_unknown") == 0
    assert schema.contact.c.repeated_at in CONTACT.ends


def test_who_comes_back_is_known_until_the_last_contact_where_calls_are_brought_less_often(tmp_path):
    later = AS_OF + timedelta(days=10)
    with city.in_service(Settings(data=tmp_path, cache="off"), write, later, city_id="late") as services:
        answer = ask(services, "came_back_share", "answered_caller_unknown")
        assert (answer.value("came_back"), answer.value("answered_followed")) == (4, 10)  # as at the last call
        assert answer.value("answered_caller_unknown") == 4
        assert services.clock().contacts_to_on == date(2026, 6, 30)
        foot = screen.said(screen.drawn(services, VIEW, "returns", "?from=2026-06-11&to=2026-07-10").foot)
        assert "22 Jun 2026: of the last 7 days nobody knows yet" in foot.replace("\xa0", " ")


def test_the_share_is_told_by_agent_and_without_rows_it_is_missing(line):
    nobody = ask(line, "resolution_no_repeat", by=("agent",)).frame
    assert nobody["agent"].tolist() == ["nobody"] and nobody["answered_followed"].tolist() == [10]
    assert ask(line, "resolution_no_repeat", reason="none of that name").value("resolution_no_repeat") is None


def test_the_data_says_so_where_nobody_is_known(tmp_path):
    def unknown(build: Build) -> None:
        build.write("contact", calls().drop(columns="person_key"))

    with city.in_service(Settings(data=tmp_path, cache="off"), unknown, AS_OF) as services:
        answer = ask(services, "resolution_no_repeat", "answered_caller_unknown", "repeat_share")
        assert answer.value("resolution_no_repeat") is None and answer.value("repeat_share") is None
        assert answer.value("answered_caller_unknown") == 14


def test_whose_caller_is_forgotten_is_in_neither_part(tmp_path):
    settings = Settings(data=tmp_path, cache="off")
    over = calls()["arrived_at"] + timedelta(minutes=9)
    with Build(settings, {**city.CITY, "city_id": "line"}) as build:
        build.write("contact", calls().assign(ended_at=over))
        build.publish(as_of=AS_OF)
    retain(settings, people_days=20, log_days=30)  # all of 10 June and before
    services = Services(settings)
    answer = ask(services, "came_back_share", "answered_caller_unknown")
    services.warehouse.close()
    assert (answer.value("came_back"), answer.value("answered_followed")) == (2, 6)  # a3, a4, f1, h2, j1, j2
    assert answer.value("answered_caller_unknown") == 8


def test_within_a_week_is_said_as_it_is_counted():
    for name in ("came_back", "came_back_share", "resolution_no_repeat", "repeat_contacts", "repeat_share"):
        assert f"within {RETURNED_WITHIN_DAYS} days" in CATALOGUE[name].about


def test_some_callers_at_a_time_are_told_as_all_at_once(tmp_path, monkeypatch):
    rows = with_unknown()
    times = rows.groupby("person_key")["arrived_at"].agg(["min", "max", "size"]).loc[lambda one: one["size"] > 1]
    monkeypatch.setattr(fill_facts, "_CALLS_AT_ONCE", 50)
    monkeypatch.setattr(work_file, "WINDOW_ROWS", 90)
    settings = Settings(data=tmp_path, cache="off")
    with city.in_service(settings, lambda build: build.write("contact", rows), AS_OF) as services:
        c = schema.contact.c
        told = services.warehouse.frame(select(c.person_key, c.arrived_at, c.previous_at, c.repeated_at))
    told = told.dropna(subset=["previous_at", "repeated_at"], how="all").set_index("person_key")
    assert len(told) == 2 * len(times) == 82
    first, second = told[told["previous_at"].isna()], told[told["repeated_at"].isna()]
    for side, own, other in ((first, "min", "max"), (second, "max", "min")):
        column = "repeated_at" if side is first else "previous_at"
        assert (side["arrived_at"] == times[own].reindex(side.index)).all()
        assert (side[column] == times[other].reindex(side.index)).all()


# ── on the screen ──


def many() -> pd.DataFrame:
    """Of 60 calls about permits 30 come back, of 200 about bills 10; agents call nine of ten resolved."""
    rows = []
    for reason, n, back in ((PERMITS, 60, 30), (BILLS, 200, 10), ("Rare", 3, 1)):
        for number in range(n):
            day = f"2026-06-{2 + number % 20:02d}"
            rows.append((f"{reason}{number}", f"{reason}{number}", reason, f"{day}T14:00"))
            if number < back:
                rows.append((f"{reason}{number}again", f"{reason}{number}", reason, f"{day}T18:00"))
    frame = pd.DataFrame(rows, columns=["contact_id", "person_key", "reason", "arrived_at"])
    is_first = ~frame["contact_id"].str.endswith("again")
    return frame.assign(
        arrived_at=pd.to_datetime(frame["arrived_at"], format=HOURS).astype("datetime64[us]"), in_open_hours=True,
        outcome=is_first.map({True: "answered", False: "abandoned"}), channel="phone", src_system="acd",
        src_id=frame["contact_id"], resolved_first=(frame.index % 10 > 0),
    )  # fmt: skip


def with_unknown() -> pd.DataFrame:
    """These and seven more, of which nobody recorded who called, and a last one that hung up at the data’s clock."""
    unknown = many().tail(8).assign(contact_id=[f"u{n}" for n in range(8)], person_key=None, outcome="answered")
    last = unknown["contact_id"] == "u7"
    unknown = unknown.assign(
        src_id=unknown["contact_id"], outcome=unknown["outcome"].mask(last, "abandoned"),
        arrived_at=unknown["arrived_at"].mask(last, pd.Timestamp(AS_OF)),
    )  # fmt: skip
    return pd.concat([many(), unknown])


@pytest.fixture(scope="module")
def busy(tmp_path_factory) -> Iterator[Services]:
    settings = Settings(data=tmp_path_factory.mktemp("busy"), cache="off")

    def put(build: Build) -> None:
        late = many().head(1).assign(contact_id="late", src_id="late", arrived_at=pd.Timestamp("2026-06-29T14:00"))
        build.write("contact", pd.concat([with_unknown(), late]))

    with city.in_service(settings, put, AS_OF, city_id="busy") as services:
        yield services


def test_the_card_says_which_calls_come_back_and_of_how_many_nobody_knows(busy):
    drawing = screen.drawn(busy, VIEW, "returns", "?from=2026-06-01&to=2026-06-30")
    text, foot, body = (screen.said(part) for part in (drawing.sentence, drawing.foot, drawing.body))
    assert "After 15.6 % of 263 calls" in text.replace("\xa0", " ")
    assert "Surely more come back about Permits: of calls about Permits 50.0" in text
    assert "n = 263 of 270 calls answered; of 7 nobody recorded who called, or why" in foot
    assert (
        "calls of 2–22 Jun 2026: of the last 7 days nobody knows yet" in foot
        and "1 with fewer than 20 left out" in foot
    )
    assert body.index(PERMITS) < body.index(BILLS) and "Rare" not in body
    assert "reason=Permits" in markup(drawing.body)
    chosen = screen.drawn(busy, VIEW, "returns", "?from=2026-06-01&to=2026-06-30&reason=Rare")
    assert "too few" in screen.said(chosen.body)  # what is chosen is shown, and not judged


def test_what_was_before_ends_where_the_days_told_of_begin(busy):
    filters = Filters(Period(date(2026, 6, 15), date(2026, 6, 30)), "previous")
    panel = next(one for one in VIEW.panels if one.name == "returns")
    asked = [asked_of(one, filters, busy.clock()) for one in panel.queries]
    assert asked[0] is not None and asked[0][1].period == Period(date(2026, 6, 8), date(2026, 6, 23))
    earlier = Filters(Period(date(2026, 6, 22), date(2026, 6, 30)), "previous")
    asked = [asked_of(one, earlier, busy.clock()) for one in panel.queries]
    days = [one[1].period for one in asked if one is not None]
    assert days == [Period(date(2026, 6, 15), date(2026, 6, 23)), Period(date(2026, 6, 7), date(2026, 6, 15))]
    drawing = screen.drawn(busy, VIEW, "returns", "?from=2026-06-22&to=2026-06-29&compare=previous")
    assert "points on 9–15 Jun 2026" in screen.said(drawing.sentence).replace("\xa0", " ")


def test_both_shares_stand_beside_each_other_under_their_own_names(busy):
    drawing = screen.drawn(busy, VIEW, "resolved", "?from=2026-05-01&to=2026-06-01")
    assert drawing.is_empty and "No data was received" in screen.said(drawing.sentence)
    drawing = screen.drawn(busy, VIEW, "resolved", "?from=2026-06-02&to=2026-06-05")
    assert drawing.is_empty and "came back" in screen.said(drawing.sentence)  # no week is whole, and yet told
    drawing = screen.drawn(busy, VIEW, "resolved", "?from=2026-06-01&to=2026-06-24")
    text = screen.said(drawing.sentence).replace("\xa0", " ")
    assert "After 84.4 % of 263 calls nobody came back" in text
    taken = with_unknown()[with_unknown()["outcome"] == "answered"]
    assert f"agents recorded {100 * taken['resolved_first'].mean():.1f} % of their calls" in text
    assert drawing.figure is not None
    assert [one["name"] for one in drawing.figure["data"] if "name" in one] == ["not back", "agents say"]


def test_a_city_that_knows_no_callers_says_what_is_lacking(tmp_path):
    def put(build: Build) -> None:
        build.write("contact", many().drop(columns="person_key"))

    with city.in_service(Settings(data=tmp_path, cache="off"), put, AS_OF) as services:
        for name in ("returns", "resolved"):
            drawing = screen.drawn(services, VIEW, name)
            assert drawing.is_empty and "does not tell who called" in screen.said(drawing.sentence)


def test_nobody_is_told_who_it_was(busy):
    asked = Listing(CATALOGUE["came_back"])
    with pytest.raises(BadRequest):
        busy.rows(asked, Filters(JUNE))
    for one in schema.contact.c:
        if one.info.get("private"):
            assert not any(one in columns_asked(expression, schema.contact) for expression in counted())


def counted() -> Iterator:
    """Every expression that a measure of contacts is made of."""
    for measure in CATALOGUE.values():
        if getattr(measure, "fact", None) is CONTACT:
            parts = (getattr(measure, part, None) for part in ("value", "where", "duration_s", "has_ended"))
            yield from (part for part in parts if part is not None)
