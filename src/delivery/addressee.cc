#include "delivery/addressee.h"

namespace paquebot::delivery {

Task<Result<queue::DraftRecipient>> addressee(directory::Directory& directory, mail::Address to, bool local) {
  using Kind = directory::Resolution::Kind;
  queue::DraftRecipient row;
  row.recipient.address = to;
  row.recipient.notify = mail::kNotifyNever;
  auto resolving = local ? directory.resolve_local(to) : directory.resolve(to);
  auto found = co_await std::move(resolving);
  if (!found) co_return std::unexpected(found.error());
  if (found->kind == Kind::found) {
    row.nodes = std::move(found->nodes);
  } else if (found->kind == Kind::not_ours) {
    directory::Node node;
    node.address = to.to_string();
    node.handling = store::Handling::remote;
    row.nodes.push_back(std::move(node));
  } else if (found->kind == Kind::not_yet) {
    co_return fail(Errc::temporary, to.to_string() + " does not exist here yet");
  } else {
    co_return fail(Errc::not_found, to.to_string() + " does not exist here");
  }
  co_return row;
}

} // namespace paquebot::delivery
