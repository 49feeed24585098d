"""The catalogue's data."""

from catalog.models.cloud import Flavor, FlavorOffer, ImageVersion, Region, RegionRate
from catalog.models.criteria import AcceptanceCriteria
from catalog.models.exchange import ImportRun
from catalog.models.feed import CatalogueChange
from catalog.models.products import (
    Agreement,
    Attribute,
    Category,
    CustomerCase,
    Price,
    Product,
    ProductQuerySet,
    ReleaseNote,
    Specification,
    UpgradeRule,
)
from catalog.models.saved import SavedProduct
from catalog.models.showcase import (
    Collection,
    CollectionItem,
    ProductDocument,
    ProductPicture,
    Synonym,
)

__all__ = [
    "AcceptanceCriteria",
    "Agreement",
    "Attribute",
    "CatalogueChange",
    "Category",
    "Collection",
    "CollectionItem",
    "CustomerCase",
    "Flavor",
    "FlavorOffer",
    "ImageVersion",
    "ImportRun",
    "Price",
    "Product",
    "ProductDocument",
    "ProductPicture",
    "ProductQuerySet",
    "Region",
    "RegionRate",
    "ReleaseNote",
    "SavedProduct",
    "Specification",
    "Synonym",
    "UpgradeRule",
]
