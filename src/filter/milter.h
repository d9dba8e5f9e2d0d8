#pragma once

#include "filter/link.h"
#include "filter/milter_engine.h"

#include <optional>

namespace paquebot::filter {

/// A milter, told of a session as it goes on. One connection a session; a new one when it broke, at the next message.
class Milter final : public Filter {
public:
  Milter(const Options& options, LinkMeans means) : Filter(options), link_(std::move(means), options) {}

  Task<Result<Verdict>> connected(Client client) override;
  Task<Result<Verdict>> greeted(Client client) override;
  Task<Result<Verdict>> mail(Client client, mail::Sender sender) override;
  Task<Result<Verdict>> recipient(mail::Recipient recipient) override;
  Task<Result<Verdict>> data(std::string id) override;
  Task<Result<Outcome>> content(Client client, Content& content) override;
  Task<void> leave() override;

private:
  Task<Result<Verdict>> begin(Client client);
  Task<Result<Verdict>> answered(Outcome* outcome, Content* content);
  Task<Result<Verdict>> header(const mail::Head& head);
  Task<Result<Verdict>> body(Content& content);
  Task<Result<Verdict>> all_content(Content& content, Outcome& outcome);
  Task<Result<>> take(milter::Action action, Outcome* outcome, Content* content);
  std::unexpected<Error> gone(Error why);

  Link link_;
  std::optional<milter::Engine> engine_; ///< while there is a connection
  bool greeted_ = false;                 ///< the connection was told of HELO
  bool in_message_ = false;              ///< and of MAIL
};

} // namespace paquebot::filter
