#include "delivery/proof.h"

#include <variant>

namespace paquebot::delivery {
namespace {

struct Shown {
  const Proof& proof;
  bool operator()(const queue::Need::Any&) const { return true; }
  bool operator()(const queue::Need::Encrypted&) const { return proof.encrypted; }
  bool operator()(const queue::Need::Pkix& pkix) const {
    return proof.encrypted && !proof.name.empty() && proof.name == pkix.name && proof.roots == pkix.roots;
  }
};

} // namespace

bool satisfies(const Proof& proof, const queue::Need& need) {
  return (proof.onward || !need.onward) && std::visit(Shown{proof}, need.hop);
}

} // namespace paquebot::delivery
