"""Cost: what a contact and a closed request cost, why that changed, and what departments do with their budgets.

Everything is told of the fiscal years that the chosen period touches: money is known by nothing shorter. Each
definition of what a contact costs has its own row, with its denominator; figures of two never share an axis.
"""

from __future__ import annotations

from dashboard.domain.policy import Permission
from data_access.dimensions import department, service_type
from layouts.view import Panel, View
from layouts.views.cost import change, contacts, lines, work
from layouts.views.cost.asked import of_city, of_departments

_BUDGET, _CONTACT = Permission.READ_BUDGET, Permission.READ_CONTACT_COST

VIEW = View(
    name="cost",
    title="Cost",
    question="What does it cost, and what does the city get for it?",
    order=10,
    group="Money",
    needs=_BUDGET,
    panels=(
        Panel(
            "strip", "Where does the money stand?", lines.STRIP, lines.draw_strip, width=12, kind="strip",
            needs=_BUDGET, height=96, assumes=of_departments,
        ),
        Panel(
            "contact", "What does a contact cost?", contacts.QUESTIONS, contacts.draw_contact, width=7, is_roomy=True,
            needs=_CONTACT, height=420, assumes=of_city,
        ),
        Panel(
            "others", "What do others say it costs?", contacts.OTHERS, contacts.draw_others, width=5, is_roomy=True,
            needs=_CONTACT, height=420, assumes=of_city,
        ),
        Panel(
            "lines", "What is budgeted, done and kept?", lines.LINES, lines.draw_lines, width=12, selects=department,
            needs=_BUDGET, height=560, assumes=of_departments,
        ),
        Panel(
            "requests", "What does a closed request cost?", work.BY_DEPARTMENT, work.draw_departments, width=7,
            is_roomy=True, selects=department, needs=_BUDGET, height=560, wave=1, kind="short",
        ),
        Panel(
            "types", "Which types cost most?", work.BY_TYPE, work.draw_types, width=5, is_roomy=True,
            selects=service_type, needs=_BUDGET, height=560, wave=1,
        ),
        Panel(
            "centre", "Why did the contact centre’s cost change?", change.CENTRE, change.draw_centre, width=6,
            is_roomy=True, needs=_CONTACT, height=280, wave=1, assumes=of_city,
        ),
        Panel(
            "change", "Why did departments’ spending change?", change.DEPARTMENTS, change.draw_departments, width=6,
            is_roomy=True, selects=department, needs=_BUDGET, height=280, wave=1, assumes=of_departments,
        ),
        Panel(
            "split", "Whose cost changed, and why?", change.DEPARTMENTS, change.draw_table, width=8, is_roomy=True,
            selects=department, needs=_BUDGET, height=560, wave=1, assumes=of_departments,
        ),
        Panel(
            "kinds", "What was the money spent on?", lines.BY_KIND, lines.draw_kinds, width=4, needs=_BUDGET,
            height=320, wave=1, kind="short", assumes=of_departments,
        ),
    ),
)  # fmt: skip
