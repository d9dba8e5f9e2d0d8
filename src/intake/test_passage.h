#pragma once

// For tests of Incoming's steps only: what a Passage stands on, and a letter to an account of ours.

#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "intake/passage.h"
#include "policy/return_paths.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>

namespace paquebot::intake::test {

using directory::run_task;

/// Runs a step to its end.
inline void run_step(Task<void> step) {
  const auto whole = [](Task<void> inner) -> Task<bool> {
    co_await std::move(inner);
    co_return true;
  };
  run_task(whole(std::move(step)));
}

class PassageTest : public testing::Test {
protected:
  PassageTest() {
    server_.domain("example.org");
    ann_ = server_.account("ann@example.org");
    bob_ = server_.account("bob@example.org");
  }

  static queue::DraftRecipient recipient(const std::string& address, store::Handling handling, store::Id account = 0) {
    queue::DraftRecipient made;
    made.recipient.address = mail::parse_address(address).value();
    directory::Node node;
    node.address = address;
    node.handling = handling;
    node.account = account;
    made.nodes.push_back(node);
    return made;
  }
  queue::DraftRecipient to_bob() { return recipient("bob@example.org", store::Handling::mailbox, bob_.id); }

  /// Of another server, for bob.
  Origin from_stranger() {
    Origin origin;
    origin.client.role = smtp::Role::mx;
    origin.client.address = "192.0.2.9";
    origin.client.helo = "mx.far.test";
    origin.arrival.helo = "mx.far.test";
    origin.arrival.peer_ip = "192.0.2.9";
    origin.sender.reverse_path = {"a", "far.test"};
    origin.recipients.push_back(to_bob());
    origin.directory = &server_.directory();
    return origin;
  }
  /// What ann hands in, for bob.
  Origin from_ann() {
    Origin origin = from_stranger();
    origin.klass = store::MessageClass::submitted;
    origin.client.role = smtp::Role::submission;
    origin.client.account = ann_.id;
    origin.client.login = "ann@example.org";
    origin.sender.reverse_path = {"ann", "example.org"};
    return origin;
  }
  Passage& begin(Origin origin) {
    passage_ = std::make_unique<Passage>(means_, options_, std::move(origin), std::nullopt);
    return *passage_;
  }
  /// The same, with a head and a body that have come already.
  Passage& begin(Origin origin, const std::string& head, const std::string& body = "x\r\n") {
    Passage& made = begin(std::move(origin));
    made.head = mail::Head::parse(head + "\r\n").value();
    made.body = store::NewBody{body, {}, body.size()};
    return made;
  }
  std::uint64_t inbox(const store::Account& of) {
    return run_task(server_.store().mailboxes().open(of.id, "INBOX")).value().count;
  }

  FakeClock clock_;
  directory::TestServer server_;
  UlidSource ids_{clock_};
  queue::Queue queue_{server_.store(), clock_, {}};
  policy::ReturnPaths paths_{server_.store(), server_.directory(), clock_};
  policy::Policy policy_{server_.directory(), nullptr, &paths_};
  IntakeMeans means_{server_.store(), queue_, policy_, ids_, clock_};
  Options options_{.hostname = "mx.example.org"};
  store::Account ann_, bob_;
  std::unique_ptr<Passage> passage_;
};

} // namespace paquebot::intake::test
