#include "base/text.h"
#include "sink/present.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace paquebot::sink {
namespace {

using Problem = FaultProblem;

constexpr std::string_view kKnown[] = {"id",      "at",          "does",  "inbox",   "sender",  "recipient",
                                       "nth",     "each",        "times", "percent", "seed",    "reply",
                                       "seconds", "certificate", "when",  "said",    "matches", "hits"};

std::unexpected<Problem> wrong(std::string detail, std::string field = {}) {
  return std::unexpected(Problem{{Errc::invalid, std::move(detail)}, std::move(field)});
}

/// Reads one member into its place; nothing when it is absent or null.
std::optional<Problem> text_into(const json::object& object, const char* name, std::string& into) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string()) return Problem{{Errc::invalid, fmt::format("\"{}\" must be a text", name)}, name};
  into = std::string(value->as_string());
  return {};
}

template <class Number>
std::optional<Problem> number_into(const json::object& object, const char* name, Number& into) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  const bool fits = (value->is_int64() && value->as_int64() >= 0) || value->is_uint64();
  if (!fits) return Problem{{Errc::invalid, fmt::format("\"{}\" must be a whole number from 0", name)}, name};
  const std::uint64_t number = value->to_number<std::uint64_t>();
  if (number > 1'000'000'000'000) return Problem{{Errc::invalid, fmt::format("\"{}\" is too large", name)}, name};
  if constexpr (requires { into.emplace(); })
    into = static_cast<typename Number::value_type>(number);
  else
    into = number;
  return {};
}

std::optional<Problem> time_into(const json::object& object, Fault& fault) {
  const json::value* value = object.if_contains("seconds");
  if (value == nullptr || value->is_null()) return {};
  const double seconds = value->is_number() ? value->to_number<double>() : -1;
  if (!(seconds >= 0 && seconds <= 600)) return Problem{{Errc::invalid, "\"seconds\" is 0 to 600"}, "seconds"};
  fault.time = std::chrono::milliseconds(std::llround(seconds * 1000));
  return {};
}

/// What has its own words: place, deed, reply.
std::optional<Problem> words_into(const json::object& object, Fault& fault) {
  std::string at, does, reply;
  for (auto problem : {text_into(object, "at", at), text_into(object, "does", does), text_into(object, "reply", reply)})
    if (problem) return problem;
  const auto stage = stage_of(to_lower(at));
  if (!stage)
    return Problem{{Errc::invalid, "\"at\" is connect, ehlo, starttls, auth, mail, rcpt, data, end or after"}, "at"};
  const auto deed = does_of(to_lower(does));
  if (!deed)
    return Problem{{Errc::invalid, "\"does\" is reply, delay, stall, drop, drip, greylist, full, certificate, "
                                   "duplicate or bounce"},
                   "does"};
  fault.at = *stage;
  fault.does = *deed;
  if (reply.empty()) return {};
  const auto read = read_reply(reply);
  if (!read) return Problem{read.error(), "reply"};
  fault.reply = *read;
  return {};
}

struct Chaos {
  const char* name;
  const char* id;
  Stage at;
  std::uint16_t usual;
};
constexpr std::array<Chaos, 3> kChaos{{{"Sender", "chaos-sender", Stage::mail, 451},
                                       {"Recipient", "chaos-recipient", Stage::rcpt, 451},
                                       {"Authentication", "chaos-authentication", Stage::auth, 535}}};

} // namespace

json::object fault_json(const Fault& fault) {
  json::object out{{"id", fault.id}, {"at", word_of(fault.at)}, {"does", word_of(fault.does)}};
  for (const auto& [name, text] :
       {std::pair("inbox", &fault.inbox), std::pair("sender", &fault.sender), std::pair("recipient", &fault.recipient)})
    if (!text->empty()) out[name] = *text;
  for (const auto& [name, number] :
       {std::pair("nth", fault.nth), std::pair("each", fault.each), std::pair("times", fault.times)})
    if (number > 0) out[name] = number;
  if (fault.percent) out["percent"] = *fault.percent;
  if (fault.seed) out["seed"] = *fault.seed;
  if (fault.reply) out["reply"] = fault.reply->to_string();
  if (fault.time) out["seconds"] = static_cast<double>(fault.time->count()) / 1000.0;
  if (fault.does == Does::certificate) out["certificate"] = fault.certificate;
  out["when"] = when_of(fault);
  out["said"] = said_of(fault);
  out["matches"] = fault.matches;
  out["hits"] = fault.hits;
  return out;
}

