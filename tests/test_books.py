"""check_books finds nothing after the main job, and every breach when a row is spoilt behind its back."""

import pytest
from django.core.management import call_command
from django.db import connection

from koogallery.kernel.books import breaches, invariants
from supervision import services
from tests.factories import AgreementFactory
from tests.supervision.conftest import make_deal

INVOICE = """
        INSERT INTO billing_issuer (company_name, tax_number, country, address, email, is_platform, prefix)
            VALUES ('P', '', 'SG', '', '', true, 'P');
        INSERT INTO billing_invoice (number, account_id, issuer_id, status, basis, currency, amount, note, applied_by, created_at,
            decided_by, reason, return_reason, return_answer, company_name, tax_number, country, address, email, issued_at)
            SELECT 'IV', account_id, issuer.id, '%s', 'order', 'USD', %s, '', '', now(), '', '', '', '', 'C', '', 'SG', '', '', now()
            FROM orders_order, billing_issuer AS issuer"""
# Invariant -> SQL that breaks it, with triggers and foreign keys out of the way.
# A deployment of the order with the subnet of its buyer, and a server in this status.
A_DEPLOYMENT = """
    INSERT INTO compute_subnet (public_id, account_id, vpc_id, name, cidr, created_at)
        SELECT 'x', account_id, 1, '', '', now() FROM orders_order;
    INSERT INTO compute_deployment (order_id, account_id, status, billing_mode, quantity, region_id, zone, image_id, flavor_id,
        system_disk_type, system_disk_gb, data_disks, bandwidth, subnet_id, security_group_id, name, login_mode, password,
        auto_recovery, currency, software_unit_price, server_unit_price, tries, created_at)
        SELECT orders_order.id, orders_order.account_id, 'waiting', 'monthly', 1, 1, '', 1, 1, 'high_io', 40, '[]', 0,
        compute_subnet.id, 1, '', 'password', {password}, true, 'USD', 1, 1, 0, now() FROM orders_order, compute_subnet;"""
A_SERVER = """
    INSERT INTO compute_server (public_id, account_id, deployment_id, number, name, subscription_id, image_subscription_id,
        status, zone, attempt, tries, fault, created_at, deleted_at)
        SELECT 'x', deployment.account_id + {other}, deployment.id, 1, '', app.id, app.id, '{status}', '', 1, 0, '', now(), now()
        FROM compute_deployment AS deployment, orders_subscription AS app;"""

# A meter of the order's app at 3.60 USD an hour, a bill of the year 2020's use, paid or not, and one line on it.
A_METER = """
    INSERT INTO metering_meter (subscription_id, line_id, account_id, currency, unit_price, discount_percent, tax_percent,
        tax_name, running)
        SELECT app.id, app.line_id, app.account_id, 'USD', 3.6, 0, 0, '', {running} FROM orders_subscription AS app;"""
A_USAGE_BILL = """
    INSERT INTO billing_usagebill (public_id, account_id, currency, until, closes_month, last_record, amount, status, issued_at,
        paid_at)
        SELECT 'x', account_id, 'USD', '2020-02-01', true, 9, {amount}, '{status}', now(), now() FROM orders_order;
    INSERT INTO billing_usagebillline (bill_id, subscription_id, line_id, currency, month, seconds, unit_price,
        discount_percent, tax_percent, tax_name, amount, tax)
        SELECT bill.id, app.id, app.line_id, 'USD', '2020-01-01', 1000, 3.6, 0, 0, '', {line}, {tax}
        FROM billing_usagebill AS bill, orders_subscription AS app;"""

