"""Card processors behind one port; `settings.PAYMENT_GATEWAY` says which."""

from billing.gateways.base import ChargeOutcome, GatewayAnswer, PaymentGateway, gateway, gateway_named

__all__ = ["ChargeOutcome", "GatewayAnswer", "PaymentGateway", "gateway", "gateway_named"]
