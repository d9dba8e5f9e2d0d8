#pragma once

#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"
#include "doctor/checks.h"

#include <algorithm>
#include <string>
#include <vector>

namespace paquebot::doctor {

/// A world made of words: nothing of it is there unless a test says so. The server is mx.example.test at 192.0.2.7.
struct TestWorld {
  explicit TestWorld(std::string_view zone_text = {}) : zone(dns::FakeZone::parse(zone_text)) {
    world.machine.hostname = "mx.example.test";
    world.machine.started = millis(clock.wall()) - 3'600'000;
    world.machine.is_own = [](const std::string& address) { return address == "192.0.2.7"; };
    world.machine.sources = {"192.0.2.7"};
  }

  /// What one check says, of a domain or of the server.
  std::vector<Finding> run(std::string_view check, const std::string& domain = {}) {
    for (const Check& one : checks())
      if (one.name == check) return directory::run_task(make_step(world, {&one, domain}));
    return {};
  }
  /// The gravest finding of a check, as "wrong: what was seen".
  std::string worst(std::string_view check, const std::string& domain = {}) {
    const auto findings = run(check, domain);
    const auto found = std::ranges::max_element(findings, {}, &Finding::level);
    return found == findings.end() ? "nothing" : std::string(name_of(found->level)) + ": " + found->seen;
  }

  FakeClock clock;
  std::shared_ptr<dns::FakeZone> zone;
  World world{.clock = clock, .zone = zone, .options = {}, .machine = {}};
};

} // namespace paquebot::doctor
