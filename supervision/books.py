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
        "A flow is under appeal exactly while one of its appeals is live.",
        """
        SELECT orders_order.number, flow.status
        FROM supervision_serviceflow AS flow JOIN orders_order ON orders_order.id = flow.order_id
        WHERE (flow.status = 'under_appeal') <> EXISTS (
            SELECT 1 FROM supervision_appeal AS appeal
            WHERE appeal.flow_id = flow.id AND appeal.status NOT IN ('withdrawn', 'decided')
        )
        """,
    ),
    Invariant(
        "appeals_and_decisions_agree",
        "A decided appeal has one decision in effect, an announced one has one that is not, an undecided one has neither.",
        """
        SELECT orders_order.number, appeal.status, ruling.in_effect, ruling.announced, ruling.waiting
        FROM supervision_appeal AS appeal
        JOIN supervision_serviceflow AS flow ON flow.id = appeal.flow_id
        JOIN orders_order ON orders_order.id = flow.order_id
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE status = 'in_effect') AS in_effect,
                   count(*) FILTER (WHERE status = 'announced') AS announced,
                   count(*) FILTER (WHERE status = 'awaiting_consent') AS waiting
            FROM supervision_ruling WHERE appeal_id = appeal.id
        ) AS ruling
        WHERE (ruling.in_effect, ruling.announced, ruling.waiting) IS DISTINCT FROM (
            (appeal.status = 'decided')::int::bigint,
            (appeal.status = 'announced' OR appeal.review_asked_at IS NOT NULL AND appeal.status <> 'decided')::int::bigint,
            (appeal.status = 'awaiting_consent')::int::bigint
        )
        """,
    ),
    Invariant(
        "ended_appeals_ask_nobody",
        "Nobody owes a statement in an appeal that is decided or over.",
        """
        SELECT orders_order.number, asked.party
        FROM supervision_statementrequest AS asked
        JOIN supervision_appeal AS appeal ON appeal.id = asked.appeal_id
        JOIN supervision_serviceflow AS flow ON flow.id = appeal.flow_id
        JOIN orders_order ON orders_order.id = flow.order_id
        WHERE asked.status = 'asked' AND appeal.status IN ('announced', 'withdrawn', 'decided')
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
    Invariant(
        "revisions_and_rounds_are_whole",
        "Every submitted request and every delivery is kept, numbered from 1 without a gap, with its record's text.",
        """
        SELECT orders_order.number, kept.what, kept.number, entry.place
        FROM (
            SELECT id, flow_id, action, note,
                row_number() OVER (PARTITION BY flow_id, action ORDER BY id) AS place
            FROM supervision_flowrecord WHERE action IN ('submit-request', 'deliver')
        ) AS entry
        FULL JOIN (
            SELECT flow_id, record_id, number, description AS text, 'submit-request' AS what
            FROM supervision_requestrevision
            UNION ALL SELECT flow_id, record_id, round, note, 'deliver' FROM supervision_delivery
        ) AS kept ON kept.record_id = entry.id
        LEFT JOIN supervision_serviceflow AS flow ON flow.id = coalesce(entry.flow_id, kept.flow_id)
        LEFT JOIN orders_order ON orders_order.id = flow.order_id
        WHERE kept.record_id IS NULL OR entry.id IS NULL OR kept.flow_id <> entry.flow_id
            OR kept.number <> entry.place OR kept.what <> entry.action OR kept.text <> entry.note
        UNION ALL
        SELECT orders_order.number, 'rounds', flow.rounds, count(delivery.id)
        FROM supervision_serviceflow AS flow
        JOIN orders_order ON orders_order.id = flow.order_id
        LEFT JOIN supervision_delivery AS delivery ON delivery.flow_id = flow.id
        GROUP BY orders_order.number, flow.rounds HAVING flow.rounds <> count(delivery.id)
        """,
    ),
    Invariant(
        "criteria_are_answered",
        "A delivery answers each criterion that it was pinned to; criteria are those of the product that was bought.",
        """
        SELECT orders_order.number, delivery.round
        FROM supervision_delivery AS delivery
        JOIN supervision_serviceflow AS flow ON flow.id = delivery.flow_id
        JOIN orders_order ON orders_order.id = flow.order_id
        LEFT JOIN catalog_acceptancecriteria AS criteria ON criteria.id = delivery.criteria_id
        WHERE jsonb_array_length(delivery.answers) <> coalesce(cardinality(criteria.lines), 0)
            OR criteria.product_id <> orders_order.product_id
            OR EXISTS (
                SELECT 1 FROM jsonb_array_elements(delivery.answers) AS answer
                WHERE answer->>'text' = '' AND answer->>'file' = ''
            )
        UNION ALL
        SELECT orders_order.number, 0 FROM supervision_serviceflow AS flow
        JOIN orders_order ON orders_order.id = flow.order_id
        JOIN catalog_acceptancecriteria AS criteria ON criteria.id = flow.criteria_id
        WHERE criteria.product_id <> orders_order.product_id
        """,
    ),
    Invariant(
        "handlers_work_for_the_seller",
        "Who handles a flow is a member of its seller.",
        """
        SELECT orders_order.number FROM supervision_serviceflow AS flow
        JOIN orders_order ON orders_order.id = flow.order_id
        JOIN accounts_sellermember AS member ON member.id = flow.handler_id
        WHERE member.seller_id <> flow.seller_id
        """,
    ),
    Invariant(
        "attached_uploads_are_attachments",
        "A staged upload that was attached is the file of one record, written by its owner's side.",
        """
        SELECT upload.public_id FROM supervision_upload AS upload
        LEFT JOIN supervision_attachment AS attachment
            ON attachment.file = upload.file AND attachment.public_id = right(upload.file, 16)
        LEFT JOIN supervision_serviceflow AS flow ON flow.id = attachment.flow_id
        WHERE upload.status = 'attached' AND (
            attachment.sha256 IS DISTINCT FROM upload.sha256 OR attachment.size <> upload.size
            OR coalesce(upload.account_id <> flow.account_id, upload.seller_id <> flow.seller_id)
        )
        """,
    ),
    Invariant(
        "parts_add_up",
        "What an upload has received is the sum of its parts, until they are one file.",
        """
        SELECT upload.public_id, upload.received FROM supervision_upload AS upload
        WHERE (CASE WHEN upload.status = 'receiving' THEN upload.received ELSE 0 END) <> (
            SELECT coalesce(sum(part.size), 0) FROM supervision_uploadpart AS part WHERE part.upload_id = upload.id
        )
        """,
    ),
)
