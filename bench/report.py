"""What is asked of the figures, the table that says whether it is met, and the comparison of two sizes."""

from collections.abc import Callable, Iterator
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


# --- timers -----------------------------------------------------------------------------------------------------------

FIRED_A_SECOND, EMPTY_MS = 500.0, 5.0


def firing_rates(samples: list[Figures], due: dict[str, int]) -> dict[str, Figures]:
    """By timer, and of all: rows fired a second between the first sample that saw a firing and the one that saw the last."""
    found = {name: _rate(samples, lambda one, name=name: one["due"][name]) for name in due if due[name]}  # type: ignore[misc]
    return found | {"all": _rate(samples, lambda one: sum(one["due"].values()))}


def _rate(samples: list[Figures], left: Callable[[Figures], int]) -> Figures:
    counts = [left(one) for one in samples]
    started = max((at for at, count in enumerate(counts) if count == counts[0]), default=0)
    ended = next((at for at, count in enumerate(counts) if count == 0), len(counts) - 1)
    seconds = samples[ended]["second"] - samples[started]["second"]
    fired = counts[started] - counts[ended]
    processor = {
        name: round(1000 * (samples[ended][name] - samples[started][name]) / fired, 2) if fired else 0.0
        for name in ("worker_processor", "database_processor")
    }
    return {
        "fired": fired,
        "left": counts[-1],
        "seconds": round(seconds, 1),
        "per_second": round(fired / seconds, 1) if seconds > 0 else 0.0,
    } | {f"{name}_ms": value for name, value in processor.items()}


def delivery_rate(samples: list[Figures]) -> Figures:
    """Messages of the outbox delivered a second: while rows fired, and after them."""
    fired = next((at for at, one in enumerate(samples) if not any(one["due"].values())), len(samples) - 1)
    parts = {"beside": samples[: fired + 1], "after": samples[fired:]}
    found: Figures = {"left": samples[-1]["outbox"], "most_waiting": max(one["outbox"] for one in samples)}
    for name, part in parts.items():
        seconds = part[-1]["second"] - part[0]["second"]
        done = part[-1]["delivered"] - part[0]["delivered"]
        found[name] = {"delivered": done, "per_second": round(done / seconds, 1) if seconds > 0 else 0.0}
    return found


def timers_targets(report: Report) -> Iterator[tuple[str, bool]]:
    """What is asked of the sweeper, and whether it is met."""
    every, found = report["rates"]["all"], report["found"]
    yield f">= {FIRED_A_SECOND:g} rows/s", every["per_second"] >= FIRED_A_SECOND
    yield f"empty sweep < {EMPTY_MS:g} ms", report["empty"]["before"]["database_ms"] < EMPTY_MS
    after = report["empty"]["after"]
    yield f"right after < {EMPTY_MS:g} ms", max(after["database_ms"], after["first_ms"]) < EMPTY_MS
    yield (
        "nothing left or failed",
        not (every["left"] or report["outbox"]["left"] or found["failures"] or found["stuck"]),
    )
    yield "books right", not found["breaches"] and not found["twice"]


def timers_met(report: Report) -> bool:
    """Whether no target is missed."""
    return all(met for _what, met in timers_targets(report))


def timers_table(report: Report) -> Iterator[str]:
    """The lines of the table."""
    yield (
        f"{report['flows']:,} open flows, {sum(report['due'].values()):,} due ones beside them, one worker of "
        f"{report['worker_processes']} processes on {report['machine']['cores']} cores, {report['measured_at']}"
    )
    yield "  " + ", ".join(f"{what}: {'met' if met else 'MISSED'}" for what, met in timers_targets(report))
    for name, one in report["rates"].items():
        yield (
            f"  {name:28}{one['fired']:9,} fired in {one['seconds']:7.1f} s: {one['per_second']:7.1f}/s; processor ms a row, "
            f"deliveries included: worker {one['worker_processor_ms']:.2f}, database {one['database_processor_ms']:.2f}"
        )
    outbox = report["outbox"]
    yield (
        f"  outbox: {outbox['beside']['per_second']:.1f} messages/s beside the firings, {outbox['after']['per_second']:.1f}/s"
        f" after them, {outbox['most_waiting']:,} waiting at most, {outbox['left']:,} left"
    )
    yield f"  worker: {report['worker_mb']:.0f} MB for its largest process"
    for name, one in report["empty"].items():
        yield (
            f"  empty sweep {name}: {one['database_ms']:.2f} ms of database time in {one['statements']} statements (the first "
            f"{one['first_ms']:.2f}), of it processor {one['database_processor_ms']:.2f}; our own processor {one['processor_ms']:.2f}"
        )
    found = report["found"]
    yield f"  indexes in kB: {', '.join(f'{name} {size:,}' for name, size in found['indexes_kb'].items())}"
    for name, one in found["tables"].items():
        yield f"  {name}: {one['dead']:,} dead rows, vacuumed {one['autovacuums']} times by itself"
    yield from (f"  ! {one}" for one in found["breaches"])


