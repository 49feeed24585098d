"""Addresses of what was bought."""

from django.urls import path

from renewals.views import application, apps, foreseen, plans, renew, renewals, upgrade

app_name = "renewals"

urlpatterns = [
    path("my/apps/", apps.app_list, name="apps"),
    path("my/apps/<str:public_id>/", apps.app_detail, name="app"),
    path("my/apps/<str:public_id>/reveal/", application.reveal_password, name="reveal"),
    path("my/apps/<str:public_id>/upgrade/", upgrade.upgrade, name="upgrade"),
    path("my/apps/<str:public_id>/upgrade/quote/", upgrade.quote_fragment, name="upgrade_quote"),
    path("billing/renewals/", renewals.renewal_list, name="renewals"),
    path("billing/renewals/batch/", renew.renew_batch, name="batch"),
    path("billing/renewals/cost/", renew.cost_fragment, name="cost"),
    path("billing/renewals/forecast/", foreseen.forecast_page, name="forecast"),
    path("billing/renewals/forecast/calendar/", foreseen.new_calendar, name="new_calendar"),
    path("calendar/<str:token>.ics", foreseen.calendar, name="calendar"),
    path("billing/renewals/date/", plans.renewal_date, name="date"),
    path("billing/renewals/<str:public_id>/plan/", plans.plan, name="plan"),
    path("billing/renewals/<str:public_id>/stop/", plans.stop, name="stop"),
    path("billing/renewals/<str:public_id>/", renew.renew, name="renew"),
]
