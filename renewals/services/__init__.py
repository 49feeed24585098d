"""The verbs of renewals: stages after a term, plans, deductions, what an account chose for all its renewals."""

from renewals.services.planning import PlanWish, change_plan, plan_for, renewed, stage_of, taken_back
from renewals.services.revealing import reveal_password
from renewals.services.stages import expire, freeze, release

__all__ = [
    "PlanWish",
    "change_plan",
    "expire",
    "freeze",
    "plan_for",
    "release",
    "renewed",
    "reveal_password",
    "stage_of",
    "taken_back",
]
