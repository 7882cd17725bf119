"""The brief says what the cards say, as the role may see it, and fits a mail program and a page of paper."""

from __future__ import annotations

import email
import email.policy
import re
from html import unescape

import pytest
from click.testing import CliRunner, Result

from callbacks.address import filters_in
from callbacks.brief import brief_of
from callbacks.panels import answers_to, context_of
from dashboard.cli import main
from dashboard.domain.errors import BadRequest
from dashboard.domain.policy import Viewer
from dashboard.services import Services, acting_as
from dashboard.settings import Settings
from data_access.state import State
from layouts.brief import CARDS, WIDTH, as_html, as_text, panels_of, words_of
from layouts.markup import markup
from layouts.views import collect_views
from tests import planted
from tests.planted import CALLER, PLACE, WORDS

VIEWS = collect_views()
MANAGER, HEAD = Viewer("", "deputy manager"), Viewer("", "department head", department="Streets")
URL = "https://311.example.org"


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("brief"), cache="off")
    planted.put_in_service(settings)
    return settings


@pytest.fixture(scope="module")
def services(settings) -> Services:
    return Services(settings)


def run(settings: Settings, *words: str) -> Result:
    return CliRunner().invoke(main, ["--data", str(settings.data), "brief", *words])


def text_for(viewer: Viewer, services: Services, search: str = "?period=all") -> str:
    with acting_as(viewer):
        return as_text(brief_of(search, services, VIEWS))


def test_the_cards_are_those_of_the_views():
    for name, cards in CARDS.items():
        view = next(view for view in VIEWS if view.name == name)
        assert [panel.name for panel in panels_of(view, view.panels)] == list(cards)


def test_a_sentence_is_that_of_its_card(services):
    with acting_as(MANAGER):
        filters = filters_in("?period=all", services)
        brief = brief_of("?period=all", services, VIEWS)
        seen = {}
        for view in VIEWS:
            for panel in panels_of(view, view.panels):
                drawing = panel.draw(answers_to(panel, filters, services, {}), context_of(panel, filters, services, {}))
                seen[view.title, panel.question] = unescape(re.sub("<[^>]*>", "", markup(drawing.sentence)))
    told = {(part.title, said.question): words_of(said.sentence) for part in brief.parts for said in part.said}
    assert len(told) > 8 and told["Overview", "How many requests came in?"].startswith("20 requests came in")
    for card, sentence in told.items():
        assert seen[card].startswith(sentence)  # a card may have its controls behind it


def test_each_role_is_told_of_its_own_rows(services):
    whole, own = text_for(MANAGER, services), text_for(HEAD, services)
    assert "Vector" in whole and "Vector" not in own
    assert "CALLS" in whole and "CALLS" not in own


@pytest.mark.parametrize("viewer", [
    MANAGER, HEAD, Viewer("", "supervisor", team="Heron"), Viewer("", "council member", district="North"),
    Viewer("", "analyst"),
], ids=lambda viewer: viewer.role)  # fmt: skip
def test_nothing_of_people_or_places_stands_in_it(services, viewer):
    with acting_as(viewer):
        brief = brief_of("?period=all", services, VIEWS, URL)
    for told in (as_text(brief), as_html(brief)):
        assert not [secret for secret in (*CALLER, *PLACE, *WORDS) if secret in told]


def test_requests_are_named_one_by_one_and_linked(services):
    with acting_as(MANAGER):
        brief = brief_of("?period=all", services, VIEWS, URL + "/")
    late = next(said for part in brief.parts for said in part.said if said.question == "Which are most overdue?")
    words, href = words_of(late.points[0][0]), late.points[0][1]
    assert re.fullmatch(r"\S+, .+: \d+ days? late, (held by .+|not assigned)", words)
    text, page = as_text(brief), as_html(brief)
    assert f"{URL}{href}\n" in text and f'href="{URL}{href}"' in page
    assert f"{URL}/backlog?period=all" in text
    assert {link for link in re.findall('href="([^"]*)"', page) if not link.startswith(URL)} == set()
    assert not re.search("<(script|img|link)|url\\(", page)
    assert max(map(len, (line for line in text.splitlines() if "://" not in line))) <= WIDTH


def test_without_an_address_nothing_is_linked(services):
    with acting_as(MANAGER):
        brief = brief_of("?period=all", services, VIEWS)
    assert "href" not in as_html(brief) and "/backlog" not in as_text(brief)


def test_a_filter_of_the_address_narrows_it(services):
    assert "Vector" not in text_for(MANAGER, services, "?period=all&department=Streets")
    with pytest.raises(BadRequest, match="Nowhere"), acting_as(MANAGER):
        brief_of("?department=Nowhere", services, VIEWS)


def test_as_a_mail(settings):
    said = run(settings, "--search", "period=all", "--format", "mail", "--to", "manager@example.org", "--url", URL)
    assert said.exit_code == 0, said.output
    message = email.message_from_string(said.stdout, policy=email.policy.default)
    assert message["To"] == "manager@example.org" and message["Subject"].startswith("Tinytown 311: ")
    assert message["From"] is None and message["Date"] is None  # whoever sends it knows
    plain, page = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "20 requests came in" in plain and "20</b> requests came in" in page
    assert max(map(len, said.stdout.splitlines())) <= 78
    logged = State(settings).audit_lines(1)[0]
    assert logged["did"] == "brief" and "manager@example.org" in logged["what"]


def test_what_cannot_be_is_told(settings):
    for words, told in (
        (("--to", "a@example.org"), "--to is for --format mail"),
        (("--url", "311.example.org"), "--url wants an address"),
        (("--url", "https://[311.example.org"), "--url wants an address"),
        (("--role", "administrator"), "No card of a brief is for this role"),
        (("--role", "department head"), "say --department NAME"),
        (("--format", "mail", "--to", "a@example.org\nBcc: b@example.org"), "--to: "),
        (("--format", "mail", "--to", "a@"), "--to wants addresses"),
    ):
        said = run(settings, *words)
        assert said.exit_code == 1 and told in said.output and not said.stdout, said.output
