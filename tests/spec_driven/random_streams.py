# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Random streams of changes, each with the answer that the executable specification gives.

The generator looks at the model's state as it goes, so that most changes hit something: the current version, one
beside it, a balance that is there or was there, an id that was used.
"""
import copy
import random

from semel_model import Ledger, run_line

I128_MAX = (1 << 127) - 1
WINDOW = 6
SENT_MAX = 500


class Stream:
    """One run. `lines` are changes and operations as the specification knows them, and {"op": "reopen"}; `outcomes`
    are the model's, of the lines that have one, in order. `model` is in the state after the last line.

    With `wide` there are operations other than reopening, windowed sources and upstreams in disorder, too. With
    `operators_apart` each of these operations is a process of its own: the ledger is opened anew before and after."""

    def __init__(self, seed, length, wide=False, operators_apart=False):
        self.random = random.Random(seed)
        self.model = Ledger()
        self.wide, self.operators_apart = wide, operators_apart
        self.keys = [f"K{i}" for i in range(self.random.choice((2, 4, 40)))]
        self.next_position = {"S1": 1, "S2": 5, "W": 1}
        self.logs = {"S1": [], "S2": [], "W": []}
        self.pool = []          # new changes, for redeliveries
        self.sent = []          # some of everything
        self.lines, self.outcomes = [], []
        while len(self.lines) < length:
            if self.random.random() < 1 / 800:
                self.reopen()
            self.step(len(self.lines))
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
        self.lines.append({"op": "reopen"})
        self.forget()

    def forget(self):
        """What the model calls memory only: sources of which nothing was decided, and early positions."""
        self.model.sources = {name: s for name, s in self.model.sources.items() if s.cursor is not None}
        for source in self.model.sources.values():
            source.blocked = None

    def send(self, change):
        self.lines.append(change)
        self.outcomes.append(self.model.apply(copy.deepcopy(change)))
        if len(self.sent) < SENT_MAX:
            self.sent.append(change)
        else:
            self.sent[self.random.randrange(SENT_MAX)] = change

    def operate(self, **operation):
        self.lines.append(operation)
        if self.operators_apart:
            self.forget()
        self.outcomes += run_line(self.model, operation)
        if self.operators_apart:
            self.forget()

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
        if self.wide:
            kinds += [self.windowed, self.windowed, self.replay_window, self.replay_window, self.debit, self.debit,
                      self.upstream, self.letter, self.letter, self.letter, self.redeliver_anything,
                      self.redeliver_anything]
            if self.random.random() < 1 / 40:
                kinds = [self.trim, self.trim, self.give_up_parked, self.other_options]
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
        stamp = self.random.randrange(len(self.lines) // 20 + 3)
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

    def redeliver_anything(self, _name):
        for change in self.random.sample(self.sent, min(len(self.sent), self.random.randrange(6))):
            self.send(change)

    # ---- Windowed sources, upstreams in disorder

    def windowed(self, name):
        key, _ = self.two_keys()
        source = {"name": "W", "position": self.next_position["W"], "window": WINDOW}
        self.next_position["W"] += 1
        update = self.random.choice(({"key": key, "add": self.amount()},
                                     {"key": key, "expect_version": self.version(key), "add": self.amount()},
                                     {"key": key, "expect_version": self.version(key) + 1, "put": "w"},
                                     {"key": "purse", "add": str(-self.random.randrange(30))}))
        change = {"updates": [update], "source": source}
        if self.random.random() < 0.7:
            change["id"] = name
        self.logs["W"].append(change)

    def replay_window(self, _name):
        """Shuffled, from a little before the cursor to a little beyond the window."""
        cursor = (self.model.sources["W"].cursor or 0) if "W" in self.model.sources else 0
        near = self.logs["W"][max(0, cursor - 4):cursor + WINDOW + 3]
        for change in self.random.sample(near, min(len(near), self.random.randrange(1, 6))):
            self.send(change)

    def debit(self, name):
        """Money that is often not there, and money."""
        entity = self.model.entities.get("purse")
        if entity is None:
            self.send_new(name, {"key": "purse", "expect_version": 0, "set_policy": {"min_balance": "0"}})
        elif self.random.random() < 0.5:
            self.send_new(name, {"key": "purse", "since": entity.version, "add": str(self.random.randrange(30))})
        else:
            source = {"name": "S1", "position": self.next_position["S1"]}
            self.next_position["S1"] += 1
            change = {"id": name, "updates": [{"key": "purse", "add": str(-self.random.randrange(30))}],
                      "source": source}
            self.logs["S1"].append(change)
            self.replay(name)

    def upstream(self, name):
        """An upstream that assigns versions over a few entities; its messages come in any order, some twice or never,
        some in a second attempt or with other content."""
        versions = {key: self.version(key) for key in self.random.sample(["U0", "U1", "U2", "U3", "U4"], 3)}
        burst = []
        for number in range(self.random.randrange(2, 7)):
            updates = []
            for key in self.random.sample(sorted(versions), self.random.choice((1, 1, 2))):
                updates.append({"key": key, "expect_version": versions[key], "add": self.amount()})
                versions[key] += 1
            message = {"id": f"{name}.{number}", "updates": updates}
            burst += [message] * self.random.choice((0, 1, 1, 1, 1, 2))
            other = copy.deepcopy(message)
            accident = self.random.randrange(5)
            if accident == 0:
                other["updates"][0]["add"] = "77"
            elif accident == 1:
                for update in other["updates"]:
                    if self.random.random() < 0.7:
                        update["since"] = update["expect_version"]
                    update["expect_version"] += 1
            else:
                continue
            burst.append(other)
        self.random.shuffle(burst)
        for message in burst:
            self.send(message)
        self.pool += burst

    # ---- What an operator does

    def letter(self, _name):
        """Retries or discards a dead letter, and its message comes again."""
        if not self.model.dead:
            return
        rejected = [address for address, (_, outcome) in self.model.dead.items() if outcome == "REJECTED"]
        address = self.random.choice(rejected or sorted(self.model.dead))
        change, _ = self.model.dead[address]
        self.operate(op=self.random.choice(("retry", "retry", "retry", "discard")), dead=address)
        for _ in range(self.random.randrange(3)):
            self.send(change)

    def give_up_parked(self, _name):
        if self.model.parked:
            parked = self.random.choice(self.model.parked)
            self.operate(op="discard_parked", id=parked.id)
            self.send(parked.change)

    def trim(self, name):
        self.operate(op="trim")
        self.redeliver_anything(name)

    def other_options(self, _name):
        if self.random.random() < 0.5:
            self.operate(op="park", max=self.random.choice((0, 3, 8, 30)))
        else:
            self.operate(op="lookback", n=self.random.choice((2, 3, 5, 20, 4096)))
