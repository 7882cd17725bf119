"""Boston's 311 export of the years before 2025: what its columns mean.

Times are wall-clock times; a lone space means nothing; `ontime` is the city's own verdict at the day of the export and
is computed anew. `closure_reason` holds names of staff, and `location` addresses: both stay in private columns.
"""

from __future__ import annotations

from data_access.importers.load import Districts, Instant, Phrases, SourceMapping, Types, Words

# By the subjects that each code's requests mostly have.
_DEPARTMENTS = {
    "PWDx": "Public Works",
    "ISD": "Inspectional Services",
    "PARK": "Parks & Recreation",
    "BTDT": "Transportation",
    "INFO": "Mayor's 24 Hour Hotline",
    "PROP": "Property Management",
    "BWSC": "Water & Sewer Commission",
    "DISB": "Persons with Disabilities Commission",
    "BPS_": "Boston Public Schools",
    "BHA_": "Boston Housing Authority",
    "No Q": "No department",
}

# Something on the street that several people report; the crews' own (internal) lists are no reports.
_REPEATS = frozenset(
    {
        "Abandoned Bicycle",
        "Abandoned Vehicles",
        "Bridge Maintenance",
        "Catchbasin",
        "Empty Litter Basket",
        "Fire Hydrant",
        "General Lighting Request",
        "Graffiti Removal",
        "Illegal Dumping",
        "Missing Sign",
        "PWD Graffiti",
        "Parking Meter Repairs",
        "Parks Lighting/Electrical Issues",
        "Pavement Marking Maintenance",
        "Pick up Dead Animal",
        "Request for Pothole Repair",
        "Roadway Repair",
        "Sidewalk Cover / Manhole",
        "Sidewalk Repair",
        "Sidewalk Repair (Make Safe)",
        "Sign Repair",
        "Street Light Knock Downs",
        "Street Light Outages",
        "Traffic Signal Repair",
        "Trash on Vacant Lot",
        "Tree Emergencies",
        "Watermain Break",
    }
)

# The first that fits holds. “Closed” is not “fixed”: noted and administratively closed ones say so.
_OUTCOMES = (
    (r"duplicate|case (?:already )?exists|already (?:been )?(?:reported|in the system)", "duplicate"),
    (r"refer(?:red)? to (?:external|other)|\bROA:|external agency", "referred_other_agency"),
    (
        r"private (?:property|tree|way|road)|not (?:a )?city (?:property|owned|tree)|\bDCR\b|state (?:road|property)",
        "no_jurisdiction",
    ),
    (
        r"unable to (?:find|locate)|(?:could|can) ?not (?:find|locate)|not at locat|\bNOACC|no access|\bTFA:",
        "unable_to_locate",
    ),
    (
        r"\bNOVIO|\bNOBASE|no (?:violation|problem|issue|basis|cause)|no work (?:was )?need|not needed"
        r"|nothing (?:was )?(?:found|out)",
        "no_issue_found",
    ),
    (r"opened in error|cancell?ed|withdrawn|\btest\b", "cancelled_by_requester"),
    (r"\bADCLSD|administratively|case invalid|case noted", "administrative"),
    (
        r"resolved|scheduled|bulk item automation|performed by|completed?\b|\bVIO(?:COR|ISS)|permi[ts]|internal case"
        r"|delivered|repaired|patched|picked up|removed|collected|fixed|replaced|in AVRS|\bCLOSED:",
        "resolved",
    ),
)  # fmt: skip

# Which boundary the located requests of each name lie in decides; “Boston” alone says nothing, so the point does.
_DOWNTOWN = "Downtown / Financial District"
_FENWAY = "Fenway / Kenmore / Audubon Circle / Longwood"
_SOUTH_BOSTON = "South Boston / South Boston Waterfront"
_ALLSTON = "Allston / Brighton"
_ALIASES = {
    "Allston": _ALLSTON,
    "Brighton": _ALLSTON,
    "Greater Mattapan": "Mattapan",
    "South Boston": _SOUTH_BOSTON,
    "Chestnut Hill": "West Roxbury",
    "Boston": None,
}
_PARTS = {
    "Allston": _ALLSTON,
    "Brighton": _ALLSTON,
    "Bay Village": "Back Bay",
    "Chinatown": _DOWNTOWN,
    "Downtown": _DOWNTOWN,
    "Leather District": _DOWNTOWN,
    "North End": _DOWNTOWN,
    "Fenway": _FENWAY,
    "Longwood Medical Area": _FENWAY,
    "South Boston": _SOUTH_BOSTON,
    "South Boston Waterfront": _SOUTH_BOSTON,
    "West End": "Beacon Hill",  # the export says Back Bay for most of it, which it does not touch
}

BOSTON = SourceMapping(
    name="boston",
    city={
        "city_id": "boston",
        "name": "Boston",
        "tz": "America/New_York",
        "fiscal_year_start_month": 7,
        "currency": "USD",
    },
    id="case_enquiry_id",
    opened=Instant("open_dt"),
    closed=Instant("closed_dt"),
    due=Instant("target_dt"),
    status=Words("case_status", {"Closed": "closed", "Open": "new"}),
    types=Types("type", category="reason", repeats=_REPEATS),
    department=Words("department", _DEPARTMENTS),
    text={"team": "queue", "channel": "source", "address": "location", "note": "closure_reason"},
    lat="latitude",
    lon="longitude",
    outcome=Phrases("closure_reason", _OUTCOMES),
    districts=Districts("neighborhood", "neighbourhood", _ALIASES, _PARTS),
)
