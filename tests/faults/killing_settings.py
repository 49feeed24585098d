"""Settings of the web process that is killed in the middle of a payment."""

from koogallery.settings import *  # noqa: F403
from koogallery.settings import MIDDLEWARE as PLAIN

PAYMENT_GATEWAY = "tests.faults.killing.KillingGateway"
MONEY = "tests.faults.killing.KillingMoney"
MIDDLEWARE = ["tests.faults.killing.dying_middleware", *PLAIN]
ALLOWED_HOSTS = ["127.0.0.1"]
