#pragma once

#include "control/action.h"

#include <span>

namespace paquebot::control {

// Rows of the table of actions (actions()), by what they are about, in the order in which the documents list them.

std::span<const Action> server_actions();
std::span<const Action> rights_actions();
std::span<const Action> access_actions();
std::span<const Action> certificate_actions();
std::span<const Action> domain_actions();
std::span<const Action> account_actions();
std::span<const Action> alias_actions();
std::span<const Action> queue_actions();
std::span<const Action> list_actions();
std::span<const Action> mail_actions();
std::span<const Action> page_actions();
std::span<const Action> send_actions();

} // namespace paquebot::control
