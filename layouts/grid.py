"""A list as AG Grid shows it: columns, order and conditions in the grid's own words, and back.

Rows come a page at a time from the server (`callbacks.grid`); nothing here needs code in a string, so the content
security policy stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import dash_ag_grid as dag
from dash import dcc, html

from dashboard.domain.errors import BadRequest
from dashboard.domain.filters import DAY, civil_day
from data_access.listing import COLUMNS, PAGE, Condition, ListColumn, Listing
from layouts import view as parts

BLOCK = 100
"""Rows in one page."""
MOST_IN_BLOCK = PAGE
USUAL_ORDER = ("-opened_at",)
NEVER_SHOWN = ("request_id",)
ON_PHONE = ("public_id", "service_type", "opened_at")
WIDTHS = {"public_id": 124, "service_type": 210, "department": 190, "team": 180, "address": 200, "priority": 110}
_FILTERS = {"text": "agTextColumnFilter", "instant": "agDateColumnFilter", "count": "agNumberColumnFilter"}
_OPTIONS = {
    "text": ("contains", "equals", "blank", "notBlank"),
    "instant": ("lessThan", "greaterThan", "inRange", "blank", "notBlank"),
    "count": ("equals",),
}


def spec(listing: Listing, columns: Iterable[str], key: str) -> dict[str, Any]:
    """What `grid` needs to know of a list; `key` changes when other rows are listed."""
    return {
        "columns": [_column(COLUMNS[name], listing) for name in columns if name not in NEVER_SHOWN],
        "filter": filter_model(listing.conditions),
        "key": key,
    }


def grid(view: str, panel: str, asked: Mapping[str, Any]) -> html.Div:
    """The grid of a `spec`; another list is another grid."""
    at = (view, panel, asked["key"])
    return html.Div(
        [
            dag.AgGrid(
                id=parts.grid_id(*at),
                columnDefs=asked["columns"],
                defaultColDef={"resizable": True, "suppressMovable": True, "sortingOrder": ["asc", "desc"]},
                rowModelType="infinite",
                filterModel=asked["filter"],
                className="list-grid",
                style={"height": "100%"},
                dashGridOptions={
                    "cacheBlockSize": BLOCK, "maxBlocksInCache": 20, "maxConcurrentDatasourceRequests": 1,
                    "blockLoadDebounceMillis": 60, "rowHeight": 34, "headerHeight": 36, "ensureDomOrder": True,
                    "enableCellTextSelection": True, "suppressMultiSort": False, "tooltipShowDelay": 600,
                    "localeText": {"noRowsToShow": "No requests", "loadingOoo": "Loading"},
                },
            ),
            dcc.Store(id=parts.grid_state_id(*at)),
        ],
        className="list-place",
    )  # fmt: skip


def _column(column: ListColumn, listing: Listing) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "field": column.name,
        "headerName": "Request" if column.name == "public_id" else column.label,
        "width": WIDTHS.get(column.name, 190 if column.kind == "instant" else 130),
        "onPhone": column.name in ON_PHONE,
    }  # fmt: skip
    if column.kind in _FILTERS:
        options = {"filterOptions": list(_OPTIONS[column.kind]), "maxNumConditions": 1, "debounceMs": 400}
        shown |= {"filter": _FILTERS[column.kind], "filterParams": {**options, "buttons": ["reset"]}}
    for place, name in enumerate(listing.order):
        if name.removeprefix("-") == column.name:
            shown |= {"sort": "desc" if name.startswith("-") else "asc", "sortIndex": place}
    if column.name == "public_id":
        shown["cellRenderer"] = "RequestLink"
    if column.kind in ("count", "s"):
        shown |= {"type": "rightAligned", "width": 110 if column.kind == "count" else 150}
    return shown


def order_in(sort_model: Any) -> tuple[str, ...]:
    """The order a grid asks for, as a `Listing` has it."""
    order = tuple(
        ("-" if one.get("sort") == "desc" else "") + str(one.get("colId"))
        for one in sort_model or ()
        if isinstance(one, dict)
    )
    return order or USUAL_ORDER


def filter_model(conditions: Iterable[Condition]) -> dict[str, Any]:
    """Conditions in the grid's words. Its “after” and “in range” take whole days, the last one included."""
    model: dict[str, Any] = {}
    for one in conditions:
        kind = COLUMNS[one.column].kind
        words: dict[str, Any] = {"filterType": {"instant": "date", "count": "number"}.get(kind, "text")}
        if one.operator in ("missing", "given"):
            words["type"] = "blank" if one.operator == "missing" else "notBlank"
        elif isinstance(one.value, date):
            since = model.get(one.column)
            if one.operator == "from":
                words |= {"type": "greaterThan", "dateFrom": _midnight(one.value - DAY), "dateTo": None}
            elif since is None:
                words |= {"type": "lessThan", "dateFrom": _midnight(one.value), "dateTo": None}
            else:
                first = civil_day(since["dateFrom"][:10], one.column) + DAY
                words |= {"type": "inRange", "dateFrom": _midnight(first), "dateTo": _midnight(one.value - DAY)}
        else:
            words |= {"type": one.operator, "filter": one.value}
        model[one.column] = words
    return model


def conditions_in(model: Any) -> tuple[Condition, ...]:
    """The conditions of a grid's filter model; BadRequest for one that the list cannot keep."""
    found: list[Condition] = []
    for column, words in (model or {}).items():
        found += _read(str(column), words if isinstance(words, dict) else {})
    return tuple(found)


def _read(column: str, words: Mapping[str, Any]) -> list[Condition]:
    label = COLUMNS[column].label if column in COLUMNS else column
    match words.get("type"):
        case "blank":
            return [Condition.read(f"{column}:missing")]
        case "notBlank":
            return [Condition.read(f"{column}:given")]
        case "contains" | "equals" as operator:
            return [Condition.read(f"{column}:{operator}:{words.get('filter', '')}")]
        case "lessThan" | "greaterThan" | "inRange" as operator:
            first = civil_day(str(words.get("dateFrom"))[:10], label)
            if operator == "lessThan":
                return [Condition(column, "before", first)]
            if operator == "greaterThan":
                return [Condition(column, "from", first + DAY)]
            last = civil_day(str(words.get("dateTo"))[:10], label)
            return [Condition(column, "from", first), Condition(column, "before", last + DAY)]
    raise BadRequest(f"“{label}” cannot be narrowed by “{words.get('type')}”.")


def _midnight(day: date) -> str:
    return f"{day.isoformat()} 00:00:00"
