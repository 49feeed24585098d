"""REST: where an image can be deployed, and what its servers cost there. Public, like the product page."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.choices import BillingMode
from catalog.models import FlavorOffer, Product, Region
from koogallery.kernel.api.output import MoneySerializer
from koogallery.kernel.money import Money

PAGE_SIZE = 50
MODES = (BillingMode.PAY_PER_USE, BillingMode.MONTHLY, BillingMode.YEARLY)


class RegionSerializer(serializers.Serializer[Any]):
    """A region with its availability zones."""

    code = serializers.CharField()
    name = serializers.CharField()
    zones = serializers.ListField(child=serializers.CharField())


class RegionList(APIView):
    """Where servers can stand."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="regions_list", responses=RegionSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(RegionSerializer(Region.objects.filter(is_open=True), many=True).data)


class FlavorPriceSerializer(serializers.Serializer[Any]):
    """The ECS alone, for an hour, month or year; the image's own price stands in its specification."""

    billing_mode = serializers.CharField()
    unit = serializers.CharField()
    price = MoneySerializer()


class FlavorSerializer(serializers.Serializer[Any]):
    """A flavor in a region."""

    code = serializers.CharField(source="flavor.code")
    ecs_type = serializers.CharField(source="flavor.ecs_type")
    vcpus = serializers.IntegerField(source="flavor.vcpus")
    memory_gib = serializers.CharField(source="flavor.memory")
    cpu = serializers.CharField(source="flavor.cpu")
    assured_gbps = serializers.CharField(source="flavor.assured_gbps")
    maximum_gbps = serializers.CharField(source="flavor.maximum_gbps")
    packets_per_second = serializers.IntegerField(source="flavor.packets_per_second")
    recommended = serializers.SerializerMethodField()
    sold_out = serializers.BooleanField()
    prices = serializers.SerializerMethodField()

    def get_recommended(self, offer: FlavorOffer) -> bool:
        return offer.flavor.code in self.context["recommended"]

    def get_prices(self, offer: FlavorOffer) -> list[dict[str, Any]]:
        found = [(mode, getattr(offer, mode.value)) for mode in MODES]
        return [
            {"billing_mode": mode.value, "unit": mode.unit, "price": Money(amount, offer.currency).as_json()}
            for mode, amount in found
            if amount is not None
        ]


class FlavorPageSerializer(serializers.Serializer[Any]):
    """A page of flavors."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = FlavorSerializer(many=True)


class ImageFlavors(APIView):
    """The flavors that an image runs on in a region."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="products_flavors",
        parameters=[
            OpenApiParameter("region", str, description="A region's code; without it the first one"),
            OpenApiParameter("page", int, description="From 1"),
        ],
        responses=FlavorPageSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        product = Product.objects.reachable().filter(slug=slug, delivery_method="image").first()
        if product is None:
            raise Http404
        regions = Region.objects.filter(is_open=True)
        wanted = request.query_params.get("region", "")
        region = regions.filter(code=wanted).first() if wanted else regions.first()
        if region is None:
            raise Http404
        image = product.image_versions.on_sale().in_region(region.code).first()
        if image is None:
            rows = FlavorOffer.objects.none()
        else:
            rows = FlavorOffer.objects.of(region.code, product.currency).fitting(image)
        number = request.query_params.get("page", "1")
        page = int(number) if number.isdecimal() and 0 < len(number) < 5 and int(number) else 1
        count, first = rows.count(), (page - 1) * PAGE_SIZE
        context = {"recommended": image.recommended_flavors if image else []}
        found = FlavorSerializer(rows[first : first + PAGE_SIZE], many=True, context=context).data

        def link(to: int) -> str:
            query = request.GET.copy()
            query["page"] = str(to)
            return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")

        return Response(
            {
                "count": count,
                "next": link(page + 1) if first + PAGE_SIZE < count else None,
                "previous": link(page - 1) if page > 1 else None,
                "results": found,
            }
        )
