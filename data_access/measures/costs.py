"""Numbers about money: what departments may spend and spent, what a contact costs, what a closed request costs.

Budget lines are a fact like any other, known by the fiscal year: sums of a few hundred rows, asked of whole fiscal
years (`domain.fiscal_years`). What a closed request costs is told by standards (`activity_driver`): so many hours of so
many people at so much, and materials; what was really spent on it nobody writes down.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Float, and_, case, cast, func, or_, select

from data_access import schema
from data_access.measures.contacts import answered, contacts, resolved_first
from data_access.measures.requests import INCIDENT, REQUEST
from data_access.semantics import Fact, Ratio, Total

_b, _d, _r, _c = schema.budget_line.c, schema.activity_driver.c, schema.request.c, schema.contact.c

BUDGET = Fact("budget", "budget lines", schema.budget_line, known_at=_b.as_of, by_year=True)
_is_centre = _b.is_contact_centre.is_(True)
CENTRE = Fact(
    "centre", "budget lines of the contact centre", schema.budget_line, known_at=_b.as_of,
    counted=_is_centre, by_year=True,
)  # fmt: skip

_person_hours: Any = _d.std_hours * func.coalesce(_d.crew_size, 1.0)
_labour = _person_hours * cast(_d.hourly_rate, Float)
_material = func.coalesce(cast(_d.unit_material_cost, Float), 0.0)
OF_CENTRE = _d.program.in_(select(_b.program).where(_is_centre))
"""The standards of programs that answer contacts."""
# One request of each type, over all programs that work on it; unknown where the standard of one of them is.
_known = func.count(_labour) == func.count()
_unit: Any = (
    select(
        _d.type_id,
        func.max(_d.valid_from_on).label("valid_from_on"),
        case((func.count(_person_hours) == func.count(), func.sum(_person_hours))).label("hours"),
        case((_known, func.sum(_labour))).label("labour"),
        func.sum(_material).label("materials"),
        case((_known, func.sum(case((OF_CENTRE, 0.0), else_=_labour + _material)))).label("elsewhere"),
    )
    .group_by(_d.type_id)
    .subquery("unit_cost")
)
_holds = or_(_unit.c.valid_from_on.is_(None), _r.closed_on >= _unit.c.valid_from_on)
_costed: Any = schema.request.outerjoin(_unit, _unit.c.type_id == _r.type_id)


def _standard(name: str) -> Any:
    """A column of the standard that held when the request was closed; null where none did.

    Told where it is counted, not where it is joined: a join by more than the type takes twenty times as long.
    """
    return case((_holds, _unit.c[name]))


WORK = replace(
    REQUEST, name="work", plural="closed requests", table=_costed,
    counted=and_(_r.is_info_only.isnot(True), INCIDENT), first_report=None,
)  # fmt: skip
"""Requests closed for good, each with what one of its type costs; a problem reported twice is worked on once."""

# ── Budgets ──


def _money(name: str, label: str, about: str, column: ColumnElement, *, fact: Fact = BUDGET, where: Any = None,
           source: str = "E (budget_line)") -> Total:  # fmt: skip
    return Total(
        name=name, label=label, unit="money", about=about,
        formula="sum over the budget lines of the fiscal years that the period touches",
        source=f"measures reference, {source}", fact=fact, value=func.sum(cast(column, Float)),
        on=_b.from_on, where=where,
    )  # fmt: skip


budget_adopted = _money(
    "budget_adopted", "Budget adopted", "What the council granted before the fiscal year began.", _b.adopted
)
budget_amended = _money(
    "budget_amended", "Budget amended", "What may be spent after the changes made during the fiscal year.", _b.amended
)
spent = _money(
    "spent", "Spent", "What was spent in the fiscal year, so far as the books tell.", _b.actual
)  # fmt: skip
encumbered = _money(
    "encumbered", "Ordered, not paid", "What is bound by orders and contracts and not yet paid (encumbered).",
    _b.encumbered,
)  # fmt: skip
spent_on_events = _money(
    "spent_on_events", "Spent on city events",
    "Of what was spent, the one-time costs of a storm, a flood or another city event: budget lines whose program is "
    "called as the event is.",
    _b.actual, where=_b.event.isnot(None), source="E (one-time event costs)",
)  # fmt: skip
burn = Ratio(
    name="burn", label="Share of the budget spent", unit="share",
    about="Of what may be spent, the share spent so far. Read it with how much of the fiscal year is gone and with the "
          "work done.",
    formula="spent ÷ budget_amended", source="measures reference, E (year-to-date burn)", over=spent,
    under=budget_amended,
)  # fmt: skip

# ── What a contact costs ──

_DIRECT = ("salary", "benefits", "overtime", "contract", "supplies")

centre_pay = _money(
    "centre_pay", "Salaries of the contact centre", "What the contact centre paid in salaries, benefits left out.",
    _b.actual, fact=CENTRE, where=_b.account_class == "salary", source="E (as MC311 counts)",
)  # fmt: skip
centre_direct = _money(
    "centre_direct", "Direct cost of the contact centre",
    "What the contact centre spent on salaries, benefits, overtime, contracts (telephone, software, temporary staff) "
    "and supplies.",
    _b.actual, fact=CENTRE, where=_b.account_class.in_(_DIRECT), source="E1",
)  # fmt: skip
centre_loaded = _money(
    "centre_loaded", "Full cost of the contact centre",
    "The direct cost, and the contact centre’s share of indirect cost and of capital. Capital counts in the year it "
    "was spent in.",
    _b.actual, fact=CENTRE, source="E2",
)  # fmt: skip
centre_on_events = _money(
    "centre_on_events", "Contact centre, spent on city events",
    "Of the contact centre’s full cost, the one-time costs of city events.",
    _b.actual, fact=CENTRE, where=_b.event.isnot(None), source="E (one-time event costs)",
)  # fmt: skip


def _contact(name: str, label: str, about: str, condition: ColumnElement[bool], source: str) -> Total:
    return replace(
        contacts, name=name, label=label, about=about, source=f"measures reference, {source}", where=condition
    )  # fmt: skip


_taken = and_(contacts.where, _c.outcome == "answered")
contacts_handled = _contact(
    "contacts_handled", "Contacts handled by staff",
    "Contacts that a person took, on any channel; a transferred call counts once. What people did themselves on the "
    "web or in the app is left out.",
    _taken, "E1 (all staff-handled contacts)",
)  # fmt: skip
contacts_settled = _contact(
    "contacts_settled", "Contacts settled without a request",
    "Contacts that a person took and that neither made a request nor asked after one: the matter ended there.",
    and_(_taken, _c.created_request.is_(False), _c.request_id.is_(None)),
    "E3 (completed interactions)",
)  # fmt: skip


def _cost(name: str, label: str, about: str, over: Total, under: Total, source: str) -> Ratio:
    return Ratio(
        name=name, label=label, unit="money", better="lower", about=about, formula=f"{over.name} ÷ {under.name}",
        source=f"measures reference, {source}", over=over, under=under,
    )  # fmt: skip


pay_per_contact = _cost(
    "pay_per_contact", "Salaries per contact",
    "Salaries of the contact centre for each contact on any channel, web and app included, as Montgomery County’s "
    "MC311 counts. The lowest of the figures, for it leaves out most of the cost and counts contacts that nobody took.",
    centre_pay, contacts, "E (as MC311 counts)",
)  # fmt: skip
direct_cost_per_call = _cost(
    "direct_cost_per_call", "Direct cost per call",
    "Direct cost of the contact centre for each call that a person took: what most published figures per call mean.",
    centre_direct, answered, "E1 (per call answered)",
)  # fmt: skip
direct_cost_per_contact = _cost(
    "direct_cost_per_contact", "Direct cost per contact",
    "Direct cost of the contact centre for each contact that a person took, on any channel.",
    centre_direct, contacts_handled, "E1 (per staff-handled contact)",
)  # fmt: skip
loaded_cost_per_contact = _cost(
    "loaded_cost_per_contact", "Full cost per contact",
    "Full cost of the contact centre, indirect cost and capital included, for each contact that a person took.",
    centre_loaded, contacts_handled, "E2",
)  # fmt: skip
cost_per_resolution = _cost(
    "cost_per_resolution", "Full cost per call resolved at once",
    "Full cost of the contact centre for each call closed in the one call, as agents record it: the full cost per call "
    "divided by the share resolved at first contact.",
    centre_loaded, resolved_first, "E5",
)  # fmt: skip

# ── What a closed request costs ──


def _work(name: str, label: str, about: str, value: Any, unit: str, where: Any = None, source: str = "E4") -> Total:
    return Total(
        name=name, label=label, unit=unit, about=about, source=f"measures reference, {source}",
        formula="by the day of the final closing, duplicates left out", fact=WORK, value=value, on=_r.closed_on,
        where=where,
    )  # fmt: skip


def _sum(column: ColumnElement) -> Any:
    return func.sum(cast(column, Float))


_is_known = _standard("labour").isnot(None)
work_done = _work(
    "work_done", "Problems closed",
    "Requests closed for good, reports of one problem counted once: what departments had to work on.",
    func.count(), "requests",
)  # fmt: skip
work_costed = _work(
    "work_costed", "Problems closed, cost known",
    "Of those, the ones whose type has a standard of hours and of what an hour costs.",
    func.count(), "requests", _is_known,
)  # fmt: skip
standard_hours = _work(
    "standard_hours", "Standard hours", "Hours of work of all people on them, by the standard of each type.",
    _sum(_standard("hours")), "h", _is_known,
)  # fmt: skip
standard_labour = _work(
    "standard_labour", "Standard labour cost",
    "Those hours at what an hour of one person costs, pay, benefits and overheads included.",
    _sum(_standard("labour")), "money", _is_known,
)  # fmt: skip
standard_materials = _work(
    "standard_materials", "Standard material cost",
    "Materials, equipment and contractors, by the standard of each type.",
    _sum(_standard("materials")), "money", _is_known,
)  # fmt: skip
standard_cost = _work(
    "standard_cost", "Standard cost",
    "Labour and materials of the problems closed, by the standard of each type.",
    _sum(_standard("labour") + _standard("materials")), "money", _is_known,
)  # fmt: skip
standard_cost_elsewhere = _work(
    "standard_cost_elsewhere", "Standard cost outside the contact centre",
    "The same without the programs that answer contacts, whose cost is that of the contact centre.",
    _sum(_standard("elsewhere")), "money", _is_known, "E3",
)  # fmt: skip
cost_per_request = _cost(
    "cost_per_request", "Standard cost per problem closed",
    "What one closed request costs on average by the standard of its type: hours of work at what an hour costs, and "
    "materials. Types without a standard are left out of both.",
    standard_cost, work_costed, "E4",
)  # fmt: skip
