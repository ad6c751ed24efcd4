#include <fmt/core.h>

#include <charconv>
#include <stdexcept>

#include "simulation/config.h"

namespace scoria::simulation {
namespace {

#define SCORIA_SETTING(name, member) Setting{name, [](SeedConfig& c) -> Setting::Place { return &c.member; }}

template <class... T>
struct Overloaded : T... {
  using T::operator()...;
};

std::string text_of(const Setting& setting, const SeedConfig& config) {
  SeedConfig copy = config;
  return std::visit(Overloaded{[](const bool* flag) { return std::string(*flag ? "1" : "0"); }, [](const std::string* text) { return *text; },
                               [](const Duration* time) { return fmt::format("{}ms", static_cast<double>(time->count()) / 1000); },
                               [](const drivers::Scope* scope) { return std::to_string(static_cast<int>(*scope)); }, [](const auto* number) { return fmt::format("{}", *number); }},
                    setting.of(copy));
}

template <class Number>
Number number(std::string_view text, std::string_view unit = {}) {
  Number out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || std::string_view(end, static_cast<std::size_t>(text.data() + text.size() - end)) != unit)
    throw std::invalid_argument(fmt::format("'{}' is no value", text));
  return out;
}

void put(const Setting& setting, SeedConfig& config, std::string_view text) {
  std::visit(Overloaded{[&](bool* flag) { *flag = number<int>(text) != 0; }, [&](std::string* value) { *value = text; },
                        [&](Duration* time) { *time = Duration{static_cast<std::int64_t>(number<double>(text, "ms") * 1000)}; },
                        [&](drivers::Scope* scope) { *scope = static_cast<drivers::Scope>(number<int>(text)); },
                        [&](auto* value) { *value = number<std::remove_pointer_t<decltype(value)>>(text); }},
             setting.of(config));
}

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = {
      SCORIA_SETTING("schedule", schedule), SCORIA_SETTING("faults", faults),
      SCORIA_SETTING("nodes", nodes), SCORIA_SETTING("lease", lease), SCORIA_SETTING("beat", beat), SCORIA_SETTING("sweep", sweep), SCORIA_SETTING("poll", poll),
      SCORIA_SETTING("slots", slots), SCORIA_SETTING("bulk_slots", bulk_slots), SCORIA_SETTING("project_limit", project_limit), SCORIA_SETTING("pool_gib", pool_gib),
      SCORIA_SETTING("inventory_page", inventory_page), SCORIA_SETTING("stickiness", stickiness), SCORIA_SETTING("beacons", beacons),
      SCORIA_SETTING("clients", clients), SCORIA_SETTING("commands", commands), SCORIA_SETTING("think", think), SCORIA_SETTING("on_nodes", on_nodes),
      SCORIA_SETTING("permanent_failures", permanent_failures), SCORIA_SETTING("obstacles", obstacles),
      SCORIA_SETTING("copies", requests.copies), SCORIA_SETTING("clones", requests.clones), SCORIA_SETTING("keys", requests.keys), SCORIA_SETTING("deletes", requests.deletes),
      SCORIA_SETTING("by_force", requests.by_force), SCORIA_SETTING("extends", requests.extends), SCORIA_SETTING("reverts", requests.reverts),
      SCORIA_SETTING("snapshots", requests.snapshots), SCORIA_SETTING("snapshot_deletes", requests.snapshot_deletes),
      SCORIA_SETTING("attachments", requests.attachments), SCORIA_SETTING("cancels", requests.cancels),
      SCORIA_SETTING("chaos_for", chaos_for), SCORIA_SETTING("chaos_pause", chaos_pause),
      SCORIA_SETTING("kills", nemeses.kills), SCORIA_SETTING("power_cuts", nemeses.power_cuts), SCORIA_SETTING("pauses", nemeses.pauses), SCORIA_SETTING("drains", nemeses.drains),
      SCORIA_SETTING("rolling_restarts", nemeses.rolling_restarts), SCORIA_SETTING("slow_nodes", nemeses.slow_nodes), SCORIA_SETTING("clock_stalls", nemeses.clock_stalls),
      SCORIA_SETTING("cuts", nemeses.cuts), SCORIA_SETTING("deaf", nemeses.deaf), SCORIA_SETTING("array_cuts", nemeses.array_cuts),
      SCORIA_SETTING("beacon_lies", nemeses.beacon_lies), SCORIA_SETTING("stalls", nemeses.stalls), SCORIA_SETTING("restarts", nemeses.restarts),
      SCORIA_SETTING("read_only", nemeses.read_only), SCORIA_SETTING("clock_jumps", nemeses.clock_jumps), SCORIA_SETTING("array_outages", nemeses.array_outages),
      SCORIA_SETTING("site_changes", nemeses.site_changes),
      SCORIA_SETTING("failpoints", failpoint_chance), SCORIA_SETTING("failpoint_kill", failpoint_kill), SCORIA_SETTING("failpoint_pause", failpoint_pause),
      SCORIA_SETTING("failpoint_error", failpoint_error), SCORIA_SETTING("failpoint_drop", failpoint_drop),
      SCORIA_SETTING("db.refused", database.refused), SCORIA_SETTING("db.commit_lost", database.commit_lost), SCORIA_SETTING("db.reply_lost", database.reply_lost),
      SCORIA_SETTING("db.run_again", database.run_again), SCORIA_SETTING("db.slow", database.slow), SCORIA_SETTING("db.poke_lost", database.poke_lost),
      SCORIA_SETTING("array.refused", array.refused), SCORIA_SETTING("array.reply_lost", array.reply_lost), SCORIA_SETTING("array.delayed", array.delayed),
      SCORIA_SETTING("array.hang", array.hang), SCORIA_SETTING("array.slow", array.slow), SCORIA_SETTING("array.list_partial", array.list_partial),
      SCORIA_SETTING("array.latency", array.latency), SCORIA_SETTING("array.block", array.block), SCORIA_SETTING("native_clones", array.clones_hang_on_source),
      SCORIA_SETTING("sections", sections), SCORIA_SETTING("quiet_for", quiet_for), SCORIA_SETTING("check_every", check_every),
  };
  return all;
}

#undef SCORIA_SETTING

std::string SeedConfig::changes_from(const SeedConfig& other) const {
  std::string out;
  for (const Setting& setting : settings())
    if (const std::string mine = text_of(setting, *this); mine != text_of(setting, other)) out += fmt::format("{}{}={}", out.empty() ? "" : " ", setting.name, mine);
  return out;
}

void SeedConfig::apply(std::string_view changes) {
  while (!changes.empty()) {
    const auto blank = changes.find(' ');
    const std::string_view word = changes.substr(0, blank);
    changes = blank == std::string_view::npos ? std::string_view{} : changes.substr(blank + 1);
    if (word.empty()) continue;
    const std::string_view name = word.substr(0, word.find('='));
    bool known = false;
    for (const Setting& setting : settings()) {
      if (setting.name != name || name.size() == word.size()) continue;
      put(setting, *this, word.substr(name.size() + 1));
      known = true;
    }
    if (!known) throw std::invalid_argument(fmt::format("there is no setting '{}'", word));
  }
}

}  // namespace scoria::simulation
