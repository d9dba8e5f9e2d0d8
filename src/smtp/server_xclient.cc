// XCLIENT: a trusted filter or proxy tells whose session this really is.

#include "smtp/server_impl.h"
#include "smtp/xclient.h"

namespace paquebot::smtp {

using Impl = ServerSession::Impl;

/// After it the session stands where it stood before the greeting, which comes once more, or a refusal in its place. TLS
/// stays, and so does what was told.
void Impl::do_xclient(std::string_view arguments) {
  if (!connection_.xclient) return refuse("550 5.7.0 you may not speak for others");
  ToldPeer before;
  if (told_)
    before = *told_;
  else
    before.address = connection_.peer_address;
  auto told = parse_xclient(arguments, std::move(before));
  if (!told) return refuse(told.error());
  told_ = std::make_unique<ToldPeer>(std::move(*told));
  end_transaction();
  helo_.clear();
  extended_ = false;
  login_.clear();
  errors_ = 0; // of another peer
  ask(Question::peer, AskPeer{});
}

} // namespace paquebot::smtp
