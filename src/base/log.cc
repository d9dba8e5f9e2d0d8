#include "base/log.h"

#include "base/log_node.h"
#include "base/text.h"
#include "base/visible.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace paquebot::log {
namespace {

constexpr std::size_t kMaxValue = 1024;
/// What a Batch collects before it writes.
constexpr std::size_t kMaxBatch = 64u << 10;

/// A file that can be opened again by name while other threads write.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
  explicit FileSink(std::string path) : path_(std::move(path)), file_(open()) {}

  void reopen() {
    auto fresh = open();
    const std::lock_guard lock(mutex_);
    std::swap(file_, fresh);
  }

private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  [[noreturn]] void give_up(const char* why) const {
    throw spdlog::spdlog_ex(fmt::format("cannot open the log file {}: {}", path_, why));
  }
  /// Without waiting for anybody: not for the reader of a FIFO either.
  File open() const {
    const int descriptor =
        ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (descriptor < 0) give_up(errno == ENXIO ? "it is not a plain file" : std::strerror(errno));
    struct stat facts{};
    const bool plain = ::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
    File file(plain ? ::fdopen(descriptor, "a") : nullptr);
    if (!file) ::close(descriptor);
    if (!file) give_up(plain ? std::strerror(errno) : "it is not a plain file");
    return file;
  }
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size()) {
      std::clearerr(file_.get());
      throw spdlog::spdlog_ex("cannot write to " + path_, errno);
    }
  }
  void flush_() override { std::fflush(file_.get()); }

  std::string path_;
  File file_;
};

struct Output {
  Format format = Format::key_value;
  std::shared_ptr<FileSink> file;
  std::shared_ptr<spdlog::logger> logger;
  std::string node{}; ///< that is named in each line
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

/// What this thread's Batch has collected, and for where.
struct Collected {
  unsigned batches = 0;
  std::shared_ptr<const Output> output;
  std::string lines;

  void add(const std::shared_ptr<const Output>& to, std::string_view line) {
    if (output != to || lines.size() + line.size() > kMaxBatch) flush();
    output = to;
    if (!lines.empty()) lines += '\n'; // the sink ends what it writes with one
    lines += line;
  }
  /// The lines were wanted when they came, whatever level a reload has set since.
  void flush() {
    if (lines.empty()) return;
    try {
      output->logger->sinks().front()->log({{}, spdlog::level::info, lines});
    } catch (const spdlog::spdlog_ex&) {
      // As for a single line that can't be written: nobody can be told, and mail goes on.
    }
    lines.clear();
    output.reset();
  }
};

thread_local Collected collected;

std::shared_ptr<const Output> output() {
  const std::lock_guard lock(current().mutex);
  return current().output;
}

std::string_view name_of(Level level) {
  static constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(level)];
}

using Octets = std::array<bool, 256>;

/// Printable ASCII without `special`.
constexpr Octets plain_without(std::string_view special) {
  Octets plain{};
  for (std::size_t i = ' '; i < 0x7F; ++i) plain[i] = !special.contains(static_cast<char>(i));
  return plain;
}
constexpr Octets kPlainInQuotes = plain_without("\"\\");
constexpr Octets kPlainBare = plain_without(" \"=\\");

/// How many octets at the beginning are `plain`.
std::size_t plain_run(std::string_view text, const Octets& plain) {
  std::size_t length = 0;
  while (length < text.size() && plain[static_cast<unsigned char>(text[length])]) ++length;
  return length;
}

