#include "intake/filtering.h"

#include "base/log.h"
#include "base/text.h"
#include "filter/head_edit.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>
#include <utility>

namespace paquebot::intake {

FilteredMessage::FilteredMessage(Access access, std::string id) : access_(access), id_(std::move(id)) {
  places_.resize(access_.recipients.size());
  std::iota(places_.begin(), places_.end(), std::size_t{0});
}

std::vector<mail::Address> FilteredMessage::recipients() const {
  std::vector<mail::Address> all;
  all.reserve(access_.recipients.size());
  for (const queue::DraftRecipient& one : access_.recipients) all.push_back(one.recipient.address);
  return all;
}

Task<Result<std::string>> FilteredMessage::read(std::uint64_t offset, std::size_t most) {
  const store::NewBody& body = access_.body;
  if (!body.staged) {
    const std::string_view bytes = body.bytes;
    co_return std::string(bytes.substr(std::min<std::size_t>(offset, bytes.size()), most));
  }
  store::BodyRef place = body.staged->content();
  co_return co_await access_.store.content().read_body(place, offset, most);
}

Task<Result<>> FilteredMessage::replace(std::string_view piece) {
  if (!writer_) {
    writer_.emplace(access_.store.acceptance());
    after_cr_ = false;
    ends_line_ = true;
  }
  if (piece.find('\0') != piece.npos) co_return fail(Errc::invalid, "the new body holds NUL");
  mend_lines(piece);
  const std::string_view lines = lines_;
  co_return co_await writer_->write(lines);
}

/// A CR or LF alone becomes CRLF: what is kept here is lines, and goes to others as lines.
void FilteredMessage::mend_lines(std::string_view piece) {
  lines_.clear();
  for (const char c : piece) {
    if (after_cr_ || c == '\n') lines_ += "\r\n"; // a CR is written with what follows it
    if (c != '\n' && c != '\r') lines_ += c;
    after_cr_ = c == '\r';
  }
  if (!lines_.empty()) ends_line_ = lines_.ends_with('\n');
}

Task<void> FilteredMessage::forget() {
  if (writer_) writer_->discard();
  writer_.reset();
  co_return;
}

/// The new body takes the place of the old one.
Task<Result<>> FilteredMessage::put_body() {
  if (after_cr_ || !ends_line_) {
    const std::string_view end = "\r\n";
    auto ended = co_await writer_->write(end);
    if (!ended) {
      co_await forget();
      co_return ended;
    }
  }
  auto made = co_await writer_->finish();
  if (!made) {
    co_await forget();
    co_return std::unexpected(made.error());
  }
  writer_.reset();
  access_.body = std::move(*made);
  co_return Result<>();
}

/// The operator's filter may name anybody: outside addresses are sent to, those of ours must exist.
Task<Result<>> FilteredMessage::add(mail::Address address) {
  using Kind = directory::Resolution::Kind;
  const std::string text = address.to_string();
  const auto same = [&](const queue::DraftRecipient& one) { return iequals(one.recipient.address.to_string(), text); };
  if (!nobody_left_ && std::ranges::any_of(access_.recipients, same)) co_return Result<>();
  mail::Address copy = address;
  auto found = co_await access_.directory.resolve(std::move(copy));
  if (!found) co_return std::unexpected(found.error());
  queue::DraftRecipient row;
  row.recipient.address = std::move(address);
  if (found->kind == Kind::found) {
    row.nodes = std::move(found->nodes);
  } else if (found->kind == Kind::not_ours) {
    directory::Node node;
    node.address = text;
    node.handling = store::Handling::remote;
    row.nodes.push_back(std::move(node));
  } else {
    log::warning("filter-recipient", {{"id", id_}, {"to", text}, {"why", "a filter adds somebody who does not exist"}});
    co_return Result<>();
  }
  if (std::exchange(nobody_left_, false)) { // a filter before took out all that there were
    for (const queue::DraftRecipient& one : access_.recipients)
      note_ += ", a filter took out " + one.recipient.address.to_string();
    access_.recipients.clear();
    places_.clear();
  }
  access_.recipients.push_back(std::move(row));
  places_.push_back(kAdded);
  note_ += ", a filter added " + text;
  co_return Result<>();
}

void FilteredMessage::remove(const std::vector<mail::Address>& addresses) {
  std::unordered_set<std::string> gone;
  for (const mail::Address& address : addresses) gone.insert(to_lower(address.to_string()));
  std::vector<queue::DraftRecipient> staying;
  std::vector<std::size_t> staying_places;
  const auto concerned = [&](const queue::DraftRecipient& one) {
    return gone.contains(to_lower(one.recipient.address.to_string()));
  };
  if (std::ranges::all_of(access_.recipients, concerned)) {
    nobody_left_ = true;
    return;
  }
  for (std::size_t i = 0; i < access_.recipients.size(); ++i) {
    queue::DraftRecipient& one = access_.recipients[i];
    if (concerned(one)) {
      note_ += ", a filter took out " + one.recipient.address.to_string();
      continue;
    }
    staying.push_back(std::move(one));
    staying_places.push_back(places_[i]);
  }
  access_.recipients = std::move(staying);
  places_ = std::move(staying_places);
}

Task<Result<>> FilteredMessage::apply(filter::Outcome outcome) {
  if (auto edited = filter::edit(access_.head, outcome.head); !edited) {
    co_await forget();
    co_return edited;
  }
  if (outcome.sender) {
    note_ += ", a filter changed the sender from <" + access_.sender.reverse_path.to_string() + ">";
    access_.sender.reverse_path = std::move(*outcome.sender);
  }
  for (mail::Address& address : outcome.added) {
    auto added = co_await add(std::move(address));
    if (!added) {
      co_await forget();
      co_return added;
    }
  }
  if (!outcome.removed.empty()) remove(outcome.removed);
  if (outcome.new_body && writer_) co_return co_await put_body();
  co_return Result<>();
}

} // namespace paquebot::intake
