// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#ifndef SEMEL_ENGINE_COMMIT_RETIRED_PREFIXES_H_
#define SEMEL_ENGINE_COMMIT_RETIRED_PREFIXES_H_

#include <set>
#include <string>
#include <string_view>

namespace semel::internal {

// The prefixes below which no key is answered for any more. Not synchronised.
class RetiredPrefixes {
 public:
  // O(log n): those that are kept do not begin with one another.
  bool Covers(std::string_view key) const {
    auto after = prefixes_.upper_bound(key);
    return after != prefixes_.begin() && StartsWith(key, *--after);
  }

  void Add(std::string_view prefix) {
    if (Covers(prefix)) return;
    auto at = prefixes_.lower_bound(prefix);
    while (at != prefixes_.end() && StartsWith(*at, prefix)) at = prefixes_.erase(at);
    prefixes_.emplace(prefix);
  }

  const std::set<std::string, std::less<>>& prefixes() const { return prefixes_; }

 private:
  static bool StartsWith(std::string_view key, std::string_view prefix) {
    return key.substr(0, prefix.size()) == prefix;
  }

  std::set<std::string, std::less<>> prefixes_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_COMMIT_RETIRED_PREFIXES_H_
