#pragma once

#include "filter/link.h"

namespace paquebot::filter {

/// ClamAV's daemon, asked over a new connection for each message.
class Clamd final : public Filter {
public:
  Clamd(const Options& options, LinkMeans means) : Filter(options), link_(std::move(means), options) {}
  Task<Result<Outcome>> content(Client client, Content& content) override;

private:
  Task<Result<std::string>> scan(Content& content);
  Task<Result<>> send(Content& content);
  Task<Result<>> send_piece(std::string_view piece);
  Task<Result<std::string>> answer();

  Link link_;
};

} // namespace paquebot::filter
