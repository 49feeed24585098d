"""Addresses of the seller's production interface, and of the Open API that he calls back."""

from django.urls import path

from provisioning.saas import openapi, views

app_name = "provisioning"

urlpatterns = [
    path("seller/access-keys/", views.access_keys, name="access_keys"),
    path("seller/interfaces/", views.interfaces, name="interfaces"),
    path("seller/interfaces/<slug:slug>/", views.interface, name="interface"),
    path("seller/interfaces/<slug:slug>/debug/", views.debug, name="debug"),
    path("seller/interface-messages/", views.message_list, name="messages"),
    path("seller/interface-messages/<str:public_id>/", views.message, name="message"),
    path("seller/interface-messages/<str:public_id>/replay/", views.message_replay, name="replay"),
    path("api/mkp-openapi-public/global/v1/order/query", openapi.order_query, name="order_query"),
]
