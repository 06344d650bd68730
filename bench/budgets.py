# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""The budgets: what was promised, and how to find it among the results."""
import dataclasses
import typing

AT_LEAST, AT_MOST = "at least", "at most"


@dataclasses.dataclass(frozen=True)
class Budget:
    what: str
    bound: str      # AT_LEAST or AT_MOST
    goal: float
    show: str       # format of goal and figure: "{:.1f}x"
    figure: typing.Callable  # Results -> number, or None if it was not measured
    is_ratio: bool = True    # of two figures of one run, so that it means the same on any machine

    def met(self, figure):
        return figure >= self.goal if self.bound == AT_LEAST else figure <= self.goal

    def lost(self, figure, tolerance):
        """Whether the goal is missed by more than this fraction of it."""
        if self.bound == AT_LEAST:
            return figure < self.goal * (1 - tolerance)
        return figure > self.goal * (1 + tolerance)


def quotient(a, b):
    return None if a is None or b is None or b == 0 else a / b


def cas_ratio(accounts, batch, other):
    def figure(results):
        place = f"accounts:{accounts}/batch:{batch}"
        return quotient(results.rate("cas", f"semel/{place}"), results.rate("cas", f"{other}/{place}"))
    return figure


SERVERS_AND_STORES = ("sqlite", "sqlite_inbox", "rocksdb", "postgres", "redis")


def ahead_of_the_best(batch):
    """Over the fastest of the others that ran."""
    def figure(results):
        rates = results.race_rates(batch)
        others = [rates[name] for name in SERVERS_AND_STORES if name in rates]
        return quotient(rates.get("semel"), max(others, default=None))
    return figure


def time_of_one(results):
    return quotient(results.counter("callers", "apply_one/threads:1", "real_time"),
                    results.counter("callers", "overwrite_4KiB", "real_time"))


def sixteen_callers(results):
    return quotient(results.rate("callers", "apply_one/threads:16"), results.rate("callers", "apply_one/threads:1"))


def worst(figures):
    known = [figure for figure in figures if figure is not None]
    return min(known, default=None)


def duplicates_over_applying(results):
    """The worst of recent and old ones."""
    return worst(quotient(results.rate("duplicates", f"{age}/percent:100/batch:{batch}"),
                          results.rate("duplicates", f"recent/percent:0/batch:{batch}"))
                 for age in ("recent", "old") for batch in (1000, 8000))


def journal_bytes(batches):
    def figure(results):
        found = [results.counter("cas", f"semel/accounts:{accounts}/batch:{batch}", "journal_bytes_per_change")
                 for accounts in (10000, 100000, 1000000) for batch in batches]
        return max((bytes_ for bytes_ in found if bytes_ is not None), default=None)
    return figure


def growth(mode):
    """By which factor throughput falls from 100k accounts in memory to 10M."""
    def figure(results):
        return quotient(results.rate("growth", "in_memory/accounts:100000"),
                        results.rate("growth", f"{mode}/accounts:10000000"))
    return figure


def close_seconds(results):
    milliseconds = results.counter("open", "after_close", "real_time")
    return None if milliseconds is None else milliseconds / 1000


BUDGETS = [
    Budget("1M accounts, batches of 8000: over an LMDB transaction a batch", AT_LEAST, 10, "{:.1f}x",
           cas_ratio(1000000, 8000, "lmdb")),
    Budget("1M accounts, batches of 8000: of the bare loop", AT_LEAST, 0.5, "{:.0%}",
           cas_ratio(1000000, 8000, "bare_loop")),
    *[Budget(f"100k accounts, {'one change' if batch == 1 else f'batches of {batch}'}: over LMDB", AT_LEAST, goal,
             "{:.1f}x", cas_ratio(100000, batch, "lmdb"))
      for batch, goal in [(8000, 3), (1000, 8), (100, 4), (1, 2)]],
    *[Budget(f"100k accounts, {'one change' if batch == 1 else f'batches of {batch}'}: over the fastest of SQLite, "
             "RocksDB, PostgreSQL, Redis", AT_LEAST, 1, "{:.2f}x", ahead_of_the_best(batch))
      for batch in (8000, 1000, 100, 1)],
    Budget("one durable change: time over a 4 KiB overwrite and sync", AT_MOST, 1.25, "{:.2f}x", time_of_one),
    Budget("16 callers, one change each: over one caller", AT_LEAST, 6, "{:.1f}x", sixteen_callers),
    Budget("all duplicates: over applying (worst of recent and old)", AT_LEAST, 1, "{:.2f}x",
           duplicates_over_applying),
    Budget("duplicates a million versions back: M/s", AT_LEAST, 0.3, "{:.2f}",
           lambda results: quotient(results.rate("chain", "redeliver/back:1000000"), 1e6), is_ratio=False),
    Budget("versions over a dedup table, same engine", AT_LEAST, 1, "{:.2f}x",
           lambda results: quotient(results.rate("dedup", "semel"), results.rate("dedup", "semel_dedup"))),
    Budget("bytes by which the state grows with each message", AT_MOST, 1, "{:.1f}",
           lambda results: results.counter("dedup", "semel", "state_bytes_per_change"), is_ratio=False),
    Budget("journal bytes a change, in batches of 100 and more", AT_MOST, 120, "{:.0f}",
           journal_bytes((100, 1000, 8000)), is_ratio=False),
    Budget("journal bytes of a change that is alone in its frame", AT_MOST, 120, "{:.0f}", journal_bytes((1,)),
           is_ratio=False),
    Budget("commits during a checkpoint: p99 over the quiet median", AT_MOST, 5, "{:.1f}x",
           lambda results: results.counter("stall", "commit_during_checkpoint", "busy_p99_over_quiet")),
    Budget("commits during a checkpoint: longest over the quiet median", AT_MOST, 50, "{:.0f}x",
           lambda results: results.counter("stall", "commit_during_checkpoint", "busy_max_over_quiet")),
    Budget("100k to 10M accounts in memory: throughput falls by", AT_MOST, 3, "{:.1f}x", growth("in_memory")),
    Budget("100k in memory to 10M with a cache of a tenth: throughput falls by", AT_MOST, 10, "{:.1f}x",
           growth("cache_of_a_tenth")),
    Budget("open after a crash: M entries redone a second", AT_LEAST, 1, "{:.2f}",
           lambda results: quotient(results.rate("open", "after_crash"), 1e6), is_ratio=False),
    Budget("open after a clean close: seconds", AT_MOST, 0.1, "{:.3f}", close_seconds, is_ratio=False),
]
