"""Addresses of help, learning and requests."""

from django.urls import path

from support import views
from support.tickets import views as tickets

app_name = "support"

urlpatterns = [
    path("requirements/new/", views.requirement, name="requirement"),
    path("requirements/<str:reference>/", views.requirement_sent, name="requirement_sent"),
    path("products/<slug:slug>/contact/", views.contact_sales, name="contact_sales"),
    path("products/<slug:slug>/contact/<str:reference>/", views.contact_sent, name="contact_sent"),
    path("help/", views.help_page, name="help"),
    path("my/tickets/", tickets.ticket_list, name="tickets"),
    path("my/tickets/new/", tickets.ticket_new, name="ticket_new"),
    path("my/tickets/return/<str:number>/", tickets.invoice_return, name="invoice_return"),
    path("my/tickets/<str:number>/", tickets.ticket_detail, name="ticket"),
    path("my/tickets/<str:number>/close/", tickets.ticket_close, name="ticket_close"),
    path("my/tickets/<str:number>/files/<str:key>/", tickets.ticket_file, name="ticket_file"),
    path("learn/", views.learning_center, name="learning"),
    path("learn/<slug:slug>/", views.article, name="article"),
    path("sell/", views.sell, name="sell"),
]
