"""What is always true of money, across tables."""

from koogallery.kernel.books import Invariant, register

register(
    Invariant(
        "journal_balances",
        "Every journal entry sums to zero in each currency, and has postings.",
        """
        SELECT entry.id, posting.currency, sum(posting.amount)
        FROM billing_journalentry AS entry LEFT JOIN billing_posting AS posting ON posting.entry_id = entry.id
        GROUP BY entry.id, posting.currency HAVING coalesce(sum(posting.amount), 1) <> 0
        """,
    ),
    Invariant(
        "paid_orders_were_charged",
        "A paid order with something payable has exactly one payment that counts, over its amount.",
        """
        SELECT orders_order.number, count(allocation.id)
        FROM orders_order
        LEFT JOIN billing_paymentallocation AS allocation
          ON allocation.order_id = orders_order.id AND allocation.counted_at IS NOT NULL
         AND allocation.amount = orders_order.payable AND allocation.currency = orders_order.currency
        WHERE orders_order.paid_at IS NOT NULL AND orders_order.payable > 0
        GROUP BY orders_order.id HAVING count(allocation.id) <> 1
        """,
    ),
    Invariant(
        "payments_are_allocated",
        "A payment's allocations add up to its amount.",
        """
        SELECT payment.public_id, payment.amount, sum(allocation.amount)
        FROM billing_payment AS payment LEFT JOIN billing_paymentallocation AS allocation ON allocation.payment_id = payment.id
        GROUP BY payment.id HAVING coalesce(sum(allocation.amount), -1) <> payment.amount
        """,
    ),
    Invariant(
        "charges_are_posted",
        "A payment is posted once when it was taken, and never otherwise.",
        """
        SELECT payment.public_id, payment.status, count(entry.id)
        FROM billing_payment AS payment
        LEFT JOIN billing_journalentry AS entry ON entry.payment_id = payment.id AND entry.kind = 'charge'
        GROUP BY payment.id
        HAVING count(entry.id) <> CASE
            WHEN payment.status IN ('succeeded', 'refunding', 'refunded', 'partly_refunded') THEN 1 ELSE 0 END
        """,
    ),
    Invariant(
        "held_while_processing",
        "What is held for an order: everything that was taken and not refunded while it is processing, nothing when it "
        "is completed, refunded or canceled.",
        """
        SELECT orders_order.number, orders_order.status, held.amount
        FROM orders_order
        LEFT JOIN (
            SELECT entry.order_id, -sum(posting.amount) AS amount
            FROM billing_posting AS posting JOIN billing_journalentry AS entry ON entry.id = posting.entry_id
            WHERE posting.ledger = 'held' GROUP BY entry.order_id
        ) AS held ON held.order_id = orders_order.id
        WHERE coalesce(held.amount, 0) <> CASE WHEN orders_order.status = 'processing' THEN orders_order.payable ELSE 0 END
        """,
    ),
    Invariant(
        "refunds_add_up",
        "What a payment says was refunded is the sum of its refunds.",
        """
        SELECT payment.public_id, payment.refunded, coalesce(sum(refund.amount), 0)
        FROM billing_payment AS payment
        LEFT JOIN billing_refund AS refund ON refund.payment_id = payment.id AND refund.status <> 'failed'
        GROUP BY payment.id HAVING coalesce(sum(refund.amount), 0) <> payment.refunded
        """,
    ),
    Invariant(
        "gateway_agrees",
        "The sandbox processor has the same charge as we, and no charge that we do not know the outcome of.",
        """
        SELECT payment.public_id, payment.status, charge.outcome, charge.amount
        FROM billing_payment AS payment
        LEFT JOIN billing_sandboxcharge AS charge ON charge.key = payment.public_id
        WHERE payment.gateway = 'sandbox' AND (
            payment.status IN ('succeeded', 'refunding', 'refunded', 'partly_refunded')
            AND (charge.outcome IS DISTINCT FROM 'succeeded' OR charge.amount <> payment.amount)
            OR payment.status = 'failed' AND charge.outcome = 'succeeded'
        )
        """,
    ),
)
