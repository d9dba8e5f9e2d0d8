#pragma once

#include "control/action.h"
#include "control/json.h"

#include <string>

/// What the table says, for programs and for people.
namespace paquebot::control {

/// OpenAPI 3.1 of all actions.
json::object openapi();
/// The tables of docs/api.md, in Markdown: actions, shapes and scopes, each below the heading that it has there.
std::string reference();
/// The help of one action, for a terminal.
std::string help_of(const Action& action);
/// Its query, with what the dispatcher takes for pages.
std::string whole_query(const Action& action);
/// Who may do it, in words: "account (its own)", "domain administrator", "operator".
std::string who_may(const Action& action);

} // namespace paquebot::control
