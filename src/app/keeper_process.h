#pragma once

#include "app/keeper.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

/// What the server and its keeper say to each other. A request is its number (32 bits) and a letter; an answer the
/// number, its length (32 bits) and that many octets: a text that is empty or says what is wrong, then texts. A text is
/// its length and octets.
namespace paquebot::app {

inline constexpr char kReadAll = 'R';     ///< answer: a path, and "+" with what is in it or "-" with why not; and so on
inline constexpr char kFingerprint = 'F'; ///< answer: one text
inline constexpr std::uint32_t kMostAnswer = 256u << 20;

/// Numbers as they lie in memory: both are one program.
void put_number(std::string& out, std::uint32_t number);
void put_text(std::string& out, const std::string& text);
/// Takes one from the front; nothing when it is not whole.
std::optional<std::uint32_t> take_number(std::string_view& in);
std::optional<std::string> take_text(std::string_view& in);

/// The keeper's whole life on its end of the socket, in the process that Keeper::start() made.
[[noreturn]] void keep(int socket, const std::string& config_path, const KeeperOptions& options);

} // namespace paquebot::app
