"""What is always true of application information, across tables."""

from koogallery.kernel.books import Invariant, register

register(
    Invariant(
        "application_passwords_are_encrypted",
        "A password or memo of an app is kept as a token of SECRETS_KEYS, never as it is.",
        """
        SELECT subscription.public_id, application.version
        FROM (
            SELECT application_id, password AS token FROM provisioning_applicationpassword
            UNION ALL SELECT application_id, memo FROM provisioning_applicationmemo
        ) AS kept
        JOIN provisioning_application AS application ON application.id = kept.application_id
        JOIN orders_subscription AS subscription ON subscription.id = application.subscription_id
        WHERE kept.token !~ '^gAAAA[A-Za-z0-9_-]+=*$'
        """,
    ),
    Invariant(
        "application_versions_are_whole",
        "An app's information is numbered from 1 without a gap, and belongs to SaaS.",
        """
        SELECT subscription.public_id, count(*), max(application.version)
        FROM provisioning_application AS application
        JOIN orders_subscription AS subscription ON subscription.id = application.subscription_id
        GROUP BY subscription.public_id, subscription.delivery_method
        HAVING count(*) <> max(application.version) OR subscription.delivery_method <> 'saas'
        """,
    ),
    Invariant(
        "instances_are_asked_for",
        "While a SaaS instance is being created, a call to its seller is under way.",
        """
        SELECT subscription.public_id FROM provisioning_instance AS instance
        JOIN orders_subscription AS subscription ON subscription.id = instance.subscription_id
        WHERE instance.status = 'creating' AND NOT EXISTS (
            SELECT 1 FROM provisioning_call AS call
            WHERE call.instance_id = instance.id AND call.status = 'waiting' AND call.activity IN ('create', 'query')
        )
        """,
    ),
    Invariant(
        "ready_instances_are_delivered",
        "An order whose SaaS instance is ready does not wait for it.",
        """
        SELECT orders_order.number FROM provisioning_instance AS instance
        JOIN orders_subscription AS subscription ON subscription.id = instance.subscription_id
        JOIN orders_orderline AS line ON line.id = subscription.line_id
        JOIN orders_order ON orders_order.id = line.order_id
        JOIN orders_orderdelivery AS part ON part.order_id = orders_order.id AND part.deliverer = 'saas'
        WHERE instance.status = 'ready' AND part.status = 'started'
        """,
    ),
    Invariant(
        "two_access_keys_at_most",
        "A seller has at most two valid access keys, each a token of SECRETS_KEYS.",
        """
        SELECT seller_id, count(*) FROM provisioning_accesskey WHERE revoked_at IS NULL
        GROUP BY seller_id HAVING count(*) > 2 OR bool_or(secret !~ '^gAAAA[A-Za-z0-9_-]+=*$')
        """,
    ),
)