/// Appends `text` for inside double quotes, with escapes that both JSON and people read; octets that
/// are no visible UTF-8 become \xNN (in JSON \\xNN, so that it stays valid), the rest is cut at kMaxValue.
void append_escaped(std::string& out, std::string_view text, Format format) {
  const std::size_t limit = out.size() + kMaxValue;
  while (!text.empty()) {
    if (out.size() >= limit) {
      out += "…";
      return;
    }
    if (const std::size_t run = std::min(plain_run(text, kPlainInQuotes), limit - out.size()); run > 0) {
      out += text.substr(0, run);
      text.remove_prefix(run);
      continue;
    }
    const std::size_t length = visible_length(text);
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
  for (;;) {
    text.remove_prefix(plain_run(text, kPlainBare));
    if (text.empty()) return false;
    const std::size_t length = visible_length(text);
    if (length <= 1) return true; // one of those above, or nothing visible
    text.remove_prefix(length);
  }
}

void append_quoted(std::string& out, std::string_view text, Format format) {
  out += '"';
  append_escaped(out, text, format);
  out += '"';
}

void append_number(std::string& out, std::int64_t value, std::size_t width) {
  const fmt::format_int digits(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out.append(digits.data(), digits.size());
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
    append_number(out, *number, 0);
  } else {
    const std::string_view text = std::get<std::string_view>(field.value);
    if (format == Format::json || needs_quotes(text)) {
      append_quoted(out, text, format);
    } else {
      out += text;
    }
  }
}

/// 2026-11-23T18:01:02.345Z. A thread keeps what it wrote last: most lines are of the same second.
void append_time(std::string& out, WallTime now) {
  thread_local std::time_t second = -1;
  thread_local std::string text;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  if (seconds != second) {
    std::tm tm{};
    gmtime_r(&seconds, &tm);
    text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                       tm.tm_min, tm.tm_sec);
    second = seconds;
  }
  out += text;
  append_number(out, millis(now) % 1000, 3);
  out += 'Z';
}

/// `out` has the time already, or nothing.
void append_pairs(std::string& out, Format format, Level level, const std::string& node, std::string_view event,
                  std::initializer_list<Field> fields) {
  append_pair(out, format, {"level", name_of(level)});
  if (!node.empty()) append_pair(out, format, {"node", node});
  append_pair(out, format, {"event", event});
  for (const Field& field : fields) append_pair(out, format, field);
}

} // namespace

namespace {

/// Puts an output in force.
void take(std::shared_ptr<Output> fresh) {
  spdlog::set_default_logger(fresh->logger); // what flush_regularly() flushes
  const std::lock_guard lock(current().mutex);
  current().output = std::move(fresh);
}

} // namespace

Result<> configure(Format format, Level least, const std::string& path) {
  try {
    auto fresh = std::make_shared<Output>();
    fresh->format = format;
    fresh->node = output()->node;
    spdlog::sink_ptr sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    if (!path.empty()) sink = fresh->file = std::make_shared<FileSink>(path);
    fresh->logger = make_logger(sink, least);
    take(std::move(fresh));
    return {};
  } catch (const spdlog::spdlog_ex& e) {
    return fail(Errc::io, e.what());
  }
}

void adjust(Format format, Level least) {
  auto fresh = std::make_shared<Output>(*output());
  fresh->format = format;
  fresh->logger = make_logger(fresh->logger->sinks().front(), least);
  take(std::move(fresh));
}

void name_node(const std::string& node) {
  auto fresh = std::make_shared<Output>(*output());
  fresh->node = node;
  take(std::move(fresh));
}

void flush_regularly() { spdlog::flush_every(std::chrono::seconds(1)); }

Result<> reopen() {
  const auto out = output();
  if (!out->file) return {};
  try {
    out->file->reopen();
    return {};
  } catch (const spdlog::spdlog_ex& e) {
    return fail(Errc::io, fmt::format("{}; lines go on into the old one", e.what()));
  }
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  const auto out = output();
  if (!out->logger->should_log(to_spdlog(level))) return;
  const bool json = out->format == Format::json;
  std::string line;
  line.reserve(512);
  line += json ? "{\"time\":\"" : "time=";
  append_time(line, system_clock().wall());
  if (json) line += '"';
  append_pairs(line, out->format, level, out->node, event, fields);
  if (json) line += '}';
  if (collected.batches > 0 && level <= Level::info) return collected.add(out, line);
  collected.flush();
  out->logger->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

std::string time_of(WallTime at) {
  std::string text;
  append_time(text, at);
  return text;
}

Batch::Batch() { ++collected.batches; }

Batch::~Batch() {
  if (--collected.batches == 0) collected.flush();
}

std::string format_line(Format format, Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::string line;
  append_pairs(line, format, level, {}, event, fields);
  return format == Format::json ? "{" + line + "}" : line;
}

} // namespace paquebot::log
