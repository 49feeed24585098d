"""What is always true of orders and subscriptions, across tables."""

from koogallery.kernel.books import Invariant, register

register(
    Invariant(
        "lines_add_up",
        "An order's lines add up to what is payable, in its currency.",
        """
        SELECT orders_order.number, orders_order.payable, sum(line.amount)
        FROM orders_order LEFT JOIN orders_orderline AS line ON line.order_id = orders_order.id
        GROUP BY orders_order.id
        HAVING coalesce(sum(line.amount), -1) <> orders_order.payable OR bool_or(line.currency <> orders_order.currency)
        """,
    ),
    Invariant(
        "charged_as_confirmed",
        "What is payable is what the confirmed quote says.",
        """
        SELECT number, payable, quote->'payable'->>'amount' FROM orders_order
        WHERE (quote->'payable'->>'amount')::numeric <> payable OR quote->'payable'->>'currency' <> currency
        """,
    ),
    Invariant(
        "agreements_accepted",
        "Every new order keeps the text of each agreement that was in force for its product when it was placed.",
        """
        SELECT orders_order.number, agreement.title
        FROM orders_order
        JOIN catalog_agreement AS agreement
          ON (agreement.product_id IS NULL OR agreement.product_id = orders_order.product_id)
         AND agreement.in_force_since <= orders_order.created_at
         AND (agreement.superseded_at IS NULL OR agreement.superseded_at > orders_order.created_at)
        LEFT JOIN orders_acceptedagreement AS accepted
          ON accepted.order_id = orders_order.id AND accepted.agreement_id = agreement.id
        WHERE orders_order.kind = 'new' AND accepted.id IS NULL
        """,
    ),
    Invariant(
        "paid_orders_have_a_delivery",
        "A paid new order has at least one deliverer and a subscription for each line.",
        """
        SELECT orders_order.number FROM orders_order
        WHERE kind = 'new' AND paid_at IS NOT NULL AND (
            NOT EXISTS (SELECT 1 FROM orders_orderdelivery AS part WHERE part.order_id = orders_order.id)
            OR EXISTS (
                SELECT 1 FROM orders_orderline AS line WHERE line.order_id = orders_order.id
                AND NOT EXISTS (SELECT 1 FROM orders_subscription AS app WHERE app.line_id = line.id)
            )
        )
        """,
    ),
    Invariant(
        "unpaid_orders_have_nothing",
        "An order that was never paid has no subscription and no delivery.",
        """
        SELECT orders_order.number FROM orders_order
        WHERE paid_at IS NULL AND (
            EXISTS (SELECT 1 FROM orders_orderdelivery AS part WHERE part.order_id = orders_order.id)
            OR EXISTS (
                SELECT 1 FROM orders_subscription AS app JOIN orders_orderline AS line ON line.id = app.line_id
                WHERE line.order_id = orders_order.id
            )
        )
        """,
    ),
    Invariant(
        "terms_start_at_acceptance",
        "A supervised subscription's term starts when its order was accepted.",
        """
        SELECT app.public_id, app.starts_at, orders_order.accepted_at
        FROM orders_subscription AS app
        JOIN orders_orderline AS line ON line.id = app.line_id
        JOIN orders_order ON orders_order.id = line.order_id
        WHERE orders_order.kind = 'new' AND orders_order.accepted_at IS NOT NULL
          AND app.starts_at IS DISTINCT FROM orders_order.accepted_at
        """,
    ),
    Invariant(
        "terms_follow_one_another",
        "An app's paid terms follow one another without a gap from its start to its expiry: no day is sold twice.",
        """
        SELECT app.public_id, term.starts_at, term.ends_at FROM (
            SELECT one.*, lag(one.ends_at) OVER chain AS before, lead(one.id) OVER chain AS after
            FROM orders_subscriptionterm AS one WHERE one.bought_at IS NOT NULL AND one.undone_at IS NULL
            WINDOW chain AS (PARTITION BY one.subscription_id ORDER BY one.starts_at)
        ) AS term
        JOIN orders_subscription AS app ON app.id = term.subscription_id
        WHERE app.status <> 'closed' AND (
            term.starts_at <> coalesce(term.before, app.starts_at)
            OR term.after IS NULL AND term.ends_at <> app.expires_at
        )
        """,
    ),
    Invariant(
        "renewals_are_in_force_while_paid",
        "A renewal that is completed has its term in force, one that was never paid or went back has none.",
        """
        SELECT orders_order.number, orders_order.status FROM orders_order
        JOIN orders_orderline AS line ON line.order_id = orders_order.id
        LEFT JOIN orders_subscriptionterm AS term
          ON term.line_id = line.id AND term.bought_at IS NOT NULL AND term.undone_at IS NULL
        WHERE orders_order.kind = 'renewal' AND (orders_order.status = 'completed') <> (term.id IS NOT NULL)
        """,
    ),
    Invariant(
        "subscriptions_belong_to_the_buyer",
        "A subscription belongs to the account that ordered it.",
        """
        SELECT app.public_id FROM orders_subscription AS app
        JOIN orders_orderline AS line ON line.id = app.line_id
        JOIN orders_order ON orders_order.id = line.order_id
        WHERE app.account_id <> orders_order.account_id
        """,
    ),
    Invariant(
        "coupons_lower_their_orders",
        "An order's coupon stands in its coupon's uses: reserved while unpaid, spent once paid, else returned.",
        """
        SELECT orders_order.number, orders_order.status, part.status, orders_order.coupon, part.amount
        FROM orders_order
        LEFT JOIN pricing_couponuse AS part ON part.order_number = orders_order.number
        WHERE (coalesce(orders_order.quote->'applied'->>'coupon', '') <> '') <> (part.id IS NOT NULL)
           OR part.id IS NOT NULL AND (
              part.amount <> orders_order.coupon
              OR part.status <> CASE
                  WHEN orders_order.status = 'pending_payment' THEN 'reserved'
                  WHEN orders_order.status IN ('processing', 'completed') THEN 'spent' ELSE 'returned' END
           )
        """,
    ),
)
