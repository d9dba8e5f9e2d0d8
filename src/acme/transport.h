#pragma once

#include "acme/conversation.h"
#include "base/result.h"
#include "base/task.h"

namespace paquebot::acme {

/// Carries requests to an authority, over TLS that is verified, to public addresses or those that the operator allows,
/// within bounds of time and octets (kMostAnswer). One at a time for each caller.
class Transport {
public:
  virtual ~Transport() = default;
  /// Any answer, whatever its status. An error: there is none.
  virtual Task<Result<Reply>> request(Request request) = 0;
};

} // namespace paquebot::acme
