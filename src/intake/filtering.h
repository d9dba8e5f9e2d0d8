#pragma once

#include "directory/directory.h"
#include "filter/session.h"
#include "queue/draft.h"
#include "store/body_writer.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::intake {

/// A message as content filters see and change it. Works on the access of a Passage, whose body is finished; they must
/// outlive it.
class FilteredMessage final : public filter::Content {
public:
  struct Access {
    store::Store& store;
    directory::Directory& directory; ///< says where recipients lead that a filter adds
    mail::Head& head;
    mail::Sender& sender;
    std::vector<queue::DraftRecipient>& recipients;
    store::NewBody& body;
  };
  FilteredMessage(Access access, std::string id);

  const std::string& id() const override { return id_; }
  const mail::Sender& sender() const override { return access_.sender; }
  std::vector<mail::Address> recipients() const override;
  const mail::Head& head() const override { return access_.head; }
  std::uint64_t body_size() const override { return access_.body.size; }
  Task<Result<std::string>> read(std::uint64_t offset, std::size_t most) override;
  Task<Result<>> replace(std::string_view piece) override;
  Task<void> forget() override;
  Task<Result<>> apply(filter::Outcome outcome) override;

  /// For each recipient that there is now: its place among those of the beginning, or kAdded.
  const std::vector<std::size_t>& places() const { return places_; }
  static constexpr std::size_t kAdded = ~std::size_t{0};
  /// The filters took all recipients away: the last ones are still there, and the message is to vanish.
  bool nobody_left() const { return nobody_left_; }
  /// What became of recipients, for the trail; empty: nothing.
  const std::string& note() const { return note_; }

private:
  void mend_lines(std::string_view piece);
  Task<Result<>> put_body();
  Task<Result<>> add(mail::Address address);
  void remove(const std::vector<mail::Address>& addresses);

  Access access_;
  std::string id_;
  std::vector<std::size_t> places_;
  std::optional<store::BodyWriter> writer_; ///< a new body comes
  std::string lines_;                       ///< the last piece of it, with CRLF alone
  bool after_cr_ = false;                   ///< it ended with CR
  bool ends_line_ = true;                   ///< what was written of it ends with CRLF
  bool nobody_left_ = false;
  std::string note_;
};

} // namespace paquebot::intake
