"""Addresses of Service Supervision in both portals."""

from django.urls import path

from supervision.views import buyer, seller

app_name = "supervision"

urlpatterns = [
    path("my/supervision/", buyer.supervision_list, name="list"),
    path("my/supervision/<str:number>/", buyer.detail, name="detail"),
    path("my/supervision/<str:number>/records.csv", buyer.records, name="records"),
    path("my/supervision/<str:number>/files/<str:key>/", buyer.attachment, name="attachment"),
    path("my/supervision/<str:number>/<str:path>/", buyer.act, name="act"),
    path("seller/", seller.dashboard, name="seller_dashboard"),
    path("seller/supervision/", seller.supervision_list, name="seller_list"),
    path("seller/supervision/<str:number>/", seller.detail, name="seller_detail"),
    path("seller/supervision/<str:number>/records.csv", seller.records, name="seller_records"),
    path("seller/supervision/<str:number>/files/<str:key>/", seller.attachment, name="seller_attachment"),
    path("seller/supervision/<str:number>/<str:path>/", seller.act, name="seller_act"),
]
