"""Who answers the doors to the right (orders/ports.py), and the clouds and card processors that they speak to."""

from django.core.exceptions import ImproperlyConfigured

from koogallery.settings.environment import PRODUCTION, duration, env

_SERVERS = ["provisioning.compute.fulfilment.Servers"]
_SUPERVISED = ["supervision.fulfilment.Supervised"]
_SAAS = ["provisioning.saas.fulfilment.Saas"]
FULFILMENT = {
    ("license", True): _SUPERVISED,
    ("professional_service", True): _SUPERVISED,
    ("saas", True): [*_SAAS, *_SUPERVISED],
    ("saas", False): _SAAS,
    ("image", False): _SERVERS,
    ("ecs", False): _SERVERS,
}
MONEY = "billing.keeper.BillingMoney"
APPLICATIONS = "provisioning.keeper.Applications"
# What must hold before a product is released: callables of a product, which say why not.
RELEASE_CHECKS = ["provisioning.saas.debugger.release_refusal"]
USAGE = "provisioning.metering.keeper.Meters"
DEPLOYMENTS = "provisioning.compute.keeper.Deployments"
# Who makes servers: the simulated cloud, or provisioning.compute.providers.openstack.OpenStackCloud.
COMPUTE_PROVIDER: str = env.str("COMPUTE_PROVIDER", default="provisioning.compute.providers.simulated.SimulatedCloud")
# Servers that an account may have, until operations give it a quota of its own (RULES 8).
COMPUTE_SERVERS_PER_ACCOUNT: int = env.int("COMPUTE_SERVERS_PER_ACCOUNT", default=2_048)
# How soon the cloud is asked again about what is not ready; the wait doubles up to two minutes.
COMPUTE_LOOK_AGAIN = duration("COMPUTE_LOOK_AGAIN_SECONDS", seconds=5)
# A step whose message was lost is taken again after that.
COMPUTE_STEP_LOST_AFTER = duration("COMPUTE_STEP_LOST_AFTER_SECONDS", minutes=10)
# A server that is not up by then, or did not come up so many times, ends its order with a full refund.
COMPUTE_BUILD_WITHIN = duration("COMPUTE_BUILD_WITHIN_SECONDS", hours=1)
# How long an order that waits for payment keeps, sealed, the password of its servers.
COMPUTE_PASSWORD_KEPT_FOR = duration("COMPUTE_PASSWORD_KEPT_FOR_SECONDS", hours=1)
COMPUTE_ATTEMPTS: int = env.int("COMPUTE_ATTEMPTS", default=3)
# How often a region's cloud is searched for what nobody wants.
COMPUTE_RECONCILE_EVERY = duration("COMPUTE_RECONCILE_EVERY_SECONDS", minutes=15)
# An OpenStack-compatible cloud (docs/servers.md): the service account, and names there that differ from ours.
OPENSTACK_AUTH_URL: str = env.str("OPENSTACK_AUTH_URL", default="")
OPENSTACK_USERNAME: str = env.str("OPENSTACK_USERNAME", default="")
OPENSTACK_PASSWORD: str = env.str("OPENSTACK_PASSWORD", default="")
OPENSTACK_PROJECT: str = env.str("OPENSTACK_PROJECT", default="")
OPENSTACK_USER_DOMAIN: str = env.str("OPENSTACK_USER_DOMAIN", default="Default")
OPENSTACK_PROJECT_DOMAIN: str = env.str("OPENSTACK_PROJECT_DOMAIN", default="Default")
OPENSTACK_EXTERNAL_NETWORK: str = env.str("OPENSTACK_EXTERNAL_NETWORK", default="external")
OPENSTACK_TIMEOUT_SECONDS: float = env.float("OPENSTACK_TIMEOUT_SECONDS", default=30.0)
OPENSTACK_REGIONS: dict[str, str] = env.dict("OPENSTACK_REGIONS", default={})
OPENSTACK_FLAVORS: dict[str, str] = env.dict("OPENSTACK_FLAVORS", default={})
OPENSTACK_VOLUME_TYPES: dict[str, str] = env.dict("OPENSTACK_VOLUME_TYPES", default={})
# The simulated cloud: what goes wrong is drawn by the seed; per cent of servers that never come up, and of answers that
# are lost although the call was carried out; servers that a region holds.
SIMULATOR_SEED: str = env.str("SIMULATOR_SEED", default="koogallery")
SIMULATOR_FAILURES_PERCENT: float = env.float("SIMULATOR_FAILURES_PERCENT", default=2.0)
SIMULATOR_LOST_ANSWERS_PERCENT: float = env.float("SIMULATOR_LOST_ANSWERS_PERCENT", default=2.0)
SIMULATOR_SERVERS: int = env.int("SIMULATOR_SERVERS", default=100_000)
# Who acts when something becomes due; the kernel, which fires it, knows no app.
TIMER_ACTOR = "accounts.actor:Actor.timer"
_SANDBOX = "billing.gateways.sandbox.SandboxGateway"
_STRIPE = "billing.gateways.stripe.StripeGateway"
PAYMENT_GATEWAY: str = env.str("PAYMENT_GATEWAY", default="" if PRODUCTION else _SANDBOX)
# The sandbox takes test cards for money; a production installation that wants that (a staging one) has to say so.
SANDBOX_PAYMENTS_ALLOWED: bool = env.bool("SANDBOX_PAYMENTS_ALLOWED", default=not PRODUCTION)

# Stripe, where PAYMENT_GATEWAY is billing.gateways.stripe.StripeGateway (docs/payments.md).
STRIPE_SECRET_KEY: str = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET: str = env.str("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_API_BASE: str = env.str("STRIPE_API_BASE", default="")
STRIPE_TIMEOUT_SECONDS: float = env.float("STRIPE_TIMEOUT_SECONDS", default=10.0)

if PRODUCTION:
    if not PAYMENT_GATEWAY:
        raise ImproperlyConfigured(f"Production needs PAYMENT_GATEWAY: the card processor, such as {_STRIPE}.")
    if PAYMENT_GATEWAY == _SANDBOX and not SANDBOX_PAYMENTS_ALLOWED:
        raise ImproperlyConfigured(
            "Production refuses the sandbox as PAYMENT_GATEWAY: anybody could pay with a test card."
            " SANDBOX_PAYMENTS_ALLOWED=on allows it where nothing is really sold."
        )
    if PAYMENT_GATEWAY == _STRIPE and not (STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET):
        raise ImproperlyConfigured("Stripe as PAYMENT_GATEWAY needs STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET.")
