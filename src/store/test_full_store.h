#pragma once

#include "store/test_contract.h"

namespace paquebot::store {

/// Fills an empty store with something of everything it can hold: accounts, an alias, mail small and large, delivered,
/// deleted, waiting, held, in reports and relayed, counts, keys, and what is kept of strangers.
class FullStore {
public:
  explicit FullStore(Store& store) : store_(store) {}
  void fill();

private:
  std::shared_ptr<AcceptRequest> message(const std::string& body);
  NewRecipient to(const Account& account) const;
  NewRecipient away(const std::string& address) const;
  Ulid accept(std::shared_ptr<AcceptRequest> request);
  void fill_directory();
  void fill_mail();
  void fill_queue();
  void fill_rest();
  void fill_certificates();
  void fill_access();
  void fill_feed();

  Store& store_;
  UlidSource ulids_;
  Account anna_;
  Account bert_;
};

} // namespace paquebot::store
