"""Numbers about assets: how often meters and lights fail for the time they stood, and how often there was a fault.

Calls about an asset are not faults of it: some clear by themselves, some were never there, some tell of the same one.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import and_

from dashboard.domain.filters import MONTH_DAYS
from data_access import schema
from data_access.asset_ages import ASSET_STRETCH
from data_access.measures.requests import INCIDENT, requests_counted
from data_access.semantics import Exposure, Fact, Ratio

_r, _a = schema.request.c, ASSET_STRETCH.c
_SOURCE = "measures reference, D2"

ASSET = Fact("asset", "assets", ASSET_STRETCH, known_at=_a.start_on, ends={_a.end_on: None}, is_served=True)

ABOUT_ASSET = _r.asset_id.isnot(None)
_fault = and_(ABOUT_ASSET, INCIDENT)
_looked_at = and_(_fault, _r.closed_at.isnot(None))  # looking back, what a later closing found is not known yet
_faults = partial(requests_counted, on=_r.opened_on, source=_SOURCE)

asset_months = Exposure(
    name="asset_months", label="Asset-months in service", unit="1,000 months",
    about="How long meters, lights and other assets stood in the period, in thousands of months of 30.4375 days: from "
          "the day of installation to the day of removal. It is only as true as the register of assets.",
    formula="Σ days between installation and removal within the period ÷ 30,437.5", source=_SOURCE,
    fact=ASSET, start_on=_a.start_on, end_on=_a.end_on, unit_days=1000 * MONTH_DAYS,
)  # fmt: skip
fault_reports = _faults(
    "fault_reports", "Reports about an asset", "Requests that name an asset; repeated reports of one fault included.",
    "count of requests with an asset by the day opened", ABOUT_ASSET,
)  # fmt: skip
faults = _faults(
    "faults", "Faults reported", "Requests that name an asset, repeated reports of one fault counted once.",
    "fault_reports that are no duplicates", _fault,
)  # fmt: skip
faults_confirmed = _faults(
    "faults_confirmed", "Faults confirmed", "Of those, the ones closed as resolved: there was something to mend.",
    "faults closed with the outcome “resolved”", and_(_looked_at, _r.closure_outcome == "resolved"),
)  # fmt: skip
faults_not_found = _faults(
    "faults_not_found", "No fault found", "Of the faults reported, those where a crew came and found it working.",
    "faults closed with the outcome “no issue found”", and_(_looked_at, _r.closure_outcome == "no_issue_found"), None,
)  # fmt: skip
faults_looked_at = _faults(
    "faults_looked_at", "Faults looked at",
    "Of the faults reported, those closed as resolved or with no issue found: somebody looked.",
    "faults closed as resolved or with no issue found",
    and_(_looked_at, _r.closure_outcome.in_(("resolved", "no_issue_found"))), None,
)  # fmt: skip
fault_rate = Ratio(
    name="fault_rate", label="Faults for 1,000 asset-months", unit="ratio", better="lower",
    about="Faults reported for every thousand months that assets stood: 30 means that one of 33 fails in a month.",
    formula="faults ÷ (asset-months ÷ 1,000)", source=_SOURCE, over=faults, under=asset_months,
)  # fmt: skip
fault_report_rate = Ratio(
    name="fault_report_rate", label="Reports for 1,000 asset-months", unit="ratio", better="lower",
    about="Reports about assets for every thousand months that they stood, repeated ones included: what published "
          "figures of calls count.",
    formula="fault_reports ÷ (asset-months ÷ 1,000)", source=_SOURCE, over=fault_reports, under=asset_months,
)  # fmt: skip
confirmed_fault_rate = Ratio(
    name="confirmed_fault_rate", label="Confirmed faults for 1,000 asset-months", unit="ratio", better="lower",
    about="Faults that were mended, for every thousand months that assets stood.",
    formula="faults_confirmed ÷ (asset-months ÷ 1,000)", source=_SOURCE, over=faults_confirmed, under=asset_months,
)  # fmt: skip
no_fault_share = Ratio(
    name="no_fault_share", label="Share without a fault", unit="share",
    about="Of the faults that somebody looked at, the share where the asset was found working. In one published city "
          "two of three were.",
    formula="faults_not_found ÷ faults_looked_at", source=_SOURCE, over=faults_not_found, under=faults_looked_at,
)  # fmt: skip
