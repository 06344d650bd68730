// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A server of our own: found, started for one measurement, and stopped with it.

#ifndef SEMEL_API_BENCH_PEERS_SERVER_PROCESS_H_
#define SEMEL_API_BENCH_PEERS_SERVER_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace semel::bench {

// The path of a program: in PATH, else in `more`, whose last directory wins. Errors: NotFound.
absl::StatusOr<std::string> FindProgram(const std::string& name, const std::vector<std::string>& more = {});

// A short path for sockets, whose names may not be longer than about 100 bytes. Removed with what is in it.
class SocketDirectory {
 public:
  SocketDirectory();
  ~SocketDirectory();
  SocketDirectory(const SocketDirectory&) = delete;
  SocketDirectory& operator=(const SocketDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// How a program is run: its output goes to a file; as another user where that is asked for and we are root.
struct Command {
  std::vector<std::string> arguments;  // the first is the path of the program
  std::string log;                     // appended to
  std::string user;                    // "": ourselves
};

// Gives a directory to the user as whom a command will run. Does nothing if we are not root.
absl::Status GiveTo(const std::string& user, const std::string& directory);

// Runs it to its end. Errors: Unavailable, with its last words, unless it exits with 0.
absl::Status RunProgram(const Command& command);

class ServerProcess {
 public:
  // Starts it and waits until `ready` returns true. Errors: Unavailable (it ended, or was not ready within a minute),
  // with its last words.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(const Command& command,
                                                              const std::function<bool()>& ready);
  // Asks it to stop (SIGINT), and waits until it has.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

 private:
  explicit ServerProcess(pid_t pid) : pid_(pid) {}
  bool Ended();

  pid_t pid_;  // 0: gone
};

}  // namespace semel::bench

#endif  // SEMEL_API_BENCH_PEERS_SERVER_PROCESS_H_
