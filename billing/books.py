"""What is always true of money, across tables."""

from billing.books_usage import INVARIANTS
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
        "A paid order with something payable has exactly one payment (or charge to its reseller) that counts, over its amount.",
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
        "A payment's allocations add up to its amount; a statement's or usage bill's payment has none.",
        """
        SELECT payment.public_id, payment.amount, sum(allocation.amount)
        FROM billing_payment AS payment LEFT JOIN billing_paymentallocation AS allocation ON allocation.payment_id = payment.id
        GROUP BY payment.id
        HAVING CASE WHEN payment.statement_id IS NULL AND payment.usage_bill_id IS NULL THEN coalesce(sum(allocation.amount), -1) <> payment.amount
            ELSE count(allocation.id) > 0 END
        """,
    ),
    Invariant(
        "charges_are_posted",
        "A payment is posted once for each order (or for its statement or bill) when it was taken, and never otherwise.",
        """
        SELECT payment.public_id, payment.status, posted.entries
        FROM billing_payment AS payment
        CROSS JOIN LATERAL (
            SELECT count(*) AS entries FROM billing_journalentry AS entry
            WHERE entry.payment_id = payment.id AND entry.kind IN ('charge', 'settlement', 'usage')
        ) AS posted
        CROSS JOIN LATERAL (
            SELECT count(*) AS orders FROM billing_paymentallocation AS allocation WHERE allocation.payment_id = payment.id
        ) AS paid
        WHERE posted.entries <> CASE
            WHEN payment.status NOT IN ('succeeded', 'refunding', 'refunded', 'partly_refunded') THEN 0
            WHEN payment.statement_id IS NOT NULL OR payment.usage_bill_id IS NOT NULL THEN 1 ELSE paid.orders END
        """,
    ),
    Invariant(
        "charges_post_what_was_paid",
        "What the entries of a payment take from where the money came is the payment's amount.",
        """
        SELECT payment.public_id, payment.amount, posted.amount
        FROM billing_payment AS payment
        CROSS JOIN LATERAL (
            SELECT sum(posting.amount) AS amount
            FROM billing_journalentry AS entry JOIN billing_posting AS posting ON posting.entry_id = entry.id
            WHERE entry.payment_id = payment.id AND entry.kind IN ('charge', 'settlement', 'usage') AND posting.amount > 0
              AND posting.ledger IN ('gateway', 'bank', 'balance', 'receivable', 'reseller_owes')
              AND posting.currency = payment.currency
        ) AS posted
        WHERE posted.amount IS NOT NULL AND posted.amount <> payment.amount
        """,
    ),
    Invariant(
        "held_while_processing",
        "What is held for an order: what its payment brought and was not refunded while it is processing, nothing otherwise.",
        """
        SELECT orders_order.number, orders_order.status, held.amount
        FROM orders_order
        LEFT JOIN (
            SELECT entry.order_id, -sum(posting.amount) AS amount
            FROM billing_posting AS posting JOIN billing_journalentry AS entry ON entry.id = posting.entry_id
            WHERE posting.ledger = 'held' GROUP BY entry.order_id
        ) AS held ON held.order_id = orders_order.id
        LEFT JOIN (
            SELECT refund.order_id, sum(refund.amount) AS amount
            FROM billing_refund AS refund JOIN billing_paymentallocation AS allocation
              ON allocation.payment_id = refund.payment_id AND allocation.order_id = refund.order_id
             AND allocation.counted_at IS NOT NULL
            GROUP BY refund.order_id
        ) AS back ON back.order_id = orders_order.id
        WHERE coalesce(held.amount, 0) <> CASE
            WHEN orders_order.status = 'processing' THEN orders_order.payable - coalesce(back.amount, 0) ELSE 0 END
        """,
    ),
    Invariant(
        "refunds_add_up",
        "What a payment says was refunded is the sum of its refunds.",
        """
        SELECT payment.public_id, payment.refunded, coalesce(sum(refund.amount), 0)
        FROM billing_payment AS payment
        LEFT JOIN billing_refund AS refund ON refund.payment_id = payment.id
        GROUP BY payment.id HAVING coalesce(sum(refund.amount), 0) <> payment.refunded
        """,
    ),
    Invariant(
        "a_charge_goes_back_once",
        "What was refunded of a payment and what banks took back of it are no more than it.",
        """
        SELECT payment.public_id, payment.amount, payment.refunded, sum(dispute.amount)
        FROM billing_payment AS payment JOIN billing_dispute AS dispute ON dispute.payment_id = payment.id
        WHERE dispute.status <> 'won'
        GROUP BY payment.id HAVING payment.refunded + sum(dispute.amount) > payment.amount
        """,
    ),
    Invariant(
        "gateway_agrees",
        "The sandbox processor has the same charges as we: none that we do not know, none less, none whose outcome differs.",
        """
        SELECT coalesce(payment.public_id, charge.key), payment.status, charge.outcome, charge.amount
        FROM (SELECT * FROM billing_payment WHERE gateway = 'sandbox') AS payment
        FULL JOIN (SELECT * FROM billing_sandboxcharge WHERE refund_of_id IS NULL) AS charge
          ON charge.key = payment.public_id
        WHERE payment.id IS NULL
            OR payment.status IN ('succeeded', 'refunding', 'refunded', 'partly_refunded')
            AND (charge.outcome IS DISTINCT FROM 'succeeded' OR charge.amount <> payment.amount
                OR charge.currency <> payment.currency)
            OR payment.status = 'failed' AND charge.outcome = 'succeeded' AND NOT EXISTS (
                SELECT 1 FROM billing_journalentry AS entry WHERE entry.payment_id = payment.id AND entry.kind = 'mismatch'
            )
        """,
    ),
    Invariant(
        "gateway_keeps_its_fees",
        "What the books say that the sandbox processor kept of a charge is what it kept.",
        """
        SELECT payment.public_id, posted.amount, charge.fee
        FROM billing_payment AS payment
        JOIN billing_sandboxcharge AS charge ON charge.key = payment.public_id AND charge.outcome = 'succeeded'
        LEFT JOIN (
            SELECT entry.payment_id, sum(posting.amount) AS amount
            FROM billing_journalentry AS entry JOIN billing_posting AS posting ON posting.entry_id = entry.id
            WHERE entry.kind = 'fee' AND posting.ledger = 'processor_fees' GROUP BY entry.payment_id
        ) AS posted ON posted.payment_id = payment.id
        WHERE payment.gateway = 'sandbox' AND charge.fee IS NOT NULL AND payment.ended_at IS NOT NULL
          AND coalesce(posted.amount, 0) <> charge.fee
        """,
    ),
    Invariant(
        "gateway_refunds_agree",
        "The sandbox processor gave back what the books say that it gave back, under the same key, and nothing else.",
        """
        SELECT coalesce(ours.key, theirs.key), ours.amount, theirs.amount
        FROM (
            SELECT coalesce(refund.public_id, payment.public_id || '-back') AS key, -sum(posting.amount) AS amount
            FROM billing_journalentry AS entry
            JOIN billing_posting AS posting ON posting.entry_id = entry.id AND posting.ledger = 'gateway'
            JOIN billing_payment AS payment ON payment.id = entry.payment_id AND payment.gateway = 'sandbox'
            LEFT JOIN billing_refund AS refund ON refund.id = entry.refund_id
            WHERE entry.kind IN ('refund_paid', 'refund_bounced', 'mismatch_back') GROUP BY 1
        ) AS ours
        FULL JOIN (
            SELECT * FROM billing_sandboxcharge WHERE refund_of_id IS NOT NULL AND outcome = 'succeeded'
        ) AS theirs ON theirs.key = ours.key
        WHERE coalesce(ours.amount, 0) <> coalesce(theirs.amount, 0)
          -- Given back, and not written down yet: it is asked for.
          AND NOT (ours.key IS NULL AND EXISTS (
              SELECT 1 FROM billing_refund AS refund WHERE refund.public_id = theirs.key AND refund.status = 'created'
          ))
          AND NOT (ours.key IS NULL AND EXISTS (
              SELECT 1 FROM billing_payment AS payment JOIN billing_journalentry AS entry ON entry.payment_id = payment.id
              WHERE payment.public_id || '-back' = theirs.key AND entry.kind = 'mismatch'
          ))
        """,
    ),
    Invariant(
        "refunds_are_posted",
        "A refund is posted once when it is decided, and is owed until it is paid.",
        """
        SELECT refund.public_id, refund.status, sum(posting.amount)
        FROM billing_refund AS refund
        LEFT JOIN billing_journalentry AS entry ON entry.refund_id = refund.id
        LEFT JOIN billing_posting AS posting ON posting.entry_id = entry.id AND posting.ledger = 'refunds_owed'
        GROUP BY refund.id
        HAVING count(posting.id) FILTER (WHERE entry.kind = 'refund_owed') <> 1
            OR sum(posting.amount) <> CASE WHEN refund.status = 'succeeded' THEN 0 ELSE -refund.amount END
        """,
    ),
    Invariant(
        "balances_are_their_postings",
        "An account's balance is the sum of its postings.",
        """
        SELECT coalesce(balance.account_id, posted.account_id), balance.amount, posted.amount
        FROM billing_accountbalance AS balance
        FULL JOIN (
            SELECT account_id, currency, -sum(amount) AS amount FROM billing_posting
            WHERE ledger = 'balance' GROUP BY account_id, currency
        ) AS posted ON posted.account_id = balance.account_id AND posted.currency = balance.currency
        WHERE coalesce(balance.amount, 0) <> coalesce(posted.amount, 0)
        """,
    ),
    Invariant(
        "credit_used_is_owed",
        "What an account has used of its credit limit is what it owes by the journal.",
        """
        SELECT coalesce(line.account_id, posted.account_id), line.used, posted.amount
        FROM billing_creditline AS line
        FULL JOIN (
            SELECT account_id, currency, sum(amount) AS amount FROM billing_posting
            WHERE ledger = 'receivable' GROUP BY account_id, currency
        ) AS posted ON posted.account_id = line.account_id AND posted.currency = line.currency
        WHERE coalesce(line.used, 0) <> coalesce(posted.amount, 0)
        """,
    ),
    Invariant(
        "statements_are_settled_once",
        "A paid statement was settled over its whole amount, another over what refunds took off it.",
        """
        SELECT statement.public_id, statement.status, posted.amount
        FROM billing_statement AS statement
        LEFT JOIN (
            SELECT entry.statement_id, sum(posting.amount) AS amount
            FROM billing_journalentry AS entry JOIN billing_posting AS posting ON posting.entry_id = entry.id
            WHERE entry.kind = 'settlement' AND posting.amount > 0 GROUP BY entry.statement_id
        ) AS posted ON posted.statement_id = statement.id
        WHERE coalesce(posted.amount, 0) <> CASE WHEN statement.status = 'paid' THEN statement.amount ELSE statement.credited END
        """,
    ),
    Invariant(
        "resellers_orders_are_owed",
        "An order or use that was billed to a reseller is on the account that he owes, at the order's amount.",
        """
        SELECT payment.public_id, payment.amount, posted.amount
        FROM billing_payment AS payment
        LEFT JOIN (
            SELECT entry.payment_id, posting.reseller_id, sum(posting.amount) AS amount
            FROM billing_journalentry AS entry JOIN billing_posting AS posting ON posting.entry_id = entry.id
            WHERE entry.kind IN ('charge', 'usage') AND posting.ledger = 'reseller_owes'
            GROUP BY entry.payment_id, posting.reseller_id
        ) AS posted ON posted.payment_id = payment.id AND posted.reseller_id = payment.reseller_id
        WHERE payment.method = 'reseller' AND posted.amount IS DISTINCT FROM payment.amount
        """,
    ),
    Invariant(
        "payouts_name_their_transfer",
        "A payout goes from what is payable to one seller to the bank, with the transfer's reference and who recorded it.",
        """
        SELECT entry.id, entry.text, entry.by, count(posting.id)
        FROM billing_journalentry AS entry LEFT JOIN billing_posting AS posting ON posting.entry_id = entry.id
        WHERE entry.kind = 'payout'
        GROUP BY entry.id
        HAVING entry.text = '' OR entry.by = '' OR count(posting.id) <> 2 OR count(DISTINCT posting.seller_id) <> 1
            OR NOT coalesce(bool_or(posting.ledger = 'seller_payable' AND posting.amount > 0), false)
            OR NOT coalesce(bool_or(posting.ledger = 'bank' AND posting.amount < 0), false)
        """,
    ),
    Invariant(
        "completed_orders_are_released",
        "A completed order that was paid has its money released to its seller once.",
        """
        SELECT orders_order.number FROM orders_order
        WHERE completed_at IS NOT NULL AND paid_at IS NOT NULL AND payable > 0
          AND NOT EXISTS (
              SELECT 1 FROM billing_journalentry AS entry
              WHERE entry.order_id = orders_order.id AND entry.kind IN ('release', 'refund_owed')
          )
        """,
    ),
    Invariant(
        "unsubscriptions_add_up",
        "An unsubscription is the sum of its terms, and one that was carried out has closed its subscription.",
        """
        SELECT orders_order.number, one.status, one.refund, sum(term.refund), subscription.status
        FROM billing_unsubscription AS one
        JOIN orders_order ON orders_order.id = one.order_id
        JOIN orders_subscription AS subscription ON subscription.id = one.subscription_id
        LEFT JOIN billing_unsubscribedterm AS term ON term.unsubscription_id = one.id
        GROUP BY orders_order.id, one.id, subscription.id
        HAVING coalesce(sum(term.refund), -1) <> one.refund OR coalesce(sum(term.paid), -1) <> one.paid
            OR (one.status = 'done' AND (subscription.status <> 'closed' OR orders_order.status <> 'completed'))
            OR (one.status = 'declined' AND orders_order.status <> 'cancelled')
        """,
    ),
    Invariant(
        "unsubscribed_terms_are_refunded",
        "What a carried-out unsubscription gives back of a term is its refund's amount, unless less was left by then.",
        """
        SELECT orders_order.number, term.refund, refund.amount
        FROM billing_unsubscribedterm AS term
        JOIN billing_unsubscription AS one ON one.id = term.unsubscription_id AND one.status = 'done'
        JOIN orders_order ON orders_order.id = term.order_id
        LEFT JOIN billing_refund AS refund ON refund.id = term.paid_back_id
        WHERE coalesce(refund.amount, 0) > term.refund OR refund.order_id <> term.order_id
        """,
    ),
    Invariant(
        "invoices_are_their_items",
        "An invoice's amount is the sum of what it names, in its currency, and more than nothing.",
        """
        SELECT invoice.number, invoice.amount, sum(item.amount)
        FROM billing_invoice AS invoice LEFT JOIN billing_invoiceitem AS item ON item.invoice_id = invoice.id
        GROUP BY invoice.id
        HAVING coalesce(sum(item.amount), -1) <> invoice.amount OR bool_or(item.currency <> invoice.currency)
        """,
    ),
    Invariant(
        "invoiced_within_cash_paid",
        "Applications and invoices that count name no more of an order than was paid for it.",
        """
        SELECT orders_order.number, orders_order.payable, sum(item.amount)
        FROM billing_invoiceitem AS item
        JOIN billing_invoice AS invoice ON invoice.id = item.invoice_id
        JOIN orders_order ON orders_order.id = item.order_id
        WHERE invoice.status IN ('pending_review', 'issuing', 'issued', 'returning', 'return_rejected')
          AND item.usage_bill_id IS NULL
        GROUP BY orders_order.id HAVING sum(item.amount) > orders_order.payable
        """,
    ),
    Invariant(
        "invoiced_within_use_paid",
        "Applications and invoices that count name no more of a usage bill than it is over, and only of a paid one.",
        """
        SELECT bill.public_id, bill.status, bill.amount, sum(item.amount)
        FROM billing_invoiceitem AS item
        JOIN billing_invoice AS invoice ON invoice.id = item.invoice_id
        JOIN billing_usagebill AS bill ON bill.id = item.usage_bill_id
        WHERE invoice.status IN ('pending_review', 'issuing', 'issued', 'returning', 'return_rejected')
        GROUP BY bill.id HAVING sum(item.amount) > bill.amount OR bill.status <> 'paid'
        """,
    ),
    Invariant(
        "invoice_numbers_have_no_gap",
        "An issuer's numbers of a year run from 1 to the last one given, without a gap.",
        """
        SELECT counter.id, counter.kind, counter.year, counter.last, count(document.id)
        FROM billing_issuercounter AS counter
        LEFT JOIN billing_invoicedocument AS document
          ON document.issuer_id = counter.issuer_id AND document.kind = counter.kind AND document.year = counter.year
        GROUP BY counter.id
        HAVING count(document.id) <> counter.last OR coalesce(max(document.sequence), 0) <> counter.last
        """,
    ),
    Invariant(
        "issued_invoices_have_their_document",
        "An issued invoice has a document over its amount, a returned one a credit note over the same, others none.",
        """
        SELECT invoice.number, invoice.status, count(document.id)
        FROM billing_invoice AS invoice
        LEFT JOIN billing_invoicedocument AS document
          ON document.invoice_id = invoice.id AND document.total = invoice.amount AND document.issuer_id = invoice.issuer_id
        GROUP BY invoice.id
        HAVING count(document.id) <> CASE
            WHEN invoice.status = 'returned' THEN 2
            WHEN invoice.status IN ('issued', 'returning', 'return_rejected') THEN 1 ELSE 0 END
        """,
    ),
)

register(*INVARIANTS)
