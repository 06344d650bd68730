// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The files of a ledger in memory: to compare them, to damage them, and to put them where they can be opened.

#ifndef SEMEL_TESTS_LEDGER_FILE_IMAGE_H_
#define SEMEL_TESTS_LEDGER_FILE_IMAGE_H_

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "engine/base/check.h"

namespace semel::testing {

// By path below the ledger's directory. Without locks, which hold nothing.
using FileImage = std::map<std::string, std::string>;

// The ledger may be open, if nothing is writing.
inline FileImage ReadImage(const std::string& directory) {
  FileImage image;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    // Whoever closes LMDB's lock file drops the locks of its own process.
    if (!entry.is_regular_file() || name == "lock.mdb" || name == "LOCK") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    SEMEL_CHECK(in.good());
    image[std::filesystem::relative(entry.path(), directory)] = {std::istreambuf_iterator<char>(in),
                                                                 std::istreambuf_iterator<char>()};
  }
  return image;
}

// Replaces all that is in `directory`.
inline void WriteImage(const FileImage& image, const std::string& directory) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directory(directory);
  for (const auto& [name, bytes] : image) {
    const std::filesystem::path path = std::filesystem::path(directory) / name;
    std::filesystem::create_directory(path.parent_path());
    std::ofstream out(path, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    SEMEL_CHECK(out.good());
  }
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_LEDGER_FILE_IMAGE_H_
