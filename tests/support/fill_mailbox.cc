// Fills an account's INBOX through the store's interface, while the server is down: for tests of large mailboxes.
// fill_mailbox DATA_DIR LOGIN COUNT [OCTETS]: COUNT messages with bodies of about OCTETS (100).

#include "base/text.h"
#include "store/store.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <memory>
#include <string>

using namespace paquebot;
using namespace paquebot::store;

namespace {

constexpr std::uint64_t kAtOnce = 1000;

std::shared_ptr<AcceptRequest> letter(const Account& account, UlidSource& ids, std::uint64_t number,
                                      std::size_t octets) {
  auto request = std::make_shared<AcceptRequest>();
  request->id = ids.next();
  request->klass = MessageClass::imported;
  request->sender.reverse_path = {"x", "y.test"};
  request->peer = "fill_mailbox";
  request->accepted_at = request->id.millis();
  request->expires_at = request->accepted_at + 1000;
  request->head = "Subject: " + std::to_string(number) + "\r\nFrom: <x@y.test>\r\n\r\n";
  while (request->body.bytes.size() + 80 <= octets) request->body.bytes += std::string(78, 'x') + "\r\n";
  request->body.bytes += std::to_string(number) + "\r\n";
  request->body.size = request->body.bytes.size();
  NewRecipient recipient;
  recipient.handling = Handling::mailbox;
  recipient.address = account.login;
  recipient.account = account.id;
  request->recipients.push_back(std::move(recipient));
  return request;
}

int fill(const char* directory, const char* login, std::uint64_t count, std::size_t octets) {
  boost::asio::io_context context;
  auto store = open_store(directory);
  if (!store) {
    std::fprintf(stderr, "fill_mailbox: %s\n", store.error().message.c_str());
    return 1;
  }
  Result<Account> account;
  boost::asio::co_spawn(context, (*store)->directory().find_account(login),
                        [&](std::exception_ptr, Result<Account> found) { account = std::move(found); });
  context.run();
  if (!account) {
    std::fprintf(stderr, "fill_mailbox: %s\n", account.error().message.c_str());
    return 1;
  }
  UlidSource ids;
  std::uint64_t refused = 0;
  for (std::uint64_t done = 0; done < count;) {
    for (std::uint64_t n = 0; n < kAtOnce && done < count; ++n, ++done) {
      boost::asio::co_spawn(
          context, (*store)->acceptance().accept(letter(*account, ids, done + 1, octets)),
          [&](std::exception_ptr, AcceptResult result) { refused += result.status != AcceptStatus::accepted; });
    }
    context.restart();
    context.run();
  }
  store->reset();
  return refused == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  const auto count = argc >= 4 ? parse_u64(argv[3]) : std::nullopt;
  const auto octets = argc >= 5 ? parse_u64(argv[4]) : 100;
  if (!count || !octets || *octets > 60000) {
    std::fprintf(stderr, "usage: fill_mailbox DATA_DIR LOGIN COUNT [OCTETS]\n");
    return 2;
  }
  return fill(argv[1], argv[2], *count, *octets);
}
