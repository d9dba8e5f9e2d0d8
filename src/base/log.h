#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace paquebot::log {

enum class Level { debug, info, warning, error };
enum class Format { key_value, json };

/// One key and its value. The value may be any bytes from outside: it is escaped when written.
struct Field {
  std::string_view key;
  std::variant<std::string_view, std::int64_t> value;
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  template <class I>
    requires std::is_integral_v<I>
  Field(std::string_view k, I v) : key(k), value(static_cast<std::int64_t>(v)) {}
};

/// Where and how log lines go. An empty path is standard error. May be called again while other threads log; until the
/// first call lines of level info and up go to standard error as key=value. Fails with Errc::io when the file cannot be
/// opened, and changes nothing then: it must be a plain file, made with mode 0640 when it is absent (a FIFO could hold
/// everything up). Lines to a file are flushed at warnings and by flush_regularly().
Result<> configure(Format format, Level least, const std::string& path = {});
/// Another form and level from now on, to where the lines go already: this can't fail.
void adjust(Format format, Level least);
/// From now on a thread flushes the log every second.
void flush_regularly();
/// Opens the log file again (after rotation); nothing to do on standard error. Keeps the old one on failure.
Result<> reopen();

/// Writes one line: time, level, event, then the fields, as key=value or JSON. Control characters
/// and quotes in values are escaped, each value is cut at 1 KiB. Thread-safe.
void write(Level level, std::string_view event, std::initializer_list<Field> fields);
/// While one lives, lines up to level info of its thread are collected and written together when it ends: for work done
/// for many at once. A warning or an error is never kept back, nor what came before it. At most 64 KiB are collected,
/// which a crash of the process loses. On the stack only, and not across a co_await. Batches may nest; the outermost
/// counts.
class Batch {
public:
  Batch();
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
};

/// "2026-11-23T18:01:02.345Z", as lines begin.
std::string time_of(WallTime at);

/// The line that `write` would log, without the time. For tests and `write` itself.
std::string format_line(Format format, Level level, std::string_view event, std::initializer_list<Field> fields);

inline void debug(std::string_view event, std::initializer_list<Field> f = {}) { write(Level::debug, event, f); }
inline void info(std::string_view event, std::initializer_list<Field> f = {}) { write(Level::info, event, f); }
inline void warning(std::string_view event, std::initializer_list<Field> f = {}) { write(Level::warning, event, f); }
inline void error(std::string_view event, std::initializer_list<Field> f = {}) { write(Level::error, event, f); }

} // namespace paquebot::log
