"""Addresses of discounts and coupons."""

from django.urls import path

from pricing.views import discounts

app_name = "pricing"

urlpatterns = [path("my/discounts/", discounts.discounts, name="discounts")]
