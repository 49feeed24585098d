"""The sentences of the guide's chapters 5 to 8 and of its FAQ 9.6 to 9.11 stand on our pages letter by letter."""

import re
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings

from billing.rules.unsubscription import guide_table
from support.faq import questions

CLOUD, EMAIL = "Example Cloud", "partner@example.com"
# Chapter, where it stands below templates/, the sentence.
ON_PAGES = [
    ("5", "support/ticket_new.html", "The after-sales support for KooGallery products and services is provided by sellers. If you need after-sales support, find the seller contact information in the Support Range area on the product details page, and contact the seller."),
    ("5", "components/support_range.html", "The after-sales support for KooGallery products and services is provided by sellers."),
    ("6.1.1", "renewals/renewal_list.html", "You can renew your yearly/monthly subscribed resources."),
    ("6.1.1", "renewals/renew.html", "If a resource has entered the grace period or retention period, the renewed period starts from the original expiration time (excluding the grace period or retention period)"),
    ("6.2.1", "renewals/plan.html", "To prevent resource data from being deleted when a KooGallery product expires, you can enable auto-renewal for yearly/monthly subscriptions. With auto-renewal, the system automatically renews your product before the product expires."),
    ("6.2.1", "renewals/renew.html", "If you renew a professional service product or a license, there will be no service flow generated."),
    ("6.2.2", "renewals/plan.html", "Auto-renewal is supported for certain yearly/monthly products"),
    ("6.1.2", "components/buyer_nav.html", '"Billing Center"'),
    ("6.1.2", "components/buyer_nav.html", '"Renewals"'),
    ("7.1", "billing/unsubscription_list.html", "If a KooGallery invoice has been issued, you can unsubscribe from the product only after the invoice is returned."),
    ("7.1", "billing/unsubscription_list.html", '"Unsubscription Rules"'),
    ("7.1", "billing/unsubscription_list.html", '"Product Type"'),
    ("7.1", "billing/unsubscription_list.html", '"Warranty Period"'),
    ("7.1", "billing/unsubscription_list.html", '"Rule Description"'),
    ("7.1", "billing/unsubscription_list.html", '"Unsubscription Limit"'),
    ("8", "billing/invoice_list.html", "You can issue invoices in Billing Center after you purchase products."),
    ("8", "billing/invoice_list.html", "To return an invoice, submit a service ticket"),
    ("9.6", "components/buyer_nav.html", '"Contracts and Invoices"'),
    ("9.6", "components/buyer_nav.html", '"Invoices"'),
    ("9.9", "support/requirement.html", "We apologize for not being able to provide the applications or services you need."),
    ("9.9", "support/requirement.html", "with the subject [KooGallery] [Requirements] [Contact]."),
]  # fmt: skip
IN_ANSWERS = [
    ("invoices", "Log in to Billing Center. In the navigation pane, choose Contracts and Invoices > Invoices to submit your invoice requests."),
    ("problems", "Contact the seller for after-sales technical support. If the seller cannot solve the problem or is not available, submit a service ticket on the Example Cloud official website."),
    ("renew", "Log in to the Billing Center. Click Renewals in the navigation pane, and then renew purchased cloud applications on the displayed page."),
    ("requirements", "We apologize for not being able to provide the applications or services you need."),
    ("requirements", "end an email to partner@example.com to describe your application requirements. We will come up with the corresponding products as soon as possible. Email subject: [KooGallery] [Requirements] [Contact] Body: application requirements, company name, contact person, phone number, and email address."),
    ("contact-seller", "Click the seller name on the product details page and find the customer service email address on the displayed seller information page. You can contact the seller by email."),
    ("seller-does-not-answer", "Submit a service ticket on the Example Cloud official website."),
]  # fmt: skip
RULES = [
    ("Images", "Unsubscription rules for images on KooGallery are the same as those for products and services on Example Cloud."),
    ("Images", "You can unsubscribe from a KooGallery image on the Billing Center > Unsubscriptions page. Pay-per-use resources cannot be unsubscribed."),
    ("SaaS products", "SaaS products cannot be unsubscribed."),
    ("Licenses", "Licenses cannot be unsubscribed."),
    ("Professional services", "Professional services cannot be unsubscribed."),
]  # fmt: skip


@pytest.mark.parametrize(("chapter", "page", "sentence"), ON_PAGES)
def test_the_guides_sentence_stands_on_the_page(chapter, page, sentence):
    assert sentence in (Path(settings.BASE_DIR) / "templates" / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(("anchor", "sentence"), IN_ANSWERS)
def test_the_answer_is_the_guides(anchor, sentence):
    answer = next(one.answer for one in questions(CLOUD, EMAIL) if one.anchor == anchor)
    words = unescape(re.sub(r"<[^>]+>", "", re.sub(r"</?(?:p|li|ol|ul)[^>]*>", " ", answer)))
    assert sentence in " ".join(words.split())


@pytest.mark.parametrize(("product_type", "sentence"), RULES)
def test_the_rules_of_unsubscription_are_the_guides(product_type, sentence):
    rule = next(one for one in guide_table(CLOUD) if one.product_type == product_type)
    assert sentence in rule.rule
