#include "store/sqlite/accept_row.h"

namespace paquebot::store::sqlite {
namespace {

/// Our own text goes into the head of what is read: a control character would break out of its line.
std::string one_line(std::string text) {
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  return text;
}

} // namespace

std::string prefix_of(const AcceptRequest& request, const NewRecipient& recipient) {
  if (request.klass == MessageClass::imported) return {}; // it was delivered long ago, elsewhere
  return "Return-Path: <" + one_line(request.sender.reverse_path.to_string()) +
         ">\r\nDelivered-To: " + one_line(recipient.address) + "\r\n";
}

State first_state(const NewRecipient& recipient) {
  switch (recipient.handling) {
    case Handling::mailbox: return State::in_mailbox;
    case Handling::remote: return recipient.in_hand ? State::in_hand : State::waiting;
    case Handling::expanded: return State::expanded;
    case Handling::held: return State::held;
    case Handling::failed: return State::failed;
  }
  return State::held;
}

} // namespace paquebot::store::sqlite
