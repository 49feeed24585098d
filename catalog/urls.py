"""Addresses of the storefront."""

from django.urls import path

from catalog.views import saved, storefront

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
    path("sellers/<slug:slug>/", storefront.seller, name="seller"),
    path("my/saved/", saved.saved_list, name="saved"),
    path("my/saved/add/<slug:slug>/", saved.save_page, name="save_page"),
    path("my/saved/<slug:slug>/", saved.save, name="save"),
    path("my/saved/<slug:slug>/remove/", saved.remove, name="remove"),
]
