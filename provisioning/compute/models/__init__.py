"""The data of images that become servers."""

from provisioning.compute.models.networks import (
    EcsGroup,
    EnterpriseProject,
    KeyPair,
    SecurityGroup,
    ServerQuota,
    Subnet,
    Vpc,
)
from provisioning.compute.models.resources import CloudResource, Orphan, Reconciliation
from provisioning.compute.models.servers import Deployment, Server, ServerRecord, ServerRun
from provisioning.compute.models.simulated import SimulatedResource, SimulatedStock

__all__ = [
    "CloudResource",
    "Deployment",
    "EcsGroup",
    "EnterpriseProject",
    "KeyPair",
    "Orphan",
    "Reconciliation",
    "SecurityGroup",
    "Server",
    "ServerQuota",
    "ServerRecord",
    "ServerRun",
    "SimulatedResource",
    "SimulatedStock",
    "Subnet",
    "Vpc",
]
