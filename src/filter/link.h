#pragma once

#include "dns/resolver.h"
#include "filter/filter.h"
#include "net/stream.h"

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>

namespace paquebot::filter {

/// What a session's connections to filters are made with. `wheel` and `resolver` must outlive them.
struct LinkMeans {
  boost::asio::any_io_executor executor;
  net::Wheel* wheel = nullptr;
  dns::Resolver* resolver = nullptr;
};

/// A connection to a filter with its two bounds of time. After an error only close() and connect() are of use.
class Link {
public:
  Link(LinkMeans means, const Options& options) : means_(std::move(means)), options_(options) {}

  bool open() const { return stream_.has_value(); }
  /// Begins a step: what follows must be done within Options::timeout.
  void begin_step();
  /// Begins a message's content: all steps from here on must be done within Options::total_timeout, until end_total().
  void begin_total();
  void end_total() { total_.reset(); }

  /// Connects, host names by the DNS ("localhost" is known), each address in turn.
  Task<Result<>> connect();
  Task<Result<>> write(std::string_view bytes);
  /// What there is, at least one octet: a view until the next read. `closed` at the end of the stream.
  Task<Result<std::string_view>> read();
  /// The same, but empty at the end of the stream.
  Task<Result<std::string_view>> read_to_end();
  void close() { stream_.reset(); }

private:
  using Instant = std::chrono::steady_clock::time_point;
  Task<std::vector<std::string>> addresses() const;

  LinkMeans means_;
  const Options& options_;
  std::optional<net::Stream> stream_;
  Instant step_{};
  std::optional<Instant> total_;
};

} // namespace paquebot::filter
