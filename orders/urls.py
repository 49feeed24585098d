"""Addresses of the purchase and of what was agreed to."""

from django.urls import path

from orders.views import product, purchase

app_name = "orders"

urlpatterns = [
    path("products/<slug:slug>/", product.product_page, name="product"),
    path("products/<slug:slug>/quote/", product.quote_fragment, name="product_quote"),
    path("purchase/new/<slug:slug>/", purchase.new_draft, name="draft_new"),
    path("purchase/<str:draft_id>/confirm/", purchase.confirm, name="confirm"),
    path("purchase/<str:draft_id>/coupon/", purchase.draft_coupon, name="draft_coupon"),
    path("my/agreements/", purchase.agreements, name="agreements"),
    path("my/agreements/<int:pk>/agreement.pdf", purchase.agreement_file, name="agreement_file"),
    path("my/agreements/<int:pk>/", purchase.agreement, name="agreement"),
    path("agreements/<int:pk>/", purchase.agreement_in_force, name="agreement_in_force"),
]
