"""Addresses of paying and of the Billing Center."""

from django.urls import path

from billing.views import cards, orders, pay, seller, statements, unsubscriptions, webhooks

app_name = "billing"

urlpatterns = [
    path("purchase/orders/<str:number>/pay/", pay.pay, name="pay"),
    path("purchase/orders/<str:number>/done/", pay.done, name="done"),
    path("purchase/pay/", pay.pay_together, name="pay_together"),
    path("purchase/done/", pay.done_together, name="done_together"),
    path("purchase/payments/<str:payment_id>/returned/", pay.returned, name="returned"),
    path("purchase/payments/<str:payment_id>/cancel/", pay.give_up, name="give_up"),
    path("billing/orders/", orders.order_list, name="orders"),
    path("billing/orders/<str:number>/", orders.order_detail, name="order"),
    path("billing/orders/<str:number>/receipt.pdf", orders.receipt, name="receipt"),
    path("billing/orders/<str:number>/cancel/", orders.order_cancel, name="order_cancel"),
    path("billing/unsubscriptions/", unsubscriptions.unsubscription_list, name="unsubscriptions"),
    path("billing/unsubscriptions/<str:public_id>/", unsubscriptions.unsubscribe_page, name="unsubscribe"),
    path("billing/statements/", statements.statement_list, name="statements"),
    path("billing/statements/<str:public_id>/", statements.statement, name="statement"),
    path("billing/payment-methods/", cards.payment_methods, name="payment_methods"),
    path("billing/payment-methods/new/", cards.card_new, name="card_new"),
    path("billing/payment-methods/bound/", cards.card_bound, name="card_bound"),
    path("billing/payment-methods/<str:public_id>/default/", cards.card_default, name="card_default"),
    path("billing/payment-methods/<str:public_id>/unbind/", cards.card_unbind, name="card_unbind"),
    path("seller/orders/", seller.order_list, name="seller_orders"),
    path("webhooks/<str:name>/", webhooks.receive, name="webhook"),
    path("sandbox/card/", cards.sandbox_card, name="sandbox_card"),
    path("sandbox/confirm/<str:reference>/", cards.sandbox_confirm, name="sandbox_confirm"),
]
