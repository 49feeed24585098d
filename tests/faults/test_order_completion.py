"""The three hours after acceptance, fired by a real Celery worker with beat."""

from datetime import timedelta
from pathlib import Path

import pytest

from koogallery.kernel import clock
from orders.models import Order
from supervision import services
from supervision.models import FlowTemplate
from tests.faults.test_celery_worker import wait_until, worker
from tests.supervision.conftest import make_deal

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_completes_an_order_three_hours_after_acceptance(transactional_db: None, tmp_path: Path) -> None:
    FlowTemplate.objects.get_or_create(flow_type="license", version=1, defaults={"appeal_on_acceptance_after": 2})
    deal = make_deal()
    services.deliver(deal.flow, note="Key.", by=deal.seller)
    accepted_at = clock.now() - timedelta(hours=3) + timedelta(seconds=6)
    services.accept_delivery(deal.flow, by=deal.buyer, at=accepted_at)
    due = accepted_at + timedelta(hours=3)

    with worker(tmp_path):
        wait_until(lambda: Order.objects.get().status == "completed", tmp_path)
        assert clock.now() >= due

    assert Order.objects.get().completed_at == due
