"""The view that tells what every measure means."""

from __future__ import annotations

import html

from data_access.measures import CATALOGUE
from layouts.markup import markup
from layouts.views import collect_views
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


def test_the_field_that_finds_measures_is_read_aloud():
    said = markup(VIEW.panels[0].draw((), None).body)
    assert '<span class="visually-hidden">Find a measure</span>' in said and 'type="search"' in said
