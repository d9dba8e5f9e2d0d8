#pragma once

#include "app/config.h"

#include <string>

/// What settings must not be to each other and to the system, where a table's own file would grow too long.
namespace paquebot::app {

/// The normal form of a domain name (setting.h, Normal).
Result<std::string> domain_name(const std::string& text);
/// One path may be written in many ways: its shortest. "" stays.
std::string normal_path(const std::string& path);
/// What the places of [server] must not be.
void check_places(Reader& read, const Node& table, const Config& config);
/// Warns of a name that other servers will not like.
void check_hostname(Reader& read, const Node& table, const std::string& hostname);
/// The form of the address, and that no listener before has it.
void check_listener_address(Reader& read, const Node& table, ListenerConfig& listener, const Config& config);

} // namespace paquebot::app
