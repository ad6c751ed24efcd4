#pragma once
#include <atomic>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

/// Marks a place where a crash, a pause, an error or a lost reply can be injected. Compiled into release builds: off, it
/// costs one relaxed load. `name` is a literal, dotted, unique ("engine.step.before_commit"). Only in functions of .cpp
/// files. May throw failpoint::Injected.
#define FAILPOINT(name)                                                                                                \
  do {                                                                                                                 \
    static ::scoria::failpoint::Site scoria_site{name};                                                      \
    __attribute__((section("scoria_failpoints"), used)) static ::scoria::failpoint::Site* scoria_entry = &scoria_site; \
    if (scoria_site.armed.load(std::memory_order_relaxed) != 0) [[unlikely]] ::scoria::failpoint::hit(scoria_site);      \
  } while (false)

namespace scoria::failpoint {

struct Site {
  const char* name;
  std::atomic<std::uint32_t> armed{0};
};

/// Thrown where an error or a lost reply is injected. The boundary that would see a real one translates it.
class Injected : public std::runtime_error {
 public:
  Injected(const std::string& site, const std::string& text, bool lost) : std::runtime_error(site + ": " + text), reply_lost(lost) {}
  bool reply_lost;  // the effect may have happened; the caller cannot know
};

/// Every site linked into this program, by address order of the linker.
std::span<Site* const> sites();

/// Arms one site, or all for "*". `terms` is fail(9)'s language: `[P%][N*]action[(argument)]`, chained by "->":
/// off (alone: disarms), return(text), kill, exit, pause(ms), hang, delay(ms) or delay(least,most), drop_reply, yield, print, panic. Throws
/// std::invalid_argument on bad grammar or an unknown site.
void arm(std::string_view site, std::string_view terms);
void disarm_all();
/// Reads `site=terms;site=terms`, as the environment variable SCORIA_FAILPOINTS has it.
void arm_from(std::string_view settings);

/// The slow path. With a handler set (the simulation), it decides; else the armed terms do.
void hit(Site& site);
using Handler = void (*)(const Site&);
/// Installs a handler for all sites (nullptr takes it away) and arms or disarms every site with it.
void set_handler(Handler handler);
/// How often each armed site was reached since it was armed.
std::uint64_t hits(std::string_view site);

}  // namespace scoria::failpoint
