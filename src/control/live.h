#pragma once

#include "base/task.h"
#include "doctor/finding.h"
#include "metrics/hours.h"
#include "net/transcript.h"
#include "queue/posts.h"
#include "queue/shaping.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// What a running server shows of itself beside what the store knows: for the pages of whoever looks after it.
namespace paquebot::control {

/// What the doctor found in its last round.
struct Examined {
  std::int64_t at = 0; ///< ms since 1970; 0: no round since the start
  std::vector<doctor::Finding> findings{};
};

/// What went through, by the hour.
struct Traffic {
  std::int64_t since = 0; ///< when counting began
  std::vector<metrics::Hour> hours{};
};

/// A connection that is open now.
struct LiveConnection {
  std::uint64_t id = 0; ///< never used twice by this process
  bool out = false;     ///< we opened it
  std::int64_t since = 0;
  net::LiveFacts facts{};
};

/// The same, and what was said since somebody began to watch.
struct LiveTranscript {
  LiveConnection connection;
  std::vector<net::Transcript::Line> lines{};
  std::uint64_t lost = 0;
};

/// One key of the configuration as it is in force.
struct SettingFacts {
  std::string key;        ///< "limits.mx_connections"; of lists with a number: "listener.1.role"
  std::string value;      ///< as the file would have it
  std::string standard;   ///< what holds without the key, likewise, or in words
  std::uint32_t line = 0; ///< of the file; 0: it is not there
  bool restart = false;   ///< a change takes effect at the next start
  std::string text;       ///< what it is for
};

/// Empty functions when the server is down.
struct LiveHooks {
  std::function<Examined()> examined;
  std::function<Traffic(std::size_t hours)> traffic;
  /// By id, behind `after`, at most `most`; only those that we opened, or only the others, when it is said.
  std::function<Task<std::vector<LiveConnection>>(std::optional<bool> out, std::uint64_t after, std::size_t most)>
      connections;
  /// From now on for a minute what is said there is kept. Nothing: there is no such connection.
  std::function<Task<std::optional<LiveTranscript>>(std::uint64_t id)> watch;
  /// Breaks it off. False: there is no such connection.
  std::function<Task<bool>(std::uint64_t id)> end;
  std::function<std::vector<SettingFacts>()> settings;
  queue::Posts* posts = nullptr;     ///< sites, and what was learnt of them
  queue::Shaping* shaping = nullptr; ///< providers, and what rules make of what they say
};

} // namespace paquebot::control
