"""REST: products for everybody, My Saved List for a buying account (API.md)."""

from typing import Any

from django.db.models import Prefetch
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.resources import BuyerAPIView
from catalog import search as searching
from catalog.choices import DeliveryMethod
from catalog.models import AcceptanceCriteria, Price, Product, SavedProduct
from catalog.services import remove_saved, save_product
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import CleanCharField, StrictSerializer
from koogallery.kernel.api.output import MoneySerializer, NewestFirst

PAGE_SIZE = 20


class SellerSerializer(serializers.Serializer[Any]):
    """Who sells."""

    slug = serializers.CharField()
    name = serializers.CharField()
    email = serializers.EmailField()
    phone = serializers.CharField()
    support_hours = serializers.CharField()


class ProductSerializer(serializers.Serializer[Any]):
    """A product in a list."""

    slug = serializers.CharField()
    name = serializers.CharField()
    tagline = serializers.CharField()
    seller = serializers.CharField(source="seller.slug")
    seller_name = serializers.CharField(source="seller.name")
    category = serializers.CharField(source="category.slug")
    delivery_method = serializers.CharField()
    supervised = serializers.BooleanField()
    flow_type = serializers.SerializerMethodField()
    version = serializers.CharField()
    operating_systems = serializers.ListField(child=serializers.CharField())
    billing_modes = serializers.ListField(child=serializers.CharField())
    starting_price = MoneySerializer(allow_null=True)
    starting_price_unit = serializers.CharField(source="lowest_price_unit")
    published_at = serializers.DateTimeField()

    def get_flow_type(self, product: Product) -> str | None:
        return product.flow_type or None


class PriceSerializer(serializers.Serializer[Any]):
    """A list price."""

    billing_mode = serializers.CharField()
    unit = serializers.SerializerMethodField()
    amount = serializers.SerializerMethodField()
    currency = serializers.CharField()
    per = serializers.CharField(source="per.code", default=None)

    def get_unit(self, price: Any) -> str:
        return {"yearly": "year", "monthly": "month", "pay_per_use": "hour"}.get(price.billing_mode, "")

    def get_amount(self, price: Any) -> str:
        return price.money.digits()


class AttributeSerializer(serializers.Serializer[Any]):
    """Something to choose; every attribute has a default."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    default = serializers.CharField()
    unit = serializers.CharField()
    choices = serializers.JSONField()
    minimum = serializers.IntegerField(allow_null=True)
    maximum = serializers.IntegerField(allow_null=True)
    step = serializers.IntegerField(allow_null=True)


class SpecificationSerializer(serializers.Serializer[Any]):
    """A specification with its attributes and prices."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    max_quantity = serializers.IntegerField()
    attributes = AttributeSerializer(many=True, source="attributes.all")
    prices = PriceSerializer(many=True, source="prices.all")


class ProductDetailSerializer(ProductSerializer):
    """All that the product page shows."""

    description = serializers.CharField()
    highlights = serializers.ListField(child=serializers.CharField())
    auto_renewal_supported = serializers.BooleanField()
    seller_details = SellerSerializer(source="seller")
    support = serializers.SerializerMethodField()
    customer_cases = serializers.SerializerMethodField()
    release_notes = serializers.SerializerMethodField()
    requirement_template = serializers.CharField()
    acceptance_criteria = serializers.SerializerMethodField()
    specifications = serializers.SerializerMethodField()
    image_versions = serializers.SerializerMethodField()

    def get_image_versions(self, product: Product) -> list[dict[str, Any]]:
        """Of an image, the newest first: what it can be deployed from. `regions` empty: everywhere."""
        if product.delivery_method != DeliveryMethod.IMAGE:
            return []
        return [
            {
                "version": one.version,
                "name": one.name,
                "platform": one.platform,
                "disk_gb": one.disk_gb,
                "regions": one.regions,
                "recommended_flavors": one.recommended_flavors,
                "recommended_rules": one.recommended_rules,
            }
            for one in product.image_versions.on_sale()
        ]

    def get_support(self, product: Product) -> dict[str, str]:
        return {
            "hours": product.support_hours,
            "content": product.support_content,
            "hotline": product.support_hotline,
            "email": product.support_email,
        }

    def get_acceptance_criteria(self, product: Product) -> list[str]:
        found = AcceptanceCriteria.in_force(product.pk) if product.supervised else None
        return found.lines if found else []

    def get_customer_cases(self, product: Product) -> list[dict[str, str]]:
        return [
            {"customer": case.customer, "title": case.title, "text": case.text} for case in product.customer_cases.all()
        ]

    def get_release_notes(self, product: Product) -> list[dict[str, str]]:
        return [
            {"version": note.version, "released_at": note.released_at.isoformat(), "text": note.text}
            for note in product.release_notes.all()
        ]

    def get_specifications(self, product: Product) -> list[dict[str, Any]]:
        prices = Prefetch("prices", Price.objects.offered().select_related("per"))
        on_sale = product.specifications.filter(removed_at=None).prefetch_related("attributes", prices)
        return SpecificationSerializer(on_sale, many=True).data  # type: ignore[return-value]


