#include "delivery/proof.h"

#include <algorithm>
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
  bool operator()(const queue::Need::Dane& dane) const {
    if (!proof.encrypted || proof.tlsa.empty()) return false;
    if (std::ranges::find(dane.records, proof.tlsa) == dane.records.end()) return false;
    constexpr char kDaneEe = 3;
    return proof.tlsa.front() == kDaneEe || std::ranges::any_of(dane.names, [&](const std::string& name) {
             return std::ranges::find(proof.tlsa_names, name) != proof.tlsa_names.end();
           });
  }
};

} // namespace

bool satisfies(const Proof& proof, const queue::Need& need) {
  return (proof.onward || !need.onward) && std::visit(Shown{proof}, need.hop);
}

} // namespace paquebot::delivery