SPOILS = {
    "listing_repeats_prices": "UPDATE catalog_product SET billing_modes = '{yearly}'",
    "prices_multiply_own_attributes": """
        INSERT INTO catalog_specification (product_id, code, name, position, max_quantity, longest_years)
            SELECT product_id, 'other', 'Other', 9, 1, 1 FROM catalog_specification LIMIT 1;
        INSERT INTO catalog_attribute (specification_id, code, name, kind, position, choices, "default", unit)
            SELECT max(id), 'users', 'Users', 'enumerated', 0, '[]', '1', '' FROM catalog_specification;
        UPDATE catalog_price SET per_id = (SELECT max(id) FROM catalog_attribute)""",
    "lines_add_up": "UPDATE orders_orderline SET amount = amount + 1",
    "charged_as_confirmed": """UPDATE orders_order SET quote = jsonb_set(quote, '{payable,amount}', '"4.99"')""",
    "agreements_accepted": "DELETE FROM orders_acceptedagreement",
    "paid_orders_have_a_delivery": "DELETE FROM orders_orderdelivery",
    "unpaid_orders_have_nothing": "UPDATE orders_order SET paid_at = NULL, status = 'cancelled'",
    "terms_start_at_acceptance": "UPDATE orders_subscription SET starts_at = starts_at - interval '1 day'",
    "subscriptions_belong_to_the_buyer": "UPDATE orders_subscription SET account_id = account_id + 1000",
    "journal_balances": "UPDATE billing_posting SET amount = amount * 2 WHERE amount > 0",
    "paid_orders_were_charged": "UPDATE billing_paymentallocation SET counted_at = NULL",
    "payments_are_allocated": "UPDATE billing_payment SET amount = amount + 1",
    "charges_post_what_was_paid": "UPDATE billing_posting SET amount = amount + 1 WHERE amount > 0",
    "refunds_are_posted": """
        INSERT INTO billing_refund (public_id, payment_id, order_id, currency, amount, reason, status, reference, created_at)
        SELECT 'x', payment_id, order_id, 'USD', 1, '', 'created', '', now() FROM billing_paymentallocation""",
    "balances_are_their_postings": "UPDATE billing_posting SET ledger = 'balance' WHERE ledger = 'gateway'",
    "credit_used_is_owed": "UPDATE billing_posting SET ledger = 'receivable' WHERE ledger = 'gateway'",
    "statements_are_settled_once": """
        INSERT INTO billing_statement
            (public_id, account_id, currency, month, amount, status, issued_at, due_at, freezes_at, paid_at)
        SELECT 'x', id, 'USD', '2026-01-01', 1, 'paid', now(), now(), now(), now() FROM accounts_account LIMIT 1""",
    "resellers_orders_are_owed": "UPDATE billing_payment SET method = 'reseller', card_id = NULL, reseller_id = 1",
    "completed_orders_are_released": "UPDATE orders_order SET completed_at = now()",
    "coupons_keep_what_is_left": """
        INSERT INTO pricing_coupon (code, kind, name, currency, amount, percent, remaining, minimum_spend,
            with_commercial, with_partner, with_promotional, valid_from, valid_until, created_at)
        VALUES ('X', 'cash', '', 'USD', 5, 0, 4, 0, true, true, true, now(), now() + interval '1 day', now())""",
    "coupons_lower_their_orders": """UPDATE orders_order SET quote = jsonb_set(quote, '{applied,coupon}', '"X"')""",
    "payouts_name_their_transfer": """
        INSERT INTO billing_journalentry (at, kind, by, text, cause) VALUES (now(), 'payout', '', '', '');
        INSERT INTO billing_posting (entry_id, ledger, seller_id, currency, amount)
            SELECT max(entry.id), 'seller_payable', min(seller.id), 'USD', 1
            FROM billing_journalentry AS entry, accounts_seller AS seller""",
    "charges_are_posted": "UPDATE billing_journalentry SET payment_id = NULL WHERE kind = 'charge'",
    "held_while_processing": "UPDATE billing_posting SET ledger = 'seller_payable' WHERE ledger = 'held'",
    "refunds_add_up": "UPDATE billing_payment SET refunded = 1",
    "a_charge_goes_back_once": """
        INSERT INTO billing_dispute (payment_id, reference, currency, amount, status, opened_at)
        SELECT id, 'dp_x', currency, amount + 1, 'lost', now() FROM billing_payment""",
    "gateway_agrees": "UPDATE billing_sandboxcharge SET amount = 1",
    "gateway_keeps_its_fees": "UPDATE billing_sandboxcharge SET fee = 1",
    "gateway_refunds_agree": """
        INSERT INTO billing_sandboxcharge (key, reference, refund_of_id, currency, amount, outcome, reason, created_at)
        SELECT 'orphan', 're_orphan', key, 'USD', 1, 'succeeded', '', now() FROM billing_sandboxcharge LIMIT 1""",
    "instances_are_asked_for": """
        INSERT INTO provisioning_instance (subscription_id, seller_id, instance_id, status, created_at)
        SELECT id, 1, 'app-1', 'creating', now() FROM orders_subscription""",
    "ready_instances_are_delivered": """
        INSERT INTO provisioning_instance (subscription_id, seller_id, instance_id, status, created_at)
        SELECT id, 1, 'app-1', 'ready', now() FROM orders_subscription;
        INSERT INTO orders_orderdelivery (order_id, deliverer, status, started_at)
        SELECT id, 'saas', 'started', now() FROM orders_order""",
    "two_access_keys_at_most": """
        INSERT INTO provisioning_accesskey (public_id, seller_id, secret, digest, created_at)
        VALUES ('x', 1, 'in clear', 'x', now())""",
    "supervised_orders_have_a_flow": "UPDATE supervision_serviceflow SET order_id = order_id + 1000",
    "records_replay": "UPDATE supervision_flowrecord SET to_status = 'awaiting_request'",
    "flows_and_orders_agree": "UPDATE orders_order SET accepted_at = NULL",
    "frozen_flows_have_an_appeal": """
        UPDATE supervision_serviceflow SET status = 'under_appeal', frozen_from = 'awaiting_acceptance',
            waiting_on = 'operations', ended_at = NULL""",
    "attached_uploads_are_attachments": """
        INSERT INTO supervision_upload (public_id, account_id, user_id, status, name, size, received, content_type,
            sha256, file, created_at, expires_at)
        SELECT 'x', account_id, 1, 'attached', 'a.pdf', 1, 1, 'application/pdf', '', 'attachments/x', now(), now()
            FROM supervision_serviceflow""",
    "parts_add_up": """
        INSERT INTO supervision_upload (public_id, account_id, user_id, status, name, size, received, content_type,
            sha256, file, created_at, expires_at)
        SELECT 'x', account_id, 1, 'receiving', 'a.pdf', 9, 5, '', '', '', now(), now() FROM supervision_serviceflow""",
    "revisions_and_rounds_are_whole": "UPDATE supervision_delivery SET note = 'Another.'",
    "criteria_are_answered": """UPDATE supervision_delivery SET answers = '[{"text": "It runs.", "file": ""}]'""",
    "handlers_work_for_the_seller": """
        INSERT INTO accounts_sellermember (seller_id, user_id, created_at)
            SELECT seller_id + 1000, user_id, now() FROM accounts_sellermember LIMIT 1;
        UPDATE supervision_serviceflow SET handler_id = (SELECT max(id) FROM accounts_sellermember)""",
    "application_passwords_are_encrypted": """
        INSERT INTO provisioning_application
            (subscription_id, version, username, frontend_url, management_url, password_changed, given_at, by)
            SELECT id, 1, 'a', 'https://a.example', '', true, now(), '' FROM orders_subscription;
        INSERT INTO provisioning_applicationpassword (application_id, password)
            SELECT id, 'in plain words' FROM provisioning_application""",
    "application_versions_are_whole": """
        INSERT INTO provisioning_application
            (subscription_id, version, username, frontend_url, management_url, password_changed, given_at, by)
            SELECT id, 2, 'a', 'https://a.example', '', true, now(), '' FROM orders_subscription""",
    "appeals_and_decisions_agree": """
        INSERT INTO supervision_appeal (flow_id, status, party, ground, reason, filed_at, answer_due_at, ended_at,
            review_party, review_reason)
        SELECT id, 'decided', 'buyer', '', '', now(), now(), now(), '', '' FROM supervision_serviceflow""",
    "ended_appeals_ask_nobody": """
        INSERT INTO supervision_appeal (flow_id, status, party, ground, reason, filed_at, answer_due_at, ended_at,
            review_party, review_reason)
        SELECT id, 'withdrawn', 'buyer', '', '', now(), now(), now(), '', '' FROM supervision_serviceflow;
        INSERT INTO supervision_statementrequest (appeal_id, status, party, question, asked_at, due_at, text)
        SELECT id, 'asked', 'buyer', '', now(), now(), '' FROM supervision_appeal""",
    "unsubscriptions_add_up": """
        INSERT INTO billing_unsubscription (public_id, order_id, subscription_id, status, currency, paid, consumed, fee,
            refund, unconditional, reason, requested_at, decision)
        SELECT 'x', line.order_id, one.id, 'done', 'USD', 5, 0, 0, 5, false, '', now(), ''
            FROM orders_subscription AS one JOIN orders_orderline AS line ON line.id = one.line_id""",
    "unsubscribed_terms_are_refunded": """
        INSERT INTO billing_unsubscription (public_id, order_id, subscription_id, status, currency, paid, consumed, fee,
            refund, unconditional, reason, requested_at, decision)
        SELECT 'x', line.order_id, one.id, 'done', 'USD', 5, 0, 0, 5, false, '', now(), ''
            FROM orders_subscription AS one JOIN orders_orderline AS line ON line.id = one.line_id;
        INSERT INTO billing_refund (public_id, payment_id, order_id, currency, amount, reason, status, reference, created_at)
        SELECT 'x', payment_id, order_id, 'USD', 6, '', 'created', '', now() FROM billing_paymentallocation;
        INSERT INTO billing_unsubscribedterm (unsubscription_id, order_id, currency, paid, consumed, fee, refund, whole,
            used_hours, total_hours, paid_back_id)
        SELECT one.id, one.order_id, 'USD', 5, 0, 0, 5, false, 0, 1, refund.id
            FROM billing_unsubscription AS one, billing_refund AS refund""",
    "invoices_are_their_items": INVOICE % ("rejected", 5),
    "invoiced_within_cash_paid": INVOICE % ("pending_review", 6)
    + """;
        INSERT INTO billing_invoiceitem (invoice_id, order_id, description, details, currency, amount, tax, tax_label)
            SELECT invoice.id, orders_order.id, '', '', 'USD', 6, 0, '' FROM billing_invoice AS invoice, orders_order""",
    "invoiced_within_use_paid": INVOICE % ("pending_review", 6)
    + """;
        INSERT INTO billing_usagebill (public_id, account_id, currency, until, closes_month, last_record, amount, status, issued_at)
            SELECT 'x', account_id, 'USD', now(), true, 0, 5, 'open', now() FROM orders_order;
        INSERT INTO billing_invoiceitem
            (invoice_id, order_id, usage_bill_id, description, details, currency, amount, tax, tax_label)
            SELECT invoice.id, orders_order.id, bill.id, '', '', 'USD', 6, 0, ''
            FROM billing_invoice AS invoice, orders_order, billing_usagebill AS bill""",
    "invoice_numbers_have_no_gap": INVOICE % ("rejected", 5)
    + """;
        INSERT INTO billing_issuercounter (issuer_id, kind, year, last) SELECT id, 'invoice', 2026, 1 FROM billing_issuer""",
    "issued_invoices_have_their_document": INVOICE % ("issued", 5),
    "paid_images_have_their_servers": "UPDATE orders_orderline SET delivery_method = 'ecs'",
    "servers_run_when_they_say_so": A_DEPLOYMENT.format(password="NULL") + A_SERVER.format(status="running", other=0),
    "runs_do_not_overlap": """
        INSERT INTO compute_serverrun (server_id, started_at, stopped_at)
        VALUES (1, now() - interval '2 hours', now()), (1, now() - interval '1 hour', now())""",
    "deleted_servers_left_nothing": A_DEPLOYMENT.format(password="NULL")
    + A_SERVER.format(status="deleted", other=0)
    + """
        INSERT INTO compute_cloudresource (token, kind, status, account_id, region_id, ref, is_ready, position, server_id,
            created_at, tries)
        SELECT 'kg-x', 'volume', 'wanted', account_id, 1, '', false, 0, id, now(), 0 FROM compute_server""",
    "passwords_of_servers_are_erased": A_DEPLOYMENT.format(password="'in plain words'"),
    "servers_belong_to_the_buyer": A_DEPLOYMENT.format(password="NULL") + A_SERVER.format(status="stopped", other=1000),
    "terms_follow_one_another": "UPDATE orders_subscriptionterm SET starts_at = starts_at - interval '1 day'",
    "renewals_are_in_force_while_paid": "UPDATE orders_order SET kind = 'renewal', status = 'pending_payment'",
    "usage_sums_are_their_records": A_METER.format(running=False)
    + "INSERT INTO metering_metermonth (meter_id, month, seconds) SELECT id, '2020-01-01', 1 FROM metering_meter",
    "recorded_hours_hold_their_seconds": A_METER.format(running=False)
    + """
        INSERT INTO metering_usagerecord (meter_id, hour, revision, seconds, recorded_at)
            SELECT id, '2020-01-01', 1, 3600, now() FROM metering_meter""",
    "usage_is_what_the_marks_say": A_METER.format(running=True)
    + """
        INSERT INTO metering_metermark (meter_id, at, running) SELECT id, '2020-01-01', true FROM metering_meter;
        DELETE FROM metering_meterclock;
        INSERT INTO metering_meterclock (id, metered_until, next_at) VALUES (1, '2020-01-02', '2020-01-02 01:00')""",
    "meters_stand_as_their_latest_mark": A_METER.format(running=True),
    "usage_bills_are_their_lines": A_USAGE_BILL.format(amount=2, status="open", line=1, tax=0),
    "usage_is_reckoned_to_the_cent": A_USAGE_BILL.format(amount=2, status="open", line=2, tax=0),
    "what_was_measured_is_billed": A_USAGE_BILL.format(amount=1, status="open", line=1, tax=0),
    "usage_is_billed_at_the_confirmed_price": A_USAGE_BILL.format(amount=1, status="open", line=1, tax=0)
    + """
        UPDATE orders_orderline SET metered = '{"unit_price": {"amount": "3.5", "currency": "USD"},
            "discount_percent": "0", "tax_percent": "0"}'""",
    "usage_bills_are_posted": A_USAGE_BILL.format(amount=1, status="paid", line=1, tax=0),
    "usage_credits_are_posted": """
        INSERT INTO billing_journalentry (at, kind, by, text, cause) VALUES (now(), 'usage_credit', '', '', '')""",
    "usage_tax_is_posted": A_USAGE_BILL.format(amount=2, status="paid", line=1, tax=1),
    "usage_fees_are_posted": A_USAGE_BILL.format(amount=1, status="paid", line=1, tax=0)
    + "UPDATE billing_usagebillline SET fee = 1",
    "flows_belong_to_the_deal": "UPDATE supervision_serviceflow SET seller_id = seller_id + 1000",
}


