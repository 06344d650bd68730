# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Random streams of changes, each with the answer that the executable specification gives.

The generator looks at the model's state as it goes, so that most changes hit something: the current version, one
beside it, a balance that is there or was there, an id that was used. What this version of the engine does not have
(parking, windows, trimming, dead letters) is left out.
"""
import copy
import random

I128_MAX = (1 << 127) - 1


class Stream:
    """One run: `changes` and the model's `outcomes`, side by side; `model` is in the state after the last change."""

    def __init__(self, ledger_type, seed, length):
        self.random = random.Random(seed)
        self.model = ledger_type()
        self.keys = [f"K{i}" for i in range(self.random.choice((2, 4, 40)))]
        self.next_position = {"S1": 1, "S2": 5}
        self.logs = {"S1": [], "S2": []}
        self.pool = []          # what was sent, for redeliveries
        self.changes, self.outcomes = [], []
        self.reopened = []      # before which changes the ledger is closed and opened again
        while len(self.changes) < length:
            if self.random.random() < 1 / 800:
                self.reopen()
            self.step(len(self.changes))
            if len(self.pool) > 80:
                self.pool.pop(self.random.randrange(60))

    # ---- What is there

    def version(self, key):
        entity = self.model.entities.get(key)
        return entity.version if entity else 0

    def balance(self, key):
        entity = self.model.entities.get(key)
        return entity.balance if entity else 0

    # ---- Sending

    def reopen(self):
        """What the model calls memory only is forgotten: sources of which nothing was decided, and early positions."""
        self.reopened.append(len(self.changes))
        self.model.sources = {name: s for name, s in self.model.sources.items() if s.cursor is not None}
        for source in self.model.sources.values():
            source.blocked = None

    def send(self, change):
        self.changes.append(change)
        self.outcomes.append(self.model.apply(copy.deepcopy(change)))

    def send_new(self, identifier, *updates, **members):
        change = {"updates": list(updates), **members}
        if identifier:
            change["id"] = identifier
        self.pool.append(change)
        self.send(change)

    def step(self, number):
        kinds = [self.versioned] * 4 + [self.transfer, self.document, self.document, self.since, self.since,
                 self.prior_balance, self.prior_balance, self.stamped, self.stamped, self.sourced, self.sourced,
                 self.sourced, self.replay, self.rebase, self.other_content, self.checked, self.policy, self.deletion,
                 self.malformed, self.edge_amount] + [self.redeliver] * 6
        self.random.choice(kinds)(f"i{number}")

    def amount(self):
        return str(self.random.randrange(-9, 10))

    def two_keys(self):
        return self.random.sample(self.keys, 2)

    # ---- Kinds of changes

    def versioned(self, name):
        key, other = self.two_keys()
        version = max(0, self.version(key) + self.random.choice((-2, -1, 0, 0, 0, 0, 0, 1, 2)))
        action = self.random.choice(({"add": self.amount()}, {"add": self.amount()}, {"put": "abc"[version % 3]}))
        updates = [{"key": key, "expect_version": version, **action}]
        if self.random.random() < 0.3:
            updates.append({"key": other, "expect_version": self.version(other), "add": self.amount()})
        self.send_new(name, *updates)

    def transfer(self, name):
        debit, credit = self.two_keys()
        amount = self.random.randrange(-9, 10)
        off = self.random.random() < 0.1
        self.send_new(name, {"key": debit, "expect_version": self.version(debit), "add": str(-amount)},
                      {"key": credit, "add": str(amount + off)}, balanced=True)

    def document(self, name):
        debit, credit = self.two_keys()
        amount = self.random.randrange(-9, 10)
        self.send_new(name, {"key": "tx/" + name, "expect_version": 0, "put": "t"}, {"key": debit, "add": str(-amount)},
                      {"key": credit, "add": str(amount)}, balanced=True)

    def since(self, name):
        key, other = self.two_keys()
        version = max(0, self.version(key) + self.random.choice((-3, 0, 0, 0, 0, 1)))
        updates = [{"key": key, "since": version, "add": self.amount()}]
        if self.random.random() < 0.3:
            updates.append({"key": other, "expect_version": self.version(other), "add": self.amount()})
        self.send_new(name, *updates)

    def prior_balance(self, name):
        key, _ = self.two_keys()
        balance = self.balance(key) + self.random.choice((0, 0, 0, 0, 1, -1))
        update = {"key": key, "expect_balance": str(balance), "add": self.amount()}
        if self.random.random() < 0.2:
            update["since"] = self.random.randrange(self.version(key) + 2)
        self.send_new(name, update)

    def stamped(self, name):
        key, other = self.two_keys()
        if self.random.random() < 0.25:                      # the row is changed by one who knows no stamps
            self.send_new(name, {"key": "row/" + key, "expect_version": self.version("row/" + key),
                                 **self.random.choice(({"put": "u"}, {"delete": True}))})
            return
        stamp = self.random.randrange(len(self.changes) // 20 + 3)
        action = self.random.choice(({"put": "a"}, {"put": "b"}, {"put": "b"}, {"delete": True}))
        updates = [{"key": "row/" + key, "newer": stamp, **action}]
        if self.random.random() < 0.3:
            updates.append({"key": "row/" + other, "newer": stamp + self.random.randrange(2), "put": "c"})
        self.send_new(name, *updates)

    def sourced(self, name):
        """The broker's log: appended once, read in order, replayed at will."""
        source = self.random.choice(("S1", "S2"))
        position = self.next_position[source]
        self.next_position[source] += 1 if source == "S1" else self.random.choice((1, 1, 4))
        where = {"name": source, "position": position}
        if source == "S2":                                  # chained, with gaps, in its second incarnation
            where["incarnation"] = "two"
            if self.logs["S2"]:
                where["previous"] = self.logs["S2"][-1]["source"]["position"]
        key, _ = self.two_keys()
        update = self.random.choice(({"key": key, "add": self.amount()},
                                     {"key": key, "expect_version": self.version(key), "add": self.amount()},
                                     {"key": key, "expect_version": self.version(key) + 1, "add": self.amount()},
                                     {"key": key, "expect_version": self.version(key), "delete": True}))
        change = {"updates": [update], "source": where}
        if self.random.random() < 0.7:
            change["id"] = name
        self.logs[source].append(change)
        if self.random.random() < 0.7:
            self.send(change)

    def replay(self, _name):
        """A consumer starts a little before or behind the cursor, and now and then with a broken stream."""
        source = self.random.choice(("S1", "S2"))
        log = self.logs[source]
        cursor = self.model.sources[source].cursor if source in self.model.sources else None
        consumed = sum(1 for change in log if cursor is not None and change["source"]["position"] <= cursor)
        start = max(0, consumed + self.random.choice((-3, -1, 0, 0, 0, 1)))
        for change in log[start:start + self.random.randrange(1, 5)]:
            if cursor is not None and self.random.random() < 0.05:     # an unknown source would keep what is wrong
                change = copy.deepcopy(change)
                wrong = self.random.choice(({"incarnation": "other"}, {"incarnation": None}, {"previous": 1},
                                            {"position": 2}))
                change["source"].update(wrong)
                change["source"] = {name: value for name, value in change["source"].items() if value is not None}
            self.send(change)

    def rebase(self, _name):
        """A retry: the same content with fresh versions on some of its keys, mostly with since (the first seen)."""
        candidates = [c for c in self.pool[-12:] if "source" not in c and all(
            "expect_version" in u and "check" not in u and "newer" not in u for u in c["updates"])]
        if not candidates:
            return
        change = copy.deepcopy(self.random.choice(candidates))
        for update in change["updates"]:
            if self.version(update["key"]) > update["expect_version"] and self.random.random() < 0.8:
                if self.random.random() < 0.8:
                    update.setdefault("since", update["expect_version"])
                update["expect_version"] = self.version(update["key"])
        self.pool.append(change)
        self.send(change)

    def other_content(self, _name):
        """The same id, and something else meant by it."""
        if not self.pool:
            return
        change = copy.deepcopy(self.random.choice(self.pool))
        if self.random.random() < 0.5:
            for update in change["updates"]:
                if "add" in update and int(update["add"]) < I128_MAX:
                    update["add"] = str(int(update["add"]) + 1)
        else:
            change["updates"].append({"key": "extra", "add": "1"})
        self.send(change)

    def checked(self, name):
        key, other = self.two_keys()
        condition = self.random.choice(({"expect_version": self.version(other) + self.random.choice((-1, 0, 0, 1))},
                                        {"expect_balance": str(self.balance(other) + self.random.choice((0, 0, 1)))}))
        if condition.get("expect_version", 0) < 0:
            return
        self.send_new(name, {"key": key, "expect_version": self.version(key), "add": self.amount()},
                      {"key": other, "check": True, **condition})

    def policy(self, name):
        key, _ = self.two_keys()
        entity = self.model.entities.get(key)
        if entity and entity.policy.get("closed"):           # not for long
            fields = {"closed": False}
        else:
            fields = self.random.choice(({"min_balance": str(self.random.randrange(-60, 3))}, {"max_balance": "90"},
                                         {"closed": True}, {"asset": "EUR"}, {"asset": "CZK"}))
        self.send_new(name, {"key": key, "expect_version": self.version(key), "set_policy": fields})

    def deletion(self, name):
        key, _ = self.two_keys()
        updates = [{"key": key, "expect_version": self.version(key), "delete": True}]
        if self.random.random() < 0.5:                       # bring the balance to zero first
            self.send_new(name + "z", {"key": key, "expect_version": self.version(key), "add": str(-self.balance(key))})
            updates[0]["expect_version"] = self.version(key)
        self.send_new(name, *updates)

    def malformed(self, name):
        key, other = self.two_keys()
        self.send_new(name, *self.random.choice((
            [{"key": key, "add": "1"}],
            [{"key": key, "expect_version": 0, "add": "1"}, {"key": key, "add": "1"}],
            [{"key": key, "newer": 3, "add": "1"}],
            [{"key": key, "newer": 3, "put": "x"}, {"key": other, "add": "1"}],
            [{"key": key, "since": 0, "put": "x"}],
            [{"key": key, "since": 5, "expect_version": 2, "add": "1"}],
            [{"key": key, "check": True}],
            [])))

    def edge_amount(self, name):
        key = self.random.choice(("E0", "E1"))
        amount = self.random.choice((I128_MAX, -I128_MAX - 1, I128_MAX - 1, 1, -1, 1 << 64, -self.balance(key)))
        if not -I128_MAX - 1 <= amount <= I128_MAX:
            return
        self.send_new(name, {"key": key, "expect_version": self.version(key), "add": str(amount)})

    def redeliver(self, _name):
        if self.pool:
            recent = self.random.random() < 0.6
            self.send(self.random.choice(self.pool[-6:] if recent else self.pool))
