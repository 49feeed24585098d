"""Addresses of paying and of the Billing Center."""

from django.urls import path

from billing.invoices.views import buyer as invoices
from billing.invoices.views import headers, public
from billing.invoices.views import seller as issuing
from billing.views import bills, cards, orders, overview, pay, seller, spend, statements, unsubscriptions, webhooks

app_name = "billing"

urlpatterns = [
    path("purchase/orders/<str:number>/pay/", pay.pay, name="pay"),
    path("purchase/orders/<str:number>/done/", pay.done, name="done"),
    path("purchase/pay/", pay.pay_together, name="pay_together"),
    path("purchase/done/", pay.done_together, name="done_together"),
    path("purchase/payments/<str:payment_id>/returned/", pay.returned, name="returned"),
    path("purchase/payments/<str:payment_id>/cancel/", pay.give_up, name="give_up"),
    path("billing/", overview.overview, name="overview"),
    path("billing/contracts/", overview.contracts, name="contracts"),
    path("billing/orders/", orders.order_list, name="orders"),
    path("billing/orders/<str:number>/", orders.order_detail, name="order"),
    path("billing/orders/<str:number>/receipt.pdf", orders.receipt, name="receipt"),
    path("billing/orders/<str:number>/cancel/", orders.order_cancel, name="order_cancel"),
    path("billing/unsubscriptions/", unsubscriptions.unsubscription_list, name="unsubscriptions"),
    path("billing/unsubscriptions/<str:public_id>/", unsubscriptions.unsubscribe_page, name="unsubscribe"),
    path("billing/invoices/", invoices.invoice_list, name="invoices"),
    path("billing/invoices/apply/", invoices.apply, name="invoice_apply"),
    path("billing/invoices/apply/total/", invoices.total_fragment, name="invoice_total"),
    path("billing/invoices/<str:number>/", invoices.invoice_detail, name="invoice"),
    path("billing/invoices/<str:number>/invoice.pdf", invoices.invoice_pdf, name="invoice_pdf"),
    path("billing/invoices/<str:number>/credit-note.pdf", invoices.credit_note_pdf, name="credit_note_pdf"),
    path("billing/invoices/<str:number>/cancel/", invoices.invoice_cancel, name="invoice_cancel"),
    path("billing/invoice-headers/", headers.header_list, name="headers"),
    path("billing/invoice-headers/new/", headers.header_new, name="header_new"),
    path("billing/invoice-headers/<str:public_id>/", headers.header_edit, name="header"),
    path("billing/invoice-headers/<str:public_id>/remove/", headers.header_remove, name="header_remove"),
    path("seller/invoices/", issuing.invoice_list, name="seller_invoices"),
    path("seller/invoices/issuer/", issuing.issuer, name="seller_issuer"),
    path("seller/invoices/<str:number>/", issuing.invoice_detail, name="seller_invoice"),
    path("seller/invoices/<str:number>/invoice.pdf", issuing.invoice_pdf, name="seller_invoice_pdf"),
    path("seller/invoices/<str:number>/credit-note.pdf", issuing.credit_note_pdf, name="seller_credit_note_pdf"),
    path("invoices/verify/", public.verify_form, name="verify_form"),
    path("invoices/verify/<str:code>/", public.verify, name="verify"),
    path("billing/statements/", statements.statement_list, name="statements"),
    path("billing/statements/<str:public_id>/", statements.statement, name="statement"),
    path("billing/statements/<str:public_id>/export.csv", statements.statement_csv, name="statement_csv"),
    path("billing/spend/", spend.spend, name="spend"),
    path("billing/account-statement/", spend.account_statement, name="account_statement"),
    path("billing/bills/", bills.bill_list, name="usage_bills"),
    path("billing/bills/<str:public_id>/", bills.bill, name="usage_bill"),
    path("billing/bills/<str:public_id>/export.csv", bills.bill_csv, name="usage_bill_csv"),
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