class FacetSerializer(serializers.Serializer[Any]):
    """One value of a filter and how many products there would be with it."""

    slug = serializers.CharField()
    name = serializers.CharField()
    count = serializers.IntegerField()


class ProductPageSerializer(serializers.Serializer[Any]):
    """A page of products with the counts of every filter."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    facets = serializers.DictField(child=FacetSerializer(many=True))
    corrected = serializers.CharField(help_text="The text that was searched in place of a mistyped one")
    did_you_mean = serializers.CharField(help_text="A text that would find more")
    reduced = serializers.BooleanField(help_text="The search index was not there; a plainer search answered")
    results = ProductSerializer(many=True)


def _query(name: str, text: str, many: bool = False, kind: Any = OpenApiTypes.STR) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text, many=many)


class ProductList(APIView):
    """Search and filter the catalogue."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="products_list",
        parameters=[
            _query("q", "Free text"),
            *(_query(name, "May repeat", many=True) for name in searching.GROUPS if name != "price"),
            _query("price_range", "Such as 10-50 (from 10 up to, not including, 50); may repeat", many=True),
            _query("min_price", "Lowest starting price"),
            _query("max_price", "Highest starting price"),
            _query("ordering", "relevance, newest, price, -price or popular"),
            _query("page", "From 1", kind=OpenApiTypes.INT),
        ],
        responses=ProductPageSerializer,
    )
    def get(self, request: Request) -> Response:
        tree = searching.category_tree()
        found = searching.find(searching.read_search(request.GET, tree), tree, page_size=PAGE_SIZE)

        def link(number: int | None) -> str | None:
            if number is None:
                return None
            query = request.GET.copy()
            query["page"] = str(number)
            return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")

        page = found.page
        facets = {group: FacetSerializer(counted, many=True).data for group, counted in found.facets.items()}
        return Response(
            {
                "count": found.total,
                "next": link(page.next_page_number() if page.has_next() else None),
                "previous": link(page.previous_page_number() if page.has_previous() else None),
                "facets": facets,
                "corrected": found.corrected,
                "did_you_mean": found.meant,
                "reduced": found.reduced,
                "results": ProductSerializer(page.object_list, many=True).data,
            }
        )


class ProductDetail(APIView):
    """One product."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="products_retrieve", responses=ProductDetailSerializer)
    def get(self, request: Request, slug: str) -> Response:
        rows = Product.objects.reachable().select_related("seller", "category")
        product = rows.prefetch_related("customer_cases", "release_notes").filter(slug=slug).first()
        if product is None:
            raise Http404
        return Response(ProductDetailSerializer(product).data)


class SavedSerializer(serializers.Serializer[Any]):
    """An entry of My Saved List."""

    product = ProductSerializer()
    saved_at = serializers.DateTimeField()
    price_when_saved = MoneySerializer(source="money_then", allow_null=True)
    price_now = MoneySerializer(source="money_now", allow_null=True)
    price_change = MoneySerializer(allow_null=True)


class SaveInput(StrictSerializer):
    """What to save."""

    product = CleanCharField(max_length=80)


class SavedPages(NewestFirst):
    column = "saved_at"


class SavedList(BuyerAPIView):
    """My Saved List."""

    @extend_schema(operation_id="saved_list", responses=SavedSerializer(many=True))
    def get(self, request: Request) -> Response:
        rows = SavedProduct.objects.for_account(self.account).select_related("product__seller", "product__category")
        pages = SavedPages()
        return pages.get_paginated_response(
            SavedSerializer(pages.paginate_queryset(rows, request, self), many=True).data
        )

    @extend_schema(operation_id="saved_create", request=SaveInput, responses={201: SavedSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        given = SaveInput(data=request.data)
        given.is_valid(raise_exception=True)
        product = Product.objects.published().filter(slug=given.validated_data["product"]).first()
        if product is None:
            raise serializers.ValidationError({"product": ["There is no such product."]})
        saved = save_product(product, account=self.account, by=self.actor)
        rows = SavedProduct.objects.select_related("product__seller", "product__category")
        return Response(SavedSerializer(rows.get(pk=saved.pk)).data, status=201)


class SavedDetail(BuyerAPIView):
    """One entry."""

    @extend_schema(operation_id="saved_destroy", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        product = Product.objects.filter(slug=slug).first()
        if product is None or not remove_saved(product, account=self.account, by=self.actor):
            raise Http404
        return Response(status=204)
