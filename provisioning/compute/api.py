"""REST: servers and what they share (networks, security groups, key pairs, ECS groups, enterprise projects)."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView
from catalog.models import Region
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import CleanCharField, StrictSerializer
from koogallery.kernel.api.output import NewestFirst
from provisioning.compute.choices import ServerAct
from provisioning.compute.models import EcsGroup, EnterpriseProject, KeyPair, SecurityGroup, Server, Vpc
from provisioning.compute.rules import act_refusal
from provisioning.compute.services import own
from provisioning.compute.services.living import act_on_server, reset_password

LONGEST_RANGE = 18


class ServerSerializer(serializers.Serializer[Any]):
    """An ECS with the seller's image."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    status = serializers.CharField()
    frozen = serializers.SerializerMethodField()
    fault = serializers.CharField()
    order = serializers.CharField(source="deployment.order.number")
    subscription = serializers.CharField(source="subscription.public_id")
    image_subscription = serializers.CharField(source="image_subscription.public_id")
    product = serializers.CharField(source="deployment.image.product.slug")
    image_version = serializers.CharField(source="deployment.image.version")
    region = serializers.CharField(source="deployment.region.code")
    zone = serializers.CharField()
    flavor = serializers.CharField(source="deployment.flavor.code")
    billing_mode = serializers.CharField(source="deployment.billing_mode")
    private_ip = serializers.CharField(allow_null=True)
    public_ip = serializers.CharField(allow_null=True)
    username = serializers.CharField(source="deployment.image.username")
    needs_password = serializers.BooleanField(help_text="Reset it: the order was paid when it was kept no more.")
    network = serializers.CharField(source="deployment.subnet.vpc.public_id")
    subnet = serializers.CharField(source="deployment.subnet.public_id")
    security_group = serializers.CharField(source="deployment.security_group.public_id")
    created_at = serializers.DateTimeField()
    allowed_actions = serializers.SerializerMethodField()

    def get_frozen(self, server: Server) -> bool:
        return server.frozen_at is not None

    def get_allowed_actions(self, server: Server) -> list[str]:
        """Names of the action addresses that are open now."""
        frozen, by_use = server.frozen_at is not None, server.is_by_use
        return [act.value for act in ServerAct if not act_refusal(act, server.status, frozen=frozen, by_use=by_use)]


