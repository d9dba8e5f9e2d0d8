#pragma once

#include "control/json.h"
#include "sink/content.h"
#include "sink/faults.h"
#include "sink/inboxes.h"

#include <span>

/// Messages and faults as the API tells them: Mailpit's words where it has some, and ours beside them.
namespace paquebot::sink {

namespace json = boost::json;

/// A row of a list.
json::object brief_json(const Message& message);
/// A whole message.
json::object message_json(const Message& message, const Content& content);
/// The fields of a head, by their names, each a list of values.
json::object headers_json(const std::string& raw);
json::array tags_json(std::span<const MessagePtr> messages);

json::object fault_json(const Fault& fault);
/// {"seed":…,"faults":[…]}
json::object faults_json(const Faults& faults);

/// A fault and the field of the request that is wrong.
struct FaultProblem {
  Error error;
  std::string field;
};
std::expected<Fault, FaultProblem> read_fault(const json::value& value);
struct FaultList {
  std::optional<std::uint64_t> seed;
  std::vector<Fault> faults;
};
/// What a file of faults or a PUT holds: a list, or {"seed":…,"faults":[…]}.
std::expected<FaultList, FaultProblem> read_faults(const json::value& value);

/// The report of Mailpit's "chaos" of what refuses by chance: Sender, Recipient, Authentication.
json::object chaos_json(const Faults& faults);
/// Puts faults "chaos-…" in their place.
Result<> set_chaos(Faults& faults, const json::object& wanted);

} // namespace paquebot::sink
