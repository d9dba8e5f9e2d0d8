#pragma once

#include "dns/resolver.h"

#include <memory>

struct ub_ctx;

namespace paquebot::dns {

struct DeleteContext {
  void operator()(ub_ctx* context) const;
};
using UnboundContext = std::unique_ptr<ub_ctx, DeleteContext>;

/// A libunbound context set up as the options say, asynchronous with a thread of its own, which runs already: the first
/// question needs no descriptors but its own. Blocks for a few milliseconds. `invalid`: options that make no sense;
/// `temporary`: no descriptors are left.
Result<UnboundContext> make_unbound_context(const Options& options);

} // namespace paquebot::dns
