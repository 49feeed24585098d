"""What is asked of the figures, the table that says whether it is met, and the comparison of two sizes."""

from collections.abc import Iterator
from typing import Any

Figures = dict[str, Any]
Report = dict[str, Any]

# Shares of the limit's throughput at least, and the 99th percentile in milliseconds at most; for caches that are warm.
SHARES = {"category": 0.35, "deep": 0.35, "suggestion": 0.8, "product": 0.6}
P99_MS = {
    "home": 50.0, "category": 50.0, "deep": 50.0, "rare": 50.0, "suggestion": 50.0, "product": 50.0, "common": 150.0,
}  # fmt: skip
COMPARED, COMPARED_BY, MOST_RATIO = ("home", "category", "deep", "product"), ("p50", "p99"), 1.3
NAMES = {
    "home": "home", "category": "category + two filters", "common": "common word", "rare": "rare word",
    "misspelt": "misspelt word", "suggestion": "suggestion", "product": "product page", "deep": "page 5,000",
}  # fmt: skip


def targets(name: str, caches: str, one: Figures) -> Iterator[tuple[str, bool]]:
    """What is asked of a case, and whether it is met."""
    yield "nothing refused", one["failed"] == 0
    if caches != "warm":
        return
    if name in SHARES:
        yield f"of limit >= {SHARES[name]:g}", one["of_limit"] >= SHARES[name]
    if name in P99_MS:
        yield f"p99 < {P99_MS[name]:g} ms", one["p99"] < P99_MS[name]


def table(report: Report) -> Iterator[str]:
    """The lines of the table."""
    machine = report["machine"]
    yield f"{report['products']:,} products on {machine['cores']} cores, {report['measured_at']}"
    yield (
        f"{report['connections']} connections for {report['seconds']:g} s; "
        f"latency at {report['rate']:g} requests/s for {report['latency_seconds']:g} s. The generator itself could take "
        f"{report['ceiling_per_second']:,.0f} answers a second."
    )
    head = f"{'req/s':>9}{'limit':>8}{'of limit':>9}{'p50 ms':>8}{'p99 ms':>8}{'max ms':>9}{'SQL':>5}{'non-200':>8}  targets"
    for caches, cases in report["cases"].items():
        yield ""
        yield f"{'caches ' + caches:24}{head}"
        for name, one in cases.items():
            asked = ", ".join(f"{what}: {'met' if met else 'MISSED'}" for what, met in targets(name, caches, one))
            yield (
                f"{_name(name, one):24}{one['per_second']:9,.0f}{one['limit']:8,.0f}{one['of_limit']:9.3f}{one['p50']:8.2f}"
                f"{one['p99']:8.2f}{one['most']:9.2f}{one['queries']:5d}{one['failed']:8d}  {asked}"
            )


def _name(name: str, one: Figures) -> str:
    return f"page {one['chosen']['page']:,}" if name == "deep" else NAMES[name]


def all_met(report: Report) -> bool:
    """Whether no target is missed."""
    return all(
        met
        for caches, cases in report["cases"].items()
        for name, one in cases.items()
        for _what, met in targets(name, caches, one)
    )


def comparison(few: Report, many: Report) -> Iterator[tuple[str, bool]]:
    """For browsing and product pages: how many times longer they take in the second report, and whether that is little.

    Only warm caches are asked for anything; the others are printed to be known.
    """
    for caches in few["cases"]:
        for name in COMPARED:
            if name not in few["cases"][caches] or name not in many["cases"].get(caches, {}):
                continue
            for what in COMPARED_BY:
                before, after = few["cases"][caches][name][what], many["cases"][caches][name][what]
                ratio = after / before if before else float("inf")
                met = ratio <= MOST_RATIO
                verdict = ("met" if met else "MISSED") if caches == "warm" else "not asked"
                line = f"caches {caches:5}{NAMES[name]:24}{what} {before:8.2f} -> {after:8.2f} ms: {ratio:.2f} times"
                yield f"{line} (at most {MOST_RATIO}: {verdict})", met or caches != "warm"


# --- whole checkouts --------------------------------------------------------------------------------------------------

CHECKOUTS_A_SECOND, CHECKOUT_P99_MS, CHECKOUT_RATIO = 20.0, 1500.0, 1.2


def checkout_targets(one: Figures) -> Iterator[tuple[str, bool]]:
    """What is asked of a way to check out, and whether it is met."""
    yield "nothing failed", one["failed"] == 0
    yield "books right", one["right"]
    yield f">= {CHECKOUTS_A_SECOND:g}/s", one["per_second"] >= CHECKOUTS_A_SECOND
    yield f"p99 < {CHECKOUT_P99_MS:g} ms", one["p99"] < CHECKOUT_P99_MS


def checkouts_met(report: Report) -> bool:
    """Whether no target is missed."""
    return all(met for one in report["ways"].values() for _what, met in checkout_targets(one))


def checkouts_table(report: Report) -> Iterator[str]:
    """The lines of the table."""
    worker = "with" if report["worker"] else "without"
    yield (
        f"{report['orders']:,} orders exist; {report['buyers']} buyers for {report['seconds']:g} s on "
        f"{report['machine']['cores']} cores, {worker} worker and beat, {report['measured_at']}"
    )
    for way, one in report["ways"].items():
        asked = ", ".join(f"{what}: {'met' if met else 'MISSED'}" for what, met in checkout_targets(one))
        all_of = sum(step["all"] for step in one["statements"].values())
        framing = sum(step["transactions"] for step in one["statements"].values())
        yield ""
        yield (
            f"{way}: {one['per_second']:.1f} checkouts/s, p50 {one['p50']:.0f} ms, p99 {one['p99']:.0f} ms, most "
            f"{one['most']:.0f} ms, {all_of} SQL statements ({framing} of them begin and end transactions)"
        )
        yield f"  {asked}; {one['counted']:,} checkouts, {one['paid']:,} orders paid, {one['undelivered']:,} messages of the outbox left at the end"
        for name, p50 in one["steps"].items():
            count = one["statements"][name]["all"]
            yield f"  {name:12}p50 {p50:8.1f} ms   p99 {one['steps_p99'][name]:8.1f} ms   {count:3d} SQL"
        for why in [*one["failures"], *one["breaches"]]:
            yield f"  ! {why}"


def checkouts_compared(few: Report, many: Report) -> Iterator[tuple[str, bool]]:
    """How many times longer a checkout takes in the second report, and whether that is little."""
    for way, before in few["ways"].items():
        after = many["ways"].get(way)
        if after is None:
            continue
        for what, ratio in (
            ("seconds a checkout", before["per_second"] / after["per_second"]),
            ("p50", after["p50"] / before["p50"]),
            ("p99", after["p99"] / before["p99"]),
        ):
            met = ratio <= CHECKOUT_RATIO
            verdict = "met" if met else "MISSED"
            yield f"{way:4} {what:20}{ratio:.2f} times (at most {CHECKOUT_RATIO:g}: {verdict})", met
