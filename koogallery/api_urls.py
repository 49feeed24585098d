"""Every address of the REST interface, below `/api/v1/` (API.md)."""

from csp.decorators import csp_update
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from billing import api as billing
from billing import api_credit as billing_credit
from billing import api_unsubscriptions as unsubscriptions
from billing import api_usage as billing_usage
from billing.invoices import api as invoices
from catalog import api as catalog
from catalog import api_cloud as cloud
from pricing import api as pricing
from provisioning.compute import api as compute
from provisioning.metering import api as metering
from provisioning.saas import api as saas
from renewals import api as renewals
from renewals import api_renewals as renewing
from renewals import api_upgrades as upgrades
from supervision import api as supervision
from supervision import api_messages as supervision_more
from supervision import api_uploads as uploads
from support.tickets import api as tickets

# The documentation's own program writes styles into its page; no other page may.
docs = csp_update({"style-src": ["'unsafe-inline'"]})(SpectacularSwaggerSplitView.as_view(url_name="api-schema"))

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", docs, name="api-docs"),
    path("products/", catalog.ProductList.as_view()),
    path("products/<slug:slug>/", catalog.ProductDetail.as_view()),
    path("products/<slug:slug>/flavors/", cloud.ImageFlavors.as_view()),
    path("regions/", cloud.RegionList.as_view()),
    path("saved/", catalog.SavedList.as_view()),
    path("saved/<slug:slug>/", catalog.SavedDetail.as_view()),
    path("quotes/", pricing.QuoteCreate.as_view()),
    path("orders/", billing.OrderList.as_view()),
    path("orders/<str:number>/", billing.OrderDetail.as_view()),
    path("orders/<str:number>/pay/", billing.OrderPay.as_view()),
    path("orders/<str:number>/cancel/", billing.OrderCancel.as_view()),
    path("payments/", billing.PaymentCreate.as_view()),
    path("payments/<str:payment_id>/cancel/", billing.PaymentCancel.as_view()),
    path("coupons/", pricing.CouponList.as_view()),
    path("statements/", billing_credit.StatementList.as_view()),
    path("statements/<str:public_id>/pay/", billing_credit.StatementPay.as_view()),
    path("tickets/", tickets.TicketList.as_view()),
    path("tickets/<str:number>/", tickets.TicketDetail.as_view()),
    path("tickets/<str:number>/messages/", tickets.TicketMessages.as_view()),
    path("tickets/<str:number>/close/", tickets.TicketClose.as_view()),
    path("tickets/<str:number>/files/<str:key>/", tickets.TicketDownload.as_view()),
    path("invoices/", invoices.InvoiceList.as_view()),
    path("invoices/<str:number>/", invoices.InvoiceDetail.as_view()),
    path("invoices/<str:number>/pdf/", invoices.InvoicePdf.as_view()),
    path("invoices/<str:number>/cancel/", invoices.InvoiceCancel.as_view()),
    path("seller/invoices/", invoices.SellerInvoiceList.as_view()),
    path("seller/invoices/<str:number>/<str:action>/", invoices.SellerInvoiceAction.as_view()),
    path("usage/", metering.UsageList.as_view()),
    path("usage/month/", metering.UsageMonth.as_view()),
    path("bills/", billing_usage.BillList.as_view()),
    path("bills/<str:public_id>/", billing_usage.BillDetail.as_view()),
    path("bills/<str:public_id>/pay/", billing_usage.BillPay.as_view()),
    path("subscriptions/", renewals.SubscriptionList.as_view()),
    path("subscriptions/<str:public_id>/upgrade-quote/", upgrades.UpgradeQuote.as_view()),
    path("subscriptions/<str:public_id>/upgrade/", upgrades.UpgradeCreate.as_view()),
    path("subscriptions/<str:public_id>/renew-quote/", renewing.RenewalQuote.as_view()),
    path("subscriptions/<str:public_id>/renew/", renewing.RenewalCreate.as_view()),
    path("subscriptions/<str:public_id>/auto-renewal/", renewing.AutoRenewal.as_view()),
    path("subscriptions/<str:public_id>/unsubscribe-quote/", unsubscriptions.UnsubscribeQuote.as_view()),
    path("subscriptions/<str:public_id>/unsubscribe/", unsubscriptions.UnsubscribeCreate.as_view()),
    path("subscriptions/<str:public_id>/reveal-password/", renewals.SubscriptionPassword.as_view()),
    path("subscriptions/<str:public_id>/", renewals.SubscriptionDetail.as_view()),
    path("servers/", compute.ServerList.as_view()),
    path("servers/<str:public_id>/", compute.ServerDetail.as_view()),
    path("servers/<str:public_id>/password/", compute.ServerPassword.as_view()),
    path("servers/<str:public_id>/<str:act>/", compute.ServerAction.as_view()),
    path("networks/", compute.NetworkList.as_view()),
    path("security-groups/", compute.SecurityGroupList.as_view()),
    path("security-groups/<str:public_id>/", compute.SecurityGroupDetail.as_view()),
    path("key-pairs/", compute.KeyPairList.as_view()),
    path("ecs-groups/", compute.EcsGroupList.as_view()),
    path("enterprise-projects/", compute.EnterpriseProjectList.as_view()),
    path("service-flows/", supervision.FlowList.as_view()),
    path("service-flows/<str:public_id>/", supervision.FlowDetail.as_view()),
    path("service-flows/<str:public_id>/attachments/<str:key>/", supervision.FlowFile.as_view()),
    path("service-flows/<str:public_id>/messages/", supervision_more.FlowMessages.as_view()),
    path("service-flows/<str:public_id>/reveal-license-key/", supervision_more.FlowLicenseKey.as_view()),
    path("service-flows/<str:public_id>/<str:action>/", supervision.FlowAction.as_view()),
    path("uploads/", uploads.BuyerUploads.as_view()),
    path("uploads/<str:public_id>/", uploads.BuyerUpload.as_view()),
    path("uploads/<str:public_id>/complete/", uploads.BuyerUploadComplete.as_view()),
    path("seller/uploads/", uploads.SellerUploads.as_view()),
    path("seller/uploads/<str:public_id>/", uploads.SellerUpload.as_view()),
    path("seller/uploads/<str:public_id>/complete/", uploads.SellerUploadComplete.as_view()),
    path("seller/access-keys/", saas.AccessKeys.as_view()),
    path("seller/products/<slug:slug>/interface/", saas.Interface.as_view()),
    path("seller/interface-messages/", saas.MessageList.as_view()),
    path("seller/interface-messages/<str:public_id>/", saas.MessageDetail.as_view()),
    path("seller/interface-messages/<str:public_id>/replay/", saas.MessageReplay.as_view()),
    path("seller/orders/", billing.SellerOrderList.as_view()),
    path("seller/subscriptions/", renewals.SellerSubscriptionList.as_view()),
    path("seller/service-flows/", supervision.SellerFlowList.as_view()),
    path("seller/service-flows/<str:public_id>/", supervision.SellerFlowDetail.as_view()),
    path("seller/service-flows/<str:public_id>/attachments/<str:key>/", supervision.SellerFlowFile.as_view()),
    path("seller/service-flows/<str:public_id>/messages/", supervision_more.SellerFlowMessages.as_view()),
    path("seller/service-flows/<str:public_id>/assign/", supervision_more.SellerFlowAssign.as_view()),
    path("seller/delivery-templates/", supervision_more.TemplateList.as_view()),
    path("seller/delivery-templates/<str:public_id>/", supervision_more.TemplateDetail.as_view()),
    path("seller/service-flows/<str:public_id>/<str:action>/", supervision.SellerFlowAction.as_view()),
]
