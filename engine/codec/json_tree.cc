// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/codec/json_tree.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/base/strings.h"
#include "engine/codec/limits.h"

namespace semel::internal {
namespace {

// The library's text without its prefix and without the excerpt of the input, which may be long or secret:
// "... syntax error while parsing value - invalid literal; last read: 'tru '" becomes "while parsing value - invalid
// literal".
std::string Explanation(std::string_view what) {
  constexpr std::string_view kPrefix = "syntax error ";
  if (const size_t at = what.find(kPrefix); at != what.npos) {
    what.remove_prefix(at + kPrefix.size());
  } else {
    what = "a number is too large";  // the only other error of the reader
  }
  return std::string(what.substr(0, what.find("; last read: ")));
}

// Receives the events of nlohmann's parser. Returning false ends the parse; `error` says why.
class TreeBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return Leaf(JsonKind::kNull, {}); }
  bool boolean(bool value) override {
    if (!Leaf(JsonKind::kBool, {})) return false;
    tree_.back().boolean = value;
    return true;
  }
  bool number_integer(number_integer_t value) override { return Leaf(JsonKind::kNumber, std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Leaf(JsonKind::kNumber, std::to_string(value)); }
  // Integers beyond 64 bits come here as well: `text` is what was written.
  bool number_float(number_float_t, const string_t& text) override { return Leaf(JsonKind::kNumber, text); }
  bool string(string_t& value) override { return Leaf(JsonKind::kString, std::move(value)); }
  bool binary(binary_t&) override { return Fail("binary values are not JSON"); }
  bool key(string_t& name) override {
    name_ = std::move(name);
    return true;
  }
  bool start_object(size_t) override { return Open(JsonKind::kObject); }
  bool start_array(size_t) override { return Open(JsonKind::kArray); }
  bool end_object() override {
    const size_t object = Close();
    const std::string* twice = DoubledName(object);
    if (twice == nullptr) return true;
    const std::string shown = absl::CHexEscape(absl::string_view(*twice).substr(0, 40));
    return Fail(absl::StrCat("member \"", shown, "\" stands twice in one object"));
  }
  bool end_array() override {
    Close();
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& error) override {
    return Fail(absl::StrCat("not valid JSON at byte ", position, ": ", Explanation(error.what())));
  }

  JsonTree& tree() { return tree_; }
  const std::string& error() const { return error_; }

 private:
  bool Leaf(JsonKind kind, std::string text) {
    if (tree_.size() == kMaxMessageParts) return Fail(absl::StrCat("more than ", kMaxMessageParts, " values"));
    JsonNode& node = tree_.emplace_back();
    node.kind = kind;
    node.name = std::exchange(name_, {});
    node.text = std::move(text);
    node.end = static_cast<uint32_t>(tree_.size());
    return true;
  }

  bool Open(JsonKind kind) {
    if (open_.size() == kMaxJsonDepth) return Fail(absl::StrCat("nested deeper than ", kMaxJsonDepth, " levels"));
    open_.push_back(tree_.size());
    return Leaf(kind, {});
  }

  size_t Close() {
    const size_t node = open_.back();
    open_.pop_back();
    tree_[node].end = static_cast<uint32_t>(tree_.size());
    return node;
  }

  const std::string* DoubledName(size_t object) const {
    std::vector<const std::string*> names;
    for (uint32_t i = static_cast<uint32_t>(object) + 1; i < tree_[object].end; i = tree_[i].end) {
      names.push_back(&tree_[i].name);
    }
    const auto less = [](const std::string* a, const std::string* b) { return *a < *b; };
    std::sort(names.begin(), names.end(), less);
    const auto same = [](const std::string* a, const std::string* b) { return *a == *b; };
    const auto twice = std::adjacent_find(names.begin(), names.end(), same);
    return twice == names.end() ? nullptr : *twice;
  }

  bool Fail(std::string error) {
    error_ = std::move(error);
    return false;
  }

  JsonTree tree_;
  std::vector<size_t> open_;  // objects and arrays not closed yet, outermost first
  std::string name_;          // of the member whose value comes next
  std::string error_;
};

}  // namespace

absl::StatusOr<JsonTree> ParseJsonTree(std::string_view json) {
  if (json.size() > kMaxMessageBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message of ", json.size(), " bytes; at most ", kMaxMessageBytes, " are read"));
  }
  TreeBuilder builder;
  builder.tree().reserve(16);
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &builder)) {
    return absl::InvalidArgumentError(builder.error());
  }
  return std::move(builder.tree());
}

}  // namespace semel::internal