@pytest.fixture
def accepted_deal(db):
    from catalog.services import refresh_listing

    AgreementFactory()
    deal = make_deal()
    refresh_listing(deal.flow.order.product)
    services.deliver(deal.flow, note="Key.", by=deal.seller)
    services.accept_delivery(deal.flow, by=deal.buyer)
    return deal


def test_every_invariant_has_a_test_that_breaks_it():
    assert {one.name for one in invariants()} == set(SPOILS)


def test_the_books_are_right_after_the_main_job(accepted_deal, timers, capsys):
    timers.run()
    assert not list(breaches())
    call_command("check_books")
    assert "invariants hold" in capsys.readouterr().out


@pytest.mark.parametrize("name", SPOILS)
def test_a_breach_is_seen(accepted_deal, name):
    assert not list(breaches())
    with connection.cursor() as cursor:
        # As a superuser with a damaged disk would: no trigger, no foreign key, no constraint of another kind is asked.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(SPOILS[name])
        assert name in {one.invariant.name for one in breaches()}
        cursor.execute("ROLLBACK; BEGIN; SET session_replication_role = origin")


def test_the_command_exits_1_with_a_line_for_each_breach(accepted_deal, capsys):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_sandboxcharge SET amount = 1")
    with pytest.raises(SystemExit) as ended:
        call_command("check_books")
    assert ended.value.code == 1
    assert "gateway_agrees" in capsys.readouterr().out
