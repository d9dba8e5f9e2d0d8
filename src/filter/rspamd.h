#pragma once

#include "filter/link.h"
#include "http/client_session.h"

namespace paquebot::filter {

/// rspamd's scanner over HTTP, asked over a new connection for each message.
class Rspamd final : public Filter {
public:
  Rspamd(const Options& options, LinkMeans means) : Filter(options), link_(std::move(means), options) {}
  Task<Result<Outcome>> content(Client client, Content& content) override;

private:
  Task<Result<Outcome>> check(Client client, Content& content);
  Task<Result<>> send(http::ClientSession& engine, Content& content);
  Task<Result<Outcome>> answer(http::ClientSession& engine);

  Link link_;
};

} // namespace paquebot::filter
