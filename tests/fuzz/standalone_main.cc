// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzzer without libFuzzer, as a test of every build: first each file of the corpus as it is, then random
// mutations of them, which find less than coverage does but run everywhere. SEMEL_TEST_SEED repeats a run.
//
//   NAME [-runs=N] [-dict=FILE] FILE_OR_FOLDER...        -dict: words to insert, as libFuzzer has them

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/sim/figures.h"
#include "tests/sim/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using semel::testing::Random;

// Of one seed.
constexpr uint64_t kInputsOfARound = 100;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Files in the order of their names, so that a seed means the same everywhere.
std::vector<std::string> ReadCorpus(const std::vector<std::filesystem::path>& roots) {
  std::vector<std::filesystem::path> files;
  for (const auto& root : roots) {
    if (!std::filesystem::is_directory(root)) {
      files.push_back(root);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(root)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const auto& file : files) corpus.push_back(ReadFile(file));
  return corpus;
}

// The words of a dictionary: what stands between the quotes of each line. \xAB is a byte; \\ and \" stand for
// themselves.
std::vector<std::string> ReadDictionary(const std::string& path) {
  std::vector<std::string> words;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t begin = line.find('"');
    const size_t end = line.rfind('"');
    if (line.empty() || line[0] == '#' || begin == end) continue;
    std::string& word = words.emplace_back();
    for (size_t at = begin + 1; at < end; ++at) {
      if (line[at] != '\\') {
        word.push_back(line[at]);
      } else if (line[++at] != 'x') {
        word.push_back(line[at]);
      } else {
        word.push_back(static_cast<char>(std::stoi(line.substr(at + 1, 2), nullptr, 16)));
        at += 2;
      }
    }
  }
  return words;
}

void Mutate(Random& random, const std::string& other, const std::vector<std::string>& words, std::string* input) {
  const size_t at = random.Below(input->size() + 1);
  const size_t from = random.Below(other.size() + 1);
  const size_t count = random.Below(16);
  switch (random.Below(words.empty() ? 6 : 8)) {
    case 0:
      input->insert(at, random.Bytes(1 + random.Below(8)));
      break;
    case 1:
      input->erase(at, count);
      break;
    case 2:
      input->resize(at);
      break;
    case 3:
      input->insert(at, other, from, count);
      break;  // a piece of another input
    case 4:
      *input = input->substr(0, at) + other.substr(from);
      break;
    case 5:
      if (at < input->size()) (*input)[at] = static_cast<char>((*input)[at] ^ (1 << random.Below(8)));
      break;
    default:
      input->insert(at, words[random.Below(words.size())]);
  }
}

void Run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t runs = 0;
  std::vector<std::string> words;
  std::vector<std::filesystem::path> roots;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind("-runs=", 0) == 0) {
      runs = std::strtoull(argument.c_str() + 6, nullptr, 10);
    } else if (argument.rfind("-dict=", 0) == 0) {
      words = ReadDictionary(argument.substr(6));
    } else {
      roots.emplace_back(argument);
    }
  }
  std::vector<std::string> corpus = ReadCorpus(roots);
  for (const std::string& input : corpus) Run(input);
  if (corpus.empty()) corpus.emplace_back();
  uint64_t seed = 0;
  uint64_t inputs = corpus.size();
  for (semel::testing::Rounds rounds(runs / kInputsOfARound); rounds.Next(&seed);) {
    Random random(seed);
    for (uint64_t i = 0; i < kInputsOfARound; ++i, ++inputs) {
      std::string input = corpus[random.Below(corpus.size())];
      for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
        Mutate(random, corpus[random.Below(corpus.size())], words, &input);
      }
      Run(input);
    }
  }
  semel::testing::Figure("T10", "inputs", inputs);
  return 0;
}
