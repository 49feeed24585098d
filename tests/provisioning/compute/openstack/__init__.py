"""A small OpenStack on loopback: Keystone, Nova, Neutron, Cinder and Glance, as much of them as servers need.

Its state is in memory. `cloud.fail_next("POST", "/servers")` makes the next such call answer 500 after having done what it was
asked; `before=True` before. Servers boot while they are looked at: `boots_after` looks; names in `broken` never come up.
"""

from tests.provisioning.compute.openstack.cloud import Cloud
from tests.provisioning.compute.openstack.serving import running

__all__ = ["Cloud", "running"]
