"""Addresses of the storefront."""

from django.urls import path

from catalog.views import compare, media, saved, sellers, seo, storefront

app_name = "catalog"

urlpatterns = [
    path("", storefront.home, name="home"),
    path("products/", storefront.products, name="products"),
    path("products/total/", storefront.total, name="total"),
    path("search/", storefront.products, name="search"),
    path("search/suggest/", storefront.suggestions, name="suggest"),
    path("categories/<slug:slug>/", storefront.products, name="category"),
    path("products/<slug:slug>/logo.svg", storefront.logo, name="logo"),
    path("products/<slug:slug>/requirement-template/", storefront.requirement_template, name="requirement_template"),
    path("products/<slug:slug>/card.png", seo.card, name="card"),
    path("products/<slug:slug>/pictures/<int:pk>/", media.picture, name="picture"),
    path("products/<slug:slug>/documents/<int:pk>/", media.document, name="document"),
    path("collections/<slug:slug>/", storefront.collection, name="collection"),
    path("compare/", compare.compare, name="compare"),
    path("robots.txt", seo.robots, name="robots"),
    path("sitemap.xml", seo.sitemap_index, name="sitemap"),
    path("sitemaps/<slug:name>.xml", seo.sitemap_file, name="sitemap_file"),
    path("sellers/<slug:slug>/", sellers.seller, name="seller"),
    path("my/saved/", saved.saved_list, name="saved"),
    path("my/saved/add/<slug:slug>/", saved.save_page, name="save_page"),
    path("my/saved/undo/", saved.undo, name="undo_remove"),
    path("my/saved/<slug:slug>/", saved.save, name="save"),
    path("my/saved/<slug:slug>/remove/", saved.remove, name="remove"),
]
