#pragma once

#include "imap/fake_store.h"

#include <type_traits>
#include <utility>
#include <variant>

namespace paquebot::imap {

/// What a FakeStore and a connection that may be compressed answer, for tests.
inline Answer answer_of(FakeStore& store, const Question& question) {
  return std::visit(
      [&store](const auto& one) -> Answer {
        if constexpr (std::is_same_v<std::decay_t<decltype(one)>, AskCompress>)
          return Done{};
        else if constexpr (std::is_same_v<std::decay_t<decltype(one)>, AskRuledOut>)
          return RuledOut{}; // there is no index
        else
          return store.answer(one);
      },
      question);
}

} // namespace paquebot::imap
