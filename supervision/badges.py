"""How the statuses of flows look (UX 3.4)."""

from catalog.choices import FlowType
from koogallery.kernel.web.badges import Badge, register
from supervision.choices import FlowStatus
from supervision.words import state

for _flow_type in FlowType:
    _states = {status: state(status, _flow_type) for status in FlowStatus}
    register(
        f"flow.{_flow_type}",
        {status: Badge(one.tone, one.icon, one.table_label, one.filter_label) for status, one in _states.items()},
    )
