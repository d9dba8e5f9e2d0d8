#pragma once

#include "base/clock.h"
#include "dns/resolver.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::doctor {

/// Asks a resolver for one check: no more than so many questions and for so long, after which every answer is servfail,
/// by our own fault. Without a resolver so is each.
class Asker final : public dns::Resolver {
public:
  static constexpr unsigned kMostQuestions = 60;
  static constexpr std::chrono::seconds kMostTime{25};

  Asker(std::shared_ptr<dns::Resolver> resolver, const Clock& clock)
      : resolver_(std::move(resolver)), clock_(clock), until_(clock.now() + kMostTime) {}

  Task<std::shared_ptr<const dns::Answer>> query(std::string name, dns::Type type) override;
  /// The first text record of a name that begins so; the answer itself in `answer`.
  struct Texts {
    std::shared_ptr<const dns::Answer> answer;
    std::vector<std::string> found; ///< that begin with the word
  };
  Task<Texts> texts(std::string name, std::string_view word);

private:
  std::shared_ptr<dns::Resolver> resolver_;
  const Clock& clock_;
  Instant until_;
  unsigned asked_ = 0;
};

/// Why there is no answer, printable: "the DNS gives no answer for NAME: WHY".
std::string no_answer(const std::string& name, const dns::Answer& answer);

} // namespace paquebot::doctor
