"""Addresses of help, learning and requests."""

from django.urls import path

from support import views

app_name = "support"

urlpatterns = [
    path("requirements/new/", views.requirement, name="requirement"),
    path("requirements/<str:reference>/", views.requirement_sent, name="requirement_sent"),
    path("products/<slug:slug>/contact/", views.contact_sales, name="contact_sales"),
    path("products/<slug:slug>/contact/<str:reference>/", views.contact_sent, name="contact_sent"),
    path("help/", views.help_page, name="help"),
    path("learn/", views.learning_center, name="learning"),
    path("learn/<slug:slug>/", views.article, name="article"),
    path("sell/", views.sell, name="sell"),
]
