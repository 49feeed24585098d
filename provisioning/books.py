"""What is always true of application information, across tables."""

from koogallery.kernel.books import Invariant, register

register(
    Invariant(
        "application_passwords_are_encrypted",
        "A password of an app is kept as a token of SECRETS_KEYS, never as it is.",
        """
        SELECT subscription.public_id, application.version
        FROM provisioning_applicationpassword AS kept
        JOIN provisioning_application AS application ON application.id = kept.application_id
        JOIN orders_subscription AS subscription ON subscription.id = application.subscription_id
        WHERE kept.password !~ '^gAAAA[A-Za-z0-9_-]+=*$'
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
)
