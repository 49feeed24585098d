"""A buyer's choices on the product page, read from the address: the address is the page's state.

Parameters: `specification`, `billing_mode`, `duration` with `duration_unit`, `quantity`, `auto_renew` and one
`attribute.<code>` for each attribute. Nothing here carries a price.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.http import QueryDict

from catalog.choices import BillingMode
from pricing import rules
from pricing.errors import NotConfigurable
from pricing.rules import Duration, QuoteRequest, SpecificationFacts
from pricing.services import modes_on_sale

ATTRIBUTE_PREFIX = "attribute."
LONGEST_NUMBER = 9


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is chosen, completed by defaults, for one specification of the product."""

    facts: SpecificationFacts
    request: QuoteRequest
    auto_renew: bool

    @property
    def modes(self) -> list[BillingMode]:
        return modes_on_sale([self.facts])

    @property
    def durations(self) -> tuple[Duration, ...]:
        return rules.allowed_durations(self.facts, self.request.billing_mode)

    def as_query(self) -> QueryDict:
        """The address's query that stands for these choices."""
        query = QueryDict(mutable=True)
        query["specification"] = str(self.request.specification)
        query["billing_mode"] = self.request.billing_mode
        if self.request.duration:
            query["duration"] = str(self.request.duration.value)
            query["duration_unit"] = self.request.duration.unit
        query["quantity"] = str(self.request.quantity)
        if self.auto_renew:
            query["auto_renew"] = "on"
        for code, value in self.request.attributes.items():
            query[f"{ATTRIBUTE_PREFIX}{code}"] = str(value)
        return query


def whole_number(text: str) -> int:
    """The number that `text` says in plain digits with an optional sign.

    Raises:
        ValueError: anything else, also digits of other scripts and numbers of more than nine digits.
    """
    digits = text.strip().removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_NUMBER):
        raise ValueError(text)
    return int(text)


def _number(data: QueryDict, name: str, label: str) -> int:
    text = data.get(name) or "1"
    try:
        return whole_number(text)
    except ValueError:
        why = f"{label}: enter a whole number."
        raise NotConfigurable(why, errors={name: [why]}) from None


def default_configuration(specifications: Mapping[int, SpecificationFacts]) -> Configuration | None:
    """What the page opens with; None when nothing is sold."""
    for facts in specifications.values():
        request = rules.default_request(facts, modes_on_sale([facts]))
        if request is not None:
            return Configuration(facts, request, auto_renew=False)
    return None


def read_configuration(data: QueryDict, specifications: Mapping[int, SpecificationFacts]) -> Configuration:
    """The choices in `data`, completed by the defaults of the chosen specification.

    Values are checked by the rules of pricing when a price is asked for, not here.

    Raises:
        NotConfigurable: nothing is sold, the specification is unknown, or a number is none.
    """
    configuration = default_configuration(specifications)
    if configuration is None:
        raise NotConfigurable("This product has no price yet.")
    if chosen := data.get("specification"):
        known = {str(pk): facts for pk, facts in specifications.items()}
        if chosen not in known:
            why = "Select one of the specifications."
            raise NotConfigurable(why, errors={"specification": [why]})
        of_chosen = default_configuration({known[chosen].id: known[chosen]})
        configuration = of_chosen or configuration
    facts = configuration.facts
    mode = data.get("billing_mode") or configuration.request.billing_mode
    durations = rules.allowed_durations(facts, mode)
    duration = durations[0] if durations else None
    # A number of months is no number of years: after a change of the billing mode the shortest term is shown.
    if duration and data.get("duration") and data.get("duration_unit", duration.unit) == duration.unit:
        duration = Duration(_number(data, "duration", "Required Duration"), duration.unit)
    known_codes = {attribute.code for attribute in facts.attributes}
    given: dict[str, str] = {
        name.removeprefix(ATTRIBUTE_PREFIX): data.get(name, "") for name in data if name.startswith(ATTRIBUTE_PREFIX)
    }
    request = QuoteRequest(
        specification=facts.id,
        billing_mode=mode,
        duration=duration,
        quantity=_number(data, "quantity", "Quantity"),
        attributes={code: value for code, value in given.items() if code in known_codes and value != ""},
    )
    return replace(configuration, request=request, auto_renew=data.get("auto_renew") == "on")