json::object faults_json(const Faults& faults) {
  json::array all;
  for (const Fault& one : faults.all()) all.push_back(fault_json(one));
  return {{"seed", faults.seed()}, {"faults", std::move(all)}};
}

std::expected<Fault, FaultProblem> read_fault(const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr) return wrong("a fault is an object");
  for (const auto& [name, member] : *object)
    if (std::ranges::find(kKnown, std::string_view(name)) == std::end(kKnown))
      return wrong(fmt::format("a fault has no \"{}\"", printable(name, 60)), printable(name, 60));
  Fault fault;
  if (auto problem = words_into(*object, fault)) return std::unexpected(std::move(*problem));
  for (auto& problem : {text_into(*object, "id", fault.id), text_into(*object, "inbox", fault.inbox),
                        text_into(*object, "sender", fault.sender), text_into(*object, "recipient", fault.recipient),
                        number_into(*object, "nth", fault.nth), number_into(*object, "each", fault.each),
                        number_into(*object, "times", fault.times), number_into(*object, "percent", fault.percent),
                        number_into(*object, "seed", fault.seed), time_into(*object, fault),
                        text_into(*object, "certificate", fault.certificate)})
    if (problem) return std::unexpected(problem.value());
  return fault;
}

std::expected<FaultList, FaultProblem> read_faults(const json::value& value) {
  FaultList list;
  const json::array* array = value.if_array();
  if (const json::object* object = value.if_object()) {
    for (const auto& [name, member] : *object)
      if (name != "seed" && name != "faults") return wrong("there are \"seed\" and \"faults\", and nothing else");
    if (auto problem = number_into(*object, "seed", list.seed)) return std::unexpected(std::move(*problem));
    const json::value* faults = object->if_contains("faults");
    if (faults != nullptr) array = faults->if_array();
    if (array == nullptr) return wrong("\"faults\" must be a list", "faults");
  }
  if (array == nullptr) return wrong("this is no list of faults");
  for (const json::value& one : *array) {
    auto fault = read_fault(one);
    if (!fault) {
      fault.error().error.message = fmt::format("fault {}: {}", list.faults.size() + 1, fault.error().error.message);
      return std::unexpected(fault.error());
    }
    list.faults.push_back(std::move(*fault));
  }
  return list;
}

json::object chaos_json(const Faults& faults) {
  json::object out;
  for (const Chaos& one : kChaos) {
    const auto found = std::ranges::find(faults.all(), one.id, &Fault::id);
    const bool there = found != faults.all().end();
    out[one.name] = json::object{{"ErrorCode", there && found->reply ? found->reply->code : one.usual},
                                 {"Probability", there ? found->percent.value_or(100) : 0}};
  }
  return out;
}

Result<> set_chaos(Faults& faults, const json::object& wanted) {
  std::vector<Fault> made;
  for (const Chaos& one : kChaos) {
    const json::value* value = wanted.if_contains(one.name);
    const json::object* object = value == nullptr ? nullptr : value->if_object();
    if (object == nullptr) continue;
    const auto code = control::number_field(*object, "ErrorCode");
    const auto chance = control::number_field(*object, "Probability");
    if (!code || !chance || code->value_or(one.usual) < 400 || code->value_or(one.usual) > 599 ||
        chance->value_or(0) > 100)
      return fail(Errc::invalid, fmt::format("{}: ErrorCode is 400 to 599, Probability 0 to 100", one.name));
    if (chance->value_or(0) == 0) continue;
    Fault fault;
    fault.id = one.id;
    fault.at = one.at;
    fault.percent = static_cast<unsigned>(**chance);
    fault.reply = mail::Reply(static_cast<std::uint16_t>(code->value_or(one.usual)), {}, "chaos: the sink was told so");
    made.push_back(std::move(fault));
  }
  for (const Chaos& one : kChaos) faults.remove(one.id);
  for (Fault& one : made)
    if (auto added = faults.add(std::move(one)); !added) return std::unexpected(added.error());
  return {};
}

} // namespace paquebot::sink
