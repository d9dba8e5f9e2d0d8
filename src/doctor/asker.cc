#include "doctor/asker.h"

#include "base/text.h"

#include <utility>
#include <vector>

namespace paquebot::doctor {
namespace {

std::shared_ptr<const dns::Answer> failure(std::string why) {
  auto answer = std::make_shared<dns::Answer>();
  answer->own_fault = true;
  answer->why = std::move(why);
  return answer;
}

} // namespace

Task<std::shared_ptr<const dns::Answer>> Asker::query(std::string name, dns::Type type) {
  if (!resolver_) co_return failure("there is no resolver to ask from here");
  if (asked_ >= kMostQuestions) co_return failure("too many questions for one check");
  if (clock_.now() >= until_) co_return failure("the answers before took too long");
  ++asked_;
  dns::Resolver& resolver = *resolver_;
  co_return co_await resolver.query(std::move(name), type);
}

Task<Asker::Texts> Asker::texts(std::string name, std::string_view word) {
  Texts texts;
  texts.answer = co_await query(std::move(name), dns::Type::txt);
  for (const dns::Record& record : texts.answer->records)
    if (istarts_with(record.text, word)) texts.found.push_back(record.text);
  co_return texts;
}

std::string no_answer(const std::string& name, const dns::Answer& answer) {
  std::string words = "the DNS gives no answer for " + printable(name, 260);
  if (answer.bogus)
    words += ": its signatures are wrong";
  else if (!answer.why.empty())
    words += ": " + printable(answer.why, 200);
  return words;
}

} // namespace paquebot::doctor
