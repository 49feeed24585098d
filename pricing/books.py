"""What is always true of coupons, across tables."""

from koogallery.kernel.books import Invariant, register

register(
    Invariant(
        "coupons_keep_what_is_left",
        "What is left of a coupon is what it was worth less what orders took of it and did not give back.",
        """
        SELECT coupon.code, coupon.remaining, coalesce(sum(part.taken), 0)
        FROM pricing_coupon AS coupon
        LEFT JOIN pricing_couponuse AS part ON part.coupon_id = coupon.id AND part.status <> 'returned'
        GROUP BY coupon.id
        HAVING coupon.remaining <> (CASE WHEN coupon.kind = 'cash' THEN coupon.amount ELSE 1 END) - coalesce(sum(part.taken), 0)
        """,
    ),
)
