"""The debugger: every mandatory case with a mock order and testFlag 1, and what is wrong in words (RULES 2.1, 2.3)."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.actor import Actor, Party
from catalog.choices import DeliveryMethod
from catalog.models import Price, Product, UpgradeRule
from koogallery.kernel import clock, ids
from koogallery.kernel.errors import InvalidTransition, NotFound
from provisioning.saas.answers import Outcome, Verdict
from provisioning.saas.calling import CHARGING, converse
from provisioning.saas.interfaces import interface_of
from provisioning.saas.keys import access_keys_of
from provisioning.saas.messages import Told, url_for
from provisioning.saas.mocks import BUYER, mock_for
from provisioning.saas.models import DebugRun, ProductInterface
from provisioning.saas.words import Activity, Version

# A seller who makes an instance asynchronously gets a little time before the query counts as failed.
POLLS, POLL_SECONDS = 5, 1.0

CHARGING_LABELS = {"period": "Yearly/Monthly", "one_time": "One-time", "on_demand": "Pay-per-use"}
_MANDATORY: dict[str, dict[str, Sequence[Activity]]] = {
    Version.V2: {
        "period": (Activity.CREATE, Activity.QUERY, Activity.REFRESH, Activity.FREEZE, Activity.UNFREEZE),
        "one_time": (Activity.CREATE, Activity.QUERY),
        "on_demand": (Activity.CREATE, Activity.QUERY, Activity.FREEZE, Activity.UNFREEZE),
    },
    Version.V1: {
        "period": (Activity.CREATE, Activity.REFRESH, Activity.FREEZE),
        "one_time": (Activity.CREATE,),
        "on_demand": (Activity.CREATE, Activity.FREEZE, Activity.UNFREEZE),
    },
}


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that a seller's server must be able to do."""

    charging: str
    activity: Activity

    @property
    def title(self) -> str:
        return f"{self.activity.label}, {CHARGING_LABELS[self.charging]}"

    @property
    def code(self) -> str:
        """How a form names it."""
        return f"{self.charging}.{self.activity.value}"


@dataclass(frozen=True, slots=True)
class Result:
    """A case with its newest run since the interface was changed, if there is one."""

    case: Case
    run: DebugRun | None

    @property
    def passed(self) -> bool:
        return self.run is not None and self.run.passed


def cases_for(product: Product, version: str) -> list[Case]:
    """The mandatory cases of a product in the order in which they build on each other (RULES 2.3)."""
    modes = Price.objects.offered().filter(specification__product=product, specification__removed_at=None)
    sold = {CHARGING[mode] for mode in modes.values_list("billing_mode", flat=True)}
    upgradable = UpgradeRule.objects.filter(specification__product=product).exists()
    found = []
    for charging, mandatory in _MANDATORY[version].items():
        if charging not in sold:
            continue
        activities = [
            *mandatory,
            *([Activity.UPGRADE] if upgradable and charging == "period" else []),
            Activity.RELEASE,
        ]
        found += [Case(charging, activity) for activity in activities]
    return found


def results(interface: ProductInterface, cases: Sequence[Case]) -> list[Result]:
    """What is proved of each case; nothing from before the interface was changed."""
    runs = DebugRun.objects.filter(
        product=interface.product_id, version=interface.version, at__gte=interface.changed_at
    ).order_by("id")
    newest = {(one.charging, one.activity): one for one in runs}
    return [Result(one, newest.get((one.charging, one.activity.value))) for one in cases]


def debug(product: Product, codes: Sequence[str], *, by: Actor, at: datetime | None = None) -> list[DebugRun]:
    """Run these cases of a product, all of them for none; outside any transaction. A case that fails ends the walk.

    Raises:
        NotFound: another seller's. InvalidTransition: no interface, or no access key.
    """
    if by.party is Party.SELLER and by.seller_id != product.seller_id:
        raise NotFound
    interface, keys = interface_of(product), list(access_keys_of(product.seller_id))
    if interface is None:
        raise InvalidTransition("Enter the address of the production interface first.")
    if not keys:
        raise InvalidTransition("Make an access key first.")
    cases = cases_for(product, interface.version)
    wanted = [one for one in cases if one.code in codes] if codes else cases
    done = []
    for case in wanted:
        run = _run(interface, case, keys, by=by, at=at or clock.now())
        done.append(run)
        if not run.passed:
            break
    return done


def _run(interface: ProductInterface, case: Case, keys: list[str], *, by: Actor, at: datetime) -> DebugRun:
    told = _told(interface, case)
    shown = ""
    faults: tuple[str, ...] = ()
    verdict: Verdict | None = None
    if case.activity != Activity.CREATE and not told.instance_id:
        faults = ("Run the case that creates an instance first: this one is about the instance that it made.",)
    else:
        url = url_for(interface.version, case.activity, interface.url, interface.urls)
        for left in range(POLLS, -1, -1):
            shown, verdict, _seconds = converse(interface.version, url, told, keys, keys[0])
            if verdict.outcome is not Outcome.PROCESSING or not left:
                break
            time.sleep(POLL_SECONDS)
        faults = verdict.faults if verdict else ()
        if verdict and verdict.outcome is Outcome.PROCESSING:
            faults = ("It is still being processed. Run the case again when it is done.",)
    return DebugRun.objects.create(
        product_id=interface.product_id,
        version=interface.version,
        activity=case.activity,
        charging=case.charging,
        passed=verdict is not None and verdict.outcome is Outcome.DONE,
        request=shown,
        answer=verdict.shown if verdict else "",
        faults="\n".join(faults),
        instance_id=(verdict.instance_id if verdict else "") or told.instance_id,
        at=at,
        by=by.label,
    )


def _told(interface: ProductInterface, case: Case) -> Told:
    mock = mock_for(case.activity, case.charging)
    made = DebugRun.objects.filter(
        product=interface.product_id,
        version=interface.version,
        activity=Activity.CREATE,
        charging=case.charging,
        passed=True,
        at__gte=interface.changed_at,
    )
    last = made.order_by("-id").first()
    return Told(
        activity=case.activity,
        order_id=mock.order_id,
        order_line_id=mock.line_id,
        business_id=ids.public_id(),
        instance_id=last.instance_id if last and case.activity != Activity.CREATE else "",
        test=True,
        customer_id=BUYER["customerId"],
        customer_name=BUYER["customerName"],
        user_id=BUYER["userId"],
        user_name=BUYER["userName"],
        email=BUYER["email"],
        product_id="MOCKPRODUCT000001",
        sku_code="MOCKSKU00000001",
        charging=case.charging,
        period=mock.period,
        order_amount="100",
        expires_at=mock.expires_at,
        ended_early=True,
    )


def release_refusal(product: Product, *, by: Actor) -> str | None:
    """Why a product may not newly be released: all its cases run again and must pass (RULES 2.3). Calls the seller."""
    if product.delivery_method != DeliveryMethod.SAAS:
        return None
    interface = interface_of(product)
    if interface is None:
        return None if product.supervised else "The seller must enter the address of the production interface first."
    try:
        runs = debug(product, [], by=by)
    except InvalidTransition as refused:
        return refused.message
    if failed := next((one for one in runs if not one.passed), None):
        label = str(Activity(failed.activity).label)
        return f"The debugging case “{label}” does not pass: {failed.faults.partition(chr(10))[0]}"
    return None
