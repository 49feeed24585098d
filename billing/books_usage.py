"""What is always true of bills of pay-per-use: what was measured, what was billed and what was posted are one."""

from koogallery.kernel.books import Invariant
from koogallery.kernel.money import minor_digits_sql

_DIGITS = minor_digits_sql("currency")

INVARIANTS = (
    Invariant(
        "usage_bills_are_their_lines",
        "A usage bill's amount is what its lines take, with their tax.",
        """
        SELECT bill.public_id, bill.amount, sum(line.amount + line.tax)
        FROM billing_usagebill AS bill LEFT JOIN billing_usagebillline AS line
          ON line.bill_id = bill.id AND line.currency = bill.currency
        GROUP BY bill.id HAVING coalesce(sum(line.amount + line.tax), 0) <> bill.amount
        """,
    ),
    Invariant(
        "usage_is_reckoned_to_the_cent",
        "A line takes its seconds at its price less its discount, rounded once, and the tax on that, rounded once.",
        f"""
        SELECT id, seconds, unit_price, amount, tax FROM billing_usagebillline
        WHERE amount <> round(seconds * unit_price * (100 - discount_percent) / 360000, {_DIGITS})
           OR tax <> round(amount * tax_percent / 100, {_DIGITS})
        """,
    ),
    Invariant(
        "what_was_measured_is_billed",
        "Of what was recorded when a month was billed last, all before that bill's cut is billed, and no more.",
        """
        WITH billed AS (
            SELECT bill.account_id, line.currency, line.subscription_id, line.line_id, line.month,
                sum(line.seconds) AS seconds
            FROM billing_usagebillline AS line JOIN billing_usagebill AS bill ON bill.id = line.bill_id
            GROUP BY 1, 2, 3, 4, 5
        ), covering AS (
            SELECT known.account_id, known.currency, known.month, max(bill.id) AS bill_id
            FROM (
                SELECT account_id, currency, month FROM billed
                UNION
                SELECT meter.account_id, meter.currency, kept.month
                FROM metering_metermonth AS kept JOIN metering_meter AS meter ON meter.id = kept.meter_id
            ) AS known
            JOIN billing_usagebill AS bill ON bill.account_id = known.account_id AND bill.currency = known.currency
             AND CASE WHEN bill.closes_month
                THEN bill.until > (known.month - interval '8 hours') AT TIME ZONE 'UTC'
                ELSE date_trunc('month', bill.until AT TIME ZONE 'UTC' + interval '8 hours' - interval '1 second')
                    = known.month
             END
            GROUP BY 1, 2, 3
        ), used AS (
            SELECT covering.account_id, covering.currency, meter.subscription_id, meter.line_id, covering.month,
                sum(record.seconds) AS seconds
            FROM covering JOIN billing_usagebill AS bill ON bill.id = covering.bill_id
            JOIN metering_meter AS meter
              ON meter.account_id = covering.account_id AND meter.currency = covering.currency
            JOIN metering_usagerecord AS record
              ON record.meter_id = meter.id AND record.id <= bill.last_record AND record.hour < bill.until
             AND date_trunc('month', record.hour AT TIME ZONE 'UTC' + interval '8 hours') = covering.month
            GROUP BY 1, 2, 3, 4, 5
        )
        SELECT account_id, subscription_id, line_id, month, used.seconds, billed.seconds
        FROM used FULL JOIN billed USING (account_id, currency, subscription_id, line_id, month)
        WHERE coalesce(used.seconds, 0) <> coalesce(billed.seconds, 0)
        """,
    ),
    Invariant(
        "usage_is_billed_at_the_confirmed_price",
        "A line's price, discount and tax are those of its order line, an hour of one piece times the pieces.",
        """
        SELECT line.id, line.unit_price, bought.metered
        FROM billing_usagebillline AS line
        JOIN orders_orderline AS bought ON bought.id = line.line_id
        JOIN orders_subscription AS subscription ON subscription.id = line.subscription_id
        WHERE line.unit_price <> (bought.metered #>> '{unit_price,amount}')::numeric * subscription.quantity
           OR line.currency <> bought.metered #>> '{unit_price,currency}'
           OR line.discount_percent <> (bought.metered ->> 'discount_percent')::numeric
           OR line.tax_percent <> (bought.metered ->> 'tax_percent')::numeric
        """,
    ),
    Invariant(
        "usage_bills_are_posted",
        "A paid usage bill is posted once, over its amount, from where its payment came; another is not.",
        """
        SELECT bill.public_id, bill.status, bill.amount, posted.entries, posted.amount
        FROM billing_usagebill AS bill
        CROSS JOIN LATERAL (
            SELECT count(DISTINCT entry.id) AS entries, coalesce(sum(posting.amount), 0) AS amount
            FROM billing_payment AS payment
            JOIN billing_journalentry AS entry ON entry.payment_id = payment.id AND entry.kind = 'usage'
            LEFT JOIN billing_posting AS posting ON posting.entry_id = entry.id
             AND posting.ledger IN ('gateway', 'balance', 'receivable', 'reseller_owes')
            WHERE payment.usage_bill_id = bill.id
        ) AS posted
        WHERE bill.status <> 'credited' AND CASE WHEN bill.status = 'paid' THEN posted.entries <> 1 OR posted.amount <> bill.amount
            ELSE posted.entries <> 0 END
        """,
    ),
    Invariant(
        "usage_credits_are_posted",
        "What usage bills took too much and none follows to take less is posted to the balance, or off what the reseller owes,"
        " with the tax of its lines.",
        """
        SELECT bill.public_id, bill.amount, entry.kind, posted.amount, posted.tax, lines.tax
        FROM billing_usagebill AS bill LEFT JOIN billing_journalentry AS entry ON entry.id = bill.credit_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount) FILTER (WHERE ledger IN ('balance', 'reseller_owes')), 0) AS amount,
                coalesce(-sum(amount) FILTER (WHERE ledger = 'tax'), 0) AS tax
            FROM billing_posting WHERE entry_id = bill.credit_id
        ) AS posted
        CROSS JOIN LATERAL (SELECT sum(tax) AS tax FROM billing_usagebillline WHERE bill_id = bill.id) AS lines
        WHERE bill.status = 'credited' AND (entry.kind <> 'usage_credit' OR posted.amount <> bill.amount OR posted.tax <> lines.tax)
        UNION ALL
        SELECT NULL, NULL, entry.kind, NULL, NULL, NULL FROM billing_journalentry AS entry
        WHERE entry.kind = 'usage_credit' AND NOT EXISTS (SELECT FROM billing_usagebill WHERE credit_id = entry.id)
        """,
    ),
    Invariant(
        "usage_tax_is_posted",
        "What a paid usage bill's lines say of tax is what its entry posts as tax.",
        """
        SELECT bill.public_id, lines.tax, posted.tax
        FROM billing_usagebill AS bill
        CROSS JOIN LATERAL (
            SELECT sum(tax) AS tax FROM billing_usagebillline WHERE bill_id = bill.id
        ) AS lines
        CROSS JOIN LATERAL (
            SELECT coalesce(-sum(posting.amount), 0) AS tax
            FROM billing_payment AS payment
            JOIN billing_journalentry AS entry ON entry.payment_id = payment.id AND entry.kind = 'usage'
            JOIN billing_posting AS posting ON posting.entry_id = entry.id AND posting.ledger = 'tax'
            WHERE payment.usage_bill_id = bill.id
        ) AS posted
        WHERE bill.status = 'paid' AND lines.tax <> posted.tax
        """,
    ),
    Invariant(
        "usage_fees_are_posted",
        "What the lines of a paid or credited usage bill say that we keep is what its entry posts as our fees.",
        """
        SELECT bill.public_id, lines.fee, posted.fee
        FROM billing_usagebill AS bill
        CROSS JOIN LATERAL (
            SELECT sum(fee) AS fee, count(*) AS lines, count(fee) AS known FROM billing_usagebillline WHERE bill_id = bill.id
        ) AS lines
        CROSS JOIN LATERAL (
            SELECT coalesce(-sum(amount), 0) AS fee FROM billing_posting
            WHERE ledger = 'service_fees' AND entry_id IN (
                SELECT bill.credit_id
                UNION ALL
                SELECT entry.id FROM billing_payment AS payment
                JOIN billing_journalentry AS entry ON entry.payment_id = payment.id AND entry.kind = 'usage'
                WHERE payment.usage_bill_id = bill.id
            )
        ) AS posted
        WHERE bill.status IN ('paid', 'credited') AND lines.known = lines.lines AND lines.fee <> posted.fee
        """,
    ),
)
