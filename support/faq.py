"""The twelve questions of the guide's chapter 9, with this site's own name for the cloud."""

from dataclasses import dataclass

from catalog.markdown import render_markdown


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answer as HTML; `anchor` is part of the address."""

    anchor: str
    title: str
    answer: str


_QUESTIONS: list[tuple[str, str, str]] = [
    (
        "what-is-koogallery",
        "What Is {cloud} KooGallery?",
        "KooGallery is an online store. {cloud} cooperates with independent software vendors to provide application products: "
        "applications, operating environments, bandwidth and servers. You choose a product, pay for it by the hour, month, year or "
        "once, and use the software and services for your own business, without procuring and deploying the resources yourself.",
    ),
    (
        "software-and-services",
        "What Software and Services Are Provided on KooGallery?",
        "Licenses and professional services, SaaS and images, released together with sellers. Among them are\n\n"
        "- business software: business intelligence, financial services, enterprise application, customer relationship management "
        "(CRM), e-commerce and project management;\n"
        "- developer tools: internet middleware, application development, issue and bug tracking, log analysis, source control and testing;\n"
        "- professional services: data transfer, consulting and training, environment configuration and maintenance.",
    ),
    (
        "purchase",
        "How Do I Purchase Cloud Applications on KooGallery?",
        "Find a product by search or filters, choose a specification, billing mode and duration on its page, click **Continue to "
        "Submit**, confirm the order and the agreements, and click **Pay Now**. A credit card must be bound before you pay. "
        "Products under service supervision are then delivered step by step under **Service Supervision**.",
    ),
    (
        "billing-modes",
        "Why Can't I Use the Pay-per-Use or Yearly/Monthly Billing Mode for Certain Products?",
        "Sellers decide how their products are billed. KooGallery advises sellers to provide a wide range of billing options, but "
        "some products can use only a certain billing mode because of what they are.",
    ),
    (
        "purchased-applications",
        "How Do I View Purchased Applications?",
        "1. Log in to KooGallery.\n2. Point to your name in the upper right corner and click **My KooGallery**. The **Purchased Apps** "
        "page is displayed.\n3. View the purchased apps.",
    ),
    (
        "invoices",
        "How Do I Request Invoices After Purchasing Products from KooGallery?",
        "Log in to **[Billing Center](/billing/)**. In the navigation pane, choose **Contracts and Invoices** > "
        "**[Invoices](/billing/invoices/)** to submit your invoice requests. "
        "To return an issued one, submit a service ticket from its page; then it can be reissued.",
    ),
    (
        "problems",
        "What Do I Do If I Encounter a Problem When Using a Product?",
        "Contact the seller for after-sales technical support.\n\nIf the seller cannot solve the problem or is not available, "
        "**[submit a service ticket](/my/tickets/new/?kind=problem)** on the {cloud} official website.",
    ),
    (
        "renew",
        "How Do I Renew Purchased Applications?",
        "1. Log in to the **[Billing Center](/billing/)**.\n2. Click **[Renewals](/billing/renewals/)** in the navigation pane, and then "
        "renew purchased cloud applications on the displayed page.\n\nThe renewed period starts from the original expiration time.",
    ),
    (
        "requirements",
        "What Do I Do If No Applications or Services Meet My Requirements?",
        "We apologize for not being able to provide the applications or services you need. Fill in the form "
        "**[Tell us what you need](/requirements/new/)**, or send an email to **{email}** to describe your application requirements. "
        "We will come up with the corresponding products as soon as possible.\n\n"
        "Email subject: `[KooGallery] [Requirements] [Contact]`\n\n"
        "Body: application requirements, company name, contact person, phone number, and email address.",
    ),
    (
        "contact-seller",
        "How Do I Contact a Seller?",
        "Click the seller name on the product details page and find the customer service email address on the displayed seller "
        "information page. You can contact the seller by email. On a product's page you can also click **Contact Sales**.",
    ),
    (
        "seller-does-not-answer",
        "What Do I Do If I Cannot Contact a Seller?",
        "**[Submit a service ticket](/my/tickets/new/?kind=seller)** on the {cloud} official website. Operations reach the seller, "
        "and while an order is under service supervision you can appeal.",
    ),
    (
        "third-party-login",
        "Does {cloud} Support Login Through Third-Party Website?",
        "No. You log in with your own account only, so that no other company learns what you buy.",
    ),
]


def questions(cloud: str, email: str) -> list[Question]:
    """The questions and answers.

    Args:
        cloud: what the cloud is called here (`SITE_CLOUD_NAME`).
        email: where requirements may be written to.
    """
    return [
        Question(anchor, title.format(cloud=cloud), render_markdown(answer.format(cloud=cloud, email=email)))
        for anchor, title, answer in _QUESTIONS
    ]
