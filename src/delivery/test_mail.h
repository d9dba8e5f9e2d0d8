#pragma once

// For tests only: small messages for other servers, and what became of them.

#include "base/ulid.h"
#include "directory/test_server.h"
#include "queue/queue.h"
#include "store/store.h"

#include <gtest/gtest.h>
#include <string>

namespace paquebot::delivery::test {

/// Messages with one recipient each, in a queue and its store.
class TestMail {
public:
  TestMail(queue::Queue& queue, store::Store& store) : queue_(queue), store_(store) {}

  queue::Draft draft(const std::string& to) {
    queue::Draft draft;
    draft.id = ids_.next();
    draft.sender.reverse_path = {"s", "near.example"};
    draft.head = "Subject: x\r\n\r\n";
    queue::DraftRecipient recipient;
    recipient.recipient.address = *mail::parse_address(to);
    recipient.nodes = {{.address = to, .handling = store::Handling::remote}};
    draft.recipients = {recipient};
    return draft;
  }
  /// In hand.
  Ulid accept(queue::Draft draft) {
    const Ulid id = draft.id;
    EXPECT_EQ(directory::run_task(queue_.accept(std::move(draft))).status, store::AcceptStatus::accepted);
    return id;
  }
  Ulid accept(const std::string& to) { return accept(draft(to)); }
  /// It waits in the store.
  Ulid wait_for(const std::string& to) {
    const Ulid id = accept(to);
    EXPECT_TRUE(directory::run_task(load()));
    return id;
  }
  store::RecipientFacts recipient(const Ulid& id) {
    return directory::run_task(store_.trail().trace(id))->recipients.at(0);
  }

private:
  Task<bool> load() {
    co_await queue_.orders().give_back();
    auto loaded = co_await queue_.load();
    co_return loaded.has_value();
  }

  queue::Queue& queue_;
  store::Store& store_;
  UlidSource ids_;
};

} // namespace paquebot::delivery::test
