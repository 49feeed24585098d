"""Addresses of paying and of the Billing Center."""

from django.urls import path

from billing.views import cards, orders, pay

app_name = "billing"

urlpatterns = [
    path("purchase/orders/<str:number>/pay/", pay.pay, name="pay"),
    path("purchase/orders/<str:number>/done/", pay.done, name="done"),
    path("purchase/payments/<str:payment_id>/returned/", pay.returned, name="returned"),
    path("billing/orders/", orders.order_list, name="orders"),
    path("billing/orders/<str:number>/", orders.order_detail, name="order"),
    path("billing/orders/<str:number>/cancel/", orders.order_cancel, name="order_cancel"),
    path("billing/payment-methods/", cards.payment_methods, name="payment_methods"),
    path("billing/payment-methods/bound/", cards.card_bound, name="card_bound"),
    path("billing/payment-methods/<str:public_id>/default/", cards.card_default, name="card_default"),
    path("billing/payment-methods/<str:public_id>/unbind/", cards.card_unbind, name="card_unbind"),
    path("sandbox/card/", cards.sandbox_card, name="sandbox_card"),
    path("sandbox/confirm/<str:reference>/", cards.sandbox_confirm, name="sandbox_confirm"),
]
