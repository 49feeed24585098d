"""What is always true of service flows, across tables."""

from koogallery.kernel.books import Invariant, register

register(
    Invariant(
        "supervised_orders_have_a_flow",
        "Every paid new order of a supervised product has a service flow.",
        """
        SELECT orders_order.number FROM orders_order
        JOIN catalog_product AS product ON product.id = orders_order.product_id
        LEFT JOIN supervision_serviceflow AS flow ON flow.order_id = orders_order.id
        WHERE orders_order.kind = 'new' AND orders_order.paid_at IS NOT NULL AND product.supervised AND flow.id IS NULL
        """,
    ),
    Invariant(
        "records_replay",
        "A flow's operation records, followed from the first, lead to its status.",
        """
        SELECT orders_order.number, flow.status, newest.to_status
        FROM supervision_serviceflow AS flow
        JOIN orders_order ON orders_order.id = flow.order_id
        LEFT JOIN LATERAL (
            SELECT to_status FROM supervision_flowrecord AS record WHERE record.flow_id = flow.id ORDER BY id DESC LIMIT 1
        ) AS newest ON true
        WHERE newest.to_status IS DISTINCT FROM flow.status
        UNION ALL
        SELECT orders_order.number, step.from_status, step.before
        FROM (
            SELECT flow_id, from_status, lag(to_status) OVER (PARTITION BY flow_id ORDER BY id) AS before
            FROM supervision_flowrecord
        ) AS step
        JOIN supervision_serviceflow AS flow ON flow.id = step.flow_id
        JOIN orders_order ON orders_order.id = flow.order_id
        WHERE step.from_status <> coalesce(step.before, '')
        """,
    ),
    Invariant(
        "flows_and_orders_agree",
        "An open flow's order is processing; a completed flow's order was accepted; a closed flow's order has ended.",
        """
        SELECT orders_order.number, flow.status, orders_order.status
        FROM supervision_serviceflow AS flow JOIN orders_order ON orders_order.id = flow.order_id
        WHERE CASE
            WHEN flow.status = 'completed'
                THEN orders_order.accepted_at IS NULL OR orders_order.status NOT IN ('processing', 'completed', 'refunding', 'refunded')
            WHEN flow.status = 'closed' THEN orders_order.status NOT IN ('refunding', 'refunded', 'completed', 'cancelled')
            ELSE orders_order.status <> 'processing'
        END
        """,
    ),
    Invariant(
        "frozen_flows_have_an_appeal",
        "A flow is under appeal exactly while one of its appeals is open.",
        """
        SELECT orders_order.number, flow.status
        FROM supervision_serviceflow AS flow JOIN orders_order ON orders_order.id = flow.order_id
        WHERE (flow.status = 'under_appeal') <> EXISTS (
            SELECT 1 FROM supervision_appeal AS appeal WHERE appeal.flow_id = flow.id AND appeal.status = 'open'
        )
        """,
    ),
    Invariant(
        "flows_belong_to_the_deal",
        "A flow's account and seller are its order's.",
        """
        SELECT orders_order.number FROM supervision_serviceflow AS flow
        JOIN orders_order ON orders_order.id = flow.order_id
        WHERE flow.account_id <> orders_order.account_id OR flow.seller_id <> orders_order.seller_id
        """,
    ),
)
