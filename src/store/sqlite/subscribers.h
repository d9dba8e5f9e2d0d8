#pragma once

#include "store/change.h"

#include <functional>
#include <memory>
#include <vector>

namespace paquebot::store::sqlite {

/// Who wants to be told of changes. Thread-safe.
class Subscribers {
public:
  Subscribers();
  ~Subscribers();
  std::unique_ptr<Subscription> add(std::function<void(const Change&)> told);
  /// Calls them all. Cheap when there are none.
  void tell(const Change& change);

private:
  struct State;
  const std::shared_ptr<State> state_;
};

} // namespace paquebot::store::sqlite
