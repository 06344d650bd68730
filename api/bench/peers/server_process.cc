// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/bench/peers/server_process.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace semel::bench {
namespace {

constexpr auto kReadyWithin = std::chrono::seconds(60);
constexpr int kCannotStart = 127;

// The last thing that it said.
std::string LastLine(const std::string& log) {
  std::ifstream file(log);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

// Becomes the program; of another process group, so that an interrupt from the terminal reaches only us, who stop it.
[[noreturn]] void Become(const Command& command, const passwd* user) {
  const int log = open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setpgid(0, 0);
  if (user != nullptr &&
      (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
    _exit(kCannotStart);
  }
  prctl(PR_SET_PDEATHSIG, SIGINT);  // after setuid, which clears it
  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(kCannotStart);
}

// Null: ourselves. Errors: NotFound.
absl::StatusOr<const passwd*> UserOf(const std::string& name) {
  if (name.empty() || geteuid() != 0) return nullptr;
  const passwd* const user = getpwnam(name.c_str());
  if (user == nullptr) return absl::NotFoundError("there is no user " + name);
  return user;
}

absl::StatusOr<pid_t> Spawn(const Command& command) {
  SEMEL_ASSIGN_OR_RETURN(const passwd* const user, UserOf(command.user));
  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "fork");
  if (pid == 0) Become(command, user);
  return pid;
}

}  // namespace

absl::StatusOr<std::string> FindProgram(const std::string& name, const std::vector<std::string>& more) {
  std::string found;
  for (const std::string& directory : more) {
    if (access((directory + "/" + name).c_str(), X_OK) == 0) found = directory + "/" + name;
  }
  const char* const path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    if (access((directory + "/" + name).c_str(), X_OK) == 0) return directory + "/" + name;
  }
  if (found.empty()) return absl::NotFoundError(name + " is not installed");
  return found;
}

SocketDirectory::SocketDirectory() : path_("/tmp/semel.XXXXXX") { SEMEL_CHECK(mkdtemp(path_.data()) != nullptr); }

SocketDirectory::~SocketDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

absl::Status GiveTo(const std::string& user, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const passwd* const owner, UserOf(user));
  if (owner != nullptr && chown(directory.c_str(), owner->pw_uid, owner->pw_gid) != 0) {
    return absl::ErrnoToStatus(errno, directory);
  }
  return absl::OkStatus();
}

absl::Status RunProgram(const Command& command) {
  SEMEL_ASSIGN_OR_RETURN(const pid_t pid, Spawn(command));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(command.arguments[0], " failed: ", LastLine(command.log)));
}

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(const Command& command,
                                                                    const std::function<bool()>& ready) {
  SEMEL_ASSIGN_OR_RETURN(const pid_t pid, Spawn(command));
  std::unique_ptr<ServerProcess> server(new ServerProcess(pid));
  const auto deadline = std::chrono::steady_clock::now() + kReadyWithin;
  while (!server->Ended() && std::chrono::steady_clock::now() < deadline) {
    if (ready()) return server;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return absl::UnavailableError(absl::StrCat(command.arguments[0], " did not start: ", LastLine(command.log)));
}

bool ServerProcess::Ended() {
  if (pid_ != 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return pid_ == 0;
}

ServerProcess::~ServerProcess() {
  if (Ended()) return;
  kill(pid_, SIGINT);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace semel::bench
