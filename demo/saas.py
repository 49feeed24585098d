"""The demo's SaaS seller: `examples/saas_seller/seller.py`, which `bin/up` starts beside the marketplace."""

import os

from accounts.models import Seller, SellerMember
from accounts.web import seller_actor
from catalog.models import Product
from provisioning.models import AccessKey
from provisioning.saas.interfaces import interface_of, set_interface
from provisioning.saas.keys import create_access_key

SELLER, PRODUCT = "northwind-digital", "northwind-pulse"
# As public as the demo's password: it signs nothing but what stays on this machine.
ACCESS_KEY = "koogallery-demo-access-key"
ADDRESS_VARIABLE = "DEMO_SELLER_URL"
USUAL_ADDRESS = "http://127.0.0.1:8700"
_HERE = "http://127.0.0.1:"


def connect_seller() -> None:
    """Have orders of the demo's SaaS product sent to where its seller listens now; what somebody changed stays."""
    product = Product.objects.filter(slug=PRODUCT, seller__slug=SELLER).first()
    member = SellerMember.objects.filter(seller__slug=SELLER).select_related("user", "seller").first()
    if product is None or member is None:
        return
    by, seller = seller_actor(member.user, member.seller), Seller.objects.get(slug=SELLER)
    if not AccessKey.objects.for_seller(seller).valid().exists():
        create_access_key(seller, by=by, secret=ACCESS_KEY)
    known, address = interface_of(product), os.environ.get(ADDRESS_VARIABLE, USUAL_ADDRESS)
    if known is None or known.url.startswith(_HERE):
        set_interface(product, version="v2", url=f"{address}/v2", urls={}, by=by)
