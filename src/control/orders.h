#pragma once

#include "control/action.h"

#include <memory>
#include <optional>

/// What is written down of orders: a line of the log, and the audit log in the store.
namespace paquebot::control {

/// Whatever comes of it: an order that was carried out has been, also when the disk is full of something else. For what
/// changes nothing in the store; its entry has a transaction of its own.
Task<void> note_order(Context& context, Asker asker, Order order, Audit audit);

/// An order that is being carried out. What it changes first in the store, by context(), keeps its entry in the same
/// transaction, with the outcome that the order said at the beginning. What is known only afterwards is added to the
/// entry; where nothing was changed, end() makes the entry.
class OrderEntry {
public:
  /// `context` must outlive it.
  OrderEntry(Context& context, Asker asker, const Order& order);
  /// What the order is carried out with; ends with this.
  Context& context() { return bound_ ? *bound_ : whole_; }
  /// Transactions that changed something.
  int changes() const { return pending_->changes(); }
  /// What has come of it: logged, and in the audit log.
  Task<void> end(Order order);

private:
  Context& whole_;
  const Asker asker_;
  const std::shared_ptr<store::PendingEntry> pending_;
  const std::unique_ptr<store::Store> store_; ///< null: it can't be bound to an entry
  std::optional<Context> bound_;
};

} // namespace paquebot::control
