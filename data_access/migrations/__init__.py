"""The steps that bring a state database up to date, in Alembic's order; `data_access.state` runs them."""

NEWEST = "0001"
"""The last of them."""