# --- a night of renewals --------------------------------------------------------------------------------------------

NIGHT_SECONDS = 1_800.0
"""On two cores: 30,000 renewals, each ordered, charged, paid, released and told of."""


def renewals_targets(report: Report) -> Iterator[tuple[str, bool]]:
    """What is asked of a night of renewals, and whether it is met."""
    found, due = report["found"], report["due"]
    yield f"done in < {NIGHT_SECONDS / 60:g} minutes", report["seconds"] < NIGHT_SECONDS
    yield "each renewed once", found["renewed"] == found["apps"] == due
    yield "each charged once", found["charges"] == due
    yield "nobody forgotten", found["forgotten"] == 0 and not found["failures"] and not found["stuck"]
    yield "the books add up", not found["breaches"]
    yield f"nothing due < {EMPTY_MS:g} ms", report["empty"]["database_ms"] < EMPTY_MS


def renewals_met(report: Report) -> bool:
    """Whether no target is missed."""
    return all(met for _what, met in renewals_targets(report))


def renewals_table(report: Report) -> Iterator[str]:
    """The lines of the table."""
    killed = ", worker killed and queue flushed in the middle" if report["killed"] else ""
    yield (
        f"{report['subscriptions']:,} subscriptions, {report['due']:,} due on one night{killed}; one worker on "
        f"{report['machine']['cores']} cores, {report['measured_at']}"
    )
    yield "  " + ", ".join(f"{what}: {'met' if met else 'MISSED'}" for what, met in renewals_targets(report))
    spent = report["processor_ms"]
    yield (
        f"  {report['seconds']:.1f} s, {report['due'] / max(0.1, report['seconds']):.1f} renewals/s; processor ms a renewal, "
        f"all that follows included: worker {spent['worker']:.1f}, database {spent['database']:.1f}"
    )
    empty = report["empty"]
    yield (
        f"  a sweep with nothing due: {empty['database_ms']:.2f} ms of database time in {empty['statements']} statements, "
        f"our own processor {empty['processor_ms']:.2f} ms"
    )
    yield from (f"  {one}" for one in report["found"]["breaches"])


# --- invoices and statements ----------------------------------------------------------------------------------------

INVOICE_WORKS = {
    "issue": "numbers given and documents written",
    "set": "PDFs set and sealed",
    "state": "statements of a month's end",
}


def invoices_targets(report: Report) -> Iterator[tuple[str, bool]]:
    """What is asked of issuing and stating, and whether it is met."""
    found, most = report["found"], report["most_seconds"]
    yield "no gap in the numbers", found["gapless"] and found["documents"] == report["invoices"]
    yield "each document sealed", found["sealed"] == report["invoices"]
    yield "each account stated once", bool(found["right"])
    yield f"statements in < {most / 60:g} minutes", report["state"]["seconds"] < most


def invoices_met(report: Report) -> bool:
    """Whether no target is missed."""
    return all(met for _what, met in invoices_targets(report))


def invoices_table(report: Report) -> Iterator[str]:
    """The lines of the table."""
    yield f"{report['processes']} processes on {report['machine']['cores']} cores, {report['measured_at']}"
    yield "  " + ", ".join(f"{what}: {'met' if met else 'MISSED'}" for what, met in invoices_targets(report))
    for name, label in INVOICE_WORKS.items():
        one = report[name]
        yield (
            f"  {label}: {one['done']:,} in {one['seconds']:.1f} s, {one['per_second']:.1f}/s; "
            f"processor ms of one (Python): {one['processor_ms']:.2f}"
        )