class ServerList(BuyerAPIView):
    """The account's servers that are not deleted."""

    @extend_schema(operation_id="servers_list", responses=ServerSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        rows = Server.objects.for_account(self.account).existing().with_console_columns()
        if order := request.query_params.get("order", ""):
            rows = rows.filter(deployment__order__number=order[:20])
        found = pages.paginate_queryset(rows, request, self)
        return pages.get_paginated_response(ServerSerializer(found, many=True).data)


def _server(view: BuyerAPIView, public_id: str) -> Server:
    found = Server.objects.for_account(view.account).with_console_columns().filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


class ServerDetail(BuyerAPIView):
    """One server, also a deleted one."""

    @extend_schema(operation_id="servers_retrieve", responses=ServerSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(ServerSerializer(_server(self, public_id)).data)


class ServerPasswordInput(StrictSerializer):
    """The new password of the image's user."""

    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)


class ServerPassword(BuyerAPIView):
    """Resets the log-in password. No idempotency key: nothing of a password is kept."""

    @extend_schema(operation_id="servers_password", request=ServerPasswordInput, responses=ServerSerializer)
    @sensitive_variables()
    def post(self, request: Request, public_id: str) -> Response:
        server = _server(self, public_id)
        require(self.actor, Permission.BUY)
        given = ServerPasswordInput(data=request.data)
        given.is_valid(raise_exception=True)
        reset_password(server, given.validated_data["password"], by=self.actor)
        return Response(ServerSerializer(_server(self, public_id)).data)


class ServerAction(BuyerAPIView):
    """start, stop, restart or delete."""

    @extend_schema(operation_id="servers_act", request=None, responses=ServerSerializer)
    @idempotent()
    def post(self, request: Request, public_id: str, act: str) -> Response:
        server = _server(self, public_id)
        if act not in ServerAct.values or act == ServerAct.PASSWORD:
            raise Http404
        require(self.actor, Permission.BUY)
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        act_on_server(server, ServerAct(act), by=self.actor)
        return Response(ServerSerializer(_server(self, public_id)).data)


# --- what they share ----------------------------------------------------------------------------------------------


class SubnetSerializer(serializers.Serializer[Any]):
    """A subnet of a VPC."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    cidr = serializers.CharField()


class NetworkSerializer(serializers.Serializer[Any]):
    """A VPC."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    region = serializers.CharField(source="region.code")
    cidr = serializers.CharField()
    is_default = serializers.BooleanField()
    subnets = SubnetSerializer(many=True, source="subnets.all")


class RuleSerializer(serializers.Serializer[Any]):
    """What may come in."""

    protocol = serializers.CharField()
    ports = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    description = serializers.CharField()


class SecurityGroupSerializer(serializers.Serializer[Any]):
    """A security group."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    region = serializers.CharField(source="region.code")
    recommended_for = serializers.CharField(source="recommended_for.slug", default=None, allow_null=True)
    rules = RuleSerializer(many=True)


class NamedSerializer(serializers.Serializer[Any]):
    """An ECS group (with its region) or an enterprise project."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    region = serializers.CharField(source="region.code", default=None, allow_null=True)


class KeyPairSerializer(serializers.Serializer[Any]):
    """A key pair; the private key never was here."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    fingerprint = serializers.CharField()


class NamedInput(StrictSerializer):
    """What has only a name."""

    name = CleanCharField(max_length=64)


class RegionInput(NamedInput):
    """What stands in a region."""

    region = CleanCharField(max_length=40)

    def validate_region(self, code: str) -> Region:
        region = Region.objects.filter(code=code, is_open=True).first()
        if region is None:
            raise serializers.ValidationError("Select one of the regions.")
        return region


class NetworkInput(RegionInput):
    """A VPC with its first subnet."""

    cidr = CleanCharField(max_length=LONGEST_RANGE)
    subnet_name = CleanCharField(max_length=64)
    subnet_cidr = CleanCharField(max_length=LONGEST_RANGE)


class RuleInput(StrictSerializer):
    """A rule: `ports` "443", "8000-8080" or empty for all."""

    protocol = CleanCharField(max_length=8)
    ports = CleanCharField(required=False, allow_blank=True, max_length=13)
    source = CleanCharField(max_length=49)  # type: ignore[assignment]
    description = CleanCharField(required=False, allow_blank=True, max_length=120)


class RulesInput(StrictSerializer):
    """All rules of a group, in place of those that it has."""

    rules = RuleInput(many=True)


class SecurityGroupInput(RegionInput, RulesInput):
    """A new security group."""


class KeyPairInput(NamedInput):
    """A public key in OpenSSH's form."""

    public_key = CleanCharField(max_length=2000)


class _Own(BuyerAPIView):
    """Lists what the account has of one kind, the newest first."""

    rows: Any
    serializer: type[serializers.Serializer[Any]]

    def _rows(self) -> "QuerySet[Any]":
        return self.rows.objects.for_account(self.account)

    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        found = pages.paginate_queryset(self._rows(), request, self)
        return pages.get_paginated_response(self.serializer(found, many=True).data)

    def _made(self, one: Any) -> Response:
        return Response(self.serializer(self._rows().get(pk=one.pk)).data, status=201)

    def _read(self, request: Request, kind: type[StrictSerializer]) -> dict[str, Any]:
        require(self.actor, Permission.BUY)
        given = kind(data=request.data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)


class NetworkList(_Own):
    """VPCs."""

    rows, serializer = Vpc, NetworkSerializer

    def _rows(self) -> "QuerySet[Any]":
        return super()._rows().select_related("region").prefetch_related("subnets")

    @extend_schema(operation_id="networks_list", responses=NetworkSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(operation_id="networks_create", request=NetworkInput, responses={201: NetworkSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self._read(request, NetworkInput)
        return self._made(own.create_vpc(self.account, given.pop("region"), by=self.actor, **given))


class SecurityGroupList(_Own):
    """Security groups."""

    rows, serializer = SecurityGroup, SecurityGroupSerializer

    def _rows(self) -> "QuerySet[Any]":
        return super()._rows().select_related("region", "recommended_for")

    @extend_schema(operation_id="security_groups_list", responses=SecurityGroupSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(
        operation_id="security_groups_create", request=SecurityGroupInput, responses={201: SecurityGroupSerializer}
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self._read(request, SecurityGroupInput)
        rules = [dict(rule) for rule in given["rules"]]
        group = own.create_security_group(self.account, given["region"], name=given["name"], rules=rules, by=self.actor)
        return self._made(group)


class SecurityGroupDetail(BuyerAPIView):
    """One security group; PUT gives it other rules."""

    def _group(self, public_id: str) -> SecurityGroup:
        rows = SecurityGroup.objects.for_account(self.account).select_related("region", "recommended_for")
        group: SecurityGroup | None = rows.filter(public_id=public_id).first()
        if group is None:
            raise Http404
        return group

    @extend_schema(operation_id="security_groups_retrieve", responses=SecurityGroupSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(SecurityGroupSerializer(self._group(public_id)).data)

    @extend_schema(operation_id="security_groups_update", request=RulesInput, responses=SecurityGroupSerializer)
    def put(self, request: Request, public_id: str) -> Response:
        group = self._group(public_id)
        require(self.actor, Permission.BUY)
        given = RulesInput(data=request.data)
        given.is_valid(raise_exception=True)
        own.change_rules(group, rules=[dict(rule) for rule in given.validated_data["rules"]], by=self.actor)
        return Response(SecurityGroupSerializer(self._group(public_id)).data)

    @extend_schema(operation_id="security_groups_destroy", responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        group = self._group(public_id)
        require(self.actor, Permission.BUY)
        own.delete_security_group(group, by=self.actor)
        return Response(status=204)


class KeyPairList(_Own):
    """Key pairs."""

    rows, serializer = KeyPair, KeyPairSerializer

    @extend_schema(operation_id="key_pairs_list", responses=KeyPairSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(operation_id="key_pairs_create", request=KeyPairInput, responses={201: KeyPairSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        return self._made(own.create_key_pair(self.account, by=self.actor, **self._read(request, KeyPairInput)))


class EcsGroupList(_Own):
    """ECS groups."""

    rows, serializer = EcsGroup, NamedSerializer

    @extend_schema(operation_id="ecs_groups_list", responses=NamedSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(operation_id="ecs_groups_create", request=RegionInput, responses={201: NamedSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self._read(request, RegionInput)
        return self._made(own.create_ecs_group(self.account, given["region"], name=given["name"], by=self.actor))


class EnterpriseProjectList(_Own):
    """Enterprise projects."""

    rows, serializer = EnterpriseProject, NamedSerializer

    @extend_schema(operation_id="enterprise_projects_list", responses=NamedSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(operation_id="enterprise_projects_create", request=NamedInput, responses={201: NamedSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self._read(request, NamedInput)
        return self._made(own.create_enterprise_project(self.account, name=given["name"], by=self.actor))
