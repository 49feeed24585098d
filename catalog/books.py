"""What is always true of the catalogue, across tables."""

from koogallery.kernel.books import Invariant, register

register(
    Invariant(
        "listing_repeats_prices",
        "A published product's billing modes are those that its specifications on sale can be ordered in.",
        """
        SELECT product.slug, product.billing_modes, sold.modes
        FROM catalog_product AS product
        LEFT JOIN (
            SELECT specification.product_id, array_agg(DISTINCT price.billing_mode::text) AS modes
            FROM catalog_price AS price JOIN catalog_specification AS specification ON specification.id = price.specification_id
            JOIN catalog_product AS priced ON priced.id = specification.product_id
            WHERE specification.removed_at IS NULL AND (priced.delivery_method = 'image' OR price.billing_mode <> 'pay_per_use')
            GROUP BY specification.product_id
        ) AS sold ON sold.product_id = product.id
        WHERE product.status = 'published'
          AND NOT (product.billing_modes::text[] @> coalesce(sold.modes, '{}') AND product.billing_modes::text[] <@ coalesce(sold.modes, '{}'))
        """,
    ),
    Invariant(
        "prices_multiply_own_attributes",
        "A price is multiplied by an attribute of its own specification.",
        """
        SELECT price.id FROM catalog_price AS price JOIN catalog_attribute AS attribute ON attribute.id = price.per_id
        WHERE attribute.specification_id <> price.specification_id
        """,
    ),
)
