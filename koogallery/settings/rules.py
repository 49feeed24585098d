"""The rules' numbers (RULES.md)."""

from datetime import date, timedelta
from decimal import Decimal

from koogallery.settings.environment import duration, env

ORDER_COMPLETES_AFTER_ACCEPTANCE = duration("ORDER_COMPLETES_AFTER_ACCEPTANCE_SECONDS", hours=3)
# One upgrade raises a quantity to so many times what it was at the most (RULES 7).
UPGRADE_MOST_TIMES: int = env.int("UPGRADE_MOST_TIMES", default=5)
UNPAID_ORDER_LIFETIME = duration("UNPAID_ORDER_LIFETIME_SECONDS", days=7)
QUOTE_LIFETIME = duration("QUOTE_LIFETIME_SECONDS", hours=24)
FLOW_LIFETIME = duration("FLOW_LIFETIME_SECONDS", days=365)
APPEAL_BAN_BEFORE_CLOSE = duration("APPEAL_BAN_BEFORE_CLOSE_SECONDS", days=15)
SILENCE_BEFORE_APPEAL = duration("SILENCE_BEFORE_APPEAL_SECONDS", days=5)
# What new templates of service flows begin with (docs/flows.md). Acceptance by silence: 0 days is off.
SELLER_CONFIRMS_WITHIN = duration("SELLER_CONFIRMS_WITHIN_SECONDS", hours=120)
SELLER_DELIVERS_WITHIN = duration("SELLER_DELIVERS_WITHIN_SECONDS", hours=120)
APPEAL_STATEMENT_WITHIN = duration("APPEAL_STATEMENT_WITHIN_SECONDS", hours=48)
SELLER_DELIVERS_AGAIN_WITHIN = duration("SELLER_DELIVERS_AGAIN_WITHIN_SECONDS", hours=120)
SELLER_REMINDED_AFTER_HOURS: list[int] = env.list("SELLER_REMINDED_AFTER_HOURS", cast=int, default=[72, 96])
BUYER_REMINDED_AFTER_DAYS: list[int] = env.list("BUYER_REMINDED_AFTER_DAYS", cast=int, default=[1, 3, 5, 10])
ACCEPTED_BY_SILENCE_AFTER_DAYS: int = env.int("ACCEPTED_BY_SILENCE_AFTER_DAYS", default=0)
# Appeals: how long both sides may ask for a second look, the service level, and whether the appellant may take it back.
APPEAL_SECOND_LOOK_TIME = duration("APPEAL_SECOND_LOOK_TIME_SECONDS", days=5)
APPEAL_WORKING_DAYS: int = env.int("APPEAL_WORKING_DAYS", default=3)
# Days on which operations do not work, beside Saturdays and Sundays.
PUBLIC_HOLIDAYS: frozenset[date] = frozenset(map(date.fromisoformat, env.list("PUBLIC_HOLIDAYS", default=[])))
APPEALS_CAN_BE_WITHDRAWN: bool = env.bool("APPEALS_CAN_BE_WITHDRAWN", default=True)
# Requirements and sales enquiries that one person or address may send within an hour.
REQUESTS_PER_HOUR: int = env.int("REQUESTS_PER_HOUR", default=5)
# Service tickets: the service level of an answer, how long one waits for its customer, and what an account may send a day.
TICKET_ANSWER_WITHIN = duration("TICKET_ANSWER_WITHIN_SECONDS", hours=24)
TICKET_CLOSES_AFTER = duration("TICKET_CLOSES_AFTER_SECONDS", days=14)
TICKETS_A_DAY: int = env.int("TICKETS_A_DAY", default=20)
TICKET_MESSAGES_A_DAY: int = env.int("TICKET_MESSAGES_A_DAY", default=100)
REMINDER_INTERVAL = duration("REMINDER_INTERVAL_SECONDS", hours=24)
# Wrong coupon codes that an account may try within an hour.
COUPON_TRIES_PER_HOUR: int = env.int("COUPON_TRIES_PER_HOUR", default=10)
PAYMENT_ASK_AFTER = duration("PAYMENT_ASK_AFTER_SECONDS", minutes=2)
# How long the sandbox processor's slow test card takes.
SANDBOX_SLOW_SECONDS: float = env.float("SANDBOX_SLOW_SECONDS", default=8.0)
STATEMENT_DUE_AFTER = duration("STATEMENT_DUE_AFTER_SECONDS", days=15)
STATEMENT_FREEZES_AFTER = duration("STATEMENT_FREEZES_AFTER_SECONDS", days=15)
# Pay-per-use of accounts that pay by card (RULES 8): charged on the 3rd, or as soon as so much has accrued, in the
# site's currency; after a failed charge their servers run on, are taken out of use, are given up.
USAGE_CHARGE_AT = Decimal(env.str("USAGE_CHARGE_AT", default="100"))
USAGE_GRACE = duration("USAGE_GRACE_SECONDS", days=15)
USAGE_RETENTION = duration("USAGE_RETENTION_SECONDS", days=15)
# Our share of sales where a product has none of its own, in per cent (RULES 9).
SERVICE_FEE_PERCENT = Decimal(env.str("SERVICE_FEE_PERCENT", default="15"))
# Refunds of an order by operations that together exceed this, in the site's currency, need a second operator.
REFUND_CONSENT_ABOVE = Decimal(env.str("REFUND_CONSENT_ABOVE", default="500"))
REFUND_CONSENT_LIFETIME = duration("REFUND_CONSENT_LIFETIME_SECONDS", days=3)
# Unsubscriptions (RULES 4): a refund above this, in the site's currency, is reviewed, and approved by itself after a while.
UNSUBSCRIPTION_REVIEW_ABOVE = Decimal(env.str("UNSUBSCRIPTION_REVIEW_ABOVE", default="7000"))
UNSUBSCRIPTION_REVIEW_TIME = duration("UNSUBSCRIPTION_REVIEW_TIME_SECONDS", hours=24)
# The 5-day rule: whole refunds so soon after provisioning, so many a calendar year and account. 0 is off.
UNCONDITIONAL_REFUND_WITHIN = duration("UNCONDITIONAL_REFUND_WITHIN_SECONDS")
UNCONDITIONAL_REFUNDS_A_YEAR: int = env.int("UNCONDITIONAL_REFUNDS_A_YEAR", default=10)
# Invoices: with it, what is completed and paid, also by closed cycle, is invoiced by itself to the default header, and no issuer reviews.
INVOICES_AUTOMATIC: bool = env.bool("INVOICES_AUTOMATIC", default=False)
# What the platform's own document numbers begin with until operations give it another.
INVOICE_PREFIX: str = env.str("INVOICE_PREFIX", default="KG")
PAYMENT_ACTION_LIFETIME = duration("PAYMENT_ACTION_LIFETIME_SECONDS", hours=1)
ATTACHMENT_MAX_BYTES: int = env.int("ATTACHMENT_MAX_BYTES", default=52_428_800)
ATTACHMENTS_MAX: int = env.int("ATTACHMENTS_MAX", default=10)
# Messages that one side of a service flow may write within 24 hours, and for how long after the flow's end.
FLOW_MESSAGES_A_DAY: int = env.int("FLOW_MESSAGES_A_DAY", default=50)
FLOW_MESSAGES_AFTER_END = duration("FLOW_MESSAGES_AFTER_END_SECONDS", days=30)
# How often one person may have secrets shown within an hour.
REVEALS_PER_HOUR: int = env.int("REVEALS_PER_HOUR", default=30)
# The production interface of SaaS (RULES 2.3, 2.5): one call, and for how long one is tried again.
SELLER_CALL_SECONDS: float = env.float("SELLER_CALL_SECONDS", default=5.0)
SELLER_ANSWER_MAX_BYTES: int = env.int("SELLER_ANSWER_MAX_BYTES", default=262_144)
INSTANCE_TRIED_FOR = duration("INSTANCE_TRIED_FOR_SECONDS", hours=3)
INSTANCE_CHANGE_TRIED_FOR = duration("INSTANCE_CHANGE_TRIED_FOR_SECONDS", hours=1)
# Calls to one seller at a time.
SELLER_LANES: int = env.int("SELLER_LANES", default=4)
# After so many calls in a row without an answer a seller is left alone for a while, longer each time.
SELLER_LINE_BREAKS_AFTER: int = env.int("SELLER_LINE_BREAKS_AFTER", default=3)
SELLER_LINE_RESTS = duration("SELLER_LINE_RESTS_SECONDS", seconds=30)
SELLER_LINE_RESTS_MOST = duration("SELLER_LINE_RESTS_MOST_SECONDS", minutes=10)
# More undelivered orders of one product within the window take it off sale.
FAILED_ORDERS_MOST: int = env.int("FAILED_ORDERS_MOST", default=5)
FAILED_ORDERS_WINDOW = duration("FAILED_ORDERS_WINDOW_SECONDS", days=30)
# Tries of calls to sellers, with what was said; the database keeps them for 30 days whatever stands here.
EXCHANGES_KEPT_FOR = duration("EXCHANGES_KEPT_FOR_SECONDS", days=180)
# Runs of the debugger likewise, but for the newest of each case.
DEBUG_RUNS_KEPT_FOR = duration("DEBUG_RUNS_KEPT_FOR_SECONDS", days=180)
# The longest file of any form; one beyond it is not written to the disk.
UPLOAD_FILE_MAX_BYTES: int = env.int("UPLOAD_FILE_MAX_BYTES", default=ATTACHMENT_MAX_BYTES)
# Files that are uploaded in parts before their form is sent: how long they wait for it, how many of one side may.
UPLOAD_LIFETIME = duration("UPLOAD_LIFETIME_SECONDS", hours=24)
UPLOADS_OPEN_MAX: int = env.int("UPLOADS_OPEN_MAX", default=40)
# A part's length; only the last may be shorter than the least.
UPLOAD_PART_LEAST_BYTES: int = env.int("UPLOAD_PART_LEAST_BYTES", default=2**18)
UPLOAD_PART_MOST_BYTES: int = env.int("UPLOAD_PART_MOST_BYTES", default=2**22)
# Parts received, files completed and, apart from those, files scanned at once by one web process: half of its threads,
# so that neither slow lines nor a slow scanner take the pages' own.
UPLOAD_PARTS_AT_ONCE: int = env.int("UPLOAD_PARTS_AT_ONCE", default=3)
# Who looks for viruses: none, or supervision.files.clamd.ClamdScanner, which asks ClamAV's daemon at CLAMD_ADDRESS
# (tcp://host:port or unix:///path). Without a verdict nothing is taken.
VIRUS_SCANNER: str = env.str("VIRUS_SCANNER", default="")
VIRUS_SCAN_TIMEOUT = duration("VIRUS_SCAN_TIMEOUT_SECONDS", seconds=60)
CLAMD_ADDRESS: str = env.str("CLAMD_ADDRESS", default="tcp://127.0.0.1:3310")


def periods(name: str) -> dict[str, timedelta]:
    """Periods of delivery methods and customer levels: "premium=2592000,saas/premium=86400", in seconds."""
    return {of: timedelta(seconds=float(seconds)) for of, seconds in env.dict(name, default={}).items()}


# How long an expired app stays usable, then its data is kept: the narrowest of "method/level", "method", "level" counts.
GRACE_PERIODS = {
    "default": duration("GRACE_PERIOD_SECONDS", days=15),
    "saas": duration("GRACE_PERIOD_SAAS_SECONDS"),
    **periods("GRACE_PERIODS_SECONDS"),
}
RETENTION_PERIODS = {
    "default": duration("RETENTION_PERIOD_SECONDS", days=15),
    **periods("RETENTION_PERIODS_SECONDS"),
}
