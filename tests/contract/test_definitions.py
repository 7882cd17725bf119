"""The view that tells what every measure means."""

from __future__ import annotations

import html

from dashboard.domain import methods
from dashboard.domain.staffing import BUSY_WEEK
from data_access import fieldwork
from data_access.measures import CATALOGUE
from layouts.figures import shifts
from layouts.markup import markup
from layouts.views import collect_views, staffing
from tests import screen

VIEW = next(view for view in collect_views() if view.name == "definitions")


def told(panels) -> list[str]:
    return [measure.name for panel in panels[1:] for measure in panel.draw.keywords.get("measures", ())]


def test_every_measure_is_told_once():
    assert sorted(told(VIEW.panels)) == sorted(CATALOGUE)


def test_a_card_tells_what_its_measures_mean():
    panel = VIEW.panels[1]
    said = repr(panel.draw((), None).body)
    for measure in panel.draw.keywords["measures"]:
        assert measure.label in said and measure.name in said


def test_every_method_is_told_once_and_all_that_cards_say_of_methods():
    """What a card says of a method is found by its words in the definitions too."""
    here = [one for panel in VIEW.panels for one in getattr(panel.draw, "keywords", {}).get("told", ())]
    on_cards = {term for view in collect_views() for panel in view.panels for term in panel.terms}
    assert len(here) == len(set(here)) and on_cards <= set(here)
    said = "".join(screen.said(panel.draw((), None).body) for panel in VIEW.panels)
    for one in here:
        assert html.escape(one.label, quote=False) in said and html.escape(one.formula, quote=False) in said
        assert html.escape(one.about.replace("**", ""), quote=False) in said


def test_what_methods_say_in_words_is_what_is_worked_out():
    """Words of the domain cannot take their numbers from the storeys above it."""
    assert (staffing.SHORT, staffing.SPARE) == (-0.5, 1.5)
    assert methods.BUSY in methods.USUAL_WEEK.formula and methods.BUSY in shifts.BUSY_WEEK
    assert "75\N{NO-BREAK SPACE}%" in methods.BUSY and BUSY_WEEK == 0.75
    assert "half an agent too few" in methods.SHORT.about and "one and a half too many" in methods.SHORT.about
    assert fieldwork.LEAST_POINTS - 1 == 4 and "with four others or more" in methods.CROWD.about
    assert f"steps of {fieldwork.EPS_M:.0f} m" in methods.CROWD.about
    assert fieldwork.REPEATED == 3 and "three or more incidents" in methods.REPEAT_ADDRESS.about
    assert f"each {fieldwork.APART.days} days or more" in methods.REPEAT_ADDRESS.formula


def test_the_field_that_finds_measures_is_read_aloud():
    said = markup(VIEW.panels[0].draw((), None).body)
    assert '<span class="visually-hidden">Find a measure</span>' in said and 'type="search"' in said
