#pragma once

#include <cstdint>
#include <string_view>

namespace paquebot::store {

/// What messages with the same Message-ID are found by: a number, that of another one is seldom the same (one in 2^64,
/// but whoever wants to can make two that are). 0 for an empty one. Numbers are stored: never change how they are made.
/// `message_id`: the field's value, with or without its angle brackets.
std::int64_t message_key(std::string_view message_id);

/// Of the first field Message-ID in a head; 0: it has none.
std::int64_t message_key_in(std::string_view head);

} // namespace paquebot::store
