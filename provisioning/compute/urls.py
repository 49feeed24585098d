"""Addresses of provisioning an image, and of the ECS console."""

from django.urls import path

from provisioning.compute.views import console, custom, networks, quick

app_name = "compute"

urlpatterns = [
    path("purchase/<str:draft_id>/provision/", quick.provision, name="provision"),
    path("purchase/<str:draft_id>/quick/", quick.quick, name="quick"),
    path("purchase/<str:draft_id>/quick/quote/", quick.quick_quote, name="quick_quote"),
    path("purchase/<str:draft_id>/custom/<str:step>/", custom.step, name="custom"),
    path("my/servers/", console.servers, name="servers"),
    path("my/servers/<str:public_id>/", console.server, name="server"),
    path("my/servers/<str:public_id>/password/", console.password, name="password"),
    path("my/servers/<str:public_id>/<str:act>/", console.act, name="act"),
    path("my/networks/", networks.networks, name="networks"),
    path("my/networks/new/", networks.network_new, name="network_new"),
    path("my/networks/<str:public_id>/subnets/new/", networks.subnet_new, name="subnet_new"),
    path("my/security-groups/", networks.security_groups, name="security_groups"),
    path("my/security-groups/new/", networks.security_group_new, name="security_group_new"),
    path("my/security-groups/<str:public_id>/", networks.security_group, name="security_group"),
    path("my/cloud/", networks.cloud, name="cloud"),
    path("my/cloud/<str:kind>/new/", networks.cloud_new, name="cloud_new"),
]
