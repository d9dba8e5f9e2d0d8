#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"

#include <array>
#include <ctime>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <spdlog/details/file_helper.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace paquebot::log {
namespace {

constexpr std::size_t kMaxValue = 1024;

/// A file that can be opened again by name while other threads write.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
  explicit FileSink(std::string path) : path_(std::move(path)), file_(open()) {}

  void reopen() {
    auto fresh = open();
    const std::lock_guard lock(mutex_);
    file_ = std::move(fresh);
  }

private:
  using File = std::unique_ptr<spdlog::details::file_helper>;

  File open() const {
    auto file = std::make_unique<spdlog::details::file_helper>();
    file->open(path_);
    return file;
  }
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    file_->write(line);
  }
  void flush_() override { file_->flush(); }

  std::string path_;
  File file_;
};

struct Output {
  Format format = Format::key_value;
  std::shared_ptr<FileSink> file;
  std::shared_ptr<spdlog::logger> logger;
};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink, Level least) {
  auto logger = std::make_shared<spdlog::logger>("paquebot", std::move(sink));
  logger->set_pattern("%v");
  logger->set_level(to_spdlog(least));
  logger->flush_on(spdlog::level::warn);
  return logger;
}

/// The output in force. A reload replaces it while other threads write to the old one, which lives as long as they do.
struct Current {
  std::mutex mutex;
  std::shared_ptr<const Output> output = std::make_shared<const Output>(
      Format::key_value, nullptr, make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), Level::info));
};

Current& current() {
  static Current instance;
  return instance;
}

std::shared_ptr<const Output> output() {
  const std::lock_guard lock(current().mutex);
  return current().output;
}

std::string_view name_of(Level level) {
  static constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(level)];
}

/// Appends `text` for inside double quotes, with escapes that both JSON and people read; octets that
/// are no printable UTF-8 become \xNN (in JSON \\xNN, so that it stays valid), the rest is cut at kMaxValue.
void append_escaped(std::string& out, std::string_view text, Format format) {
  const std::size_t limit = out.size() + kMaxValue;
  while (!text.empty()) {
    if (out.size() >= limit) {
      out += "…";
      return;
    }
    const std::size_t length = printable_length(text);
    if (text[0] == '"' || text[0] == '\\') {
      out += '\\';
      out += text[0];
    } else if (text[0] == '\n') {
      out += "\\n";
    } else if (text[0] == '\r') {
      out += "\\r";
    } else if (text[0] == '\t') {
      out += "\\t";
    } else if (length == 0) {
      fmt::format_to(std::back_inserter(out), "{}x{:02x}", format == Format::json ? "\\\\" : "\\",
                     static_cast<unsigned>(static_cast<unsigned char>(text[0])));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

bool needs_quotes(std::string_view text) {
  if (text.empty() || text.size() > kMaxValue) return true;
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    if (length == 0 || text[0] == ' ' || text[0] == '"' || text[0] == '=' || text[0] == '\\') return true;
    text.remove_prefix(length);
  }
  return false;
}

void append_quoted(std::string& out, std::string_view text, Format format) {
  out += '"';
  append_escaped(out, text, format);
  out += '"';
}

void append_pair(std::string& out, Format format, const Field& field) {
  if (!out.empty()) out += format == Format::json ? "," : " ";
  if (format == Format::json) {
    append_quoted(out, field.key, format);
    out += ':';
  } else {
    out += field.key;
    out += '=';
  }
  if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    out += std::to_string(*number);
  } else {
    const std::string_view text = std::get<std::string_view>(field.value);
    if (format == Format::json || needs_quotes(text)) {
      append_quoted(out, text, format);
    } else {
      out += text;
    }
  }
}

std::string time_text(WallTime now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                     tm.tm_hour, tm.tm_min, tm.tm_sec, millis(now) % 1000);
}

std::string pairs(Format format, Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::string out;
  append_pair(out, format, {"level", name_of(level)});
  append_pair(out, format, {"event", event});
  for (const Field& field : fields) append_pair(out, format, field);
  return out;
}

} // namespace

Result<> configure(Format format, Level least, const std::string& path) {
  try {
    auto fresh = std::make_shared<Output>();
    fresh->format = format;
    spdlog::sink_ptr sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    if (!path.empty()) sink = fresh->file = std::make_shared<FileSink>(path);
    fresh->logger = make_logger(sink, least);
    spdlog::set_default_logger(fresh->logger); // what flush_regularly() flushes
    const std::lock_guard lock(current().mutex);
    current().output = std::move(fresh);
    return {};
  } catch (const spdlog::spdlog_ex& e) {
    return fail(Errc::io, fmt::format("cannot open the log file {}: {}", path, e.what()));
  }
}

void flush_regularly() { spdlog::flush_every(std::chrono::seconds(1)); }

Result<> reopen() {
  const auto out = output();
  if (!out->file) return {};
  try {
    out->file->reopen();
    return {};
  } catch (const spdlog::spdlog_ex& e) {
    return fail(Errc::io, fmt::format("cannot open the log file again, the old one stays: {}", e.what()));
  }
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  const auto out = output();
  if (!out->logger->should_log(to_spdlog(level))) return;
  const std::string time = time_text(system_clock().wall());
  const std::string rest = pairs(out->format, level, event, fields);
  const bool json = out->format == Format::json;
  out->logger->log(to_spdlog(level),
                   json ? fmt::format("{{\"time\":\"{}\",{}}}", time, rest) : fmt::format("time={} {}", time, rest));
}

std::string format_line(Format format, Level level, std::string_view event, std::initializer_list<Field> fields) {
  const std::string rest = pairs(format, level, event, fields);
  return format == Format::json ? fmt::format("{{{}}}", rest) : rest;
}

} // namespace paquebot::log
