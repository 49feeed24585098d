"""Addresses of Service Supervision in both portals."""

from django.urls import path

from supervision.views import buyer, portal, seller, uploads

app_name = "supervision"

urlpatterns = [
    path("my/supervision/", buyer.supervision_list, name="list"),
    path("my/supervision/<str:number>/", buyer.detail, name="detail"),
    path("my/supervision/<str:number>/records.csv", buyer.records, name="records"),
    path("my/supervision/<str:number>/records.pdf", buyer.records_pdf, name="records_pdf"),
    path("my/supervision/<str:number>/case.zip", buyer.case, name="case"),
    path("my/supervision/<str:number>/files/<str:key>/", buyer.attachment, name="attachment"),
    path("my/supervision/<str:number>/messages/", buyer.messages, name="messages"),
    path("my/supervision/<str:number>/key/<int:round>/", buyer.license_key, name="license_key"),
    path("my/supervision/<str:number>/application/", buyer.application, name="application"),
    path("my/supervision/<str:number>/templates/<str:key>/", buyer.requirement_template, name="requirement_file"),
    path("my/supervision/<str:number>/<str:path>/", buyer.act, name="act"),
    path("my/uploads/", uploads.buyer_uploads, name="uploads"),
    path("my/uploads/<str:public_id>/", uploads.buyer_upload, name="upload"),
    path("my/uploads/<str:public_id>/complete/", uploads.buyer_complete, name="upload_complete"),
    path("seller/uploads/", uploads.seller_uploads, name="seller_uploads"),
    path("seller/uploads/<str:public_id>/", uploads.seller_upload, name="seller_upload"),
    path("seller/uploads/<str:public_id>/complete/", uploads.seller_complete, name="seller_upload_complete"),
    path("seller/", seller.dashboard, name="seller_dashboard"),
    path("seller/supervision/", seller.supervision_list, name="seller_list"),
    path("seller/supervision/confirm/", portal.confirm_several, name="seller_confirm"),
    path("seller/supervision/<str:number>/", seller.detail, name="seller_detail"),
    path("seller/supervision/<str:number>/records.csv", seller.records, name="seller_records"),
    path("seller/supervision/<str:number>/records.pdf", seller.records_pdf, name="seller_records_pdf"),
    path("seller/supervision/<str:number>/case.zip", seller.case, name="seller_case"),
    path("seller/supervision/<str:number>/files/<str:key>/", seller.attachment, name="seller_attachment"),
    path("seller/supervision/<str:number>/messages/", seller.messages, name="seller_messages"),
    path("seller/supervision/<str:number>/handler/", portal.handler, name="seller_handler"),
    path("seller/supervision/<str:number>/<str:path>/", seller.act, name="seller_act"),
    path("seller/delivery-templates/", portal.templates, name="templates"),
    path("seller/delivery-templates/new/", portal.template, name="template_new"),
    path("seller/delivery-templates/<str:key>/", portal.template, name="template"),
    path("seller/delivery-templates/<str:key>/delete/", portal.template_delete, name="template_delete"),
]
