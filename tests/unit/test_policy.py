"""Who may ask what: deny by default, and every role as the table of views says."""

from __future__ import annotations

import pytest

from dashboard.domain.errors import NotPermitted
from dashboard.domain.policy import FACTS, OWN, OWN_ROWS, ROLES, SMALLEST, Permission, Scope, Viewer, may, scope_of
from dashboard.domain.redaction import without_contact_details
from data_access.compile import permitted
from data_access.measures import CATALOGUE
from data_access.measures.contacts import CONTACT
from data_access.measures.requests import EPISODE, REQUEST
from data_access.semantics import Ratio

P = Permission


def test_every_fact_of_the_catalogue_takes_a_permission():
    measures = [
        part for one in CATALOGUE.values() for part in ((one.over, one.under) if isinstance(one, Ratio) else (one,))
    ]
    assert {measure.fact.name for measure in measures} <= set(FACTS)  # type: ignore[attr-defined]
    assert not Scope(()).reaches("person_private") and not Scope((), facts=frozenset()).reaches("request")


@pytest.mark.parametrize(
    ("role", "own", "facts", "rows", "not_held"),
    [
        ("deputy manager", {}, {"request", "contact", "agent_state"}, (),
         {P.READ_AGENTS, P.READ_ADDRESSES, P.READ_NOTES, P.READ_PSEUDONYMS, P.ADMINISTER}),
        ("department head", {"department": "Parks"}, {"request"}, (("department", ("Parks",)),), {P.READ_CONTACTS}),
        ("department head", {}, {"request"}, (("department", ()),), {P.READ_AGENT_SPREAD}),
        ("supervisor", {"team": "Heron"}, {"request", "contact"}, (), {P.READ_ADDRESSES, P.READ_NOTES}),
        ("council member", {"district": "North"}, {"request"}, (("district", ("North",)),),
         {P.READ_ADDRESSES, P.READ_NOTES, P.READ_CONTACTS, P.READ_AGENT_SPREAD}),
        ("analyst", {}, {"request", "contact", "agent_state"}, (), {P.READ_NOTES, P.READ_AGENTS}),
    ],
)  # fmt: skip
def test_what_a_role_sees(role, own, facts, rows, not_held):
    viewer = Viewer("V", role, **own)
    scope = scope_of(viewer, P.READ_REQUESTS)
    assert scope.facts is not None and facts <= scope.facts and scope.rows == rows
    assert not [one for one in not_held if may(viewer, one)]
    assert ("contact" in scope.facts) == may(viewer, P.READ_CONTACTS)


@pytest.mark.parametrize("role", ["administrator", "public", "mayor", ""])
def test_nobody_else_sees_data(role):
    for needs in Permission:
        if (role, needs) != ("administrator", P.ADMINISTER):
            with pytest.raises(NotPermitted):
                scope_of(Viewer("V", role), needs)


def test_a_fact_outside_the_scope_does_not_compile():
    head = scope_of(Viewer("V", "department head", department="Parks"), P.READ_REQUESTS)
    assert list(permitted(REQUEST, head)) and list(permitted(EPISODE, head))
    with pytest.raises(NotPermitted, match="not shown to you"):
        list(permitted(CONTACT, Scope((), facts=head.facts)))
    council = scope_of(Viewer("V", "council member", district="North"), P.READ_REQUESTS)
    assert len(list(permitted(REQUEST, council))) == 2 and council.hides == ("P3",)


def test_only_the_own_supervisor_knows_names():
    teams = {role: scope_of(Viewer("V", role, **{OWN[role]: "Heron"} if role in OWN else {}), needs).people
             for role, needs in ((role, P.READ_REQUESTS) for role in ROLES if role != "administrator")}  # fmt: skip
    assert [role for role, people in teams.items() if people.names("Heron") and people.by_name] == ["supervisor"]
    assert not teams["supervisor"].names("Otter") and teams["analyst"].names("Otter") and not teams["analyst"].by_name
    assert set(OWN_ROWS) <= set(OWN) and SMALLEST == {"P0": 5, "P1": 5, "P2": 11, "P3": 11}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Call 555-0199 or (617) 555-0123 back", "Call [telephone] or [telephone] back"),
        ("Rang +1 617.555.0123, rose@example.org wrote", "Rang [telephone], [e-mail] wrote"),
        ("6175550123", "[telephone]"), ("Crew A, 2026-05-04, bin 311", "Crew A, 2026-05-04, bin 311"),
    ],
)  # fmt: skip
def test_contact_details_are_taken_out_of_notes(text, told):
    assert without_contact_details(text) == told


def test_a_refusal_names_the_role_as_people_say_it():
    with pytest.raises(NotPermitted, match="^An administrator may not read requests"):
        scope_of(Viewer("A", "administrator"), P.READ_REQUESTS)
    with pytest.raises(NotPermitted, match="^A council member may not"):
        scope_of(Viewer("C", "council member", district="North"), P.READ_CONTACTS)
