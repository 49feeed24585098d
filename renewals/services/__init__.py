"""The verbs of renewals: stages after a term, plans, deductions, what an account chose for all its renewals."""

from renewals.services.choosing import SettingsWish, choose_settings, renewal_day_of, settings_of
from renewals.services.deducting import charge_card, deduct, deduction_failed
from renewals.services.notifying import tell_in_time
from renewals.services.planning import PlanWish, change_plan, mode_refusal, plan_for, renewed, stage_of, taken_back
from renewals.services.revealing import reveal_password
from renewals.services.stages import expire, freeze, release

__all__ = [
    "PlanWish",
    "SettingsWish",
    "change_plan",
    "charge_card",
    "choose_settings",
    "deduct",
    "deduction_failed",
    "expire",
    "freeze",
    "mode_refusal",
    "plan_for",
    "release",
    "renewal_day_of",
    "renewed",
    "reveal_password",
    "settings_of",
    "stage_of",
    "taken_back",
    "tell_in_time",
]
