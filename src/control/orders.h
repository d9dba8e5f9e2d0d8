#pragma once

#include "control/action.h"

/// What is written down of orders: a line of the log, and the audit log in the store.
namespace paquebot::control {

/// Whatever comes of it: an order that was carried out has been, also when the disk is full of something else.
Task<void> note_order(Context& context, Asker asker, Order order, Audit audit);

} // namespace paquebot::control
